// The gallery of a running kiosk: its only writer. Teaches and forgets at the till's word, and tells vision what holds now.
import { join } from 'node:path'
import { type Clock, dayIn } from '../clock.js'
import type { Config } from '../config/schema.js'
import type { ItemCounter } from '../counter/item-counter.js'
import type { Item, ItemAction } from '../counter/types.js'
import { coded, describeError, GroceryError } from '../errors.js'
import { AnswerStore } from '../gallery/answers.js'
import { productOf } from '../gallery/product.js'
import { isNews } from '../gallery/quarantine.js'
import { Shoppers } from '../gallery/shoppers.js'
import { GalleryStore } from '../gallery/store.js'
import { embedMissing, VectorFile } from '../gallery/vectors.js'
import { hash } from '../inference/manifest.js'
import { expectCamera } from '../leading-camera.js'
import type { Logger } from '../log.js'
import type { Reason } from '../observe/health.js'
import type { Down, Up } from '../protocol.js'
import type { CommandPayload, CommandResult } from '../publish/command-messages.js'
import { takeLock } from '../publish/outbox/lock.js'
import type { PriceOf } from '../recognition/catalogue.js'
import type { GalleryProduct } from '../recognition/gallery/types.js'

type Taught = Pick<Extract<Up, { type: 'taught' }>, 'jpeg' | 'warnings' | 'vector'>
type Source = Extract<Down, { type: 'teach' }>['from']

export interface GalleryDeskOptions {
  config: Pick<Config, 'models' | 'outbox' | 'cameras' | 'kiosk'>
  vision: { send(message: Down): void }
  /** What lies on the counter. */
  counter: Pick<ItemCounter, 'items' | 'placeOf'>
  /** The camera that sees the counter's item; null where there is none. */
  leader: string | null
  /** Of the catalogue: a shopper who gains by an answer teaches nothing. */
  priceOf: PriceOf
  /** What the state says of the gallery; null: nothing. */
  setReason(reason: Reason | null): void
  /** This version answers now. */
  changed(version: number): void
  clock: Pick<Clock, 'wall'>
  log: Logger
}

/** An answer of the till that is to be learned: what the item was recognised as, and what it is. */
export interface Answered {
  item: Pick<Item, 'itemId' | 'decision' | 'alternatives'>
  product: GalleryProduct
  by: CommandPayload<'confirm'>['by']
  session: string | null
}
export type Learned = 'taught' | 'quarantined' | 'no'

