// The last layer of a classifier: logits = embedding * weights' + bias. Its type and the words where there is none.
import { GroceryError } from '../errors.js'

export interface Head {
  classes: number
  dims: number
  /** classes x dims. */
  weights: Float32Array
  /** classes. */
  bias: Float32Array
}

/** What the graph calls the two ends of its head. */
export interface HeadNames {
  embedding: string
  logits: string
}

/** The same words for both formats. */
export function unknownHead(what: string): GroceryError {
  return new GroceryError('MODEL_HEAD_UNKNOWN', what)
}
