// Certificates for tests, by openssl: an authority of its own, and what it signs.
import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

export const hasOpenssl = spawnSync('openssl', ['version']).status === 0

export interface Certificate {
  ca: string
  cert: string
  key: string
}

const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' })

export class Authority {
  readonly #folder: string
  readonly #name: string

  constructor(folder: string, name = 'ca') {
    this.#folder = folder
    this.#name = name
    const [key, cert] = [this.#path('key'), this.ca]
    openssl(
      ...['req', '-x509', ...curve, '-days', '2'],
      '-subj',
      `/CN=${name}`,
      '-keyout',
      key,
      '-out',
      cert,
    )
  }

  get ca(): string {
    return this.#path('crt')
  }

  /** @param host also for a server at this address. */
  issue(name: string, host?: string): Certificate {
    const [key, request, cert, names] = ['key', 'csr', 'crt', 'ext'].map(end =>
      join(this.#folder, `${name}.${end}`),
    ) as [string, string, string, string]
    openssl('req', ...curve, '-subj', `/CN=${name}`, '-keyout', key, '-out', request)
    writeFileSync(names, host ? `subjectAltName=IP:${host}` : 'basicConstraints=CA:FALSE')
    const signed = ['-CA', this.ca, '-CAkey', this.#path('key'), '-CAcreateserial']
    openssl(
      'x509',
      '-req',
      '-days',
      '2',
      '-in',
      request,
      ...signed,
      '-extfile',
      names,
      '-out',
      cert,
    )
    return { ca: this.ca, cert, key }
  }

  #path(end: string): string {
    return join(this.#folder, `${this.#name}.${end}`)
  }
}
