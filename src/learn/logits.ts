// A head applied to an embedding, the plain way: the judge of what the runtimes give. Pure.
import type { Head } from '../inference/head.js'

/** The logits of one row, summed in double precision. */
export function logitsOf({ classes, dims, weights, bias }: Head, row: Float32Array): Float32Array {
  return Float32Array.from({ length: classes }, (_, index) => {
    let sum = bias[index]!
    for (let d = 0; d < dims; d++) sum += weights[index * dims + d]! * row[d]!
    return sum
  })
}