export class GalleryDesk {
  readonly #options: GalleryDeskOptions
  #store: GalleryStore | null = null
  #shoppers: Shoppers | null = null
  #release: () => Promise<void> = async () => {}
  /** Of the embedder that vision has loaded; null: it has none (yet). */
  #vectors: VectorFile | null = null
  /** Why there is no gallery although one is configured. */
  #fault: Reason | null = null
  readonly #asked = new Map<number, { resolve(taught: Taught): void; reject(error: Error): void }>()
  #lastId = 0
  /** Changes come one after the other. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(options: GalleryDeskOptions) {
    this.#options = options
  }

  get #dir(): string {
    return join(this.#options.config.outbox.dir, 'gallery')
  }

  /** Nothing without models.embedder. A gallery that cannot be read stops no checkout: the state says so. */
  async start(): Promise<void> {
    const { config, clock, log } = this.#options
    if (config.models.embedder === null) return
    try {
      this.#release = await takeLock(this.#dir)
      const store = new GalleryStore({ dir: this.#dir, clock })
      store.start()
      for (const words of store.damaged) log.warn(`the gallery passed over: ${words}`)
      const answers = new AnswerStore({ dir: this.#dir, clock })
      answers.start()
      for (const words of answers.damaged) log.warn(`an answer was passed over: ${words}`)
      this.#shoppers = new Shoppers({ answers, gallery: store, priceOf: this.#options.priceOf })
      this.#store = store
    } catch (error) {
      this.#fail(describeError(error))
    }
  }

  async stop(): Promise<void> {
    this.#lose('the daemon ends')
    await this.#turn
    await this.#release()
  }

  /** What was taught. */
  get products(): readonly GalleryProduct[] {
    return this.#store?.content.products ?? []
  }

  #productOf(sku: string): GalleryProduct | undefined {
    return this.products.find(one => one.sku === sku)
  }

  hear(message: Up): void {
    if (message.type === 'embedder') this.#begin(message)
    else if (message.type === 'embedderFailed') this.#fail(message)
    else if (message.type === 'taught') this.#asked.get(message.id)?.resolve(message)
    else if (message.type === 'notTaught') this.#asked.get(message.id)?.reject(coded(message))
  }

  visionDown(): void {
    this.#lose('the vision process ended')
  }

  /**
   * Known from the next frame on when it resolves, and on disk.
   * Throws GALLERY_OFF, GALLERY_PRODUCT_INVALID, CAMERA_UNKNOWN, ITEM_GONE, TIMED_OUT, IMAGE_*, VISION_CRASHED.
   */
  enrol(request: CommandPayload<'enrol'>): Promise<CommandResult<'enrol'>> {
    return this.#inTurn(async () => {
      const store = this.#expect()
      if (this.#fault || !this.#vectors) throw this.#notThere()
      const { sku, name, plu, gtin } = request
      const product = productOf({ sku, name, plu: plu ?? undefined, gtin: gtin ?? undefined })
      if (!request.from) return this.#byName(store, product)
      const { jpeg, warnings, vector } = await this.#teach(product.sku, this.#source(request.from))
      store.enrol(product, [jpeg])
      this.#took(jpeg, vector)
      const pictures = store.content.entries.filter(one => one.sku === product.sku).length
      return { sku: product.sku, version: store.version, pictures, warnings }
    })
  }

  /** What the counter said of its items: what they were recognised from may be taught later. */
  seen(actions: readonly ItemAction[]): void {
    if (!this.#store) return
    for (const { action, reason, item, camera, capturedAt } of actions) {
      const { itemId, box } = item
      if (action === 'placed' || reason === 'identity')
        this.#options.vision.send({ type: 'remember', itemId, camera, capturedAt, box })
    }
  }

  /** Attendants and technicians teach at once; what a shopper says waits for others. Throws as enrol does. */
  learn({ item, product, by, session }: Answered): Promise<Learned> {
    return this.#inTurn(async () => {
      const store = this.#expect()
      if (this.#fault || !this.#vectors || !this.#shoppers) throw this.#notThere()
      const { sku, name, plu, gtin } = product
      const checked = productOf({ sku, name, plu: plu ?? undefined, gtin: gtin ?? undefined })
      const { decision, alternatives: candidates, itemId } = item
      const isShopper = by === 'shopper'
      // Without a session nobody can say how many shoppers agree.
      if (isShopper && (session === null || !isNews({ sku, decision, candidates }))) return 'no'
      const { jpeg, vector } = await this.#teach(sku, { itemId })
      if (isShopper) {
        const { clock, config } = this.#options
        const at = clock.wall()
        const day = dayIn(config.kiosk.timezone, at)
        const said = { ...checked, at, day, session: session!, decision, candidates }
        const { answer, waits } = this.#shoppers.hear(said, jpeg, vector)
        if (waits !== null) return answer ? 'quarantined' : 'no'
      } else store.enrol(this.#productOf(sku) ?? checked, [jpeg])
      this.#took(jpeg, vector)
      return 'taught'
    })
  }

  /** It is named by no frame from now on, and nothing of it is left on the disk. Throws GALLERY_OFF, GALLERY_SKU_UNKNOWN. */
  forget({ sku }: CommandPayload<'forget'>): Promise<CommandResult<'forget'>> {
    return this.#inTurn(async () => {
      // Also without an embedder: who wants something gone does not wait for a model.
      const store = this.#expect()
      // Answers may wait for a product that was never enrolled.
      const answered = this.#shoppers?.forget(sku) ?? 0
      if (answered > 0 && !this.#productOf(sku))
        return { sku, version: store.version, pictures: answered }
      const changed = store.forget(sku)
      // The file was written anew without it.
      this.#vectors?.start()
      this.#give()
      return { sku, ...changed, pictures: changed.pictures + answered }
    })
  }

  /** A product without a picture: what stands on it names it. */
  #byName(store: GalleryStore, product: GalleryProduct): CommandResult<'enrol'> {
    if (!this.#options.config.models.text) {
      const words =
        'Expected from (a picture), or models.text in the configuration to know a product by its name alone'
      throw new GroceryError('COMMAND_INVALID', words)
    }
    store.enrol(product, [])
    this.#give()
    const pictures = store.content.entries.filter(one => one.sku === product.sku).length
    return { sku: product.sku, version: store.version, pictures, warnings: [] }
  }

  /** What vision has loaded; what it has not embedded before it embeds now. */
  #begin({ sha256, dims }: Extract<Up, { type: 'embedder' }>): void {
    const store = this.#store
    if (!store) return
    const { setReason, log } = this.#options
    void this.#inTurn(async () => {
      try {
        const vectors = new VectorFile(this.#dir, sha256, dims)
        vectors.start()
        await this.#embedMissing(store, vectors)
        const embed = async (kept: Buffer) => (await this.#teach('', { kept })).vector
        await this.#shoppers?.use({ sha256, dims }, embed)
        this.#vectors = vectors
        this.#fault = null
        setReason(null)
        this.#give()
      } catch (error) {
        // A vision process that ended says so itself, and the next one begins again.
        const fault = describeError(error)
        log.warn(fault, 'the gallery is not there')
        if (fault.code !== 'VISION_CRASHED') this.#fail(fault)
      }
    })
  }

