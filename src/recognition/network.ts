// One model that runs: from its directory to calibrated probabilities by class. It knows no shop and decides nothing.
import { join } from 'node:path'
import type { Config } from '../config/schema.js'
import { GroceryError } from '../errors.js'
import {
  Engine,
  type EngineInfo,
  type EngineInput,
  type InputSpec,
  probeRuntime,
} from '../inference/addon.js'
import { type Choice, choicesOf } from '../inference/choices.js'
import { type CompiledKey, compiledFolder } from '../inference/compiled-cache.js'
import { firstRun, placeOf } from '../inference/first-run.js'
import type { Label } from '../inference/labels.js'
import {
  type Calibration,
  type Manifest,
  type ModelDirectory,
  type ModelFlags,
  openModel,
  readWeights,
} from '../inference/manifest.js'
import { MemoryBudget } from '../inference/memory-budget.js'
import type { ModelState, RuntimeState } from '../protocol.js'
import { calibrate } from './decision.js'
import type { StagesMs } from './types.js'

export interface NetworkOptions {
  /** A name under models/, a folder, an .xml or an .onnx file. */
  model?: string | undefined
  labels?: string | undefined
  flags?: ModelFlags | undefined
  runtime?: Partial<Config['runtime']> | undefined
  memory?: Partial<Config['memory']> | undefined
  /** Of the whole process, where more than this model is in it; default: one of `memory`. */
  budget?: MemoryBudget | undefined
  /** How many of the model's choices (inference/choices.ts) did not fit into their memory before. */
  attempt?: number | undefined
  /** Fixed precision, where numbers are compared between machines. */
  precisionHint?: 'f32' | undefined
  maxQueue?: number
  /** Where compiled models are kept between starts; nothing is kept without. */
  cacheDir?: string | null | undefined
}

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

/** Of the compiled form of a model here and now. */
export function compiledKey(
  { runtime, device }: Choice,
  sha256: string,
  { width, height }: InputSpec,
): CompiledKey {
  const runtimeVersion = probeRuntime(runtime, { devices: false }).version ?? 'unknown'
  return { sha256, runtime, runtimeVersion, device, width, height }
}

export class Network {
  readonly #options: NetworkOptions
  #engine: Engine | null = null
  #model: ModelDirectory | null = null
  #output = 0

  constructor(options: NetworkOptions) {
    this.#options = options
  }

  /**
   * Loads the model and runs it once. Throws the MODEL_*, LABELS_*, MANIFEST_* and RUNTIME_* codes,
   * MEMORY_BUDGET_EXCEEDED, GPU_MEMORY_UNKNOWN.
   */
  async start(): Promise<NetworkInfo> {
    const { labels, flags, runtime, memory, precisionHint, maxQueue, attempt = 0 } = this.#options
    const { budget = new MemoryBudget(memory) } = this.#options
    const model = openModel(this.#options.model ?? 'grocery81', { labels, flags })
    const { manifest } = model
    if (manifest.kind !== 'classifier') {
      throw new GroceryError(
        'MODEL_SHAPE_MISMATCH',
        `${model.folder}: Expected a model of kind classifier but received ${manifest.kind}`,
      )
    }
    const choices = choicesOf(model, runtime)
    const choice = choices[Math.min(attempt, choices.length - 1)]!
    const bytes = readWeights(model.folder, choice.weights)
    const limits = budget.open({
      model: manifest.name,
      runtime: choice.runtime,
      device: choice.device,
      sizes: bytes.sizes,
      fallbacks: Math.max(0, choices.length - 1 - attempt),
      statistics: () => this.#engine?.deviceMemory() ?? '',
    })
    const pinning = runtime?.pinning ?? null
    this.#model = model
    this.#engine = new Engine({
      runtime: choice.runtime,
      model: bytes.model,
      ...(bytes.weights ? { weights: bytes.weights } : {}),
      input: manifest.input,
      device: choice.device,
      threads: runtime?.threads ?? 0,
      streams: runtime?.streams ?? 1,
      ...(pinning === null ? {} : { pinning: pinning ? 'yes' : 'no' }),
      ...(maxQueue === undefined ? {} : { maxQueue }),
      ...(precisionHint ? { precisionHint } : {}),
      ...this.#compiled(choice, bytes.sha256, manifest.input),
      ...limits,
    })
    let info: EngineInfo
    try {
      info = await this.#engine.start()
      await this.#warmUp()
      budget.settle()
    } catch (error) {
      budget.close()
      await this.stop()
      throw budget.explain(error)
    }
    return {
      model: {
        name: manifest.name,
        version: manifest.version,
        sha256: bytes.sha256,
        kind: manifest.kind,
        classes: model.labels.length,
      },
      runtime: { name: info.runtime, version: info.runtimeVersion, device: info.device },
      labels: model.labels,
      calibration: manifest.calibration,
      input: manifest.input,
    }
  }

  /** Throws the IMAGE_* and ENGINE_* codes, INFERENCE_FAILED. */
  async infer(input: EngineInput): Promise<NetworkResult> {
    if (!this.#engine || !this.#model) {
      throw new GroceryError(
        'ENGINE_STOPPED',
        'Expected a started classifier but it is not started',
      )
    }
    const { outputs, stagesMs } = await this.#engine.infer(input)
    const { activation } = this.#model.manifest.output
    const { calibration } = this.#model.manifest
    const output = outputs[this.#output]!.data
    return { scores: calibrate(output, activation, calibration.temperature, calibration), stagesMs }
  }

  async stop(): Promise<void> {
    const engine = this.#engine
    this.#engine = null
    await engine?.stop()
  }

  /** The folder for the compiled model; none where nobody wants one or it cannot be made. */
  #compiled(choice: Choice, sha256: string, input: InputSpec) {
    const { cacheDir } = this.#options
    if (!cacheDir) return {}
    const folder = compiledFolder(cacheDir, compiledKey(choice, sha256, input))
    return folder ? { cacheDir: folder } : {}
  }

  /** A grey picture through the whole model: finds the output, compiles what is lazy, sees NaN weights. */
  async #warmUp(): Promise<void> {
    const { folder, labels, manifest } = this.#model!
    const outputs = await firstRun(this.#engine!, manifest.input)
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
