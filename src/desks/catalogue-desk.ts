// Takes the catalogue of the back office: checks it whole, keeps it, and lets it hold once no sale is under way.
import type { Clock } from '../clock.js'
import type { Config } from '../config/schema.js'
import { describeError, GroceryError } from '../errors.js'
import { fetchRows } from './fetch-rows.js'
import type { Label } from '../inference/labels.js'
import { drop, dropOthers, keep, type KeptCatalogue } from './kept-catalogue.js'
import type { Logger } from '../log.js'
import type { Restock } from './model-desk.js'
import type { Reason } from '../observe/health.js'
import type { CommandPayload, CommandResult } from '../publish/command-messages.js'
import { assortmentWith } from '../recognition/assortment.js'
import { checkRows } from '../recognition/catalogue.js'

export interface CatalogueDeskOptions {
  config: Pick<Config, 'outbox' | 'catalogueHosts' | 'kiosk' | 'recognition'>
  /** What holds at the start; null: the file of the configuration, or none. */
  kept: KeptCatalogue | null
  /** Of the model that answers. */
  labels(): readonly Label[]
  /** Lets the model answer by this file. */
  restock(path: string): Promise<Restock>
  /** It holds from now on. */
  changed(kept: KeptCatalogue): void
  /** What the state says of it; null: nothing. */
  setReason(reason: Reason | null): void
  clock: Pick<Clock, 'wall'>
  log: Logger
}

type Result = CommandResult<'catalogue'>

export class CatalogueDesk {
  readonly #options: CatalogueDeskOptions
  #holds: KeptCatalogue | null
  /** Kept, and not in force yet. */
  #waits: KeptCatalogue | null = null
  #busy = false
  #stopped = false

  constructor(options: CatalogueDeskOptions) {
    this.#options = options
    this.#holds = options.kept
  }

  start(): void {}

  /** What waits is on disk: the next start begins with it. */
  stop(): void {
    this.#stopped = true
  }

  /** Of the one that holds; null: none was sent. */
  get version(): number | null {
    return this.#holds?.version ?? null
  }

  /**
   * On disk when it resolves, and in force or waiting for the end of a sale; where anything is wrong the old one stays.
   * Throws CATALOGUE_OLD, CATALOGUE_INVALID, CATALOGUE_URL_REFUSED, CATALOGUE_NOT_FETCHED, PRIORS_INVALID, UPDATE_BUSY,
   * STATE_UNWRITABLE, and what the load of the model fails of.
   */
  async command(request: CommandPayload<'catalogue'>): Promise<Result> {
    const newest = this.#waits ?? this.#holds
    if (newest && request.version < newest.version) throw tooOld(newest, request.version)
    if (this.#busy) throw new GroceryError('UPDATE_BUSY', 'Expected one catalogue at a time')
    this.#busy = true
    try {
      return await this.#take(request)
    } finally {
      this.#busy = false
    }
  }

  async #take({ version, items, url }: CommandPayload<'catalogue'>): Promise<Result> {
    const { config, clock, labels } = this.#options
    const { rows, name } = items
      ? { rows: items, name: 'items' }
      : await fetchRows(url!, config.catalogueHosts)
    const catalogue = checkRows(rows, name)
    const shop = { ...config.recognition, site: config.kiosk.site }
    const { sold } = assortmentWith(labels(), catalogue, name, shop)
    const result = { version, products: catalogue.size, recognisable: sold.flat().length }
    const newest = this.#waits ?? this.#holds
    if (newest?.version === version) {
      // Sent again because the reply was lost: the same rows are no news.
      if (JSON.stringify(newest.products) !== JSON.stringify(rows))
        throw tooOld(newest, version, ' with other rows')
      return { ...result, status: this.#waits ? 'waiting' : 'active' }
    }
    if (this.#waits)
      throw new GroceryError('UPDATE_BUSY', `Expected catalogue ${newest!.version} to hold first`)
    const at = new Date(clock.wall()).toISOString()
    const next = keep(config.outbox.dir, { version, products: rows, at })
    return { ...result, status: await this.#use(next) }
  }

  /** The file goes again where it does not come into force. */
  async #use(next: KeptCatalogue): Promise<Result['status']> {
    const { restock, log } = this.#options
    this.#waits = next
    try {
      const { status, done } = await restock(next.path)
      const used = done.then(() => this.#used(next))
      if (status === 'waiting') used.catch(error => this.#failedLater(next, error))
      else await used
      log.info({ version: next.version, status }, 'a catalogue was sent')
      return status
    } catch (error) {
      this.#drop()
      throw error
    }
  }

  #used(next: KeptCatalogue): void {
    this.#holds = next
    this.#waits = null
    dropOthers(this.#options.config.outbox.dir, next.version)
    this.#options.setReason(null)
    this.#options.changed(next)
  }

  #failedLater({ version }: KeptCatalogue, error: unknown): void {
    if (this.#stopped) return
    this.#drop()
    const { code, message } = describeError(error)
    this.#options.log.error({ code, version }, message)
    const words = `catalogue ${version} was not taken (${message}); the one before goes on`
    this.#options.setReason({ code, message: words })
  }

  #drop(): void {
    const gone = this.#waits
    this.#waits = null
    // What a stop interrupts was taken: the next start begins with it.
    if (gone && !this.#stopped) drop(gone)
  }
}

const tooOld = ({ version }: KeptCatalogue, received: number, words = '') =>
  new GroceryError(
    'CATALOGUE_OLD',
    `version: Expected more than ${version} but received ${received}${words}`,
  )
