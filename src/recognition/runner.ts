// A model of any kind that runs: found, checked, within its memory, loaded and tried once. It knows no meaning of its outputs.
import type { Config } from '../config/schema.js'
import { GroceryError } from '../errors.js'
import {
  Engine,
  type EngineInfo,
  type EngineInput,
  type EngineResult,
  type InputSpec,
  probeRuntime,
} from '../inference/addon.js'
import { type Choice, choicesOf } from '../inference/choices.js'
import { type CompiledKey, compiledFolder } from '../inference/compiled-cache.js'
import { firstRun } from '../inference/first-run.js'
import {
  type Manifest,
  type ModelDirectory,
  type ModelFlags,
  openModel,
  readWeights,
} from '../inference/manifest.js'
import { MemoryBudget } from '../inference/memory-budget.js'
import type { ModelState, RuntimeState } from '../protocol.js'

export interface RunnerOptions {
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

export type Outputs = EngineResult['outputs']

export interface RunnerInfo {
  model: ModelState
  runtime: RuntimeState
  directory: ModelDirectory
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

export class ModelRunner {
  readonly #options: RunnerOptions
  readonly #kind: Manifest['kind']
  #engine: Engine | null = null

  /** @param kind what the model must be */
  constructor(options: RunnerOptions, kind: Manifest['kind']) {
    this.#options = options
    this.#kind = kind
  }

  /**
   * Loads the model and runs it once, on a grey picture: what is lazy is compiled, and NaN weights are seen.
   * @param check looks at the outputs of that run and throws where they are not what the kind needs
   * Throws the MODEL_*, LABELS_*, MANIFEST_* and RUNTIME_* codes, MEMORY_BUDGET_EXCEEDED, GPU_MEMORY_UNKNOWN.
   */
  async start(check: (outputs: Outputs, model: ModelDirectory) => void): Promise<RunnerInfo> {
    const { labels, flags, runtime, memory, precisionHint, maxQueue, attempt = 0 } = this.#options
    const { budget = new MemoryBudget(memory) } = this.#options
    const directory = openModel(this.#options.model ?? 'grocery81', { labels, flags })
    const { manifest } = directory
    if (manifest.kind !== this.#kind) {
      throw new GroceryError(
        'MODEL_SHAPE_MISMATCH',
        `${directory.folder}: Expected a model of kind ${this.#kind} but received ${manifest.kind}`,
      )
    }
    const choices = choicesOf(directory, runtime)
    const choice = choices[Math.min(attempt, choices.length - 1)]!
    const bytes = readWeights(directory.folder, choice.weights)
    const limits = budget.open({
      model: manifest.name,
      runtime: choice.runtime,
      device: choice.device,
      sizes: bytes.sizes,
      fallbacks: Math.max(0, choices.length - 1 - attempt),
      statistics: () => this.#engine?.deviceMemory() ?? '',
    })
    const pinning = runtime?.pinning ?? null
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
      check(await firstRun(this.#engine, manifest.input), directory)
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
        classes: directory.labels.length,
      },
      runtime: { name: info.runtime, version: info.runtimeVersion, device: info.device },
      directory,
    }
  }

  /** Throws the IMAGE_* and ENGINE_* codes, INFERENCE_FAILED. */
  async infer(input: EngineInput): Promise<EngineResult> {
    if (this.#engine) return this.#engine.infer(input)
    throw new GroceryError(
      'ENGINE_STOPPED',
      `Expected a started ${this.#kind} but it is not started`,
    )
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
}
