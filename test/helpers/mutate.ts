// Damages bytes in the ways that find bugs in parsers: flips, cuts, repeats, numbers at their limits. The same seed, the same damage.
import { seededRandom } from '../../src/learn/random.js'

const limits = [0, 1, 0x7f, 0x80, 0xff]

/** @param head where headers lie, bytes: half of the damage goes there. */
export function mutate(bytes: Uint8Array, seed: string, head = 1024): Buffer<ArrayBuffer> {
  const random = seededRandom(seed)
  const below = (limit: number) => random() % Math.max(1, limit)
  let out = Buffer.from(bytes)
  const place = () => below(random() % 2 ? Math.min(head, out.length) : out.length)
  for (let changes = 1 + below(6); changes > 0 && out.length > 0; changes--) {
    const at = place()
    const length = 1 + below(64)
    const kind = below(8)
    if (kind < 2) out[at]! ^= 1 << below(8)
    else if (kind < 4) out[at] = limits[below(limits.length)]!
    else if (kind === 4) out.subarray(at, at + length).fill(limits[below(limits.length)]!)
    else if (kind === 5) out = out.subarray(0, Math.max(1, at))
    else if (kind === 6) out = Buffer.concat([out.subarray(0, at), out.subarray(at + length)])
    else out = Buffer.concat([out.subarray(0, at + length), out.subarray(at)])
  }
  return out
}

/** A mutated PNG whose checksums fit, so that the damage gets past them. */
export function withPngChecksums(png: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> {
  for (let at = 8; at + 12 <= png.length;) {
    const length = png.readUInt32BE(at)
    if (at + 12 + length > png.length) break
    png.writeUInt32BE(crc32(png.subarray(at + 4, at + 8 + length)), at + 8 + length)
    at += 12 + length
  }
  return png
}

const crcTable = Uint32Array.from({ length: 256 }, (_, value) => {
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1
  return value
})

/** As in PNG; Node 20.0 has none. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = crcTable[(crc ^ byte) & 0xff]! ^ (crc >>> 8)
  return ~crc >>> 0
}
