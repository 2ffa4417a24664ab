// Models made in the test, as an OpenVINO IR and as ONNX: y = x W W ... W over the last side of the
// input. One description, two formats, so that the runtimes can be held against each other.

import { onnxModel } from './onnx-writer.js'

export interface TinyModel {
  /** Shape of input `x` and output `y`; -1 leaves a side open. */
  shape: number[]
  /** The square matrix W, row after row; its side is the last side of the input. */
  matrix: Float32Array
  /** How many times W is applied: the way to make a model slow. */
  layers: number
}

/** W = factor on the diagonal: each layer multiplies by `factor`. */
export function diagonal(side: number, factor: number): Float32Array {
  const matrix = new Float32Array(side * side)
  for (let i = 0; i < side; i++) matrix[i * side + i] = factor
  return matrix
}

export function asOnnx(model: TinyModel): Uint8Array {
  const side = Math.sqrt(model.matrix.length)
  const names = ['x', ...Array.from({ length: model.layers - 1 }, (_, i) => `h${i}`), 'y']
  return onnxModel({
    inputs: [{ name: 'x', shape: model.shape }],
    outputs: [{ name: 'y', shape: model.shape }],
    weights: [{ name: 'W', shape: [side, side], data: model.matrix }],
    nodes: names.slice(1).map((to, i) => ({ type: 'MatMul', from: [names[i]!, 'W'], to: [to] })),
  })
}

export function asIr(model: TinyModel): { model: Uint8Array; weights: Uint8Array } {
  const side = Math.sqrt(model.matrix.length)
  const port = (id: number, shape: number[], names = '') =>
    `<port id="${id}" precision="FP32"${names}>${shape.map(d => `<dim>${d}</dim>`).join('')}</port>`
  const layers = [
    `<layer id="0" name="x" type="Parameter" version="opset1">
      <data shape="${model.shape.map(d => (d < 0 ? '?' : d)).join(',')}" element_type="f32"/>
      <output>${port(0, model.shape, ' names="x"')}</output></layer>`,
    `<layer id="1" name="W" type="Const" version="opset1">
      <data element_type="f32" shape="${side}, ${side}" offset="0" size="${model.matrix.byteLength}"/>
      <output>${port(0, [side, side])}</output></layer>`,
  ]
  const edges: string[] = []
  const edge = (from: number, fromPort: number, to: number, toPort: number) =>
    edges.push(
      `<edge from-layer="${from}" from-port="${fromPort}" to-layer="${to}" to-port="${toPort}"/>`,
    )
  for (let i = 0; i < model.layers; i++) {
    const id = i + 2
    const names = i === model.layers - 1 ? ' names="y"' : ''
    layers.push(`<layer id="${id}" name="m${i}" type="MatMul" version="opset1">
      <data transpose_a="false" transpose_b="false"/>
      <input>${port(0, model.shape)}${port(1, [side, side])}</input>
      <output>${port(2, model.shape, names)}</output></layer>`)
    edge(i === 0 ? 0 : id - 1, i === 0 ? 0 : 2, id, 0)
    edge(1, 0, id, 1)
  }
  const last = model.layers + 2
  layers.push(`<layer id="${last}" name="result" type="Result" version="opset1">
    <input>${port(0, model.shape)}</input></layer>`)
  edge(last - 1, 2, last, 0)
  const xml = `<?xml version="1.0"?><net name="tiny" version="11"><layers>${layers.join('')}</layers>
    <edges>${edges.join('')}</edges></net>`
  const { buffer, byteOffset, byteLength } = model.matrix
  return {
    model: new TextEncoder().encode(xml),
    weights: new Uint8Array(buffer, byteOffset, byteLength),
  }
}
