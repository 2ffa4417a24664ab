// Certificates for torture: one CA that is trusted, and what a server may wrongly show; and a line that hears every byte of ours.
import { execFileSync } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { Relay } from '../helpers/relay.js'

export type ServerCertificate = 'good' | 'expired' | 'otherCa' | 'otherHost'

const openssl = (dir: string, ...words: string[]): void => {
  execFileSync('openssl', words, { cwd: dir, stdio: 'ignore' })
}

/** ca.crt, and NAME.crt with NAME.key for each kind of server. */
export function makeCertificates(dir: string): void {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  for (const ca of ['ca', 'stranger']) {
    openssl(
      dir,
      'req',
      '-x509',
      ...key,
      '-keyout',
      `${ca}.key`,
      '-out',
      `${ca}.crt`,
      '-subj',
      `/CN=${ca}`,
      '-days',
      '2',
    )
  }
  for (const [name, host, ca] of [
    ['good', 'localhost', 'ca'],
    ['expired', 'localhost', 'ca'],
    ['otherCa', 'localhost', 'stranger'],
    ['otherHost', 'broker.elsewhere', 'ca'],
  ] as const) {
    openssl(
      dir,
      'req',
      ...key,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
      '-subj',
      `/CN=${host}`,
    )
    writeFileSync(`${dir}/${name}.ext`, `subjectAltName=DNS:${host}\n`)
    const sign = ['x509', '-req', '-in', `${name}.csr`, '-CA', `${ca}.crt`, '-CAkey', `${ca}.key`]
    // Less than no day: it ended before it began.
    const days = name === 'expired' ? '-1' : '2'
    openssl(
      dir,
      ...sign,
      '-CAcreateserial',
      '-days',
      days,
      '-extfile',
      `${name}.ext`,
      '-out',
      `${name}.crt`,
    )
    chmodSync(`${dir}/${name}.key`, 0o644)
  }
}

/** A line on which every message of ours must begin as a record of TLS does. */
export class TlsLine extends Relay {
  /** What did not. */
  readonly plain: string[] = []

  protected wire(near: Socket, far: Socket): void {
    near.once('data', data => {
      // Handshake, TLS 1.x.
      if (data[0] !== 0x16 || data[1] !== 0x03)
        this.plain.push(`plain text: ${data.toString('hex', 0, 16)}`)
    })
    near.pipe(far).pipe(near)
  }
}