  async #embedMissing(store: GalleryStore, vectors: VectorFile): Promise<void> {
    const { entries } = store.content
    const missing = vectors.missing(entries).length
    if (missing > 0) this.#options.log.info({ pictures: missing }, 'the gallery is embedded anew')
    await embedMissing(
      vectors,
      entries,
      async id => (await this.#teach('', { kept: store.picture(id) })).vector,
    )
  }

  /** A picture that the gallery has now answers from the next frame on. */
  #took(jpeg: Uint8Array, vector: Float32Array): void {
    const picture = hash(jpeg)
    if (!this.#vectors?.get(picture)) this.#vectors?.add(new Map([[picture, vector]]))
    this.#give()
  }

  /** Tells vision what holds now. */
  #give(): void {
    const [store, vectors] = [this.#store, this.#vectors]
    if (!store || !vectors) return
    const { products, entries } = store.content
    const content = { products, entries }
    this.#options.vision.send({ type: 'gallery', content, vectors: vectors.rows(entries) })
    this.#options.changed(store.version)
  }

  #teach(sku: string, from: Source): Promise<Taught> {
    const id = ++this.#lastId
    return new Promise<Taught>((resolve, reject) => {
      this.#asked.set(id, { resolve, reject })
      this.#options.vision.send({ type: 'teach', id, sku, from })
    }).finally(() => this.#asked.delete(id))
  }

  #source(from: NonNullable<CommandPayload<'enrol'>['from']>): Source {
    const { config, counter, leader } = this.#options
    if ('jpeg' in from) return { picture: Buffer.from(from.jpeg, 'base64') }
    if ('itemId' in from) {
      const place = counter.placeOf(from.itemId)
      if (leader !== null && place) return { camera: leader, box: place.box }
      const seen = counter.items.map(({ itemId }) => itemId).filter(id => counter.placeOf(id))
      throw new GroceryError(
        'ITEM_GONE',
        `Expected the item that lies there (${seen.join(', ') || 'none'}) but received ${from.itemId}`,
      )
    }
    const { id } = expectCamera(config.cameras, from.camera)
    return { camera: id, box: from.box ?? null }
  }

  #expect(): GalleryStore {
    if (this.#options.config.models.embedder === null) {
      const words = 'Expected a gallery but models.embedder is null in the configuration'
      throw new GroceryError('GALLERY_OFF', words)
    }
    if (this.#store) return this.#store
    throw this.#notThere()
  }

  #notThere(): GroceryError {
    if (this.#fault) return coded(this.#fault)
    const { embedder } = this.#options.config.models
    const words = `Expected the embedder ${embedder} to be loaded but it is not yet`
    return new GroceryError('MODEL_LOADING', words)
  }

  #fail({ code, message }: Reason): void {
    this.#fault = { code, message }
    this.#options.setReason(this.#fault)
  }

  #lose(why: string): void {
    this.#vectors = null
    const error = new GroceryError(
      'VISION_CRASHED',
      `Expected an embedding of the picture but ${why}`,
    )
    for (const { reject } of this.#asked.values()) reject(error)
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => {})
    return done
  }
}
