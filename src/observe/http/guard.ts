// Who may ask: the Host allow-list against DNS rebinding, and what a state-changing request must show. No I/O.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { GroceryError } from '../../errors.js'

/** "[::1]:8080" -> "::1", "localhost" -> "localhost"; null where it is no host. */
function hostOf(header: string): string | null {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]/@\s]+))(?::\d{1,5})?$/.exec(header)
  return (match?.[1] ?? match?.[2])?.toLowerCase() ?? null
}

const always = ['localhost', '127.0.0.1', '::1']

/**
 * A web page elsewhere can point its own name at this address; its requests then carry that name, and stop here.
 * @param listenHost the host of http.listen; on a wildcard every IP literal and the machine's name are ours too.
 */
export function checkHost(header: string | undefined, listenHost: string): void {
  const host = hostOf(header ?? '')
  const wildcard = listenHost === '0.0.0.0' || listenHost === '::'
  const own = wildcard ? hostname().toLowerCase() : listenHost.toLowerCase()
  const ours = always.includes(own) ? always : [...always, own]
  if (host !== null && (ours.includes(host) || (wildcard && isIP(host) !== 0))) return
  throw new GroceryError(
    'HTTP_HOST_FOREIGN',
    `Expected the Host ${ours.join(', ')} but received ${JSON.stringify((header ?? '').slice(0, 100))}`,
  )
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** What a request that changes state must show before its body is read. */
export function checkWriter(headers: IncomingHttpHeaders, token: string | null): void {
  checkSite(headers)
  if (token === null) {
    throw new GroceryError(
      'HTTP_COMMANDS_OFF',
      'State-changing calls are off: the configuration has no http.tokenFile',
    )
  }
  // Digests have one length, so that the comparison tells neither content nor length by its time.
  const given = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1]
  if (given === undefined || !timingSafeEqual(digest(given), digest(token))) {
    throw new GroceryError(
      'HTTP_TOKEN_WRONG',
      given === undefined
        ? 'Expected the header Authorization: Bearer TOKEN but received none of that form'
        : 'Expected the token of http.tokenFile but received another',
    )
  }
  const type = headers['content-type'] ?? ''
  if (!/^application\/json\s*(;.*)?$/i.test(type)) {
    throw new GroceryError(
      'HTTP_NOT_JSON',
      `Expected Content-Type application/json but received ${JSON.stringify(type.slice(0, 100))}`,
    )
  }
}

/** Browsers say where a request comes from; programs say nothing and are asked for the token only. */
function checkSite(headers: IncomingHttpHeaders): void {
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    throw new GroceryError(
      'HTTP_CROSS_SITE',
      `Expected Sec-Fetch-Site same-origin or none but received ${JSON.stringify(String(site))}`,
    )
  }
  const origin = headers.origin
  // Compared by host: behind a TLS proxy the scheme of the page is not the one that arrives here.
  if (origin !== undefined && !(URL.canParse(origin) && new URL(origin).host === headers.host)) {
    throw new GroceryError(
      'HTTP_CROSS_SITE',
      `Expected an Origin of ${headers.host} but received ${JSON.stringify(origin.slice(0, 100))}`,
    )
  }
}
