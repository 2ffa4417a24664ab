// Reads the body of a request as one JSON object, within its limit.
import type { IncomingMessage } from 'node:http'
import { GroceryError } from '../../errors.js'

/** As large as a command over MQTT may be. */
export const bodyLimit = 64 * 1024

const tooLarge = (received: string): GroceryError =>
  new GroceryError(
    'HTTP_BODY_TOO_LARGE',
    `Expected a body of at most ${bodyLimit} bytes but received ${received}`,
  )

/** @throws HTTP_BODY_TOO_LARGE as soon as it is known, HTTP_BODY_INVALID */
export async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const declared = Number(request.headers['content-length'] ?? 0)
  if (declared > bodyLimit) throw tooLarge(`${declared}`)
  const parts: Buffer[] = []
  let size = 0
  for await (const part of request.iterator({ destroyOnReturn: false })) {
    size += part.length
    if (size > bodyLimit) throw tooLarge('more')
    parts.push(part)
  }
  return parse(Buffer.concat(parts))
}

function parse(bytes: Buffer): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new GroceryError('HTTP_BODY_INVALID', 'Expected a JSON object but received no JSON', {
      cause,
    })
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>
  }
  const kind = value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`
  throw new GroceryError('HTTP_BODY_INVALID', `Expected a JSON object but received ${kind}`)
}
