// Brings what the till does in its own words, and what its scale shows, to the sale; and calls an attendant where one is wanted.
import type { Clock } from '../clock.js'
import type { Outcome } from '../counter/item-counter.js'
import type { Assist } from '../counter/sale/assist.js'
import type { Checkout } from '../counter/sale/checkout.js'
import type { Sold } from '../counter/sale/lines.js'
import type { Moment } from '../counter/state.js'
import type { TillListener } from '../publish/incoming.js'
import type { AssistMessage, PosMessage, ScaleMessage } from '../publish/messages.js'

export interface SaleDeskOptions {
  checkout: Pick<Checkout, 'pos' | 'weigh' | 'tick'>
  clock: Clock
  /** The camera that announces; null where there is none. */
  camera: string | null
  /** What is known of a product, by its sku or its GTIN. */
  product(named: { sku: string | null; gtin: string | null }): Sold | undefined
  /** Hands what the sale did to the outbox; resolves when it is on disk. */
  record(outcome: Outcome): Promise<void>
  /** Tells whoever attends; what is told while nobody is connected is told again by `tellAgain`. */
  assist(message: AssistMessage): void
}

const iso = (wall: number) => new Date(wall).toISOString()

export class SaleDesk {
  readonly #options: SaleDeskOptions
  /** What is wanted now, by assistId. */
  readonly #wanted = new Map<string, AssistMessage>()

  constructor(options: SaleDeskOptions) {
    this.#options = options
  }

  /** A word of the till; what it does is on disk when the event of it goes out. */
  readonly hear: TillListener = (kind, message) => {
    if (kind === 'pos') this.#pos(message)
    else if (kind === 'scale') this.#scale(message)
  }

  /** To be called once a second. */
  tick(): void {
    const { checkout, record, assist } = this.#options
    const { assists, ...outcome } = checkout.tick(this.#now())
    void record(outcome)
    for (const one of assists) {
      const message = messageOf(one)
      if (one.clearedAt === null) this.#wanted.set(one.assistId, message)
      else this.#wanted.delete(one.assistId)
      assist(message)
    }
  }

  /** The connection is new: whoever attends may have missed what was said. */
  tellAgain(): void {
    for (const message of this.#wanted.values()) this.#options.assist(message)
  }

  #pos(message: PosMessage): void {
    const { checkout, product, record } = this.#options
    const { eventId, kind, session = null, lineId = null, itemId = null } = message
    const { sku = null, gtin = null, quantity = null, weight = null } = message
    // A till sells also what nobody here knows: then its own word is all there is.
    const known = product({ sku, gtin })
    const named = sku ?? gtin
    const own = named === null ? null : { sku: named, name: named, plu: null, gtin }
    const pieces = quantity !== null && Number.isInteger(quantity) && quantity > 0 ? quantity : null
    const grams = weight !== null && weight > 0 ? weight : null
    void record(
      checkout.pos(
        { eventId, kind, session, lineId, itemId, product: known ?? own, pieces, grams },
        this.#now(),
      ),
    )
  }

  #scale({ grams, state }: ScaleMessage): void {
    const { checkout, record } = this.#options
    void record(checkout.weigh({ grams, state }, this.#now()))
  }

  #now(): Moment {
    const { clock, camera } = this.#options
    return { at: clock.mono(), capturedAt: clock.wall(), ageMs: 0, camera: camera ?? '' }
  }
}

const messageOf = ({ assistId, kind, itemId, since, clearedAt }: Assist): AssistMessage => ({
  schema: 1,
  assistId,
  kind,
  itemId,
  since: iso(since),
  clearedAt: clearedAt === null ? null : iso(clearedAt),
})
