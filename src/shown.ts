// What others are shown of the kiosk, over MQTT and on the page: the basket and the state, each only when it says something new.
import type { Clock } from './clock.js'
import type { ItemCounter } from './counter/item-counter.js'
import type { Kiosk } from './kiosk.js'
import type { Publisher } from './publish/publisher.js'

/** How often the retained state is sent although only its figures changed. */
const stateEveryMs = 60_000

export interface ShownOptions {
  counter: ItemCounter
  publisher: Publisher
  kiosk: Kiosk
  clock: Clock
}

export class Shown {
  readonly #options: ShownOptions
  #basket = ''
  #state = ''
  #stateSentAt = Number.NEGATIVE_INFINITY

  constructor(options: ShownOptions) {
    this.#options = options
  }

  showBasket(): void {
    const { counter, publisher, kiosk, clock } = this.#options
    const basket = counter.basket(clock.mono())
    const text = JSON.stringify(basket)
    if (text === this.#basket) return
    this.#basket = text
    publisher.setBasket(basket)
    kiosk.tell('basket', publisher.basketMessage())
  }

  /** The state is sent when more than its figures changed, and once a minute with them. */
  showState(): void {
    const { publisher, kiosk, clock } = this.#options
    const state = kiosk.state()
    const text = JSON.stringify({ ...state, asOf: 0, memory: 0, outbox: state.outbox.dropped })
    const now = clock.mono()
    if (text === this.#state && now - this.#stateSentAt < stateEveryMs) return
    this.#state = text
    this.#stateSentAt = now
    publisher.setState(state)
    kiosk.tell('state', state)
  }
}
