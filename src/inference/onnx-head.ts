// The head of an ONNX file: Gemm, or MatMul and Add, between its embedding and its logits. Bytes in, bytes out.
import { type Head, type HeadNames, unknownHead } from './head.js'
import { floatBytes, toFloats, transposed } from './numbers.js'
import { shapeOf } from './onnx-file.js'
import {
  attribute,
  type Field,
  fields,
  first,
  graph as graphField,
  integers,
  invalid,
  joined,
  model as modelField,
  node as nodeField,
  tensor as tensorField,
  text,
  writeBytes,
  writeInt,
  writeText,
} from './onnx-wire.js'

interface OnnxNode {
  field: Field
  operator: string
  inputs: string[]
  outputs: string[]
  /** Also what graphs inside its attributes take from outside. */
  reads: string[]
}

interface OnnxGraph {
  fields: Field[]
  nodes: OnnxNode[]
  /** By the name of what they make. */
  makers: Map<string, OnnxNode>
  tensors: Map<string, Uint8Array>
  outputs: string[]
}

interface Constant {
  shape: number[]
  values: Float32Array
}

const nameOf = (field: Field, number: number) => text(first(field.bytes, number))

function readNode(field: Field): OnnxNode {
  const node: OnnxNode = { field, operator: '', inputs: [], outputs: [], reads: [] }
  for (const part of fields(field.bytes!)) {
    if (part.number === nodeField.input) node.inputs.push(text(part.bytes))
    if (part.number === nodeField.output) node.outputs.push(text(part.bytes))
    if (part.number === nodeField.operator) node.operator = text(part.bytes)
    if (part.number !== nodeField.attribute) continue
    for (const inner of fields(part.bytes!)) {
      const isGraph = inner.number === attribute.graph || inner.number === attribute.graphs
      if (!isGraph || inner.bytes === null) continue
      for (const one of fields(inner.bytes)) {
        if (one.number === graphField.node) node.reads.push(...readNode(one).reads)
        if (one.number === graphField.output) node.reads.push(nameOf(one, 1))
      }
    }
  }
  node.reads.push(...node.inputs)
  return node
}

function readGraph(file: Uint8Array): OnnxGraph {
  const bytes = first(file, modelField.graph)
  if (bytes === null) throw invalid('it holds no graph')
  const all = [...fields(bytes)]
  const of = (number: number) => all.filter(field => field.number === number)
  const nodes = of(graphField.node).map(readNode)
  return {
    fields: all,
    nodes,
    makers: new Map(nodes.flatMap(node => node.outputs.map(name => [name, node] as const))),
    tensors: new Map(
      of(graphField.initializer).map(field => [nameOf(field, tensorField.name), field.bytes!]),
    ),
    outputs: of(graphField.output).map(field => nameOf(field, 1)),
  }
}

function attributeOf(node: OnnxNode, name: string): Uint8Array | null {
  for (const part of fields(node.field.bytes!)) {
    if (part.number !== nodeField.attribute || part.bytes === null) continue
    if (text(first(part.bytes, attribute.name)) === name) return part.bytes
  }
  return null
}

function intAttribute(node: OnnxNode, name: string, otherwise: number): number {
  for (const part of fields(attributeOf(node, name) ?? new Uint8Array())) {
    if (part.number === attribute.int) return part.value
  }
  return otherwise
}

function floatAttribute(node: OnnxNode, name: string): number {
  const bytes = first(attributeOf(node, name), attribute.float)
  return bytes === null ? 1 : toFloats(bytes, 'f32')[0]!
}

