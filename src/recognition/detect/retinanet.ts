// RetinaNet: several anchors a cell, each moved and stretched by four values.
import { cellsOf, eachCell, joinLevels, levelsOf } from './levels.js'
import { bestOf, type Decode, mismatch } from './types.js'

/** The anchor of a stride is four times as long; exp() of more than this would leave any picture. */
const anchorStrides = 4
const maxStretch = Math.log(1000 / 16)

/** As RetinaNet was published; deltas are multiplied by `deviation`. */
const published = {
  scales: [1, 2 ** (1 / 3), 2 ** (2 / 3)],
  ratios: [0.5, 1, 2],
  offset: 0.5,
  deviation: [0.1, 0.1, 0.2, 0.2],
}

/** Width and height of the anchors of a stride: each ratio (height to width) with each scale. */
export function anchorSizes(
  stride: number,
  scales: number[],
  ratios: number[],
): [number, number][] {
  return ratios.flatMap(ratio =>
    scales.map((scale): [number, number] => {
      const side = anchorStrides * stride * scale
      return [side / Math.sqrt(ratio), side * Math.sqrt(ratio)]
    }),
  )
}

export const retinanet: Decode = (outputs, spec, input) => {
  const levels = levelsOf(spec, input)
  const { scales, ratios, offset, deviation } = { ...published, ...spec.anchors }
  const perCell = scales.length * ratios.length
  const cells = cellsOf(levels)
  const isFlat = outputs.every(({ shape }) => shape.length === 3)
  const lists = joinLevels(outputs, levels, isFlat ? cells * perCell : cells)
  const deltas = lists.find(({ width }) => width === (isFlat ? 4 : 4 * perCell))
  const classes = lists.find(list => list !== deltas)
  if (levels.length === 0 || !deltas || !classes) {
    throw mismatch(`strides, classes, and 4 values for each of ${perCell} anchors a cell`, outputs)
  }
  const count = cells * perCell
  const scores = bestOf(classes.data, classes.data.length / count, spec.activation)
  const boxes = new Float32Array(4 * count)
  const sizes = new Map(levels.map(({ stride }) => [stride, anchorSizes(stride, scales, ratios)]))
  eachCell(levels, (cell, { stride }, column, row) => {
    sizes.get(stride)!.forEach(([width, height], anchor) => {
      const at = 4 * (cell * perCell + anchor)
      const [dx, dy, dw, dh] = deviation.map((one, k) => one * deltas.data[at + k]!)
      const x = (column + offset) * stride + dx! * width
      const y = (row + offset) * stride + dy! * height
      const w = width * Math.exp(Math.min(dw!, maxStretch))
      const h = height * Math.exp(Math.min(dh!, maxStretch))
      boxes.set(
        [
          (x - w / 2) / input.width,
          (y - h / 2) / input.height,
          (x + w / 2) / input.width,
          (y + h / 2) / input.height,
        ],
        at,
      )
    })
  })
  return { boxes, scores }
}
