// An embedder: a picture to a point on a sphere, near the points of the same product. It knows no products.
import { GroceryError } from '../errors.js'
import type { EngineInput } from '../inference/addon.js'
import { placeOf } from '../inference/first-run.js'
import type { Calibration, ModelDirectory } from '../inference/manifest.js'
import type { ModelState, RuntimeState } from '../protocol.js'
import { lengthOf } from '../vectors.js'
import { ModelRunner, type Outputs, type RunnerOptions } from './runner.js'
import type { StagesMs } from './types.js'

export interface EmbedderInfo {
  model: ModelState
  runtime: RuntimeState
  calibration: Calibration
  /** Numbers of an embedding. */
  dims: number
  loadMs: number
}

export class Embedder {
  readonly #runner: ModelRunner
  #place = 0
  #dims = 0

  constructor(options: RunnerOptions) {
    this.#runner = new ModelRunner(options, 'embedder')
  }

  /** Throws as ModelRunner.start does. */
  async start(): Promise<EmbedderInfo> {
    const began = performance.now()
    const { model, runtime, directory } = await this.#runner.start((outputs, found) =>
      this.#check(outputs, found),
    )
    const { calibration } = directory.manifest
    const loadMs = performance.now() - began
    return { model, runtime, calibration, dims: this.#dims, loadMs }
  }

  /** An embedding of length 1. Throws the IMAGE_* and ENGINE_* codes, INFERENCE_FAILED. */
  async embed(input: EngineInput): Promise<{ embedding: Float32Array; stagesMs: StagesMs }> {
    const { outputs, stagesMs } = await this.#runner.infer(input)
    return { embedding: unit(outputs[this.#place]!.data), stagesMs }
  }

  stop(): Promise<void> {
    return this.#runner.stop()
  }

  #check(outputs: Outputs, { folder, manifest }: ModelDirectory): void {
    const { embedding, dimension } = manifest.output
    this.#place = embedding === undefined ? 0 : placeOf(outputs, embedding, folder)
    const { data } = outputs[this.#place]!
    if (dimension !== undefined && data.length !== dimension) {
      throw new GroceryError(
        'MODEL_SHAPE_MISMATCH',
        `${folder}: Expected embeddings of ${dimension} numbers but the model gives ${data.length}`,
      )
    }
    this.#dims = data.length
    unit(data)
  }
}

/** The same direction with length 1. Throws INFERENCE_FAILED where there is none. */
export function unit(values: Float32Array): Float32Array {
  const length = lengthOf(values)
  if (Number.isFinite(length) && length > 0) return values.map(value => value / length)
  throw new GroceryError(
    'INFERENCE_FAILED',
    `Expected a finite embedding that is not zero but received one of length ${length}`,
  )
}
