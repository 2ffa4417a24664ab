// The one form of tar that a bundle has: plain files under short names, one after the other. Everything else is refused.
import { GroceryError } from '../errors.js'

export const blockBytes = 512

/** What a header says. */
export interface TarHeader {
  path: string
  bytes: number
}

/** Names that a bundle may have: no way out of its folder, and nothing hidden. */
export const pathPattern =
  /^(?!.{101})[A-Za-z0-9_][A-Za-z0-9_.-]*(\/[A-Za-z0-9_][A-Za-z0-9_.-]*){0,2}$/

/** Bytes that a file of this size takes, its header and the padding included. */
export const tarredBytes = (bytes: number): number =>
  blockBytes + Math.ceil(bytes / blockBytes) * blockBytes

const kinds: Record<string, string> = {
  1: 'a hard link',
  2: 'a symbolic link',
  3: 'a device',
  4: 'a device',
  5: 'a folder',
  6: 'a FIFO',
  g: 'an extension (pax)',
  x: 'an extension (pax)',
  L: 'a long name (GNU)',
  S: 'a sparse file',
}

const octal = (value: number, length: number) => value.toString(8).padStart(length - 1, '0') + '\0'

/** The sum of all bytes, those of the checksum itself counted as spaces. */
function checksumOf(header: Uint8Array): number {
  let sum = 0
  header.forEach((byte, at) => (sum += at >= 148 && at < 156 ? 32 : byte))
  return sum
}

/** A ustar header of a plain file; the same for the same file, wherever and whenever it is made. */
export function tarHeader({ path, bytes }: TarHeader): Buffer {
  const header = Buffer.alloc(blockBytes)
  header.write(path, 0, 'latin1')
  header.write(octal(0o644, 8), 100)
  header.write(octal(0, 8), 108)
  header.write(octal(0, 8), 116)
  header.write(octal(bytes, 12), 124)
  header.write(octal(0, 12), 136)
  header.write('0', 156)
  header.write('ustar\x0000', 257)
  header.write(`${octal(checksumOf(header), 7)} `, 148)
  return header
}

/** A whole number in octal, as the format has it; null for anything else. */
function readOctal(header: Buffer, at: number, length: number): number | null {
  const text = header.toString('latin1', at, at + length)
  const digits = /^([0-7]+)[\0 ]+$/.exec(text)?.[1]
  return digits === undefined ? null : Number.parseInt(digits, 8)
}

/** The text before the first NUL. */
const readText = (header: Buffer, at: number, length: number) =>
  header.toString('latin1', at, at + length).split('\0', 1)[0]!

const invalid = (where: string, what: string) =>
  new GroceryError('BUNDLE_INVALID', `${where}: ${what}`)

/**
 * @param where the archive and the place in it, for messages
 * @returns null for the empty block that ends an archive
 * @throws BUNDLE_INVALID for all that is no plain file under a plain name
 */
export function parseTarHeader(header: Buffer, where: string): TarHeader | null {
  if (header.every(byte => byte === 0)) return null
  if (readOctal(header, 148, 8) !== checksumOf(header)) {
    throw invalid(where, 'Expected a tar header but its checksum is wrong')
  }
  const path = readText(header, 0, 100)
  const kind = String.fromCharCode(header[156]!)
  if (kind !== '0') {
    const what = kinds[kind] ?? `of kind ${JSON.stringify(kind)}`
    throw invalid(where, `Expected only plain files but ${JSON.stringify(path)} is ${what}`)
  }
  const isPlain = header.toString('latin1', 257, 265) === 'ustar\x0000'
  if (!isPlain || readText(header, 345, 155) !== '' || !pathPattern.test(path)) {
    throw invalid(
      where,
      `Expected a name of letters, digits, "_", "." and "-" inside the bundle but received ${JSON.stringify(path)}`,
    )
  }
  const bytes = readOctal(header, 124, 12)
  if (bytes === null) throw invalid(where, `Expected a size for ${path} but it has none`)
  // One content is one archive: no dates, no owners, nothing in between where something could hide.
  if (!header.equals(tarHeader({ path, bytes })))
    throw invalid(
      where,
      `Expected the header of ${path} as grocerd models sign writes it; give the files as a folder`,
    )
  return { path, bytes }
}
