// Embeddings of kept pictures, one file an embedder: with another embedder the pictures are embedded anew.
import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { GroceryError } from '../errors.js'
import type { GalleryEntry } from '../recognition/gallery/types.js'
import { writeAll, writeWhole } from '../whole-file.js'

const vectorFormat = 1
const magic = Buffer.from('grocerdV')
const headerBytes = 16
const idBytes = 32
const sumBytes = 8
/** So many new embeddings go to the disk at a time: what was done is not done again after an end in between. */
const batchSize = 64

const sumOf = (record: Uint8Array): Buffer =>
  createHash('sha256').update(record).digest().subarray(0, sumBytes)

function recordOf(id: string, vector: Float32Array): Buffer {
  const values = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength)
  const record = Buffer.concat([Buffer.from(id, 'hex'), values])
  return Buffer.concat([record, sumOf(record)])
}

function headerOf(dims: number): Buffer {
  const header = Buffer.alloc(headerBytes)
  magic.copy(header)
  header.writeUInt32LE(vectorFormat, 8)
  header.writeUInt32LE(dims, 12)
  return header
}

export class VectorFile {
  readonly #path: string
  readonly #dims: number
  readonly #vectors = new Map<string, Float32Array>()

  /** @param embedder SHA-256 of its weights, hex */
  constructor(dir: string, embedder: string, dims: number) {
    this.#path = join(dir, 'vectors', `${embedder.slice(0, 16)}.bin`)
    this.#dims = dims
  }

  /** Reads what is there; a record that is cut off or changed counts as missing. @throws GALLERY_INVALID for a newer format */
  start(): void {
    this.#vectors.clear()
    mkdirSync(join(this.#path, '..'), { recursive: true, mode: 0o700 })
    const length = idBytes + 4 * this.#dims + sumBytes
    let bytes: Buffer
    try {
      bytes = readFileSync(this.#path)
    } catch {
      bytes = Buffer.alloc(0)
    }
    const isOurs = bytes.subarray(0, 8).equals(magic)
    if (isOurs && bytes.length >= headerBytes && bytes.readUInt32LE(8) > vectorFormat) {
      const words = `${this.#path}: Expected format ${vectorFormat} but received ${bytes.readUInt32LE(8)}, of a newer grocerd`
      throw new GroceryError('GALLERY_INVALID', words)
    }
    const fits = isOurs && bytes.subarray(0, headerBytes).equals(headerOf(this.#dims))
    if (!fits) bytes = Buffer.alloc(0)
    let damaged = !fits || (bytes.length - headerBytes) % length !== 0
    for (let at = headerBytes; at + length <= bytes.length; at += length) {
      const record = bytes.subarray(at, at + length - sumBytes)
      if (!sumOf(record).equals(bytes.subarray(at + length - sumBytes, at + length))) {
        damaged = true
        continue
      }
      const values = new Float32Array(this.#dims)
      Buffer.from(values.buffer).set(record.subarray(idBytes))
      this.#vectors.set(record.subarray(0, idBytes).toString('hex'), values)
    }
    // Appending behind a cut-off record would make a mess of all that follow.
    if (damaged) this.#writeAnew()
  }

  get(id: string): Float32Array | undefined {
    return this.#vectors.get(id)
  }

  /** Pictures without an embedding, each once. */
  missing(entries: readonly GalleryEntry[]): string[] {
    return [...new Set(entries.map(({ picture }) => picture))].filter(id => !this.get(id))
  }

  /** Entries x dims, in their order; none may be missing. */
  rows(entries: readonly GalleryEntry[]): Float32Array {
    const rows = new Float32Array(entries.length * this.#dims)
    entries.forEach(({ picture }, at) => rows.set(this.get(picture)!, at * this.#dims))
    return rows
  }

  /** On disk when it returns. */
  add(vectors: ReadonlyMap<string, Float32Array>): void {
    if (vectors.size === 0) return
    const records = [...vectors].map(([id, vector]) => recordOf(id, vector))
    const fd = openSync(this.#path, 'a')
    try {
      writeAll(fd, Buffer.concat(records))
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    for (const [id, vector] of vectors) this.#vectors.set(id, vector)
  }

  /** Lets go of all others. */
  keepOnly(isKept: (picture: string) => boolean): void {
    const spare = [...this.#vectors.keys()].filter(id => !isKept(id))
    if (spare.length === 0) return
    for (const id of spare) this.#vectors.delete(id)
    this.#writeAnew()
  }

  #writeAnew(): void {
    const records = [...this.#vectors].map(([id, vector]) => recordOf(id, vector))
    writeWhole(this.#path, Buffer.concat([headerOf(this.#dims), ...records]))
  }
}

/** @param embed a kept picture by its id; what it throws ends this. @param onProgress pictures embedded of those that had to be */
export async function embedMissing(
  file: VectorFile,
  entries: readonly GalleryEntry[],
  embed: (id: string) => Promise<Float32Array>,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<void> {
  const missing = file.missing(entries)
  const batch = new Map<string, Float32Array>()
  for (const [done, id] of missing.entries()) {
    batch.set(id, await embed(id))
    onProgress(done + 1, missing.length)
    if (batch.size < batchSize) continue
    file.add(batch)
    batch.clear()
  }
  file.add(batch)
}

/** Lets go of embeddings, of whatever embedder, of pictures that are not kept. */
export function pruneVectors(dir: string, isKept: (picture: string) => boolean): void {
  const folder = join(dir, 'vectors')
  if (!existsSync(folder)) return
  for (const file of readdirSync(folder).filter(name => name.endsWith('.bin'))) {
    const header = readFileSync(join(folder, file)).subarray(0, headerBytes)
    if (header.length < headerBytes) continue
    const vectors = new VectorFile(dir, file.slice(0, -4), header.readUInt32LE(12))
    vectors.start()
    vectors.keepOnly(isKept)
  }
}
