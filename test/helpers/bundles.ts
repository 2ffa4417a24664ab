// Kiosks and bundles for the tests of updates: tiny colour models, keys of their own, archives that can be made wrong.
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { signatureName, manifestName, type Requires } from '../../src/updates/bundle-manifest.js'
import type { Trust } from '../../src/updates/bundle.js'
import { installBundle, type InstallOptions } from '../../src/updates/install.js'
import { makeBundle, writeArchive } from '../../src/updates/make-bundle.js'
import { generateKey, type SecretKey, signContent } from '../../src/updates/minisign.js'
import { blockBytes, tarHeader } from '../../src/updates/tar.js'
import { type ColourModel, colourModel, plainPicture } from './colour-models.js'

export const skus = ['tomato', 'lime', 'plum']
/** 2026-11-25, and a day on which nothing of the tests has expired. */
export const created = new Date('2026-11-25T00:00:00.000Z')
export const expires = new Date('2027-05-24T00:00:00.000Z')

export const anything: Requires = {
  grocerd: '0.1.0',
  arch: null,
  devices: null,
  runtimes: null,
  labels: 'more',
}

export interface BundleWishes extends Partial<ColourModel> {
  requires?: Partial<Requires>
  expires?: Date
  /** What the red picture is said to be; default: the first sku. */
  red?: string
  golden?: { agreement?: number; latencyMs?: number | null; memoryBytes?: number | null }
}

/** A shop whose configured model is `shop` 1, with one trusted key. */
export function makeShop(dir: string, key: SecretKey = generateKey()) {
  const stateDir = join(dir, 'state')
  mkdirSync(stateDir, { recursive: true })
  const folder = colourModel(join(dir, 'configured'), 'shop', { skus, weights: [20, 20, 20] })
  const trust: Trust = { keys: [key.public], revoked: [] }
  const options: InstallOptions = {
    stateDir,
    trust,
    place: {
      grocerd: '0.1.0',
      arch: 'x64',
      device: 'CPU',
      shipped: { name: 'shop', version: 1 },
      skus,
    },
    clock: { now: created.getTime(), synced: true },
  }
  return { key, folder, stateDir, options }
}

/** A signed bundle of a model `shop`, as `files` and as an archive. */
export async function makeFiles(
  dir: string,
  key: SecretKey,
  version: number,
  wishes: BundleWishes = {},
) {
  const { requires, expires: until = expires, red, golden, ...model } = wishes
  const all = { skus, weights: [20, 20, 20] as [number, number, number], ...model, version }
  const folder = colourModel(join(dir, `made-${version}-${made++}`), 'shop', all)
  const picture = join(folder, '..', 'red.png')
  writeFileSync(picture, await plainPicture('#ff0000'))
  return makeBundle({
    model: folder,
    key,
    created,
    expires: until,
    requires: { ...anything, ...requires },
    golden: {
      pictures: [{ file: picture, sku: red ?? all.skus[0]!.split(',')[0]! }],
      ...{ agreement: 1, latencyMs: null, memoryBytes: null, ...golden },
    },
  })
}
let made = 0

/** The path of an archive. */
export async function makeArchive(
  dir: string,
  key: SecretKey,
  version: number,
  wishes: BundleWishes = {},
): Promise<string> {
  const { files } = await makeFiles(dir, key, version, wishes)
  const path = join(dir, `shop-${version}-${made++}.bundle`)
  writeArchive(path, files)
  return path
}

export type Files = { path: string; bytes: Buffer }[]

/** What a manifest would say of a file. */
export const lineOf = ({ path, bytes }: Files[number]) => ({
  path,
  bytes: bytes.length,
  sha256: createHash('sha256').update(bytes).digest('hex'),
})

/** The same files with another manifest, signed again: what only a holder of the key could do. */
export function resigned(
  files: Files,
  key: SecretKey,
  change: (manifest: Record<string, unknown>) => void,
): Files {
  const manifest = JSON.parse(files[1]!.bytes.toString())
  change(manifest)
  const bytes = Buffer.from(JSON.stringify(manifest))
  const signature = Buffer.from(signContent(bytes, key, 'a test'))
  return [
    { path: signatureName, bytes: signature },
    { path: manifestName, bytes },
    ...files.slice(2),
  ]
}

/** An archive with one more entry of any kind, before its end. */
export function archiveWith(
  files: Files,
  more: { path: string; kind?: string; bytes?: number; link?: string },
): Buffer {
  const header = tarHeader({ path: more.path, bytes: more.bytes ?? 0 })
  header.write(more.kind ?? '0', 156)
  if (more.link) header.write(more.link, 157)
  header.fill(32, 148, 156)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return Buffer.concat([...bodies(files), header, Buffer.alloc(2 * blockBytes)])
}

export const archiveOf = (files: Files): Buffer =>
  Buffer.concat([...bodies(files), Buffer.alloc(2 * blockBytes)])

const bodies = (files: Files): Buffer[] =>
  files.flatMap(({ path, bytes }) => [
    tarHeader({ path, bytes: bytes.length }),
    bytes,
    Buffer.alloc((blockBytes - (bytes.length % blockBytes)) % blockBytes),
  ])

/** A bundle of the model that ships, under another version; it knows a banana and carrots. */
export function groceryArchive(dir: string, key: SecretKey, version: number): string {
  const folder = join(dir, `grocery81-${version}`)
  mkdirSync(folder, { recursive: true })
  const shipped = 'models/grocery81'
  for (const name of ['grocery81.int8.xml', 'grocery81.int8.bin', 'grocery81.onnx', 'labels.csv'])
    copyFileSync(join(shipped, name), join(folder, name))
  const model = JSON.parse(readFileSync(join(shipped, 'model.json'), 'utf8'))
  writeFileSync(join(folder, 'model.json'), JSON.stringify({ ...model, version }))
  const pictures = ['banana', 'carrots'].map(sku => ({
    file: join(
      'deploy/demo/pictures',
      readdirSync('deploy/demo/pictures').find(one => one.includes(sku))!,
    ),
    sku,
  }))
  const golden = { pictures, agreement: 1, latencyMs: 5000, memoryBytes: 2 ** 31 }
  const { files } = makeBundle({
    ...{ model: folder, key, created: new Date(), golden },
    expires: new Date(Date.now() + 86_400_000),
    requires: anything,
  })
  const path = join(dir, `grocery81-${version}.bundle`)
  writeArchive(path, files)
  return path
}

/** Puts a bundle into the state directory, as `grocerd models install` does. */
export function installInto(stateDir: string, path: string, key: SecretKey, name: string) {
  mkdirSync(stateDir, { recursive: true })
  return installBundle(path, {
    stateDir,
    trust: { keys: [key.public], revoked: [] },
    place: {
      grocerd: '9.9.9',
      arch: process.arch,
      device: 'CPU',
      shipped: { name, version: 1 },
      skus: null,
    },
    clock: { now: Date.now(), synced: true },
  })
}
