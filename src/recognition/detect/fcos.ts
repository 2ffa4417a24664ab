// FCOS: from the middle of each cell the distances to the four sides, classes, and perhaps how central the cell is.
import { cellsOf, eachCell, joinLevels, levelsOf } from './levels.js'
import { bestOf, type Decode, mismatch, sigmoid } from './types.js'

export const fcos: Decode = (outputs, spec, input) => {
  const levels = levelsOf(spec, input)
  const lists = joinLevels(outputs, levels, cellsOf(levels))
  const distances = lists.find(({ width }) => width === 4)
  const [classes, centre] = lists.filter(list => list !== distances)
  if (levels.length === 0 || !distances || !classes || (centre && centre.width !== 1)) {
    throw mismatch('strides, 4 distances a cell, classes, and perhaps a centreness', outputs)
  }
  const scores = bestOf(classes.data, classes.width, spec.activation)
  // The geometric mean of both, so that thresholds mean the same with and without.
  if (centre) scores.forEach((one, at) => (scores[at] = Math.sqrt(one * sigmoid(centre.data[at]!))))
  const boxes = new Float32Array(distances.data.length)
  eachCell(levels, (cell, { stride }, column, row) => {
    const [x, y] = [(column + 0.5) * stride, (row + 0.5) * stride]
    const [left, top, right, bottom] = distances.data.subarray(4 * cell, 4 * cell + 4)
    boxes.set(
      [
        (x - left! * stride) / input.width,
        (y - top! * stride) / input.height,
        (x + right! * stride) / input.width,
        (y + bottom! * stride) / input.height,
      ],
      4 * cell,
    )
  })
  return { boxes, scores }
}
