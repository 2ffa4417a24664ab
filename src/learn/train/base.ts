// What a training takes of its base: every file's bytes, and with --add its classes, heads and replay.
import { GroceryError } from '../../errors.js'
import type { Head } from '../../inference/head.js'
import { graftHead, readHead } from '../../inference/head-exchange.js'
import { readWeights, type WeightBytes, type Weights } from '../../inference/manifest.js'
import type { Embedder } from './embedder.js'
import { type Replay, readReplay } from './replay.js'

export interface BaseFile {
  entry: Weights
  bytes: WeightBytes
  /** With --add: the head of this file, whose rows stay as they are. */
  old: Head | null
}

export interface Base {
  files: BaseFile[]
  replay: Replay | null
}

/** Rows of old classes, then of new ones. */
export function joinHeads(old: Head | null, added: Head): Head {
  if (old === null) return added
  return {
    classes: old.classes + added.classes,
    dims: old.dims,
    weights: Float32Array.from([...old.weights, ...added.weights]),
    bias: Float32Array.from([...old.bias, ...added.bias]),
  }
}

function oldHead(embedder: Embedder, entry: Weights, bytes: WeightBytes): Head {
  const { model, names, dims } = embedder
  const head = readHead(entry.format, bytes, names)
  if (head.classes === model.labels.length && head.dims === dims) return head
  throw new GroceryError(
    'MODEL_SHAPE_MISMATCH',
    `${model.folder}/${entry.file}: Expected a head of ${model.labels.length} classes and ${dims} dimensions but received ${head.classes} and ${head.dims}`,
  )
}

/**
 * Reads every file of the base and tries the exchange with an empty head, so that a base of an unknown form is told
 * before the minutes of work. Throws the MODEL_* codes, and REPLAY_INVALID with `add`.
 */
export function readBase(embedder: Embedder, add: boolean): Base {
  const { model, names, dims } = embedder
  const { weights, kind, output } = model.manifest
  if (add && (kind !== 'classifier' || output.activation !== 'softmax')) {
    throw new GroceryError(
      'MODEL_HEAD_UNKNOWN',
      `${model.folder}: Expected a classifier with activation softmax to add classes to but received ${kind} with ${output.activation}`,
    )
  }
  const files = weights.map(entry => {
    const isLoaded = entry === embedder.weights
    const bytes = isLoaded ? embedder.bytes : readWeights(model.folder, entry)
    const empty = { classes: 1, dims, weights: new Float32Array(dims), bias: new Float32Array(1) }
    graftHead(entry.format, bytes, names, empty)
    return { entry, bytes, old: add ? oldHead(embedder, entry, bytes) : null }
  })
  return { files, replay: add ? readReplay(model.folder, dims, model.labels.length) : null }
}
