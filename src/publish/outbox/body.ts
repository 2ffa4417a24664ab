// The body of a record: JSON, deflated where that is worth it. An event with the counter's state shrinks to two fifths.
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { maxRecordBytes } from './frame.js'

/** Shorter bodies, the marks, hardly shrink. */
const worthIt = 256
/** A deflated body has this byte before it: no JSON object begins with it. */
const deflated = 1

/** @returns the body and how many bytes the JSON has. */
export function encodeBody(value: object): { body: Buffer; jsonBytes: number } {
  const json = Buffer.from(JSON.stringify(value))
  const body =
    json.length < worthIt ? json : Buffer.concat([Buffer.from([deflated]), deflateRawSync(json)])
  return { body, jsonBytes: json.length }
}

/** Throws where the bytes are no body; a frame with a right checksum always has one. */
export function decodeBody(body: Buffer): Record<string, unknown> {
  const json =
    body[0] === deflated
      ? inflateRawSync(body.subarray(1), { maxOutputLength: maxRecordBytes })
      : body
  return JSON.parse(json.toString()) as Record<string, unknown>
}
