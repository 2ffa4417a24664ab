// The protobuf fields of an ONNX file, read and written; onnx-file.ts and onnx-head.ts know what they mean.
import { GroceryError } from '../errors.js'

export interface Field {
  number: number
  /** Of a varint; numbers beyond 2^53 lose precision, which no field read here needs. */
  value: number
  /** null for a varint. */
  bytes: Uint8Array | null
  /** Key and content as they stand in the file. */
  raw: Uint8Array
}

// Field numbers of onnx.proto3 (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3).
export const model = { graph: 7, functions: 25 } as const
export const graph = {
  node: 1,
  initializer: 5,
  input: 11,
  output: 12,
  valueInfo: 13,
  sparse: 15,
} as const
export const node = { input: 1, output: 2, name: 3, operator: 4, attribute: 5 } as const
export const attribute = {
  name: 1,
  float: 2,
  int: 3,
  tensor: 5,
  graph: 6,
  tensors: 10,
  graphs: 11,
  type: 20,
} as const
export const tensor = {
  dims: 1,
  type: 2,
  floats: 4,
  ints: 5,
  name: 8,
  raw: 9,
  externalData: 13,
} as const

export const invalid = (what: string) =>
  new GroceryError('MODEL_INVALID', `Expected an ONNX file but ${what}; it is damaged or truncated`)

/** The fields of one protobuf message. Throws MODEL_INVALID. */
export function* fields(bytes: Uint8Array): Generator<Field> {
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at++]
      if (byte === undefined) throw invalid('a number ends too early')
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw invalid('a number is longer than ten bytes')
  }
  while (at < bytes.length) {
    const start = at
    const key = varint()
    const number = Math.floor(key / 8)
    const wire = key & 7
    if (number === 0) throw invalid('a field has number 0')
    if (wire === 0) {
      const value = varint()
      yield { number, value, bytes: null, raw: bytes.subarray(start, at) }
      continue
    }
    const length = wire === 2 ? varint() : wire === 5 ? 4 : wire === 1 ? 8 : -1
    if (length < 0) throw invalid(`a field has wire type ${wire}`)
    if (at + length > bytes.length) throw invalid(`a field of ${length} bytes ends past the file`)
    const content = bytes.subarray(at, at + length)
    at += length
    yield { number, value: 0, bytes: content, raw: bytes.subarray(start, at) }
  }
}

/** The values of a repeated integer, packed or not. */
export function integers(field: Field): number[] {
  if (field.bytes === null) return [field.value]
  // A packed list is what a message of bare varints would be, with a key before each.
  const values: number[] = []
  let value = 0
  let scale = 1
  for (const byte of field.bytes) {
    value += (byte & 0x7f) * scale
    scale *= 128
    if (byte >= 0x80) continue
    values.push(value)
    value = 0
    scale = 1
  }
  return values
}

export const text = (bytes: Uint8Array | null) => Buffer.from(bytes ?? []).toString('utf8')

/** The first field at the end of a path of field numbers; null where there is none. */
export function first(bytes: Uint8Array | null, ...path: number[]): Uint8Array | null {
  return path.reduce<Uint8Array | null>((inner, number) => {
    if (inner === null) return null
    for (const field of fields(inner)) if (field.number === number) return field.bytes
    return null
  }, bytes)
}

function varintBytes(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  return [...bytes, rest]
}

export const joined = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts))

export const writeInt = (number: number, value: number): Uint8Array =>
  Uint8Array.from([...varintBytes(number * 8), ...varintBytes(value)])

export const writeBytes = (number: number, content: Uint8Array): Uint8Array =>
  joined(Uint8Array.from([...varintBytes(number * 8 + 2), ...varintBytes(content.length)]), content)

export const writeText = (number: number, content: string): Uint8Array =>
  writeBytes(number, new TextEncoder().encode(content))
