// Why there is no connection to the broker, in coded words, and how hard to try again. Pure.
import { describeError, type ErrorCode, GroceryError } from '../errors.js'

export interface ConnectionProblem {
  kind: 'unreachable' | 'refused'
  code: ErrorCode
  message: string
}

/** What the broker would have answered to a message beyond its Maximum Packet Size. */
export const tooLarge = (bytes: number, most: number): Error =>
  Object.assign(new Error(`Packet too large: ${bytes} bytes, at most ${most}`), { code: 0x95 })

export const isTooLarge = (error: unknown): error is Error =>
  (error as { code?: unknown } | null)?.code === 0x95

/** MQTT 5, reason code of DISCONNECT: session taken over. */
export const takenOver = 0x8e

export const taken = (clientId: string, what: string): ConnectionProblem => ({
  kind: 'refused',
  code: 'MQTT_TAKEN_OVER',
  message: `Expected client id ${clientId} to be ours alone but ${what}`,
})

/** CONNACK codes that pass by themselves: server unavailable (3.1.1 and 5), busy, quota, rate. */
const passing = new Set([0x03, 0x88, 0x89, 0x97, 0x9f])
const tlsCode = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|EPROTO|HOSTNAME_)/

/** The address as it may stand in a log: the last @ counts, for a password may hold one, or a slash. */
export const withoutSecrets = (url: string): string => url.replace(/\/\/.*@/, '//')

/**
 * @param error what mqtt.js or Node reported; null where the connection ended without a word.
 * @param what the broker was to do.
 */
export function classify(error: unknown, url: string, what = 'accept us'): ConnectionProblem {
  const place = withoutSecrets(url)
  if (error instanceof GroceryError) {
    return { kind: 'refused', code: error.code, message: error.message }
  }
  if (error === null) {
    const message = `Expected a connection to ${place} but the broker closed it`
    return { kind: 'unreachable', code: 'MQTT_DISCONNECTED', message }
  }
  const { code, message } = error as { code?: unknown; message?: string }
  if (typeof code === 'number') {
    const words = `Expected the broker ${place} to ${what} but received code ${code}: ${message}`
    return passing.has(code)
      ? { kind: 'unreachable', code: 'MQTT_DISCONNECTED', message: words }
      : { kind: 'refused', code: 'MQTT_REFUSED', message: words }
  }
  // mosquitto answers what is beyond its message_size_limit with a code that no PUBACK may have.
  if (/^Invalid puback reason code/.test(message ?? '')) {
    const words = `Expected the broker ${place} to take a message but received a PUBACK with an unknown reason code: it is beyond a limit of the broker's`
    return { kind: 'refused', code: 'MQTT_REFUSED', message: words }
  }
  const found = describeError(error)
  // Node leaves the message of an AggregateError empty.
  const words = found.message ? `${found.code}: ${found.message}` : found.code
  const text = `Expected a connection to ${place} but received ${words}`
  return tlsCode.test(found.code)
    ? { kind: 'refused', code: 'MQTT_TLS_FAILED', message: text }
    : { kind: 'unreachable', code: 'MQTT_DISCONNECTED', message: text }
}

/** Why the broker does not take an event: a size limit, a quota, its ACL. It stays in the outbox. */
export function refusal(error: unknown, url: string): { code: ErrorCode; message: string } {
  const { code, message } = error as { code?: unknown; message?: string }
  return {
    code: 'EVENT_REFUSED',
    message: `Expected the broker ${withoutSecrets(url)} to take events but received code ${code}: ${message}`,
  }
}
