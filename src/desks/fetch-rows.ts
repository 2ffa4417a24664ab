// Fetches the rows of a catalogue from the back office: only from hosts that the configuration names, bounded in time and size.
import { GroceryError } from '../errors.js'
import { parseRows } from '../recognition/catalogue.js'

/** Some 8,000 products, which are checked in half a second. */
const mostBytes = 1024 * 1024

const refused = (words: string) => new GroceryError('CATALOGUE_URL_REFUSED', words)

/** Without user, password and query: they may be secrets, and this reaches logs. */
const nameOf = ({ origin, pathname }: URL) => `${origin}${pathname}`

/** Throws CATALOGUE_URL_REFUSED. */
function expectAllowed(text: string, hosts: readonly string[]): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || !/^https?:$/.test(url.protocol))
    throw refused('url: Expected http:// or https:// but received another address')
  if (url.username || url.password)
    throw refused('url: Expected an address without user and password but received one with @')
  if (hosts.some(host => host.toLowerCase() === url.host)) return url
  const list = hosts.join(', ') || 'none'
  throw refused(`url: Expected one of the catalogueHosts (${list}) but received ${url.host}`)
}

/**
 * @param hosts catalogueHosts of the configuration; a redirect to anywhere is a failure
 * @returns the rows, and what they are called in messages
 * Throws CATALOGUE_URL_REFUSED, CATALOGUE_NOT_FETCHED, CATALOGUE_INVALID where it is neither JSON nor CSV.
 */
export async function fetchRows(
  text: string,
  hosts: readonly string[],
  patienceMs = 10_000,
): Promise<{ rows: unknown[]; name: string }> {
  const url = expectAllowed(text, hosts)
  const name = nameOf(url)
  const bytes = await fetchBytes(url, patienceMs).catch(cause => {
    // fetch() says no more than "fetch failed"; why stands in its cause.
    const { message, cause: why } = cause as Error & { cause?: { code?: string; message?: string } }
    const words = why?.code ?? why?.message ?? message
    throw new GroceryError('CATALOGUE_NOT_FETCHED', `${name}: Expected a catalogue but ${words}`, {
      cause,
    })
  })
  return { rows: parseRows(bytes.toString('utf8'), name), name }
}

async function fetchBytes(url: URL, patienceMs: number): Promise<Buffer> {
  const response = await fetch(url, {
    redirect: 'error',
    signal: AbortSignal.timeout(patienceMs),
    headers: { accept: 'application/json, text/csv' },
  })
  if (response.status !== 200 || !response.body) {
    await response.body?.cancel()
    throw new Error(`received status ${response.status}`)
  }
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of response.body) {
    size += part.length
    // To leave the loop ends the connection.
    if (size > mostBytes) throw new Error(`received more than ${mostBytes} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}
