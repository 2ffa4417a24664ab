// What answers for a picture from a gallery: an embedder and the products that were enrolled with pictures.
import { GroceryError } from '../errors.js'
import type { EngineInput } from '../inference/addon.js'
import type { Calibration } from '../inference/manifest.js'
import {
  boxOf,
  type Classification,
  type ClassifierInfo,
  type ClassifierOptions,
} from './classifier.js'
import type { PictureClassifier } from './classifier.js'
import { decide, rank, type Thresholds, thresholdsOf } from './decision.js'
import { Embedder, type EmbedderInfo } from './embedder.js'
import { GallerySearch, type Likeness } from './gallery/similarity.js'
import type { GalleryContent, GalleryProduct } from './gallery/types.js'
import type { Observation, Product } from './types.js'

/** A gallery as one embedder sees it. */
export interface EmbeddedGallery {
  content: GalleryContent
  /** Entries x dims, in the order of the entries. */
  vectors: Float32Array
}

export interface GalleryClassifierOptions extends ClassifierOptions {
  /** What is enrolled, embedded by this very model; called once it is loaded. */
  gallery: (info: EmbedderInfo, embedder: Embedder) => Promise<EmbeddedGallery>
}

/** What the gallery does not say of a product. */
export const asProduct = (product: GalleryProduct): Product => ({
  ...product,
  unit: 'each',
  meanGrams: null,
  group: null,
  coarse: null,
  variantOf: null,
})

/** Where an embedder's manifest has none: 1, the default of classifiers, would make all of a gallery equally likely. */
const usualTemperature = 0.05
const temperatureOf = ({ temperature }: Pick<Calibration, 'temperature'>): number =>
  temperature === 1 ? usualTemperature : temperature

/**
 * Probabilities from similarities: how much each product is ahead of the others.
 * @param temperature the difference of similarity that makes a product e times as likely
 */
export function probabilities(
  found: readonly Likeness[],
  products: number,
  temperature: number,
): Float32Array {
  const scores = new Float32Array(products)
  const best = found[0]?.similarity ?? 0
  let sum = 0
  for (const { product, similarity } of found) {
    scores[product] = Math.exp((similarity - best) / temperature)
    sum += scores[product]!
  }
  return sum > 0 ? scores.map(one => one / sum) : scores
}

/** What a gallery says of one picture. */
export interface GalleryAnswer extends Pick<Observation, 'decision' | 'auto' | 'candidates'> {
  scores: Float32Array
  /** 1 - likeness of the best; 2 of an empty gallery. */
  distance: number
}

/** @param found of GallerySearch.search */
export function answerOf(
  found: readonly Likeness[],
  products: readonly Product[],
  thresholds: Thresholds,
  calibration: Pick<Calibration, 'temperature' | 'distance' | 'sureDistance'>,
): GalleryAnswer {
  const scores = probabilities(found, products.length, temperatureOf(calibration))
  const candidates = rank(scores, products, Math.min(thresholds.top, found.length))
  const distance = 1 - (found[0]?.similarity ?? -1)
  const isFar = calibration.distance !== null && distance > calibration.distance
  let said: Pick<GalleryAnswer, 'decision' | 'auto'> =
    isFar || found.length === 0
      ? { decision: 'unknown', auto: false }
      : decide(candidates, thresholds)
  // A stranger is ahead of all others too, where it is like one of them: only its nearness tells.
  const isDoubtful = calibration.sureDistance !== null && distance > calibration.sureDistance
  if (isDoubtful && said.decision === 'sure') said = { decision: 'ask', auto: false }
  return { ...said, candidates, scores, distance }
}

export class GalleryClassifier implements PictureClassifier {
  readonly #options: GalleryClassifierOptions
  readonly #embedder: Embedder
  #ready: {
    products: Product[]
    search: GallerySearch
    thresholds: Thresholds
    calibration: Calibration
  } | null = null

  constructor(options: GalleryClassifierOptions) {
    this.#options = options
    this.#embedder = new Embedder(options)
  }

  /** Throws as Embedder.start and the gallery do. */
  async start(): Promise<ClassifierInfo> {
    const info = await this.#embedder.start()
    try {
      const { content, vectors } = await this.#options.gallery(info, this.#embedder)
      const products = content.products.map(asProduct)
      const thresholds = thresholdsOf([info.calibration], this.#options.recognition)
      const search = new GallerySearch(content, vectors, info.dims)
      this.#ready = { products, search, thresholds, calibration: info.calibration }
      const { model, runtime, loadMs } = info
      return { model, runtime, labels: products, thresholds, loadMs }
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  /** @param wanted embedding: the observation has it */
  async classify(input: EngineInput, wanted = { embedding: false }): Promise<Classification> {
    const { embedding, stagesMs } = await this.#embedder.embed(input)
    // The embedder says so itself where it is not started; after that all is there.
    const { products, search, thresholds, calibration } = this.#ready!
    const { scores, candidates, decision, auto } = answerOf(
      search.search(embedding),
      products,
      thresholds,
      calibration,
    )
    return {
      scores,
      observation: {
        box: boxOf(input),
        decision,
        auto,
        askReason: decision === 'ask' ? 'confidence' : null,
        candidates,
        ...(wanted.embedding ? { embedding } : {}),
      },
      stagesMs,
    }
  }

  stop(): Promise<void> {
    return this.#embedder.stop()
  }
}

/** Throws GALLERY_EMPTY: figures of nothing mean nothing. */
export function requireEnrolled({ entries }: GalleryContent, folder: string): void {
  if (entries.length > 0) return
  throw new GroceryError(
    'GALLERY_EMPTY',
    `${folder}: Expected a gallery with pictures but nothing is enrolled`,
  )
}
