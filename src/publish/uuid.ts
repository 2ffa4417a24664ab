// UUID version 7 (RFC 9562): sorts by time, and within a millisecond by a counter.
import { randomBytes } from 'node:crypto'

/** A maker of UUIDv7 whose results never go back, even where the clock does. */
export function createUuidV7(wall: () => number = Date.now): () => string {
  let ms = 0
  let counter = 0
  return () => {
    const now = Math.max(0, Math.floor(wall()))
    const random = randomBytes(10)
    if (now > ms) {
      ms = now
      // The top bit stays free, so that at least 2048 more fit into this millisecond.
      counter = random.readUInt16BE(8) & 0x7ff
    } else if (++counter > 0xfff) {
      ms++
      counter = 0
    }
    const time = ms.toString(16).padStart(12, '0')
    const tail = random.subarray(0, 8)
    tail[0] = (tail[0]! & 0x3f) | 0x80
    const rest = tail.toString('hex')
    const low = counter.toString(16).padStart(3, '0')
    return `${time.slice(0, 8)}-${time.slice(8)}-7${low}-${rest.slice(0, 4)}-${rest.slice(4)}`
  }
}
