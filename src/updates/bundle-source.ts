// Where the files of a bundle are read from: one archive, or a folder. Lists them, follows no link, judges no content.
import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { GroceryError } from '../errors.js'
import { maxBundleBytes } from './bundle-manifest.js'
import { blockBytes, parseTarHeader, pathPattern, tarredBytes } from './tar.js'

const chunkBytes = 1024 * 1024
const maxEntries = 502
const maxDepth = 3

export interface Entry {
  path: string
  bytes: number
  /** Piece by piece, from the file that was opened; exactly `bytes` in all. Throws BUNDLE_INVALID where it ends early. */
  read(): Iterable<Buffer>
}

export interface BundleSource {
  /** In the order of the archive; of a folder in the order of names. */
  entries: Entry[]
  close(): void
}

const invalid = (where: string, what: string) =>
  new GroceryError('BUNDLE_INVALID', `${where}: ${what}`)

/** A FIFO would block and a device never end: neither is waited for, and only a plain file is taken. */
function openPlain(path: string, flags: number): { fd: number; bytes: number } {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | flags)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why = code === 'ELOOP' ? 'it is a symbolic link' : `opening it failed: ${code}`
    throw invalid(path, `Expected a plain file but ${why}`)
  }
  const stats = fstatSync(fd)
  if (stats.isFile()) return { fd, bytes: stats.size }
  closeSync(fd)
  throw invalid(path, 'Expected a plain file but it is none')
}

function* pieces(fd: number, from: number, bytes: number, where: string): Generator<Buffer> {
  for (let done = 0; done < bytes;) {
    const piece = Buffer.allocUnsafe(Math.min(chunkBytes, bytes - done))
    const count = readSync(fd, piece, 0, piece.length, from + done)
    if (count === 0) throw invalid(where, `Expected ${bytes} bytes but it ends after ${done}`)
    yield piece.subarray(0, count)
    done += count
  }
}

/** Whether there are only zeros between two places of a file, less than 2 kB apart. */
function isEmpty(fd: number, from: number, to: number): boolean {
  const bytes = Buffer.alloc(to - from)
  return (
    readSync(fd, bytes, 0, bytes.length, from) === bytes.length && bytes.every(one => one === 0)
  )
}

/** Reads the headers alone: an archive that is wrong anywhere is refused before a byte of it is written. */
function openArchive(path: string): BundleSource {
  const { fd, bytes } = openPlain(path, 0)
  const entries: Entry[] = []
  const header = Buffer.alloc(blockBytes)
  try {
    for (let at = 0; ;) {
      const where = `${path} at byte ${at}`
      if (readSync(fd, header, 0, blockBytes, at) < blockBytes)
        throw invalid(where, 'Expected two empty blocks at the end but the archive ends before')
      const found = parseTarHeader(header, where)
      if (!found) {
        if (bytes !== at + 2 * blockBytes || !isEmpty(fd, at, bytes))
          throw invalid(where, `Expected the archive to end here but it has ${bytes} bytes`)
        break
      }
      const from = at + blockBytes
      at += tarredBytes(found.bytes)
      if (at > bytes || at > maxBundleBytes)
        throw invalid(where, `Expected ${found.path} within the archive but it ends before`)
      if (entries.length >= maxEntries) throw invalid(where, `Expected at most ${maxEntries} files`)
      if (!isEmpty(fd, from + found.bytes, at))
        throw invalid(where, `Expected nothing between ${found.path} and the next file`)
      const named = `${path}: ${found.path}`
      entries.push({ ...found, read: () => pieces(fd, from, found.bytes, named) })
    }
  } catch (error) {
    closeSync(fd)
    throw error
  }
  return { entries, close: () => closeSync(fd) }
}

function* filesBelow(root: string, below = '', depth = 1): Generator<string> {
  for (const entry of readdirSync(join(root, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    if (!pathPattern.test(path) || depth > maxDepth) {
      throw invalid(
        root,
        `Expected a name of letters, digits, "_", "." and "-" inside the bundle but received ${JSON.stringify(path)}`,
      )
    }
    if (entry.isDirectory()) yield* filesBelow(root, path, depth + 1)
    else if (entry.isFile()) yield path
    else throw invalid(root, `Expected only plain files but ${JSON.stringify(path)} is none`)
  }
}

/** Every file is open from here on: what is hashed later is what was listed now. */
function openFolder(root: string): BundleSource {
  const open: number[] = []
  const close = () => open.splice(0).forEach(closeSync)
  const entries: Entry[] = []
  try {
    for (const path of filesBelow(root)) {
      if (entries.length >= maxEntries) throw invalid(root, `Expected at most ${maxEntries} files`)
      const full = join(root, path)
      const { fd, bytes } = openPlain(full, constants.O_NOFOLLOW)
      open.push(fd)
      entries.push({ path, bytes, read: () => pieces(fd, 0, bytes, full) })
    }
  } catch (error) {
    close()
    throw error
  }
  entries.sort((a, b) => (a.path < b.path ? -1 : 1))
  return { entries, close }
}

/** @throws BUNDLE_INVALID, also where nothing is there */
export function openSource(path: string): BundleSource {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (!stats) throw invalid(path, 'Expected a bundle but nothing is there')
  return stats.isDirectory() ? openFolder(path) : openArchive(path)
}
