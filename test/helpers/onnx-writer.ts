// Writes small ONNX models: just enough of protobuf and onnx.proto for tests to need no model
// files.

export interface OnnxTensor {
  name: string
  shape: number[]
}

export interface OnnxModel {
  inputs: OnnxTensor[]
  outputs: OnnxTensor[]
  /** Halves are float16 as they stand in the file. */
  weights: (OnnxTensor & { data: Float32Array | Uint16Array })[]
  nodes: { type: string; from: string[]; to: string[]; integers?: Record<string, number> }[]
}

type Bytes = number[] | Uint8Array

function varint(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest]
    bytes.push((rest % 128) + 128)
  }
}

function join(parts: Bytes[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

const number = (field: number, value: number): Bytes => join([varint(field * 8), varint(value)])
const bytes = (field: number, value: Bytes): Bytes =>
  join([varint(field * 8 + 2), varint(value.length), value])
const text = (field: number, value: string): Bytes => bytes(field, new TextEncoder().encode(value))

function dimension(side: number): Bytes {
  return bytes(1, side < 0 ? text(2, 'open') : number(1, side))
}

function valueInfo({ name, shape }: OnnxTensor): Bytes {
  const tensorType = join([number(1, 1), bytes(2, join(shape.map(dimension)))])
  return join([text(1, name), bytes(2, bytes(1, tensorType))])
}

function weight({ name, shape, data }: OnnxModel['weights'][number]): Bytes {
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  const type = data instanceof Float32Array ? 1 : 10
  return join([
    ...shape.map(side => number(1, side)),
    number(2, type),
    text(8, name),
    bytes(9, raw),
  ])
}

/** The bytes of an ONNX model of opset 13. */
export function onnxModel(model: OnnxModel): Uint8Array {
  const graph = join([
    ...model.nodes.map(node =>
      bytes(
        1,
        join([
          ...node.from.map(n => text(1, n)),
          ...node.to.map(n => text(2, n)),
          text(4, node.type),
          ...Object.entries(node.integers ?? {}).map(([name, value]) =>
            bytes(5, join([text(1, name), number(3, value), number(20, 2)])),
          ),
        ]),
      ),
    ),
    text(2, 'tiny'),
    ...model.weights.map(w => bytes(5, weight(w))),
    ...model.inputs.map(input => bytes(11, valueInfo(input))),
    ...model.outputs.map(output => bytes(12, valueInfo(output))),
  ])
  return join([number(1, 8), bytes(7, graph), bytes(8, join([text(1, ''), number(2, 13)]))])
}
