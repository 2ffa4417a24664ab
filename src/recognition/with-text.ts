// A classifier that reads packs as well: where it is not sure, what stands on the pack may say which enrolled product it is.
import type { EngineInput } from '../inference/addon.js'
import type { Classification, PictureClassifier } from './classifier.js'
import type { Namer } from './crops.js'
import type { GalleryContent, GalleryProduct } from './gallery/types.js'
import { TextMatcher, type TextMatch } from './text/match.js'
import type { TextReader } from './text/reader.js'
import type { Candidate, Observation } from './types.js'

/** How long what was read holds for the pictures after it: a hand that trades two packs needs longer. */
const holdsMs = 1500
/** As an item's `text`, symbols. */
const longestText = 200

/** How much of a name must be read before it is asked about; see docs/10-gallery.md for what that gives. */
export const leastMatch = 0.3

interface Reading {
  at: number
  best: string | undefined
  /** null: it is being read. */
  text: string | null
}

interface Known {
  /** Those without a picture: text alone can name them. */
  products: GalleryProduct[]
  matcher: TextMatcher
}

/**
 * What the words on a pack make of an observation that is not sure: the products they speak of stand first and somebody is asked.
 * Text alone is never sure: it names about two packs of five. Pure.
 */
export function withWords(
  seen: Observation,
  text: string,
  matches: readonly TextMatch[],
  products: readonly GalleryProduct[],
  { top }: { top: number },
): Observation {
  if (text === '') return seen
  const shown: Observation = { ...seen, text: text.slice(0, longestText) }
  const near = matches.filter(({ score }) => score >= leastMatch).slice(0, top)
  // A code that the picture contradicts, or twins: there the question is another one.
  if (near.length === 0 || seen.decision === 'sure') return shown
  if (seen.askReason !== null && seen.askReason !== 'confidence') return shown
  const named: Candidate[] = near.map(({ product, score }) => {
    const { sku, name, plu, gtin } = products[product]!
    return { sku, name, plu, gtin, score }
  })
  const skus = new Set(named.map(({ sku }) => sku))
  const least = named.at(-1)!.score
  // The picture's own candidates stay, half of the list at least; two scales, so theirs stay below.
  const others = seen.candidates
    .filter(({ sku }) => !skus.has(sku))
    .map(one => ({ ...one, score: Math.min(one.score, least) }))
  const words = Math.max(1, top - Math.min(others.length, Math.floor(top / 2)))
  const candidates = [...named.slice(0, words), ...others].slice(0, top)
  const { twins: _, ...plain } = shown
  return { ...plain, decision: 'ask', auto: false, askReason: 'confidence', candidates }
}

type Inner = Namer & Pick<PictureClassifier, 'stop'>

export class WithText implements Inner {
  readonly #inner: Inner
  readonly #top: number
  readonly #changed: () => void
  readonly #now: () => number
  #reader: Pick<TextReader, 'read'> | null = null
  #known: Known | null = null
  /** By the box, which is an object of each camera's own. */
  readonly #last = new WeakMap<object, Reading>()
  /** One at a time: it may take as long as several frames. */
  #reading: Promise<void> | null = null

  /** @param changed something was read: the same picture has another answer now */
  constructor(
    inner: Inner,
    { top, changed }: { top: number; changed: () => void },
    now = () => performance.now(),
  ) {
    this.#inner = inner
    this.#top = top
    this.#changed = changed
    this.#now = now
  }

  /** The reader is loaded; nothing is read without. It is its owner's to stop. */
  with(reader: Pick<TextReader, 'read'>): void {
    this.#reader = reader
  }

  /** What counts from the next picture on. Where every product has a picture nothing is read: there text gains too little. */
  use({ products, entries }: GalleryContent): void {
    const pictured = new Set(entries.map(({ sku }) => sku))
    const bare = products.filter(({ sku }) => !pictured.has(sku))
    const matcher = new TextMatcher(bare.map(({ name }) => ({ name, texts: [] })))
    this.#known = bare.length > 0 ? { products: bare, matcher } : null
  }

  /** Throws as the inner one does; it waits for no reading. @param wanted as the inner one has it */
  async classify(input: EngineInput, wanted = { embedding: false }): Promise<Classification> {
    const answer = await this.#inner.classify(input, wanted)
    const known = this.#known
    const { observation } = answer
    if (!known || !this.#reader || 'tensor' in input || observation.decision === 'sure')
      return answer
    const text = this.#textOf(input, observation)
    if (text === null) return answer
    const { products, matcher } = known
    const said = withWords(observation, text, matcher.match(text), products, { top: this.#top })
    return { ...answer, observation: said }
  }

  async stop(): Promise<void> {
    await this.#reading
    await this.#inner.stop()
  }

  /** What was read a moment ago in the same place; null where nothing was, and then a reading begins. */
  #textOf(
    input: Exclude<EngineInput, { tensor: Float32Array }>,
    { candidates }: Observation,
  ): string | null {
    const place = input.box ?? input
    const best = candidates[0]?.sku
    const last = this.#last.get(place)
    const holds = last && last.best === best && this.#now() - last.at < holdsMs
    if (holds) return last.text
    if (this.#reading) return null
    const reading: Reading = { at: this.#now(), best, text: null }
    this.#last.set(place, reading)
    this.#reading = this.#read(input, reading).finally(() => {
      this.#reading = null
    })
    return null
  }

  /** A picture that cannot be read has no text: the frame itself fails at its own place. */
  async #read(
    input: Exclude<EngineInput, { tensor: Float32Array }>,
    reading: Reading,
  ): Promise<void> {
    const lines = await this.#reader!.read(input).catch(() => [])
    reading.text = lines.map(({ text }) => text).join(' ')
    reading.at = this.#now()
    if (reading.text !== '') this.#changed()
  }
}
