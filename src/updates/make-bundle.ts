// Makes a signed bundle of a model folder and golden pictures: one archive, the same bytes for the same content and date.
import { createHash } from 'node:crypto'
import { existsSync, lstatSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { GroceryError } from '../errors.js'
import { openModel, readWeights } from '../inference/manifest.js'
import { sync, writeNew } from '../whole-file.js'
import {
  type BundleManifest,
  bundleSchema,
  manifestName,
  type Requires,
  signatureName,
} from './bundle-manifest.js'
import { type SecretKey, signContent } from './minisign.js'
import { blockBytes, tarHeader } from './tar.js'

export interface GoldenPicture {
  file: string
  sku: string
}

export interface MakeOptions {
  /** A model directory; every plain file in it goes into the bundle. */
  model: string
  key: SecretKey
  created: Date
  expires: Date
  requires: Requires
  golden: {
    pictures: GoldenPicture[]
    agreement: number
    latencyMs: number | null
    memoryBytes: number | null
  }
}

interface Content {
  path: string
  bytes: Buffer
}

const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** Dot files are of editors and systems; everything else is wanted, and a folder or link is not. */
function modelFiles(folder: string): Content[] {
  const names = readdirSync(folder).filter(
    name => !name.startsWith('.') && name !== manifestName && name !== signatureName,
  )
  return names.sort().map(name => {
    if (!lstatSync(join(folder, name)).isFile())
      throw new GroceryError(
        'BUNDLE_INVALID',
        `${folder}: Expected only plain files but ${name} is none`,
      )
    return { path: name, bytes: readFileSync(join(folder, name)) }
  })
}

/** Numbered, since pictures of several folders may have one name. */
function goldenFiles(pictures: GoldenPicture[], skus: Set<string>): (Content & { sku: string })[] {
  return pictures.map(({ file, sku }, index) => {
    if (!skus.has(sku)) {
      throw new GroceryError(
        'BUNDLE_INVALID',
        `${file}: Expected a sku of the model but received ${sku}`,
      )
    }
    const name = `golden/${String(index + 1).padStart(3, '0')}${extname(file).toLowerCase()}`
    return { path: name, bytes: readFileSync(file), sku }
  })
}

/**
 * The files of a bundle in their order, manifest and signature first.
 * @throws BUNDLE_INVALID and the codes of a model that cannot be read
 */
export function makeBundle(options: MakeOptions): { manifest: BundleManifest; files: Content[] } {
  const { model, key, created, expires, requires, golden } = options
  const { folder, manifest: own, labels } = openModel(model)
  for (const weights of own.weights) readWeights(folder, weights)
  const pictures = goldenFiles(golden.pictures, new Set(labels.map(one => one.sku)))
  const files = [...modelFiles(folder), ...pictures]
  const result = bundleSchema.safeParse({
    format: 1,
    name: own.name,
    version: own.version,
    kind: own.kind,
    created: created.toISOString(),
    expires: expires.toISOString(),
    files: files.map(({ path, bytes }) => ({ path, bytes: bytes.length, sha256: hash(bytes) })),
    requires,
    golden: { ...golden, pictures: pictures.map(({ path, sku }) => ({ path, sku })) },
  } satisfies Record<keyof BundleManifest, unknown>)
  if (!result.success) {
    const words = result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
    throw new GroceryError('BUNDLE_INVALID', `${folder}: ${words.join('; ')}`)
  }
  const manifest = result.data
  const text = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`)
  const comment = `grocerd model ${manifest.name} ${manifest.version}`
  const signature = Buffer.from(signContent(text, key, comment))
  const head = [
    { path: signatureName, bytes: signature },
    { path: manifestName, bytes: text },
  ]
  return { manifest, files: [...head, ...files] }
}

/** Writes them as one archive, which appears whole. @throws MODEL_EXISTS */
export function writeArchive(path: string, files: Content[]): void {
  if (existsSync(path))
    throw new GroceryError('MODEL_EXISTS', `Expected no ${path} yet but it is there`)
  const draft = `${path}.part`
  rmSync(draft, { force: true })
  writeNew(draft, put => {
    for (const { path: name, bytes } of files) {
      put(tarHeader({ path: name, bytes: bytes.length }))
      put(bytes)
      put(Buffer.alloc((blockBytes - (bytes.length % blockBytes)) % blockBytes))
    }
    put(Buffer.alloc(2 * blockBytes))
  })
  renameSync(draft, path)
  sync(dirname(path))
}
