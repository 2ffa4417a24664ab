// How an answer leaves: the security headers of every one, and the status of each error code.
import { type ServerResponse, STATUS_CODES } from 'node:http'
import { describeError, type ErrorCode, GroceryError } from '../../errors.js'
import { type Answer, json } from './route.js'

/** No scripts but ours, no frames, no copies in caches; other sites may not embed the pictures. */
export const securityHeaders = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob: data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
}

const statusOf: Partial<Record<ErrorCode, number>> = {
  CAMERA_UNKNOWN: 404,
  HTTP_BODY_INVALID: 400,
  HTTP_BODY_TOO_LARGE: 413,
  HTTP_COMMANDS_OFF: 403,
  HTTP_CROSS_SITE: 403,
  HTTP_HEADERS_TOO_LARGE: 431,
  HTTP_HOST_FOREIGN: 421,
  HTTP_METHOD_WRONG: 405,
  HTTP_NOT_FOUND: 404,
  HTTP_NOT_JSON: 415,
  HTTP_REQUEST_INVALID: 400,
  HTTP_STREAMS_FULL: 503,
  HTTP_TIMED_OUT: 408,
  HTTP_TOKEN_WRONG: 401,
  TIMED_OUT: 504,
}

/** Any other coded error is a part that does not work now (503); what has no code is our fault, and secret (500). */
export function errorAnswer(error: unknown): Answer {
  if (!(error instanceof GroceryError)) {
    return json(500, { code: 'INTERNAL', message: 'An unexpected error; the log has its details' })
  }
  return json(statusOf[error.code] ?? 503, describeError(error))
}

export function send(response: ServerResponse, answer: Answer, withBody = true): void {
  response.writeHead(answer.status, {
    ...answer.headers,
    'Content-Type': answer.type,
    'Content-Length': Buffer.byteLength(answer.body),
  })
  response.end(withBody ? answer.body : undefined)
}

/** A whole answer as text, for a socket whose request could not even be read. */
export function rawAnswer(answer: Answer & { body: string }): string {
  const headers = {
    ...securityHeaders,
    'Content-Type': answer.type,
    'Content-Length': Buffer.byteLength(answer.body),
    Connection: 'close',
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const reason = STATUS_CODES[answer.status]
  return `HTTP/1.1 ${answer.status} ${reason}\r\n${lines.join('')}\r\n${answer.body}`
}