function readTensor(bytes: Uint8Array): Constant | null {
  let type = 0
  let values: Float32Array | null = null
  const shape: number[] = []
  const halves: number[] = []
  for (const field of fields(bytes)) {
    if (field.number === tensorField.dims) shape.push(...integers(field))
    if (field.number === tensorField.type) type = field.value
    if (field.number === tensorField.ints) halves.push(...integers(field))
    if (field.number === tensorField.raw || field.number === tensorField.floats) {
      values = toFloats(
        field.bytes!,
        field.number === tensorField.raw && type === 10 ? 'f16' : 'f32',
      )
    }
  }
  if (type === 10 && halves.length > 0) {
    values = toFloats(new Uint8Array(Uint16Array.from(halves).buffer), 'f16')
  }
  const isFloat = type === 1 || type === 10
  const count = shape.reduce((product, side) => product * side, 1)
  return isFloat && values?.length === count ? { shape, values } : null
}

/** A weight: an initialiser, a Constant node, or either behind Cast or Identity. */
function constantOf(graph: OnnxGraph, name: string): Constant | null {
  const stored = graph.tensors.get(name)
  if (stored) return readTensor(stored)
  const maker = graph.makers.get(name)
  if (maker?.operator === 'Cast' || maker?.operator === 'Identity') {
    return constantOf(graph, maker.inputs[0]!)
  }
  const value = maker?.operator === 'Constant' ? attributeOf(maker, 'value') : null
  return value && readTensor(first(value, attribute.tensor) ?? new Uint8Array())
}

/** Past operators that change nothing, so that two names of one value are the same. */
function original(graph: OnnxGraph, name: string): string {
  const maker = graph.makers.get(name)
  const isSame = maker?.operator === 'Identity' || maker?.operator === 'Dropout'
  return isSame ? original(graph, maker.inputs[0]!) : name
}

/** The head between `names.embedding` and `names.logits`. Throws MODEL_HEAD_UNKNOWN. */
export function readOnnxHead(file: Uint8Array, names: HeadNames): Head {
  const graph = readGraph(file)
  const last = graph.makers.get(original(graph, names.logits))
  const unknown = () =>
    unknownHead(
      `Expected the ONNX output "${names.logits}" to be Gemm, or MatMul and Add, of "${names.embedding}" and constants ` +
        `but it is made by ${last?.operator ?? 'no operator'} of ${last?.inputs.join(', ') ?? 'nothing'}`,
    )
  const product =
    last?.operator === 'Add'
      ? last.inputs.map(name => graph.makers.get(name)).find(node => node?.operator === 'MatMul')
      : last
  if (!last || !product || !['Gemm', 'MatMul'].includes(product.operator)) throw unknown()
  const [from, weightName] = product.inputs
  const biasName =
    product.operator === 'Gemm'
      ? product.inputs[2]
      : last.inputs.find(name => !product.outputs.includes(name))
  const isPlain =
    product.operator === 'MatMul' ||
    (floatAttribute(product, 'alpha') === 1 &&
      floatAttribute(product, 'beta') === 1 &&
      intAttribute(product, 'transA', 0) === 0)
  const weight = constantOf(graph, weightName ?? '')
  const bias = constantOf(graph, biasName ?? '')
  const isOfEmbedding = original(graph, from!) === original(graph, names.embedding)
  if (!isPlain || !isOfEmbedding || weight?.shape.length !== 2 || !bias) throw unknown()
  const isTurned = product.operator === 'Gemm' && intAttribute(product, 'transB', 0) === 1
  const [rows, columns] = weight.shape as [number, number]
  const classes = isTurned ? rows : columns
  if (bias.values.length !== classes) throw unknown()
  return {
    classes,
    dims: isTurned ? columns : rows,
    weights: isTurned ? weight.values : transposed(weight.values, rows, columns),
    bias: bias.values,
  }
}

/** All that `outputs` need: nodes, and the names of initialisers and values. */
function reached(
  graph: OnnxGraph,
  outputs: string[],
): { nodes: Set<OnnxNode>; names: Set<string> } {
  const nodes = new Set<OnnxNode>()
  const names = new Set<string>()
  const open = [...outputs]
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (names.has(name)) continue
    names.add(name)
    const maker = graph.makers.get(name)
    if (!maker || nodes.has(maker)) continue
    nodes.add(maker)
    open.push(...maker.reads, ...maker.outputs)
  }
  return { nodes, names }
}

