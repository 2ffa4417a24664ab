// A line between the daemon and mosquitto that answers events with "quota exceeded" in the broker's place, while it refuses.
import type { Socket } from 'node:net'
import { Relay } from '../helpers/relay.js'

const quotaExceeded = 0x97

export class Refuser extends Relay {
  refuses = true

  protected wire(near: Socket, far: Socket): void {
    let rest = Buffer.alloc(0)
    near.on('data', data => {
      rest = Buffer.concat([rest, data])
      for (let packet = this.#next(rest); packet; packet = this.#next(rest)) {
        rest = rest.subarray(packet.length)
        const id = this.refuses ? eventId(packet) : null
        if (id === null) far.write(packet)
        else near.write(Buffer.from([0x40, 3, id >> 8, id & 255, quotaExceeded]))
      }
    })
    far.on('data', data => near.write(data))
  }

  /** The first whole packet: one byte of type, up to four of length. */
  #next(bytes: Buffer): Buffer | null {
    let length = 0
    for (let at = 1; at < Math.min(5, bytes.length); at++) {
      length += (bytes[at]! & 127) * 128 ** (at - 1)
      if (bytes[at]! & 128) continue
      const end = at + 1 + length
      return bytes.length >= end ? bytes.subarray(0, end) : null
    }
    return null
  }
}

/** The packet identifier of a PUBLISH to `…/items`; null for everything else. */
function eventId(packet: Buffer): number | null {
  if (packet[0]! >> 4 !== 3) return null
  let at = 1
  while (packet[at++]! & 128);
  const topicBytes = packet.readUInt16BE(at)
  const topic = packet.toString('utf8', at + 2, at + 2 + topicBytes)
  return topic.endsWith('/items') ? packet.readUInt16BE(at + 2 + topicBytes) : null
}
