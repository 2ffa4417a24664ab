// Keys and signatures in minisign's format, by node:crypto alone: Ed25519 over the BLAKE2b-512 of a file. It reads no files.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  randomBytes,
  sign,
  verify,
} from 'node:crypto'
import { GroceryError } from '../errors.js'

/** A public key: whose signatures are believed. */
export interface PublicKey {
  /** 16 hex digits, as minisign shows it. */
  id: string
  /** Base64, as it stands in a .pub file and in models.keys. */
  text: string
  bytes: Uint8Array
}

/** A key that signs. minisign calls this an unencrypted one (`minisign -G -W`): who has the file can sign. */
export interface SecretKey {
  public: PublicKey
  seed: Uint8Array
}

export interface Signature {
  keyId: string
  signature: Uint8Array
  trustedComment: string
  /** Over the signature and the trusted comment. */
  global: Uint8Array
}

// What DER puts before 32 bytes of an Ed25519 key (RFC 8410).
const secretPrefix = Buffer.from('302e020100300506032b657004220420', 'hex')
const publicPrefix = Buffer.from('302a300506032b6570032100', 'hex')
const idBytes = 8
const keyBytes = 32
const signatureBytes = 64
/** Ed, no key derivation, B2, and 48 bytes for a password that there is none of. */
const secretHead = Buffer.concat([Buffer.from('Ed\0\0B2', 'latin1'), Buffer.alloc(48)])

/** minisign shows the eight bytes as a little-endian number. */
const shownId = (bytes: Uint8Array) => Buffer.from(bytes).reverse().toString('hex').toUpperCase()
const storedId = (id: string) => Buffer.from(id, 'hex').reverse()

const invalid = (where: string, what: string) =>
  new GroceryError('KEY_INVALID', `${where}: Expected ${what}`)

function decode(line: string | undefined, length: number): Buffer | null {
  const bytes = Buffer.from(line ?? '', 'base64')
  return bytes.length === length && bytes.toString('base64') === line ? bytes : null
}

const publicKeyOf = (id: Uint8Array, key: Uint8Array): PublicKey => ({
  id: shownId(id),
  text: Buffer.concat([Buffer.from('Ed'), id, key]).toString('base64'),
  bytes: key,
})

/** The second line of a .pub file, or the whole file. @throws KEY_INVALID @param where for messages */
export function parsePublicKey(text: string, where: string): PublicKey {
  const lines = text.trim().split(/\r?\n/)
  const bytes = decode(lines.at(-1)?.trim(), 2 + idBytes + keyBytes)
  if (bytes === null || bytes.toString('latin1', 0, 2) !== 'Ed' || lines.length > 2) {
    throw invalid(where, 'a minisign public key such as RWQ… of 56 characters')
  }
  return publicKeyOf(bytes.subarray(2, 2 + idBytes), bytes.subarray(2 + idBytes))
}

/** A new pair of keys. */
export function generateKey(): SecretKey {
  return secretKeyOf(randomBytes(idBytes), randomBytes(keyBytes))
}

function secretKeyOf(id: Uint8Array, seed: Uint8Array): SecretKey {
  const spki = createPublicKey(privateKey(seed)).export({ format: 'der', type: 'spki' })
  return { seed, public: publicKeyOf(id, spki.subarray(publicPrefix.length)) }
}

/** The text of a .key file; the checksum is left zero, as minisign does without a password. */
export function secretKeyText({ seed, public: { id, bytes } }: SecretKey): string {
  const all = Buffer.concat([secretHead, storedId(id), seed, bytes, Buffer.alloc(keyBytes)])
  return `untrusted comment: minisign encrypted secret key\n${all.toString('base64')}\n`
}

/** The text of a .pub file. */
export const publicKeyText = ({ id, text }: PublicKey): string =>
  `untrusted comment: minisign public key ${id}\n${text}\n`

/** @throws KEY_INVALID, also for a key with a password */
export function parseSecretKey(text: string, where: string): SecretKey {
  const bytes = decode(text.trim().split(/\r?\n/).at(-1)?.trim(), secretHead.length + 8 + 64 + 32)
  if (bytes?.toString('latin1', 0, 2) !== 'Ed') throw invalid(where, 'a minisign secret key')
  if (bytes.readUInt16LE(2) !== 0) {
    throw invalid(where, 'a secret key without a password (minisign -G -W), but this one has one')
  }
  const at = secretHead.length + idBytes
  const key = secretKeyOf(bytes.subarray(at - idBytes, at), bytes.subarray(at, at + keyBytes))
  // A seed with one flipped bit is a key too, of nobody.
  if (!bytes.subarray(at + keyBytes, at + 2 * keyBytes).equals(key.public.bytes)) {
    throw invalid(where, 'a whole secret key, but its halves do not belong together')
  }
  return key
}

const privateKey = (seed: Uint8Array) =>
  createPrivateKey({ key: Buffer.concat([secretPrefix, seed]), format: 'der', type: 'pkcs8' })

const hashed = (content: Uint8Array) => createHash('blake2b512').update(content).digest()

/** The text of a .minisig file. */
export function signContent(content: Uint8Array, key: SecretKey, trustedComment: string): string {
  const secret = privateKey(key.seed)
  const signature = sign(null, hashed(content), secret)
  const global = sign(null, Buffer.concat([signature, Buffer.from(trustedComment)]), secret)
  const line = Buffer.concat([Buffer.from('ED'), storedId(key.public.id), signature])
  return [
    'untrusted comment: signature from grocerd',
    line.toString('base64'),
    `trusted comment: ${trustedComment}`,
    global.toString('base64'),
    '',
  ].join('\n')
}

/** null where the text is not a signature of the kind that minisign has written since 2021 (hashed). */
export function parseSignature(text: string): Signature | null {
  const [first, line, comment, last] = text.split(/\r?\n/)
  const bytes = decode(line, 2 + idBytes + signatureBytes)
  const global = decode(last, signatureBytes)
  const trusted = /^trusted comment: (.*)$/.exec(comment ?? '')
  if (!first?.startsWith('untrusted comment: ') || !bytes || !global || !trusted) return null
  if (bytes.toString('latin1', 0, 2) !== 'ED') return null
  return {
    keyId: shownId(bytes.subarray(2, 2 + idBytes)),
    signature: bytes.subarray(2 + idBytes),
    trustedComment: trusted[1]!,
    global,
  }
}

/** Whether both halves of a signature are this key's, over this content. */
export function isSignedBy(content: Uint8Array, signed: Signature, key: PublicKey): boolean {
  const der = Buffer.concat([publicPrefix, key.bytes])
  const spki = createPublicKey({ key: der, format: 'der', type: 'spki' })
  const { signature, trustedComment, global } = signed
  const both = Buffer.concat([signature, Buffer.from(trustedComment)])
  return (
    signed.keyId === key.id &&
    verify(null, hashed(content), spki, signature) &&
    verify(null, both, spki, global)
  )
}