const weightName = 'grocerd.head.weight'
const biasName = 'grocerd.head.bias'

function writeTensor(name: string, shape: number[], values: Float32Array): Uint8Array {
  return writeBytes(
    graphField.initializer,
    joined(
      ...shape.map(side => writeInt(tensorField.dims, side)),
      writeInt(tensorField.type, 1),
      writeText(tensorField.name, name),
      writeBytes(tensorField.raw, floatBytes(values)),
    ),
  )
}

function writeGemm({ embedding, logits }: HeadNames): Uint8Array {
  const transB = joined(
    writeText(attribute.name, 'transB'),
    writeInt(attribute.int, 1),
    writeInt(attribute.type, 2),
  )
  return writeBytes(
    graphField.node,
    joined(
      ...[embedding, weightName, biasName].map(name => writeText(nodeField.input, name)),
      writeText(nodeField.output, logits),
      writeText(nodeField.name, 'grocerd.head'),
      writeText(nodeField.operator, 'Gemm'),
      writeBytes(nodeField.attribute, transB),
    ),
  )
}

/** The ValueInfoProto of the logits: the embedding's, with another name and another last side. */
function writeOutput(embedding: Field, logits: string, classes: number): Uint8Array {
  const shape = first(embedding.bytes, 2, 1, 2)!
  const batch = [...fields(shape)][0]!.raw
  const tensorType = joined(
    writeInt(1, 1),
    writeBytes(2, joined(batch, writeBytes(1, writeInt(1, classes)))),
  )
  const info = joined(writeText(1, logits), writeBytes(2, writeBytes(1, tensorType)))
  return writeBytes(graphField.output, info)
}

/** The file with another head; see graftHead. */
export function graftOnnxHead(file: Uint8Array, names: HeadNames, head: Head): Uint8Array {
  const graph = readGraph(file)
  const outputs = graph.fields.filter(field => field.number === graphField.output)
  const embedding = outputs.find(field => nameOf(field, 1) === names.embedding)
  const shape = embedding ? shapeOf(embedding.bytes!) : []
  if (!embedding || shape.length !== 2) {
    const found = embedding ? `[${shape.join(', ')}]` : `the outputs ${graph.outputs.join(', ')}`
    throw unknownHead(
      `Expected an ONNX output "${names.embedding}" of shape [1, ${head.dims}] but received ${found}`,
    )
  }
  const before = reached(graph, graph.outputs)
  const kept = graph.outputs.filter(name => name !== names.logits)
  const after = reached(graph, kept)
  // What nothing used before stays: only the old head and its own weights go.
  const isGone = (name: string) => before.names.has(name) && !after.names.has(name)
  const goneNodes = new Set(
    graph.nodes.filter(node => before.nodes.has(node) && !after.nodes.has(node)).map(n => n.field),
  )
  const output = writeOutput(embedding, names.logits, head.classes)
  const parts = graph.fields.flatMap(field => {
    const isLogits = field.number === graphField.output && nameOf(field, 1) === names.logits
    if (isLogits) return [output]
    if (goneNodes.has(field)) return []
    if (field.number === graphField.initializer) {
      return isGone(nameOf(field, tensorField.name)) ? [] : [field.raw]
    }
    const isNamed = field.number === graphField.valueInfo || field.number === graphField.input
    return isNamed && isGone(nameOf(field, 1)) ? [] : [field.raw]
  })
  if (kept.length === graph.outputs.length) parts.push(output)
  // After all others: a node must stand behind those that it takes from.
  parts.push(
    writeGemm(names),
    writeTensor(weightName, [head.classes, head.dims], head.weights),
    writeTensor(biasName, [head.classes], head.bias),
  )
  const bytes = writeBytes(modelField.graph, joined(...parts))
  return joined(
    ...[...fields(file)].map(field => (field.number === modelField.graph ? bytes : field.raw)),
  )
}
