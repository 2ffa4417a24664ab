// The smallest turned rectangle around points: one of its sides lies on a side of their hull. Pure.
import type { Rectangle } from './types.js'

type Point = readonly [x: number, y: number]

/** Above 0 where c lies to the left of the way from a to b. */
const turn = (a: Point, b: Point, c: Point): number =>
  (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

function chain(points: readonly Point[]): Point[] {
  const kept: Point[] = []
  for (const point of points) {
    while (kept.length > 1 && turn(kept.at(-2)!, kept.at(-1)!, point) <= 0) kept.pop()
    kept.push(point)
  }
  return kept.slice(0, -1)
}

/** The convex hull, in one direction round. */
export function hullOf(points: readonly Point[]): Point[] {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1])
  if (sorted.length < 2) return sorted
  return [...chain(sorted), ...chain(sorted.toReversed())]
}

/** A line that is clearly longer than high runs along its longer side; another one as nearly level as it can. */
const clearlyLonger = 1.5

/** Text runs to the right, or down where it stands upright. */
function readable(rectangle: Rectangle): Rectangle {
  const { along, length, height } = rectangle
  const [x, y] = along
  const isLong = length >= clearlyLonger * height
  const isHigh = height >= clearlyLonger * length
  const turned = isHigh || (!isLong && Math.abs(x) < Math.abs(y))
  const [dx, dy] = turned ? [-y, x] : [x, y]
  const backwards = Math.abs(dx) >= Math.abs(dy) ? dx < 0 : dy < 0
  return {
    ...rectangle,
    along: backwards ? [-dx, -dy] : [dx, dy],
    length: turned ? height : length,
    height: turned ? length : height,
  }
}

/** @param points at least one */
export function smallestRectangle(points: readonly Point[]): Rectangle {
  const hull = hullOf(points)
  let best: Rectangle | null = null
  hull.forEach((from, at) => {
    const to = hull[(at + 1) % hull.length]!
    const size = Math.hypot(to[0] - from[0], to[1] - from[1])
    const along: [number, number] =
      size === 0 ? [1, 0] : [(to[0] - from[0]) / size, (to[1] - from[1]) / size]
    const one = around(hull, along)
    if (!best || one.length * one.height < best.length * best.height) best = one
  })
  return readable(best!)
}

function around(hull: readonly Point[], along: [number, number]): Rectangle {
  const [ux, uy] = along
  let [a0, a1, b0, b1] = [Infinity, -Infinity, Infinity, -Infinity]
  for (const [x, y] of hull) {
    const [a, b] = [x * ux + y * uy, y * ux - x * uy]
    ;[a0, a1, b0, b1] = [Math.min(a0, a), Math.max(a1, a), Math.min(b0, b), Math.max(b1, b)]
  }
  const [a, b] = [(a0 + a1) / 2, (b0 + b1) / 2]
  return { x: a * ux - b * uy, y: a * uy + b * ux, along, length: a1 - a0, height: b1 - b0 }
}
