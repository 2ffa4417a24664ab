// The answer to a camera that asks who we are: Basic and Digest (RFC 7616) authorization. Pure but for its random number.
import { createHash, randomBytes } from 'node:crypto'
import type { Login } from './login.js'

const hashes: Record<string, string> = { MD5: 'md5', 'SHA-256': 'sha256' }

/** The parameters of one challenge: key="a value" or key=value, separated by commas. */
function readParameters(text: string): Record<string, string> {
  const found = text.matchAll(/([a-z][\w-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/gi)
  return Object.fromEntries(
    [...found].map(([, key, quoted, bare]) => [key!.toLowerCase(), quoted ?? bare ?? '']),
  )
}

export class HttpLogin {
  readonly #login: Login
  /** What the camera asked for; null before it did. */
  #digest: Record<string, string> | null = null
  #count = 0
  #basic = false

  constructor(login: Login) {
    this.#login = login
  }

  /** Takes a WWW-Authenticate header. @returns whether it can be answered */
  challenged(header: string): boolean {
    const digest = /\bDigest\s+(.*)/is.exec(header)
    if (digest) {
      const asked = readParameters(digest[1]!)
      if ((asked.algorithm ?? 'MD5').toUpperCase() in hashes && asked.nonce) {
        this.#digest = asked
        this.#count = 0
        return true
      }
    }
    this.#basic = /\bBasic\b/i.test(header)
    return this.#basic
  }

  /** The value of Authorization for a GET, or null before anybody asked. @param uri path and query */
  authorization(uri: string, cnonce = randomBytes(8).toString('hex')): string | null {
    const { user, password } = this.#login
    if (this.#digest) return this.#answer(this.#digest, uri, cnonce)
    if (!this.#basic) return null
    return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  }

  #answer(asked: Record<string, string>, uri: string, cnonce: string): string {
    const { realm = '', nonce = '', qop, opaque, algorithm = 'MD5' } = asked
    const hash = (text: string) =>
      createHash(hashes[algorithm.toUpperCase()]!).update(text).digest('hex')
    const { user, password } = this.#login
    const secret = hash(`${user}:${realm}:${password}`)
    const request = hash(`GET:${uri}`)
    const nc = String(++this.#count).padStart(8, '0')
    const withQop = qop?.split(/\s*,\s*/).includes('auth')
    const response = withQop
      ? hash(`${secret}:${nonce}:${nc}:${cnonce}:auth:${request}`)
      : hash(`${secret}:${nonce}:${request}`)
    return [
      `Digest username="${user}", realm="${realm}", nonce="${nonce}", uri="${uri}"`,
      `response="${response}", algorithm=${algorithm}`,
      ...(withQop ? [`qop=auth, nc=${nc}, cnonce="${cnonce}"`] : []),
      ...(opaque === undefined ? [] : [`opaque="${opaque}"`]),
    ].join(', ')
  }
}
