// Puts what the counter did on disk, in its order, and only then tells the others; tries again while the disk refuses.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Counter, Outcome } from './counter/counter.js'
import { describeError, GroceryError } from './errors.js'
import type { Health } from './observe/health.js'
import type { ItemEvent } from './publish/messages.js'
import type { Outbox } from './publish/outbox/outbox.js'

const retryMs = 1000
/** An hour of a very busy counter; beyond it memory matters more than one more event that no disk takes. */
const mostWaiting = 10_000

export interface RecorderOptions {
  outbox: Outbox
  counter: Counter
  health: Health
  onEvents(events: ItemEvent[]): void
}

export class Recorder {
  readonly #options: RecorderOptions
  readonly #stop = new AbortController()
  #last: Promise<void> = Promise.resolve()
  #waiting = 0
  /** The state that is on disk, to write it only when it changed. */
  #kept = ''

  constructor(options: RecorderOptions) {
    this.#options = options
  }

  /** Resolves when the actions and the counter's state after them are on disk. Throws OUTBOX_FULL when too many wait. */
  record({ actions }: Outcome): Promise<void> {
    const state = this.#options.counter.keep()
    const text = JSON.stringify(state)
    if (actions.length === 0 && text === this.#kept) return this.#last
    if (this.#waiting >= mostWaiting) {
      const words = `Expected at most ${mostWaiting} events to wait for the disk; one more was lost`
      this.#options.health.set('outbox', { code: 'OUTBOX_FULL', message: words })
      return Promise.reject(new GroceryError('OUTBOX_FULL', words))
    }
    this.#kept = text
    this.#waiting++
    // Appends are begun in order and may share one write; the outbox keeps the order.
    const written = this.#write(actions, state).finally(() => {
      this.#waiting--
    })
    this.#last = Promise.all([this.#last, written]).then(() => {})
    this.#last.catch(() => {})
    return written
  }

  /** Gives up what the disk still refuses; what it took is safe. */
  async stop(): Promise<void> {
    const patience = setTimeout(() => this.#stop.abort(), 2 * retryMs)
    await this.#last.catch(() => {})
    clearTimeout(patience)
    this.#stop.abort()
  }

  async #write(actions: Outcome['actions'], state: unknown): Promise<void> {
    const { outbox, health, onEvents } = this.#options
    for (;;) {
      try {
        const events = await outbox.append(actions, state)
        health.set('outbox', null)
        if (events.length > 0) onEvents(events)
        return
      } catch (error) {
        if (this.#stop.signal.aborted) throw error
        health.set('outbox', describeError(error))
        await sleep(retryMs, undefined, { signal: this.#stop.signal }).catch(() => {})
      }
    }
  }
}
