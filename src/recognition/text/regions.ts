// From a map of where text may be to rectangles of lines: connected regions, weighed and grown (a DB detector's decode). Pure.
import { smallestRectangle } from './smallest-rectangle.js'
import type { Rectangle } from './types.js'

/** Of text from this probability on; a line from this mean on; both as PP-OCR has them. */
const textFrom = 0.3
const lineFrom = 0.5
/** The network is taught the core of each line: it is grown by this share of area to girth. */
const grownBy = 1.6
/** Thinner ones are specks, pixels. */
const thinnest = 3
/** More than that on one pack is noise. */
const mostLines = 100

export interface ProbabilityMap {
  data: Float32Array
  width: number
  height: number
}

export interface Region extends Rectangle {
  score: number
}

/** Left and right end of each row of every region of pixels that touch, corners included. */
function regionsOf({ data, width, height }: ProbabilityMap): [number, number][][] {
  const seen = new Uint8Array(data.length)
  const found: [number, number][][] = []
  const stack: number[] = []
  for (let start = 0; start < data.length; start++) {
    if (seen[start] || data[start]! <= textFrom) continue
    const rows = new Map<number, [number, number]>()
    seen[start] = 1
    stack.push(start)
    while (stack.length > 0) {
      const at = stack.pop()!
      const [x, y] = [at % width, Math.floor(at / width)]
      const row = rows.get(y)
      if (row) [row[0], row[1]] = [Math.min(row[0], x), Math.max(row[1], x)]
      else rows.set(y, [x, x])
      for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++)
        for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
          const next = ny * width + nx
          if (seen[next] || data[next]! <= textFrom) continue
          seen[next] = 1
          stack.push(next)
        }
    }
    found.push([...rows].flatMap(([y, [x0, x1]]): [number, number][] => [[x0, y], [x1, y]])) // prettier-ignore
  }
  return found
}

/** The mean of the map within a rectangle. */
function meanWithin({ data, width, height }: ProbabilityMap, one: Rectangle): number {
  const [ux, uy] = one.along
  const reach = (one.length + one.height) / 2 + 1
  let [sum, count] = [0, 0]
  for (let y = Math.max(0, Math.floor(one.y - reach)); y < Math.min(height, one.y + reach); y++)
    for (let x = Math.max(0, Math.floor(one.x - reach)); x < Math.min(width, one.x + reach); x++) {
      const [dx, dy] = [x - one.x, y - one.y]
      if (Math.abs(dx * ux + dy * uy) > one.length / 2) continue
      if (Math.abs(dy * ux - dx * uy) > one.height / 2) continue
      sum += data[y * width + x]!
      count++
    }
  return count > 0 ? sum / count : 0
}

/** Lines of text in pixels of the map, the most certain first. */
export function linesIn(map: ProbabilityMap): Region[] {
  return regionsOf(map)
    .map(smallestRectangle)
    .filter(one => Math.min(one.length, one.height) >= thinnest)
    .map(one => ({ ...one, score: meanWithin(map, one) }))
    .filter(({ score }) => score >= lineFrom)
    .sort((a, b) => b.score - a.score)
    .slice(0, mostLines)
    .map(grown)
}

function grown(region: Region): Region {
  const { length, height } = region
  const by = (length * height * grownBy) / (2 * (length + height))
  return { ...region, length: length + 2 * by, height: height + 2 * by }
}
