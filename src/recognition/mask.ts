// What nobody may see of a camera's picture: shapes that are blacked out in pixels, and left out of the scene's grid. Pure.
import type { CameraConfig } from '../config/schema.js'
import type { Box } from './types.js'

type Shape = NonNullable<CameraConfig['mask']>[number]
type Point = readonly [x: number, y: number]

interface Pixels {
  rgb: Uint8Array
  width: number
  height: number
}

/** A decoder mixes the colours of neighbours: what touches the edge of a shape goes with it, this far. */
const marginPixels = 2

const isBox = (shape: Shape): shape is Box => typeof shape[0] === 'number'

const cornersOf = (shape: Shape): Point[] => {
  if (!isBox(shape)) return shape
  const [x0, y0, x1, y1] = shape
  return [
    [x0, y0],
    [x1, y0],
    [x1, y1],
    [x0, y1],
  ]
}

/** All that a person must not be shown: the mask, and what lies outside the part that counts. */
export function hiddenShapes({ mask, roi }: Pick<CameraConfig, 'mask' | 'roi'>): Shape[] {
  const [x0, y0, x1, y1] = roi
  const around: Box[] = [
    [0, 0, 1, y0],
    [0, y1, 1, 1],
    [0, y0, x0, y1],
    [x1, y0, 1, y1],
  ]
  return [...(mask ?? []), ...around.filter(box => box[0] < box[2] && box[1] < box[3])]
}

/** Where a closed line crosses the height y, in order, and whether it goes down or up there. */
function crossings(points: Point[], y: number): { x: number; turn: number }[] {
  return points
    .flatMap(([ax, ay], index) => {
      const [bx, by] = points[(index + 1) % points.length]!
      if (ay <= y === by <= y) return []
      return [{ x: ax + ((y - ay) / (by - ay)) * (bx - ax), turn: by > ay ? 1 : -1 }]
    })
    .sort((a, b) => a.x - b.x)
}

/** From where to where a shape reaches in the band between two heights: no part of it lies beside these spans. */
function* spans(points: Point[], top: number, bottom: number): Generator<[number, number]> {
  for (const [index, [ax, ay]] of points.entries()) {
    const [bx, by] = points[(index + 1) % points.length]!
    const from = Math.max(top, Math.min(ay, by))
    const to = Math.min(bottom, Math.max(ay, by))
    if (from > to) continue
    const at = (y: number) => (ay === by ? ax : ax + ((y - ay) / (by - ay)) * (bx - ax))
    const ends = ay === by ? [ax, bx] : [at(from), at(to)]
    yield [Math.min(...ends), Math.max(...ends)]
  }
  // What no edge touches in the band is inside at its top or at its bottom. Inside is what the line goes round.
  for (const y of [top, bottom]) {
    let round = 0
    let since = 0
    for (const { x, turn } of crossings(points, y)) {
      if (round === 0) since = x
      round += turn
      if (round === 0) yield [since, x]
    }
  }
}

/** Calls `hide` for each row of a raster that a shape touches, with its columns from, to (exclusive). */
function cover(
  points: Point[],
  { width, height, margin }: { width: number; height: number; margin: number },
  hide: (row: number, from: number, to: number) => void,
): void {
  for (let row = 0; row < height; row++) {
    for (const [left, right] of spans(points, row - margin, row + 1 + margin)) {
      const from = Math.max(0, Math.floor(left) - margin)
      const to = Math.min(width, Math.ceil(right) + margin)
      if (from < to) hide(row, from, to)
    }
  }
}

/** Blackens the shapes, in place: every pixel that they touch, and a little around. */
export function blackOut({ rgb, width, height }: Pixels, shapes: readonly Shape[]): void {
  for (const shape of shapes) {
    const points = cornersOf(shape).map(([x, y]): Point => [x * width, y * height])
    cover(points, { width, height, margin: marginPixels }, (row, from, to) =>
      rgb.fill(0, (row * width + from) * 3, (row * width + to) * 3),
    )
  }
}

/** The cells of a grid over the roi that a mask touches. */
export function hiddenCells(
  { mask, roi: [x0, y0, x1, y1] }: Pick<CameraConfig, 'mask' | 'roi'>,
  { columns, rows }: { columns: number; rows: number },
): Set<number> {
  const cells = new Set<number>()
  for (const shape of mask ?? []) {
    const points = cornersOf(shape).map(([x, y]): Point => [
      ((x - x0) / (x1 - x0)) * columns,
      ((y - y0) / (y1 - y0)) * rows,
    ])
    cover(points, { width: columns, height: rows, margin: 0 }, (row, from, to) => {
      for (let column = from; column < to; column++) cells.add(row * columns + column)
    })
  }
  return cells
}

/** Hidden cells take the mean of the others, in place: black ones would make an empty counter look full. */
export function hideCells(grid: Float32Array, cells: ReadonlySet<number>): Float32Array {
  if (cells.size === 0) return grid
  let sum = 0
  for (const [index, luma] of grid.entries()) if (!cells.has(index)) sum += luma
  const mean = sum / Math.max(1, grid.length - cells.size)
  for (const index of cells) grid[index] = mean
  return grid
}
