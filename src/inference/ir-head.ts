// The head of an OpenVINO IR: MatMul and Add between its embedding and its logits. Text and bytes in, the same out.
import { type Head, type HeadNames, unknownHead } from './head.js'
import { edgesInto, type IrGraph, type IrLayer, readIrGraph } from './ir-graph.js'
import { bytesEach, floatBytes, type NumberType, toFloats, transposed } from './numbers.js'

interface Source {
  layer: string
  port: string
}

interface Constant {
  shape: number[]
  values: Float32Array
}

const at = ({ layer, port }: Source) => `${layer}:${port}`

/** The layers that feed `id`, by input. */
const inputsOf = (graph: IrGraph, id: string): Source[] =>
  edgesInto(graph, id).map(edge => ({ layer: edge.from, port: edge.fromPort }))

/** What makes the output that users know by `name`: named at its port, at its Result, or by the layer's own name. */
function sourceOf(graph: IrGraph, name: string): Source | undefined {
  for (const { id, type, outputs, resultNames } of graph.layers.values()) {
    const port = outputs.find(output => output.names.includes(name))
    if (port) return { layer: id, port: port.port }
    if (type === 'Result' && resultNames.includes(name)) return inputsOf(graph, id)[0]
  }
  const named = [...graph.layers.values()].find(layer => layer.name === name && layer.outputs[0])
  return named && { layer: named.id, port: named.outputs[0]!.port }
}

function storedConstant({ data }: IrLayer, bin: Uint8Array): Constant | null {
  const type = data.element_type as NumberType
  const [offset, size] = [Number(data.offset), Number(data.size)]
  const shape = (data.shape ?? '').split(',').flatMap(side => (side.trim() ? [Number(side)] : []))
  const count = shape.reduce((product, side) => product * side, 1)
  if (!(type in bytesEach) || size !== count * bytesEach[type] || offset + size > bin.length) {
    return null
  }
  return { shape, values: toFloats(bin.subarray(offset, offset + size), type) }
}

/** a times or minus b, where b has the shape of a, one value, or one for each row or column of a matrix. */
function combined(a: Constant, b: Constant, type: string): Constant | null {
  const [rows, columns] = [a.shape[0] ?? 1, a.shape[1] ?? 1]
  const [bRows, bColumns] = [b.shape.at(-2) ?? 1, b.shape.at(-1) ?? 1]
  const fits = (side: number, own: number) => side === 1 || side === own
  if (a.shape.length !== 2 || b.values.length !== bRows * bColumns) return null
  if (!fits(bRows, rows) || !fits(bColumns, columns)) return null
  const values = a.values.map((value, index) => {
    const row = bRows === 1 ? 0 : Math.floor(index / columns)
    const other = b.values[row * bColumns + (bColumns === 1 ? 0 : index % columns)]!
    return type === 'Multiply' ? value * other : value - other
  })
  return { shape: a.shape, values }
}

/** A weight: a Const, also as f16 behind Convert, or INT8 with its scale (and zero) as NNCF writes it. */
function constantOf(graph: IrGraph, bin: Uint8Array, id: string): Constant | null {
  const layer = graph.layers.get(id)
  if (layer?.type === 'Const') return storedConstant(layer, bin)
  const [first, second] = inputsOf(graph, id)
  if (layer?.type === 'Convert' && first) return constantOf(graph, bin, first.layer)
  if ((layer?.type !== 'Multiply' && layer?.type !== 'Subtract') || !first || !second) return null
  const a = constantOf(graph, bin, first.layer)
  const b = constantOf(graph, bin, second.layer)
  return a && b && combined(a, b, layer.type)
}

/** Past a FakeQuantize: the same values, rounded for an INT8 head. */
function unrounded(graph: IrGraph, source: Source): Source {
  const isRounding = graph.layers.get(source.layer)?.type === 'FakeQuantize'
  return isRounding ? unrounded(graph, inputsOf(graph, source.layer)[0]!) : source
}

function readGraph(xml: string): IrGraph {
  const graph = readIrGraph(xml)
  if (graph.layers.size > 0 && !graph.isNested && graph.edgesEnd > 0) return graph
  const found = graph.isNested ? 'one with graphs inside layers' : 'a text without layers'
  throw unknownHead(`Expected a flat OpenVINO IR but received ${found}`)
}

/** The head between `names.embedding` and `names.logits`. Throws MODEL_HEAD_UNKNOWN. */
export function readIrHead(xml: string, bin: Uint8Array, names: HeadNames): Head {
  const graph = readGraph(xml)
  const last = sourceOf(graph, names.logits)
  const embedding = sourceOf(graph, names.embedding)
  const add = graph.layers.get(last?.layer ?? '')
  const unknown = () =>
    unknownHead(
      `Expected the IR output "${names.logits}" to be MatMul and Add of "${names.embedding}" and constants ` +
        `but it is made by ${add?.type ?? 'no layer'}${add ? ` "${add.name}"` : ''}`,
    )
  if (add?.type !== 'Add' || !embedding) throw unknown()
  const addends = inputsOf(graph, add.id).map(source => source.layer)
  const product = addends.find(id => graph.layers.get(id)?.type === 'MatMul')
  const biasLayer = addends.find(id => id !== product)
  if (product === undefined || biasLayer === undefined) throw unknown()
  const { data } = graph.layers.get(product)!
  const [from, weightSource] = inputsOf(graph, product)
  const weight = weightSource && constantOf(graph, bin, weightSource.layer)
  const bias = constantOf(graph, bin, biasLayer)
  if (!from || weight?.shape.length !== 2 || !bias || data.transpose_a === 'true') throw unknown()
  const isOfEmbedding = at(unrounded(graph, from)) === at(unrounded(graph, embedding))
  const isTurned = data.transpose_b === 'true'
  const [rows, columns] = weight.shape as [number, number]
  const classes = isTurned ? rows : columns
  if (!isOfEmbedding || bias.values.length !== classes) throw unknown()
  return {
    classes,
    dims: isTurned ? columns : rows,
    weights: isTurned ? weight.values : transposed(weight.values, rows, columns),
    bias: bias.values,
  }
}

