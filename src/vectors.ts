// Vectors of one length: product, length and cosine. Pure; what has no direction is like nothing.
type Vector = ArrayLike<number>

/** @param at where in `b` the other vector begins */
export function dot(a: Vector, b: Vector, at = 0): number {
  let sum = 0
  for (let d = 0; d < a.length; d++) sum += a[d]! * b[at + d]!
  return sum
}

export const lengthOf = (a: Vector): number => Math.sqrt(dot(a, a))

/** -1 to 1; of vectors of length 1 it is their `dot`. */
export const cosine = (a: Vector, b: Vector): number => dot(a, b) / (lengthOf(a) * lengthOf(b) || 1)
