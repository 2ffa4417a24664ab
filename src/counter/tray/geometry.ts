// Boxes on the tray: what covers what, how far they are apart, and how one follows another. Pure.
import type { Box } from '../../recognition/types.js'

export const area = ([x0, y0, x1, y1]: Box): number => Math.max(0, x1 - x0) * Math.max(0, y1 - y0)

const shared = (a: Box, b: Box): number =>
  area([Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])])

/** Share of `under` that lies below `over`, 0..1. */
export const covered = (under: Box, over: Box): number =>
  area(under) > 0 ? shared(under, over) / area(under) : 0

/** Distance of the centres, in sizes (mean of the two diagonals). */
export function apart(a: Box, b: Box): number {
  const dx = (a[0] + a[2] - b[0] - b[2]) / 2
  const dy = (a[1] + a[3] - b[1] - b[3]) / 2
  const size = (Math.hypot(a[2] - a[0], a[3] - a[1]) + Math.hypot(b[2] - b[0], b[3] - b[1])) / 2
  return size > 0 ? Math.hypot(dx, dy) / size : Number.POSITIVE_INFINITY
}

/** `share` of the way from a to b. */
export const between = (a: Box, b: Box, share: number): Box =>
  a.map((value, side) => value + (b[side]! - value) * share) as Box
