// The frame of one record in a segment: length, number, CRC-32C, JSON. Pure: bytes in, records out.
import { crc32c } from './crc32c.js'

export const frameHeaderBytes = 16
/** No record is longer; a length beyond it is damage, not data. */
export const maxRecordBytes = 4 * 1024 * 1024

/** u32 length of the body, u48 record number, u16 zero, u32 CRC-32C of these 12 bytes and the body; little endian. */
export function encodeFrame(number: number, body: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(frameHeaderBytes + body.length)
  frame.writeUInt32LE(body.length, 0)
  frame.writeUIntLE(number, 4, 6)
  frame.writeUInt16LE(0, 10)
  frame.set(body, frameHeaderBytes)
  frame.writeUInt32LE(frameCrc(frame, 0, body.length), 12)
  return frame
}

const frameCrc = (bytes: Buffer, at: number, length: number): number =>
  crc32c(
    bytes.subarray(at + frameHeaderBytes, at + frameHeaderBytes + length),
    crc32c(bytes.subarray(at, at + 12)),
  )

export interface Frame {
  number: number
  body: Buffer
  /** Of the whole frame, in the segment. */
  offset: number
  length: number
}

/** The frame at `offset`, or why there is none: `short` where the bytes end first, `bad` where they are wrong. */
export function decodeFrame(bytes: Buffer, offset: number): Frame | 'short' | 'bad' {
  if (offset + frameHeaderBytes > bytes.length) return 'short'
  const length = bytes.readUInt32LE(offset)
  if (length > maxRecordBytes || bytes.readUInt16LE(offset + 10) !== 0) return 'bad'
  const end = offset + frameHeaderBytes + length
  if (end > bytes.length) return 'short'
  if (bytes.readUInt32LE(offset + 12) !== frameCrc(bytes, offset, length)) return 'bad'
  return {
    number: bytes.readUIntLE(offset + 4, 6),
    body: bytes.subarray(offset + frameHeaderBytes, end),
    offset,
    length: frameHeaderBytes + length,
  }
}

export interface Scan {
  frames: Frame[]
  /** Places where bytes that are no frame lie before a good one, or a whole frame at the end is wrong. */
  damaged: number
  /** Bytes at the end that are no frame. */
  tailBytes: number
  /** Where the last good frame ends. */
  end: number
}

/**
 * All good frames from `start` on. After a wrong one it looks byte by byte for the next that is
 * right: one flipped bit costs one record, and it is counted. A write that was cut off by a
 * power failure is a tail, not damage.
 */
export function scanFrames(bytes: Buffer, start: number): Scan {
  const frames: Frame[] = []
  let damaged = 0
  let at = start
  let end = start
  let lastNumber = -1
  while (at < bytes.length) {
    let frame = decodeFrame(bytes, at)
    const first = frame
    // A frame of an older number cannot follow: it would be a piece of something else.
    while (typeof frame === 'string' || frame.number <= lastNumber) {
      at++
      if (at + frameHeaderBytes > bytes.length) break
      frame = decodeFrame(bytes, at)
    }
    if (typeof frame === 'string' || frame.number <= lastNumber) {
      if (first === 'bad') damaged++
      break
    }
    if (typeof first === 'string') damaged++
    frames.push(frame)
    lastNumber = frame.number
    at = frame.offset + frame.length
    end = at
  }
  return { frames, damaged, tailBytes: bytes.length - end, end }
}
