// Reads the head out of a model and puts another in its place, in either format.
import type { Head, HeadNames } from './head.js'
import { graftIrHead, readIrHead } from './ir-head.js'
import type { WeightBytes, Weights } from './manifest.js'
import { graftOnnxHead, readOnnxHead } from './onnx-head.js'

/** The head that a model has. Throws MODEL_HEAD_UNKNOWN where its last layer is of another form. */
export function readHead(format: Weights['format'], bytes: WeightBytes, names: HeadNames): Head {
  if (format === 'onnx') return readOnnxHead(bytes.model, names)
  return readIrHead(Buffer.from(bytes.model).toString('utf8'), bytes.weights!, names)
}

/**
 * The same model with `head` behind its embedding. An old head, and what only it used, goes; every other byte stays.
 * Throws MODEL_HEAD_UNKNOWN where the graph has no such embedding.
 */
export function graftHead(
  format: Weights['format'],
  bytes: Pick<WeightBytes, 'model' | 'weights'>,
  names: HeadNames,
  head: Head,
): { model: Uint8Array; weights?: Uint8Array } {
  if (format === 'onnx') return { model: graftOnnxHead(bytes.model, names, head) }
  const xml = Buffer.from(bytes.model).toString('utf8')
  const grafted = graftIrHead(xml, bytes.weights!, names, head)
  return { model: new TextEncoder().encode(grafted.xml), weights: grafted.bin }
}
