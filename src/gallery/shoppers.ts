// What shoppers teach: their answers are kept, and one that the rules let through becomes a picture of the gallery.
import type { PriceOf } from '../recognition/catalogue.js'
import type { EmbedderInfo } from '../recognition/embedder.js'
import type { AnswerStore } from './answers.js'
import { alikeTo, type ShopperAnswer, type WhyNot, whyNotTaught } from './quarantine.js'
import type { GalleryStore } from './store.js'
import { embedMissing, VectorFile } from './vectors.js'

export interface ShoppersOptions {
  answers: AnswerStore
  gallery: GalleryStore
  priceOf: PriceOf
}

export interface Heard {
  /** null: what shoppers said of one session is enough, it is not kept. */
  answer: ShopperAnswer | null
  /** null: it was taught. */
  waits: WhyNot | null
}

export class Shoppers {
  readonly #options: ShoppersOptions
  #vectors: VectorFile | null = null

  constructor(options: ShoppersOptions) {
    this.#options = options
  }

  /** Of another embedder than before all pictures are embedded anew. Throws as embed does, GALLERY_INVALID. */
  async use(
    { sha256, dims }: { sha256: string } & Pick<EmbedderInfo, 'dims'>,
    embed: (jpeg: Buffer) => Promise<Float32Array>,
  ): Promise<void> {
    const { answers } = this.#options
    const vectors = new VectorFile(answers.dir, sha256, dims)
    vectors.start()
    await embedMissing(vectors, answers.all, picture => embed(answers.picture(picture)))
    this.#vectors = vectors
  }

  /**
   * Keeps an answer, and teaches its picture where the rules let it. On disk when it returns.
   * @param vector of length 1, of the embedder that `use` named
   */
  hear(said: Omit<ShopperAnswer, 'id' | 'picture'>, jpeg: Uint8Array, vector: Float32Array): Heard {
    const { answers, gallery, priceOf } = this.#options
    const vectors = this.#vectors!
    const answer = answers.add(said, jpeg)
    // What was let go of went from the file, too.
    vectors.start()
    if (!answer) return { answer, waits: 'sessions' }
    if (!vectors.get(answer.picture)) vectors.add(new Map([[answer.picture, vector]]))
    const alike = alikeTo(answer, answers.all, vectors)
    const waits = whyNotTaught(answer, alike, { priceOf, entries: gallery.content.entries })
    if (waits === null) this.#teach(answer, jpeg)
    return { answer, waits }
  }

  forget(sku: string): number {
    const gone = this.#options.answers.forget(sku)
    this.#vectors?.start()
    return gone
  }

  /** The answer stays as a voice for others of its kind until its time is over. */
  #teach(answer: ShopperAnswer, jpeg: Uint8Array): void {
    const { sku, name, plu, gtin } = answer
    const { gallery } = this.#options
    // What the gallery calls the product stays; a shopper names nothing.
    const known = gallery.content.products.find(one => one.sku === sku)
    gallery.enrol(known ?? { sku, name, plu, gtin }, [jpeg], 'shopper')
  }
}
