// A bounded walk over an ONNX file: what a load must know before a runtime sees it. It runs nothing.
import { attribute, fields, first, graph, invalid, model, node, tensor, text } from './onnx-wire.js'

/** What the walk found. */
export interface OnnxFacts {
  /** Bytes of all weights inside the file. */
  weightBytes: number
  /** The same with 16-bit numbers widened to 32, as a CPU computes with them. */
  floatBytes: number
  /** Files outside that tensors refer to. */
  externalData: string[]
  inputs: { name: string; shape: number[] }[]
  outputs: string[]
  /** The operators that make the outputs, in their order; undefined where no node does. */
  lastOperators: (string | undefined)[]
}

const maxDepth = 16

/** TypeProto.tensor_type.shape.dim[].dim_value; -1 where a dimension is free. */
export function shapeOf(valueInfo: Uint8Array): number[] {
  const shape = first(valueInfo, 2, 1, 2)
  if (shape === null) return []
  const dims: number[] = []
  for (const dim of fields(shape)) {
    let size = -1
    for (const field of fields(dim.bytes ?? new Uint8Array())) {
      if (field.number === 1) size = field.value
    }
    dims.push(size)
  }
  return dims
}

/** TensorProto.DataType */
const halves = new Set([10, 16])

function readTensor(bytes: Uint8Array, facts: OnnxFacts): void {
  let type = 0
  let inside = 0
  for (const field of fields(bytes)) {
    if (field.number === tensor.type) type = field.value
    if (field.bytes === null) continue
    if (field.number !== tensor.externalData) {
      inside += field.bytes.length
      continue
    }
    if (text(first(field.bytes, 1)) === 'location') {
      facts.externalData.push(text(first(field.bytes, 2)))
    }
  }
  facts.weightBytes += inside
  facts.floatBytes += halves.has(type) ? 2 * inside : inside
}

function readNode(
  bytes: Uint8Array,
  facts: OnnxFacts,
  depth: number,
): { operator: string; outputs: string[] } {
  let operator = ''
  const outputs: string[] = []
  for (const field of fields(bytes)) {
    if (field.number === node.operator) operator = text(field.bytes)
    if (field.number === node.output) outputs.push(text(field.bytes))
    if (field.number !== node.attribute || field.bytes === null) continue
    for (const inner of fields(field.bytes)) {
      if (inner.bytes === null) continue
      if (inner.number === attribute.tensor || inner.number === attribute.tensors) {
        readTensor(inner.bytes, facts)
      }
      if (inner.number === attribute.graph || inner.number === attribute.graphs) {
        readGraph(inner.bytes, facts, depth + 1)
      }
    }
  }
  return { operator, outputs }
}

function readGraph(bytes: Uint8Array, facts: OnnxFacts, depth: number): void {
  if (depth > maxDepth) throw invalid(`graphs are nested deeper than ${maxDepth}`)
  const makers = new Map<string, string>()
  const initialisers = new Set<string>()
  for (const field of fields(bytes)) {
    if (field.bytes === null) continue
    if (field.number === graph.node) {
      const { operator, outputs } = readNode(field.bytes, facts, depth)
      for (const name of outputs) makers.set(name, operator)
    } else if (field.number === graph.initializer) {
      readTensor(field.bytes, facts)
      initialisers.add(text(first(field.bytes, 8)))
    } else if (field.number === graph.sparse) {
      for (const part of fields(field.bytes)) {
        if (part.bytes !== null && part.number <= 2) readTensor(part.bytes, facts)
      }
    } else if (depth === 0 && field.number === graph.input) {
      facts.inputs.push({ name: text(first(field.bytes, 1)), shape: shapeOf(field.bytes) })
    } else if (depth === 0 && field.number === graph.output) {
      facts.outputs.push(text(first(field.bytes, 1)))
    }
  }
  if (depth > 0) return
  // Old exporters list the weights among the inputs.
  facts.inputs = facts.inputs.filter(input => !initialisers.has(input.name))
  facts.lastOperators = facts.outputs.map(name => makers.get(name))
}

/** Walks the file. Throws MODEL_INVALID where it is not a whole protobuf with a graph. */
export function readOnnx(bytes: Uint8Array): OnnxFacts {
  const facts: OnnxFacts = {
    weightBytes: 0,
    floatBytes: 0,
    externalData: [],
    inputs: [],
    outputs: [],
    lastOperators: [],
  }
  let graphs = 0
  for (const field of fields(bytes)) {
    if (field.bytes === null) continue
    if (field.number === model.graph) {
      graphs++
      readGraph(field.bytes, facts, 0)
    }
    if (field.number !== model.functions) continue
    for (const inner of fields(field.bytes)) {
      if (inner.number === 7 && inner.bytes) readNode(inner.bytes, facts, 1)
    }
  }
  if (graphs === 0) throw invalid('it holds no graph')
  return facts
}
