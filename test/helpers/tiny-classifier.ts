// A classifier made in the test, as ONNX and as an OpenVINO IR: 3x8x8 pixels, projected to an embedding, then a head
// in each of the forms and storages that real files have.
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onnxModel } from './onnx-writer.js'

export const side = 8
const pixels = 3 * side * side

export interface TinyHead {
  classes: number
  dims: number
  weights: Float32Array
  bias: Float32Array
}

/** Small numbers of both signs; the same for the same start. */
export const waves = (length: number, start: number, size = 1): Float32Array =>
  Float32Array.from({ length }, (_, i) => size * Math.sin(start + 1.7 * i + 0.013 * i * i))

export const tinyHead = (classes: number, dims: number, start = 1): TinyHead => ({
  classes,
  dims,
  weights: waves(classes * dims, start),
  bias: waves(classes, start + 5),
})

const projection = (dims: number) => waves(pixels * dims, 3, 0.2)

/** float32 to the nearest float16, for the small normal numbers of these tests. */
function half(value: number): number {
  const sign = value < 0 ? 0x8000 : 0
  const size = Math.abs(value)
  if (size < 2 ** -14) return sign
  const exponent = Math.floor(Math.log2(size))
  const fraction = Math.round((size / 2 ** exponent - 1) * 1024)
  return sign | (((exponent + 15) << 10) + fraction)
}

const halves = (values: Float32Array) => Uint16Array.from(values, half)

const turned = ({ weights, classes, dims }: TinyHead) =>
  Float32Array.from(
    { length: weights.length },
    (_, i) => weights[(i % classes) * dims + Math.floor(i / classes)]!,
  )

export type OnnxForm = 'gemm' | 'gemm fp16' | 'matmul' | 'none' | 'relu'

export function tinyOnnx(head: TinyHead, form: OnnxForm): Uint8Array {
  const { classes, dims } = head
  const node = (type: string, from: string[], to: string, integers = {}) => ({
    type,
    from,
    to: [to],
    integers,
  })
  const isTurned = form === 'gemm fp16'
  const shape = isTurned ? [classes, dims] : [dims, classes]
  const data = isTurned ? halves(head.weights) : turned(head)
  const ends: Record<OnnxForm, ReturnType<typeof node>[]> = {
    gemm: [node('Gemm', ['embedding', 'W', 'b'], 'logits')],
    'gemm fp16': [
      node('Cast', ['W'], 'W32', { to: 1 }),
      node('Gemm', ['embedding', 'W32', 'b'], 'logits', { transB: 1 }),
    ],
    matmul: [
      node('MatMul', ['embedding', 'W'], 'product'),
      node('Add', ['product', 'b'], 'logits'),
    ],
    none: [],
    relu: [node('Gemm', ['embedding', 'W', 'b'], 'sum'), node('Relu', ['sum'], 'logits')],
  }
  const outputs = [
    { name: 'logits', shape: [1, classes] },
    { name: 'embedding', shape: [1, dims] },
  ]
  return onnxModel({
    inputs: [{ name: 'image', shape: [1, 3, side, side] }],
    outputs: form === 'none' ? outputs.slice(1) : outputs,
    weights: [
      { name: 'P', shape: [pixels, dims], data: projection(dims) },
      ...(form === 'none'
        ? []
        : [
            { name: 'W', shape, data },
            { name: 'b', shape: [classes], data: head.bias },
          ]),
    ],
    nodes: [
      node('Flatten', ['image'], 'flat'),
      node('MatMul', ['flat', 'P'], 'embedding'),
      ...ends[form],
    ],
  })
}

export type IrForm = 'f32' | 'f16' | 'int8' | 'none' | 'relu'

/** The step of an INT8 weight, and the range to which its embedding is rounded. */
const step = 1 / 127
const range = 64

