// YOLO: middle and size of each box and its classes in one row; decoded in the graph, or by us where strides are given.
import { cellsOf, eachCell, levelsOf } from './levels.js'
import { bestOf, type Decode, mismatch, sigmoid } from './types.js'

/** Version 8 and later have values by rows of boxes, [1, 4 + classes, boxes]; the earlier ones [1, boxes, 5 + classes]. */
function rowsOf(data: Float32Array, [, first, second]: [number, number, number]) {
  const isTransposed = first < second
  const width = isTransposed ? first : second
  const count = isTransposed ? second : first
  const value = isTransposed
    ? (row: number, at: number) => data[at * count + row]!
    : (row: number, at: number) => data[row * width + at]!
  return { width, count, value, isTransposed }
}

export const yolo: Decode = (outputs, spec, input) => {
  const [output] = outputs
  if (!output || output.shape.length !== 3 || Math.min(...output.shape.slice(1)) < 5) {
    throw mismatch('one output of 1 x boxes x (5 + classes) or 1 x (4 + classes) x boxes', outputs)
  }
  const shape = output.shape as [number, number, number]
  const { width, count, value, isTransposed } = rowsOf(output.data, shape)
  const hasObjectness = spec.objectness ?? !isTransposed
  const before = hasObjectness ? 5 : 4
  const classes = width - before
  const boxes = new Float32Array(4 * count)
  const values = new Float32Array(Math.max(1, classes) * count)
  for (let row = 0; row < count; row++) {
    for (let at = 0; at < 4; at++) boxes[4 * row + at] = value(row, at)
    for (let at = 0; at < classes; at++) values[row * classes + at] = value(row, before + at)
  }
  // With one class some leave it out: objectness says all.
  const scores =
    classes === 0 ? new Float32Array(count).fill(1) : bestOf(values, classes, spec.activation)
  if (hasObjectness) {
    const turned = spec.activation === 'sigmoid' ? sigmoid : (one: number) => one
    for (let row = 0; row < count; row++) scores[row]! *= turned(value(row, 4))
  }

  const levels = levelsOf(spec, input)
  if (levels.length > 0) {
    if (cellsOf(levels) !== count) throw mismatch(`${cellsOf(levels)} boxes`, outputs)
    eachCell(levels, (row, { stride }, column, line) => {
      boxes[4 * row] = (boxes[4 * row]! + column) * stride
      boxes[4 * row + 1] = (boxes[4 * row + 1]! + line) * stride
      boxes[4 * row + 2] = Math.exp(boxes[4 * row + 2]!) * stride
      boxes[4 * row + 3] = Math.exp(boxes[4 * row + 3]!) * stride
    })
  }
  const [x, y] = spec.units === 'fraction' ? [1, 1] : [input.width, input.height]
  for (let at = 0; at < boxes.length; at += 4) {
    const [middleX, middleY, w, h] = boxes.subarray(at, at + 4) as unknown as number[]
    boxes.set(
      [
        (middleX! - w! / 2) / x,
        (middleY! - h! / 2) / y,
        (middleX! + w! / 2) / x,
        (middleY! + h! / 2) / y,
      ],
      at,
    )
  }
  return { boxes, scores }
}