/** The layers that `results` need, themselves included. */
function reached(graph: IrGraph, results: string[]): Set<string> {
  const seen = new Set<string>()
  const open = [...results]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (seen.has(id)) continue
    seen.add(id)
    open.push(...inputsOf(graph, id).map(source => source.layer))
  }
  return seen
}

const port = (id: number, shape: number[], names = '') =>
  `<port id="${id}" precision="FP32"${names}>${shape.map(side => `<dim>${side}</dim>`).join('')}</port>`

const layer = (id: number, name: string, type: string, content: string) =>
  `\t\t<layer id="${id}" name="grocerd.${name}" type="${type}" version="opset1">${content}</layer>\n`

const edge = (from: number | string, fromPort: number | string, to: number, toPort: number) =>
  `\t\t<edge from-layer="${from}" from-port="${fromPort}" to-layer="${to}" to-port="${toPort}" />\n`

const stored = (shape: number[], offset: number) => {
  const size = 4 * shape.reduce((product, side) => product * side, 1)
  return `<data element_type="f32" shape="${shape.join(', ')}" offset="${offset}" size="${size}" /><output>${port(0, shape)}</output>`
}

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')

/** The text without some spans, and with others put in. */
function edited(xml: string, cuts: { start: number; end: number; put?: string }[]): string {
  let from = 0
  let text = ''
  for (const { start, end, put } of [...cuts].sort((a, b) => a.start - b.start)) {
    text += xml.slice(from, start) + (put ?? '')
    from = end
  }
  return text + xml.slice(from)
}

/** The two files with another head; see graftHead. */
export function graftIrHead(
  xml: string,
  bin: Uint8Array,
  names: HeadNames,
  head: Head,
): { xml: string; bin: Uint8Array } {
  const graph = readGraph(xml)
  const embedding = sourceOf(graph, names.embedding)
  const from = graph.layers.get(embedding?.layer ?? '')
  const shape = from?.outputs.find(output => output.port === embedding?.port)?.shape
  if (!embedding || shape?.length !== 2) {
    const found = shape ? `one of [${shape.join(', ')}]` : 'none of that name'
    throw unknownHead(
      `Expected an IR output "${names.embedding}" of shape [1, ${head.dims}] but received ${found}`,
    )
  }
  const results = [...graph.layers.values()].filter(one => one.type === 'Result')
  const logits = sourceOf(graph, names.logits)
  const isLogits = (one: IrLayer) =>
    logits !== undefined && at(inputsOf(graph, one.id)[0]!) === at(logits)
  const before = reached(
    graph,
    results.map(one => one.id),
  )
  const after = reached(
    graph,
    results.filter(one => !isLogits(one)).map(one => one.id),
  )
  const isGone = (id: string) => before.has(id) && !after.has(id)

  // Data of the old head mostly lies at the end; what lies between other weights stays where it is.
  const used = [...graph.layers.values()]
    .filter(one => one.type === 'Const' && !isGone(one.id))
    .reduce((end, one) => Math.max(end, Number(one.data.offset) + Number(one.data.size)), 0)
  const weightsAt = Math.ceil(used / 64) * 64
  const biasAt = weightsAt + head.weights.byteLength
  const grown = new Uint8Array(biasAt + head.bias.byteLength)
  grown.set(bin.subarray(0, used))
  grown.set(floatBytes(head.weights), weightsAt)
  grown.set(floatBytes(head.bias), biasAt)

  const stays = [...graph.layers.keys()].filter(one => !isGone(one))
  const id = 1 + Math.max(...stays.map(Number))
  const [weight, product, bias, sum, result] = [id, id + 1, id + 2, id + 3, id + 4]
  const [of, by, out] = [
    [shape[0]!, head.dims],
    [head.classes, head.dims],
    [shape[0]!, head.classes],
  ]
  const label = ` names="${escaped(names.logits)}"`
  const layers = [
    layer(weight, 'head.weight', 'Const', stored(by, weightsAt)),
    layer(
      product,
      'head.product',
      'MatMul',
      `<data transpose_a="false" transpose_b="true" /><input>${port(0, of)}${port(1, by)}</input><output>${port(2, out)}</output>`,
    ),
    layer(bias, 'head.bias', 'Const', stored([1, head.classes], biasAt)),
    layer(
      sum,
      'head.logits',
      'Add',
      `<data auto_broadcast="numpy" /><input>${port(0, out)}${port(1, [1, head.classes])}</input><output>${port(2, out, label)}</output>`,
    ),
    layer(result, 'head.result', 'Result', `<input>${port(0, out)}</input>`),
  ]
  const edges = [
    edge(embedding.layer, embedding.port, product, 0),
    edge(weight, 0, product, 1),
    edge(product, 2, sum, 0),
    edge(bias, 0, sum, 1),
    edge(sum, 2, result, 0),
  ]
  // In the place of the old result, so that the outputs keep their order.
  const oldResult = results.find(isLogits)
  const place = oldResult?.start ?? graph.layersEnd
  const gone = [...graph.layers.values()].filter(one => isGone(one.id))
  const goneEdges = graph.edges.filter(one => isGone(one.to))
  return {
    xml: edited(xml, [
      { start: place, end: place, put: layers.join('') },
      ...gone,
      ...goneEdges,
      { start: graph.edgesEnd, end: graph.edgesEnd, put: edges.join('') },
    ]),
    bin: grown,
  }
}
