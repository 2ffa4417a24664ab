// A classifier that answers for the shop: one model, what is sold here, and the thresholds.
import type { Config } from '../config/schema.js'
import type { EngineInput } from '../inference/addon.js'
import type { ModelState, RuntimeState } from '../protocol.js'
import { type Assortment, beyondClasses, readAssortment } from './assortment.js'
import { type Thresholds, thresholdsOf } from './decision.js'
import { Network } from './network.js'
import type { RunnerOptions } from './runner.js'
import type { Box, Observation, Product, StagesMs } from './types.js'
import { conclude, describe } from './variants.js'
import { weigh } from './weigh.js'

export interface ClassifierOptions extends RunnerOptions {
  catalogue?: string | null | undefined
  /** Which rows of recognition.priors hold. */
  site?: string | null | undefined
  recognition?: Partial<Config['recognition']> | undefined
}

export interface ClassifierInfo {
  model: ModelState
  runtime: RuntimeState
  labels: Product[]
  /** Products of the catalogue that no class stands for, as twins of one; absent where there are none. */
  twins?: Product[]
  thresholds: Thresholds
  /** Of an ensemble: its members and what each weighs, in the order of `Classification.members`. */
  members?: { model: ModelState; weight: number }[]
  loadMs: number
}

export interface Classification {
  /** Probabilities by class index: calibrated, weighed by the priors, 0 for what is not sold here. */
  scores: Float32Array
  /** Of an ensemble: the scores of each member by the ensemble's class index. */
  members?: Float32Array[]
  observation: Observation
  stagesMs: StagesMs
}

/** What answers for a picture: one model, or an ensemble of several. */
export interface PictureClassifier {
  /** Loads what is needed and runs it once. */
  start(): Promise<ClassifierInfo>
  /** One picture to one decision. Throws the IMAGE_* and ENGINE_* codes, INFERENCE_FAILED. */
  classify(input: EngineInput): Promise<Classification>
  stop(): Promise<void>
}

/** The part of the picture that an input shows to a model. */
export const boxOf = (input: EngineInput): Box =>
  'box' in input && input.box ? [...input.box] : [0, 0, 1, 1]

/** What info says of an assortment. */
export const productsIn = (assortment: Assortment): Pick<ClassifierInfo, 'labels' | 'twins'> => {
  const twins = beyondClasses(assortment)
  return { labels: [...assortment.products], ...(twins.length > 0 ? { twins } : {}) }
}

/** What of the options says what is sold here. */
export const assortmentFiles = ({ catalogue, site, recognition }: ClassifierOptions) => {
  const { priors, priorWeight } = recognition ?? {}
  return { catalogue, priors, site, priorWeight }
}

export class Classifier implements PictureClassifier {
  readonly #options: ClassifierOptions
  readonly #network: Network
  #shop: { assortment: Assortment; thresholds: Thresholds } | null = null

  constructor(options: ClassifierOptions) {
    this.#options = options
    this.#network = new Network(options)
  }

  /**
   * Throws the MODEL_*, LABELS_*, MANIFEST_* and RUNTIME_* codes, CATALOGUE_INVALID, PRIORS_INVALID.
   */
  async start(): Promise<ClassifierInfo> {
    const began = performance.now()
    const { model, runtime, labels, calibration } = await this.#network.start()
    try {
      const assortment = readAssortment(labels, assortmentFiles(this.#options))
      const thresholds = thresholdsOf([calibration], this.#options.recognition)
      this.#shop = { assortment, thresholds }
      const loadMs = performance.now() - began
      return { model, runtime, ...productsIn(assortment), thresholds, loadMs }
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  async classify(input: EngineInput): Promise<Classification> {
    // It says so itself where it is not started; after that there is a shop.
    const { scores: plain, stagesMs } = await this.#network.infer(input)
    const { assortment, thresholds } = this.#shop!
    const shop = weigh(plain, assortment)
    const conclusion = conclude(shop, assortment, thresholds)
    const { scores } = shop
    const observation = describe(boxOf(input), scores, conclusion, assortment, thresholds.top)
    return { scores, observation, stagesMs }
  }

  stop(): Promise<void> {
    return this.#network.stop()
  }
}
