// One classifying model that runs: from a picture to calibrated probabilities by class. It knows no shop and decides nothing.
import { join } from 'node:path'
import { GroceryError } from '../errors.js'
import type { EngineInput } from '../inference/addon.js'
import { placeOf } from '../inference/first-run.js'
import type { Label } from '../inference/labels.js'
import type { Calibration, Manifest, ModelDirectory } from '../inference/manifest.js'
import type { ModelState, RuntimeState } from '../protocol.js'
import { calibrate } from './decision.js'
import { ModelRunner, type Outputs, type RunnerOptions } from './runner.js'
import type { StagesMs } from './types.js'

export interface NetworkInfo {
  model: ModelState
  runtime: RuntimeState
  labels: Label[]
  calibration: Calibration
  input: Manifest['input']
}

export interface NetworkResult {
  /** Calibrated probabilities by class index. */
  scores: Float32Array
  stagesMs: StagesMs
}

export class Network {
  readonly #options: RunnerOptions
  readonly #runner: ModelRunner
  #manifest: Manifest | null = null
  #output = 0

  constructor(options: RunnerOptions) {
    this.#options = options
    this.#runner = new ModelRunner(options, 'classifier')
  }

  /** Loads the model and runs it once. Throws as ModelRunner.start does, LABELS_INVALID. */
  async start(): Promise<NetworkInfo> {
    const { model, runtime, directory } = await this.#runner.start((outputs, found) =>
      this.#check(outputs, found),
    )
    const { manifest, labels } = directory
    this.#manifest = manifest
    return { model, runtime, labels, calibration: manifest.calibration, input: manifest.input }
  }

  /** Throws the IMAGE_* and ENGINE_* codes, INFERENCE_FAILED. */
  async infer(input: EngineInput): Promise<NetworkResult> {
    const { outputs, stagesMs } = await this.#runner.infer(input)
    // The runner says so itself where it is not started; after that there is a manifest.
    const { output, calibration } = this.#manifest!
    const { data } = outputs[this.#output]!
    const { activation } = output
    return { scores: calibrate(data, activation, calibration.temperature, calibration), stagesMs }
  }

  stop(): Promise<void> {
    return this.#runner.stop()
  }

  /** Finds the output and sees whether there is a label for each of its classes. */
  #check(outputs: Outputs, { folder, labels, manifest }: ModelDirectory): void {
    const { logits } = manifest.output
    this.#output = logits === undefined ? 0 : placeOf(outputs, logits, folder)
    const output = outputs[this.#output]
    const classes = output?.data.length ?? 0
    if (classes !== labels.length) {
      throw new GroceryError(
        'LABELS_INVALID',
        `${this.#options.labels ?? join(folder, manifest.labels ?? '')}: Expected ${classes} labels, as many as the model has classes, but received ${labels.length}`,
      )
    }
    calibrate(output!.data, 'none', 1)
  }
}
