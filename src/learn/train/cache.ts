// Embeddings on disk, one file a base model: a second training only computes what is new. Losing it costs time only.
import { createHash } from 'node:crypto'
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { floatBytes } from '../../inference/numbers.js'

export interface EmbeddingCache {
  file: string
  /** The row of a view, written into `row`; false where it is not there or was damaged. */
  read(sha256: Buffer, view: number, row: Float32Array): boolean
  /** Kept in memory until there are some; then appended. Never throws. */
  write(sha256: Buffer, view: number, row: Float32Array): void
  /** What could not be written: null, or the system's code. */
  close(): string | null
}

// A record: 32 bytes of the picture's sha256, 4 of the view, 8 of a check sum, and the row.
const keyBytes = 36
const headBytes = keyBytes + 8
const recordsTogether = 64
/** Then it begins anew: pictures that are gone would stay for ever. */
const mostBytes = 512 * 2 ** 20

const checkSum = (key: Uint8Array, row: Uint8Array) =>
  createHash('sha256').update(key).update(row).digest().subarray(0, 8)

function keyOf(sha256: Buffer, view: number): Buffer {
  const key = Buffer.alloc(keyBytes)
  sha256.copy(key)
  key.writeUInt32LE(view, 32)
  return key
}

/** Where the row of each key begins; the last of equals, since a damaged one is written again. */
function indexOf(fd: number, size: number, record: number): Map<string, number> {
  const index = new Map<string, number>()
  const chunk = Buffer.alloc(record * recordsTogether)
  for (let at = 0; at < size; at += chunk.length) {
    const read = readSync(fd, chunk, 0, Math.min(chunk.length, size - at), at)
    for (let from = 0; from + record <= read; from += record) {
      index.set(chunk.toString('latin1', from, from + keyBytes), at + from)
    }
  }
  return index
}

/**
 * @param key of all that the rows depend on beside the pictures: weights, preprocessing, kinds of views
 * @param dims of a row
 * Throws the system's error where the folder cannot be written.
 */
export function openCache(folder: string, key: string, dims: number): EmbeddingCache {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `embeddings-${key.slice(0, 32)}.bin`)
  const fd = openSync(file, 'a+')
  const record = headBytes + dims * 4
  const { size } = fstatSync(fd)
  // A record that was cut off by a crash or a full disk would shift all that follow.
  const whole = size > mostBytes ? 0 : size - (size % record)
  if (whole !== size) ftruncateSync(fd, whole)
  const index = indexOf(fd, whole, record)
  let waiting: Buffer[] = []
  let failed: string | null = null

  const flush = () => {
    if (waiting.length === 0 || failed !== null) return
    const bytes = Buffer.concat(waiting)
    waiting = []
    try {
      const written = writeSync(fd, bytes)
      if (written !== bytes.length) failed = 'ENOSPC'
    } catch (error) {
      failed = (error as NodeJS.ErrnoException).code ?? 'EIO'
    }
  }
  return {
    file,
    read(sha256, view, row) {
      const wanted = keyOf(sha256, view)
      const at = index.get(wanted.toString('latin1'))
      if (at === undefined) return false
      const bytes = Buffer.alloc(record)
      if (readSync(fd, bytes, 0, record, at) !== record) return false
      const content = bytes.subarray(headBytes)
      if (!checkSum(wanted, content).equals(bytes.subarray(keyBytes, headBytes))) return false
      Buffer.from(floatBytes(row).buffer, row.byteOffset, row.byteLength).set(content)
      return true
    },
    write(sha256, view, row) {
      const wanted = keyOf(sha256, view)
      const content = floatBytes(row)
      waiting.push(Buffer.concat([wanted, checkSum(wanted, content), content]))
      if (waiting.length >= recordsTogether) flush()
    },
    close() {
      flush()
      closeSync(fd)
      return failed
    },
  }
}
