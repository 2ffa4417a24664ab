// How much two boxes [x0, y0, x1, y1] share, alone or each one of many in a list. Pure.

/**
 * Intersection over union, 0..1.
 * @param atA where in `a` the box begins; `atB` the same of `b`
 */
export function iouOf(a: ArrayLike<number>, b: ArrayLike<number>, atA = 0, atB = 0): number {
  const width = Math.min(a[atA + 2]!, b[atB + 2]!) - Math.max(a[atA]!, b[atB]!)
  const height = Math.min(a[atA + 3]!, b[atB + 3]!) - Math.max(a[atA + 1]!, b[atB + 1]!)
  if (width <= 0 || height <= 0) return 0
  const shared = width * height
  const areaA = (a[atA + 2]! - a[atA]!) * (a[atA + 3]! - a[atA + 1]!)
  const areaB = (b[atB + 2]! - b[atB]!) * (b[atB + 3]! - b[atB + 1]!)
  return shared / (areaA + areaB - shared)
}
