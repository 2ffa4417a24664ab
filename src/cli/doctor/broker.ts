// Checks of the broker: whether it answers and takes the login, over TLS or in the clear, and how long certificates hold.
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Config } from '../../config/schema.js'
import { withoutSecrets } from '../../publish/connection-problem.js'
import { type Finding, fail, failure, ok, warn } from './finding.js'
import type { Machine } from './machine.js'

const dayMs = 86_400_000
/** So long before its end a certificate is to be renewed, days. */
const renewDays = 30

/** null where the file holds no certificate: the connection says then what is wrong. */
function endOf(path: string): Date | null {
  try {
    return new Date(new X509Certificate(readFileSync(path)).validTo)
  } catch {
    return null
  }
}

/** null while it holds for long enough. */
function checkEnd(what: string, end: Date | null, now: number): Finding | null {
  if (end === null || !(end.getTime() - now < renewDays * dayMs)) return null
  const words = `valid to ${end.toISOString().slice(0, 10)}`
  const remedy = 'Renew it; deploy/mosquitto/README.md has the commands.'
  return end.getTime() < now
    ? fail(what, `${words}: it is over`, `${remedy} Is the clock of this machine right?`)
    : warn(what, words, remedy)
}

const isLocal = (url: string): boolean =>
  /^(localhost|127\.[\d.]+|\[::1\])$/.test(new URL(url).hostname)

/** What goes where: over TLS or in the clear, and as whom. */
function checkAnswer(mqtt: Config['mqtt'], found: string | null): Finding {
  const { url, username, version, tls } = mqtt
  // A WebSocket does not show what is below it.
  const protocol = found ?? (url.startsWith('wss:') ? 'TLS' : null)
  const who = tls.cert
    ? ' with our certificate'
    : username === null
      ? ' without a login'
      : ` of ${username} accepted`
  const login = username === null && !tls.cert ? 'connects' : 'login'
  const words = `${withoutSecrets(url)} answers, ${login}${who}, MQTT ${version}, ${protocol ?? 'no TLS'}`
  if (protocol !== null || isLocal(url)) return ok('broker', words)
  const remedy = 'Use mqtts:// (deploy/mosquitto): on this network all can read and forge events.'
  return warn('broker', words, remedy)
}

export async function* checkBroker(
  machine: Machine,
  { mqtt }: Config,
  now = Date.now(),
): AsyncGenerator<Finding> {
  const ours = { 'mqtt.tls.ca': mqtt.tls.ca, 'mqtt.tls.cert': mqtt.tls.cert }
  for (const [key, path] of Object.entries(ours)) {
    const finding = path === null ? null : checkEnd(key, endOf(path), now)
    if (finding) yield finding
  }
  try {
    const { tls } = await machine.tryBroker(mqtt)
    yield checkAnswer(mqtt, tls?.protocol ?? null)
    const ending = checkEnd('broker certificate', tls?.validTo ?? null, now)
    if (ending) yield ending
  } catch (error) {
    yield failure('broker', error)
  }
}
