// While another device still builds the model for itself, which takes TensorRT minutes the first time, the CPU answers.
import type { Clock } from '../clock.js'
import type { EngineInput } from '../inference/addon.js'
import { choicesOf } from '../inference/choices.js'
import { isCompiled } from '../inference/compiled-cache.js'
import { openModel, readWeights } from '../inference/manifest.js'
import type { Building } from '../protocol.js'
import { type AnyClassifierOptions, classifierFor } from './choose.js'
import type { Classification, ClassifierInfo, PictureClassifier } from './classifier.js'
import { Exchangeable } from './exchange.js'
import { compiledKey } from './runner.js'

/**
 * Which of the model's choices (inference/choices.ts) answers while the first is built; null where nothing
 * has to be built, the wait is short (CPU) or an earlier attempt did not fit into its memory.
 * @throws as Network.start does for a model that cannot be read
 */
export function standInFor(options: AnyClassifierOptions): number | null {
  const { model = 'grocery81', labels, flags, runtime, ensemble, cacheDir, attempt = 0 } = options
  if (ensemble || !cacheDir || attempt > 0) return null
  if ((runtime?.device ?? 'CPU') === 'CPU') return null
  const directory = openModel(model, { labels, flags })
  const choices = choicesOf(directory, runtime)
  const first = choices[0]!
  const { sha256 } = readWeights(directory.folder, first.weights)
  if (isCompiled(cacheDir, compiledKey(first, sha256, directory.manifest.input))) return null
  const onCpu = choices.findIndex(one => one.device === 'CPU')
  return onCpu > 0 ? onCpu : null
}

export interface ColdBuildOptions {
  wanted: PictureClassifier
  standIn: PictureClassifier
  /** For people. */
  device: string
  clock: Pick<Clock, 'mono'>
  /** The wanted one answers from now on. */
  onBuilt(info: ClassifierInfo): void
  /** It cannot be built: the stand-in goes on. */
  onFailed(error: unknown): void
}

export class ColdBuild implements PictureClassifier {
  readonly #options: ColdBuildOptions
  readonly #answers: Exchangeable
  #since: number | null = null
  /** Where the stand-in runs, for people; known once it does. */
  runsOn = ''
  #stopped = false

  constructor(options: ColdBuildOptions) {
    this.#options = options
    this.#answers = new Exchangeable(options.standIn)
  }

  /** What is being built now, and for how long it has been; undefined: nothing. */
  get building(): Building | undefined {
    if (this.#since === null) return undefined
    const { device, clock } = this.#options
    const seconds = Math.round((clock.mono() - this.#since) / 1000)
    return { device, seconds, runsOn: this.runsOn }
  }

  /** Loads the stand-in, and begins with the wanted one behind it. */
  async start(): Promise<ClassifierInfo> {
    const info = await this.#options.standIn.start()
    this.runsOn = `${info.runtime.name} on ${info.runtime.device}`
    this.#since = this.#options.clock.mono()
    void this.#build()
    return info
  }

  classify(input: EngineInput): Promise<Classification> {
    return this.#answers.classify(input)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    // One of the two may be what answers: stopping twice is no harm.
    await Promise.all([this.#options.wanted.stop(), this.#answers.stop()])
  }

  async #build(): Promise<void> {
    const { wanted, onBuilt, onFailed } = this.#options
    try {
      const info = await wanted.start()
      if (this.#stopped) return
      await this.#answers.exchange(wanted)
      // Another model may have been taken while the last picture was answered: it has had its word.
      if (this.#stopped) return
      this.#since = null
      onBuilt(info)
    } catch (error) {
      this.#since = null
      if (!this.#stopped) onFailed(error)
    }
  }
}

/** The classifier of the options, with a stand-in where one is needed. */
export function coldBuildOf(
  options: AnyClassifierOptions,
  listener: Pick<ColdBuildOptions, 'clock' | 'onBuilt' | 'onFailed'>,
): ColdBuild | null {
  const attempt = standInFor(options)
  if (attempt === null) return null
  const wanted = classifierFor(options)
  const standIn = classifierFor({ ...options, attempt })
  return new ColdBuild({ wanted, standIn, device: options.runtime!.device!, ...listener })
}
