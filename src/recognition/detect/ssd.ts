// SSD and all whose graph decodes the boxes itself: corners of boxes beside their scores, or rows of seven values.
import { bestOf, type Decode, type Found, mismatch } from './types.js'
import type { Outputs } from '../runner.js'

/** DetectionOutput: picture, label, score, left, top, right, bottom; a picture below 0 ends the list. */
const rowLength = 7

function fromRows(data: Float32Array): Found {
  const boxes: number[] = []
  const scores: number[] = []
  for (let at = 0; at + rowLength <= data.length && data[at]! >= 0; at += rowLength) {
    scores.push(data[at + 2]!)
    boxes.push(...data.subarray(at + 3, at + rowLength))
  }
  return { boxes: Float32Array.from(boxes), scores: Float32Array.from(scores) }
}

/** The output with the boxes and the one with the scores. */
function pairOf(outputs: Outputs, name: string | undefined) {
  const boxes = outputs.find(({ shape, name: own }) => shape.at(-1) === 4 && own !== name)
  const count = (boxes?.data.length ?? 0) / 4
  const fits = (data: Float32Array) => count > 0 && data.length % count === 0
  const scores = outputs.find(one =>
    name === undefined ? one !== boxes && fits(one.data) : one.name === name,
  )
  return { boxes, scores, count }
}

export const ssd: Decode = (outputs, spec, { width, height }) => {
  const rows = outputs.find(({ shape }) => shape.at(-1) === rowLength)
  const { boxes, scores, count } = pairOf(outputs, spec.scores)
  let found: Found
  if (rows && !boxes) found = fromRows(rows.data)
  else if (boxes && scores && scores.data.length % Math.max(1, count) === 0) {
    const classes = count === 0 ? 1 : scores.data.length / count
    found = {
      boxes: Float32Array.from(boxes.data),
      scores: bestOf(scores.data, classes, spec.activation),
    }
  } else {
    throw mismatch('rows of 7 values, or boxes of 4 values and as many scores,', outputs)
  }
  if (spec.units === 'pixel') {
    const sides = [width, height, width, height]
    found.boxes.forEach((value, at) => (found.boxes[at] = value / sides[at % 4]!))
  }
  return found
}
