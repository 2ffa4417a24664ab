// A bundle: files that a manifest names, which a trusted key has signed. Nothing of it is used before all of that is checked.
import { createHash } from 'node:crypto'
import { GroceryError } from '../errors.js'
import {
  type BundleManifest,
  bundleSchema,
  manifestName,
  maxManifestBytes,
  maxSignatureBytes,
  signatureName,
} from './bundle-manifest.js'
import { type Entry, openSource } from './bundle-source.js'
import { isSignedBy, parsePublicKey, parseSignature, type PublicKey } from './minisign.js'

/** Whose signatures are believed. */
export interface Trust {
  keys: readonly PublicKey[]
  /** Ids of keys that are believed no longer, wherever they still stand. */
  revoked: readonly string[]
}

/** models.keys and models.revoked of the configuration. @throws KEY_INVALID */
export const trustOf = (models: { keys: string[]; revoked: string[] }): Trust => ({
  keys: models.keys.map((text, index) => parsePublicKey(text, `models.keys[${index}]`)),
  revoked: models.revoked,
})

/** A manifest that a trusted key has signed. */
export interface Signed {
  manifest: BundleManifest
  /** As they were read: what is stored is what was checked. */
  manifestBytes: Buffer
  signatureText: string
  keyId: string
  /** Of the manifest's bytes: names this one bundle. */
  sha256: string
}

export interface Bundle extends Signed {
  path: string
  /** In the order of the manifest. */
  files: Entry[]
  close(): void
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

const invalid = (where: string, what: string) =>
  new GroceryError('BUNDLE_INVALID', `${where}: ${what}`)

function checkSignature(path: string, content: Buffer, text: string, trust: Trust): string {
  const untrusted = (what: string) => new GroceryError('BUNDLE_UNTRUSTED', `${path}: ${what}`)
  const signature = parseSignature(text)
  if (!signature) throw untrusted(`Expected a minisign signature in ${signatureName}`)
  const { keyId } = signature
  if (trust.revoked.includes(keyId))
    throw untrusted(`Expected another key than ${keyId}, which is revoked`)
  const key = trust.keys.find(one => one.id === keyId)
  if (!key) {
    const known = trust.keys.map(one => one.id).join(', ') || 'none'
    throw untrusted(`Expected a signature of a key in models.keys (${known}) but it is of ${keyId}`)
  }
  if (!isSignedBy(content, signature, key))
    throw untrusted(
      `Expected a signature of ${keyId} over this ${manifestName} but it is of another content`,
    )
  return keyId
}

function parseManifest(path: string, content: Buffer): BundleManifest {
  let json: unknown
  try {
    json = JSON.parse(content.toString('utf8'))
  } catch (cause) {
    throw invalid(path, `${manifestName}: ${(cause as Error).message}`)
  }
  const result = bundleSchema.safeParse(json)
  if (result.success) return result.data
  const problems = result.error.issues.map(({ path: at, message }) =>
    at.length > 0 ? `${at.join('.')}: ${message}` : message,
  )
  throw invalid(path, `${manifestName}: ${problems.join('; ')}`)
}

/**
 * Opens an archive or a folder and believes its manifest: the signature, then the schema, then that there are exactly the
 * files that it names, with their sizes. The content of the files is checked as it is read, by checkFile.
 * @throws BUNDLE_INVALID, BUNDLE_UNTRUSTED
 */
export function openBundle(path: string, trust: Trust): Bundle {
  const { entries, close } = openSource(path)
  try {
    const byPath = new Map(entries.map(one => [one.path, one]))
    if (byPath.size < entries.length) throw invalid(path, 'Expected each file once')
    const small = (name: string, most: number): Buffer => {
      const entry = byPath.get(name)
      if (!entry) throw invalid(path, `Expected a ${name} but it has none`)
      if (entry.bytes > most)
        throw invalid(
          path,
          `Expected ${name} to have at most ${most} bytes but it has ${entry.bytes}`,
        )
      return Buffer.concat([...entry.read()])
    }
    const signatureText = small(signatureName, maxSignatureBytes).toString('utf8')
    const manifestBytes = small(manifestName, maxManifestBytes)
    const keyId = checkSignature(path, manifestBytes, signatureText, trust)
    const manifest = parseManifest(path, manifestBytes)
    const files = manifest.files.map(file => {
      const entry = byPath.get(file.path)
      if (!entry) throw invalid(path, `Expected ${file.path} but it is not there`)
      if (entry.bytes !== file.bytes)
        throw invalid(
          path,
          `Expected ${file.path} to have ${file.bytes} bytes but it has ${entry.bytes}`,
        )
      byPath.delete(file.path)
      return entry
    })
    const extra = [...byPath.keys()].find(name => name !== manifestName && name !== signatureName)
    if (extra !== undefined)
      throw invalid(path, `Expected only what the manifest names but there is ${extra}`)
    return {
      path,
      manifest,
      manifestBytes,
      signatureText,
      keyId,
      sha256: sha256(manifestBytes),
      files,
      close,
    }
  } catch (error) {
    close()
    throw error
  }
}

/** Reads one file to its end and compares its hash; each piece is handed on first. @throws BUNDLE_INVALID */
export function checkFile(
  bundle: Bundle,
  index: number,
  take: (piece: Buffer) => void = () => {},
): void {
  const { path, sha256: expected } = bundle.manifest.files[index]!
  const hash = createHash('sha256')
  for (const piece of bundle.files[index]!.read()) {
    hash.update(piece)
    take(piece)
  }
  const actual = hash.digest('hex')
  if (actual !== expected)
    throw invalid(bundle.path, `Expected ${path} with sha256 ${expected} but received ${actual}`)
}

/** Opens a bundle and reads all of it. @throws BUNDLE_INVALID, BUNDLE_UNTRUSTED */
export function verifyBundle(path: string, trust: Trust): Signed {
  const bundle = openBundle(path, trust)
  try {
    bundle.files.forEach((_, index) => checkFile(bundle, index))
    return bundle
  } finally {
    bundle.close()
  }
}
