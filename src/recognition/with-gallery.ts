// A trained classifier and a gallery that answer together: what was enrolled is known from the next picture on.
import type { Config } from '../config/schema.js'
import type { EngineInput } from '../inference/addon.js'
import type { Classification, PictureClassifier } from './classifier.js'
import { type Thresholds, thresholdsOf } from './decision.js'
import type { Embedder, EmbedderInfo } from './embedder.js'
import { GallerySearch } from './gallery/similarity.js'
import {
  answerOf,
  asProduct,
  type EmbeddedGallery,
  type GalleryAnswer,
} from './gallery-classifier.js'
import type { Candidate, Observation, Product } from './types.js'

/** Of an embedder whose manifest has no calibration.distance: nearer than this is a product of the gallery. */
export const usualDistance = 0.3

interface Loaded {
  search: GallerySearch
  products: Product[]
  content: EmbeddedGallery['content']
}

/**
 * One observation of two. The gallery speaks where its best is near enough and the trained classifier is not sure;
 * where that is sure of another product, somebody is asked, with the gallery's first. Else the trained one's holds. Pure.
 * @param distance beyond it the gallery has nothing to say
 */
export function together(
  trained: Observation,
  gallery: Pick<GalleryAnswer, 'decision' | 'auto' | 'candidates' | 'distance'>,
  { distance, top }: { distance: number; top: number },
): Observation {
  const best = gallery.candidates[0]
  // A barcode that the picture contradicts stays a question, whatever else is near.
  if (!best || gallery.distance > distance || trained.askReason === 'conflict') return trained
  const isSure = trained.decision === 'sure'
  if (isSure && trained.candidates[0]?.sku === best.sku) return trained
  const candidates = joined(gallery.candidates, trained.candidates).slice(0, top)
  const { box } = trained
  if (isSure) return { box, decision: 'ask', auto: false, askReason: 'conflict', candidates }
  if (gallery.decision === 'sure')
    return { box, decision: 'sure', auto: gallery.auto, askReason: null, candidates }
  // What is near something enrolled is at least worth a question.
  return { box, decision: 'ask', auto: false, askReason: 'confidence', candidates }
}

/** The first's before the second's, each sku once. Two scales: the second's scores stay below, so that means keep the order. */
function joined(first: readonly Candidate[], second: readonly Candidate[]): Candidate[] {
  const known = new Set(first.map(({ sku }) => sku))
  const least = first.at(-1)!.score
  const others = second.filter(({ sku }) => !known.has(sku))
  return [
    ...first,
    ...others.map(candidate => ({ ...candidate, score: Math.min(candidate.score, least) })),
  ]
}

export class WithGallery implements Pick<PictureClassifier, 'classify' | 'stop'> {
  readonly #trained: Pick<PictureClassifier, 'classify' | 'stop'>
  readonly #recognition: Pick<Config['recognition'], 'top' | 'autoAdd'>
  #embedder: Pick<Embedder, 'embed'> | null = null
  #info: Pick<EmbedderInfo, 'calibration' | 'dims'> | null = null
  #thresholds: Thresholds | null = null
  #loaded: Loaded | null = null

  /** @param trained may exchange its model beneath */
  constructor(
    trained: Pick<PictureClassifier, 'classify' | 'stop'>,
    recognition: Pick<Config['recognition'], 'top' | 'autoAdd'>,
  ) {
    this.#trained = trained
    this.#recognition = recognition
  }

  /** The embedder is loaded; it answers once there is a gallery. It is its owner's to stop. */
  with(embedder: Pick<Embedder, 'embed'>, info: Pick<EmbedderInfo, 'calibration' | 'dims'>): void {
    this.#embedder = embedder
    this.#info = info
    const { top, autoAdd } = this.#recognition
    // recognition.sure and the others are of the trained classifier's scale.
    this.#thresholds = thresholdsOf([info.calibration], { top, autoAdd })
  }

  /** What counts from the next picture on. @param gallery embedded by the embedder of `with` */
  use({ content, vectors }: EmbeddedGallery): void {
    if (!this.#info) return
    this.#loaded =
      content.entries.length === 0
        ? null
        : {
            search: new GallerySearch(content, vectors, this.#info.dims),
            products: content.products.map(asProduct),
            content,
          }
  }

  /** What is enrolled, to compare a picture with; null while there is nothing. */
  get gallery(): Pick<Loaded, 'search' | 'content'> | null {
    return this.#loaded
  }

  /** What the trained classifier alone says. Throws as it does. */
  classifyTrained(input: EngineInput): Promise<Classification> {
    return this.#trained.classify(input)
  }

  /** Throws as both do; without a gallery it costs nothing. */
  async classify(input: EngineInput): Promise<Classification> {
    const loaded = this.#loaded
    if (!loaded) return this.#trained.classify(input)
    const [answer, { embedding }] = await Promise.all([
      this.#trained.classify(input),
      this.#embedder!.embed(input),
    ])
    const { calibration } = this.#info!
    const thresholds = this.#thresholds!
    const { search, products } = loaded
    const found = answerOf(search.search(embedding), products, thresholds, calibration)
    const limits = { distance: calibration.distance ?? usualDistance, top: thresholds.top }
    return { ...answer, observation: together(answer.observation, found, limits) }
  }

  stop(): Promise<void> {
    return this.#trained.stop()
  }
}
