// The base model as a maker of embeddings: opened, checked and warmed up. Knows nothing of training.
import { GroceryError } from '../../errors.js'
import { Engine, type EngineInfo, type EngineInput } from '../../inference/addon.js'
import { choicesOf } from '../../inference/choices.js'
import { firstRun, placeOf } from '../../inference/first-run.js'
import type { HeadNames } from '../../inference/head.js'
import {
  type ModelDirectory,
  openModel,
  readWeights,
  type WeightBytes,
  type Weights,
} from '../../inference/manifest.js'

export interface RuntimeChoice {
  prefer: 'auto' | 'openvino' | 'onnxruntime'
  device: string
  threads: number
  streams: number
}

export interface Embedder {
  model: ModelDirectory
  /** Those that run here; `bytes` are theirs. */
  weights: Weights
  bytes: WeightBytes
  info: EngineInfo
  names: HeadNames
  dims: number
  /** Throws the IMAGE_*, ENGINE_* codes and INFERENCE_FAILED. */
  embed(input: EngineInput): Promise<Float32Array>
  stop(): Promise<void>
}

/** The base and the names of its ends. Throws MODEL_SHAPE_MISMATCH where it gives no embedding. */
export function openBase(base: string): { model: ModelDirectory; names: HeadNames } {
  const model = openModel(base)
  const { kind, output } = model.manifest
  const isKnown = kind === 'classifier' || kind === 'embedder'
  if (isKnown && output.embedding !== undefined) {
    return { model, names: { embedding: output.embedding, logits: output.logits ?? 'logits' } }
  }
  throw new GroceryError(
    'MODEL_SHAPE_MISMATCH',
    `${model.folder}: Expected a classifier or embedder with output.embedding but received ${kind}${isKnown ? ' without it' : ''}`,
  )
}

/** Throws the MODEL_* and RUNTIME_* codes, DEVICE_NOT_FOUND. */
export async function startEmbedder(base: string, runtime: RuntimeChoice): Promise<Embedder> {
  const { model, names } = openBase(base)
  const choice = choicesOf(model, runtime)[0]!
  const bytes = readWeights(model.folder, choice.weights)
  const { input } = model.manifest
  const engine = new Engine({
    runtime: choice.runtime,
    model: bytes.model,
    ...(bytes.weights ? { weights: bytes.weights } : {}),
    input,
    device: choice.device,
    threads: runtime.threads,
    streams: runtime.streams,
    // Each picture under way has one request at a time.
    maxQueue: runtime.streams + 2,
    // So that the same pictures give the same model on every processor.
    precisionHint: 'f32',
  })
  const info = await engine.start()
  try {
    const outputs = await firstRun(engine, input)
    const index = placeOf(outputs, names.embedding, model.folder)
    const embed = async (picture: EngineInput) => {
      const result = await engine.infer(picture)
      const row = result.outputs[index]!.data
      const wrong = row.find(value => !Number.isFinite(value))
      if (wrong === undefined) return row
      throw new GroceryError('INFERENCE_FAILED', `Expected finite embeddings but received ${wrong}`)
    }
    const dims = outputs[index]!.data.length
    const stop = () => engine.stop()
    return { model, weights: choice.weights, bytes, info, names, dims, embed, stop }
  } catch (error) {
    await engine.stop()
    throw error
  }
}