export function tinyIr(
  head: TinyHead,
  form: IrForm,
): { model: Uint8Array; weights: Uint8Array<ArrayBuffer> } {
  const { classes, dims } = head
  const layers: string[] = []
  const edges: string[] = []
  const stored: Buffer[] = []
  let size = 0
  const port = (id: number, shape: number[], names = '') =>
    `<port id="${id}" precision="FP32"${names && ` names="${names}"`}>${shape.map(d => `<dim>${d}</dim>`).join('')}</port>`
  // Every layer here has its inputs at the ports 0, 1, … and its output behind them.
  const add = (
    type: string,
    data: string,
    from: { id: number; shape: number[]; port: number }[],
    shape: number[] | null,
    names = '',
  ) => {
    const id = layers.length
    const inputs = from.map((one, at) => port(at, one.shape)).join('')
    const output = shape === null ? '' : `<output>${port(from.length, shape, names)}</output>`
    layers.push(
      `<layer id="${id}" name="${type}${id}" type="${type}" version="opset1">${data}${inputs && `<input>${inputs}</input>`}${output}</layer>`,
    )
    from.forEach((one, at) =>
      edges.push(
        `<edge from-layer="${one.id}" from-port="${one.port}" to-layer="${id}" to-port="${at}" />`,
      ),
    )
    return { id, shape: shape ?? [], port: from.length }
  }
  const constant = (type: string, shape: number[], values: ArrayBufferView) => {
    const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength)
    const offset = size
    stored.push(bytes)
    size += bytes.length
    const data = `<data element_type="${type}" shape="${shape.join(', ')}" offset="${offset}" size="${bytes.length}" />`
    return add('Const', data, [], shape)
  }
  const image = add(
    'Parameter',
    `<data shape="1,3,${side},${side}" element_type="f32" />`,
    [],
    [1, 3, side, side],
    'image',
  )
  const flatShape = constant('i64', [2], BigInt64Array.from([1n, BigInt(pixels)]))
  const flat = add('Reshape', '<data special_zero="false" />', [image, flatShape], [1, pixels])
  const project = constant('f32', [pixels, dims], projection(dims))
  const plain = '<data transpose_a="false" transpose_b="false" />'
  const embedding = add('MatMul', plain, [flat, project], [1, dims], 'embedding')
  if (form !== 'none') {
    const by = [classes, dims]
    const f32 = '<data destination_type="f32" />'
    let weight
    let from = embedding
    if (form === 'f16') {
      weight = add('Convert', f32, [constant('f16', by, halves(head.weights))], by)
    } else if (form === 'int8') {
      const bytes = Int8Array.from(head.weights, value => Math.round(value / step))
      const scale = constant('f32', [classes, 1], new Float32Array(classes).fill(step))
      const numbers = add('Convert', f32, [constant('i8', by, bytes)], by)
      weight = add('Multiply', '<data auto_broadcast="numpy" />', [numbers, scale], by)
      const low = constant('f32', [], Float32Array.of(-range))
      const high = constant('f32', [], Float32Array.of(range))
      const rounding = '<data levels="256" auto_broadcast="numpy" />'
      from = add('FakeQuantize', rounding, [embedding, low, high, low, high], [1, dims])
    } else weight = constant('f32', by, head.weights)
    const over = '<data transpose_a="false" transpose_b="true" />'
    const product = add('MatMul', over, [from, weight], [1, classes])
    const bias = constant('f32', [1, classes], head.bias)
    const isLast = form !== 'relu'
    const broadcast = '<data auto_broadcast="numpy" />'
    let last = add('Add', broadcast, [product, bias], [1, classes], isLast ? 'logits' : '')
    if (!isLast) last = add('ReLU', '', [last], [1, classes], 'logits')
    add('Result', '', [last], null)
  }
  add('Result', '', [embedding], null)
  const xml = `<?xml version="1.0"?>\n<net name="tiny" version="11">\n<layers>\n${layers.join('\n')}\n</layers>\n<edges>\n${edges.join('\n')}\n</edges>\n</net>\n`
  return { model: new TextEncoder().encode(xml), weights: new Uint8Array(Buffer.concat(stored)) }
}

export const tinyInput = {
  width: side,
  height: side,
  channels: 'rgb',
  layout: 'nchw',
  mean: [127],
  scale: [128],
  fit: 'crop',
  filter: 'area',
} as const

/** A model folder with both formats, as a base to train on. */
export function writeTinyBase(folder: string, head: TinyHead, names: string[]): void {
  mkdirSync(folder, { recursive: true })
  const ir = tinyIr(head, 'f16')
  const onnx = tinyOnnx(head, 'gemm fp16')
  const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
  writeFileSync(join(folder, 'tiny.xml'), ir.model)
  writeFileSync(join(folder, 'tiny.bin'), ir.weights)
  writeFileSync(join(folder, 'tiny.onnx'), onnx)
  writeFileSync(join(folder, 'LICENSE'), 'made in a test')
  const rows = names.map((name, index) => `${index},${name},${name},,,,,`)
  const header = 'index,sku,name,plu,gtin,coarse,variantOf,group'
  writeFileSync(join(folder, 'labels.csv'), [header, ...rows].join('\n'))
  const manifest = {
    schema: 1,
    name: 'tiny',
    version: 4,
    kind: 'classifier',
    weights: [
      {
        format: 'openvino-ir',
        file: 'tiny.xml',
        precision: 'fp16',
        sha256: hash(ir.model),
        bin: { file: 'tiny.bin', sha256: hash(ir.weights) },
      },
      { format: 'onnx', file: 'tiny.onnx', precision: 'fp16', sha256: hash(onnx) },
    ],
    input: tinyInput,
    output: { activation: 'softmax', logits: 'logits', embedding: 'embedding' },
    labels: 'labels.csv',
    licence: 'none',
    source: 'a test',
  }
  writeFileSync(join(folder, 'model.json'), JSON.stringify(manifest))
}
