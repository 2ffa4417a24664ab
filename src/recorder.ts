// Puts what the counter did on disk, in its order, and only then tells the others; tries again while the disk refuses.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from './clock.js'
import type { ItemCounter, Outcome } from './counter/item-counter.js'
import { describeError, GroceryError } from './errors.js'
import type { Health } from './observe/health.js'
import type { ItemEvent } from './publish/messages.js'
import type { Outbox } from './publish/outbox/outbox.js'

const retryMs = 1000
/** An hour of a very busy counter; beyond it memory matters more than one more event that no disk takes. */
const mostWaiting = 10_000
/** One record of the log holds a batch; more would be larger than a record may be. */
const mostTogether = 64

export interface RecorderOptions {
  outbox: Outbox
  counter: ItemCounter
  health: Health
  clock: Clock
  onEvents(events: ItemEvent[]): void
}

/** What one step of the counter wants kept. */
interface Wanted {
  actions: Outcome['actions']
  state: unknown
  /** Monotonic ms when it was recorded: what waits for the disk grows older. */
  at: number
  kept(): void
  lost(error: unknown): void
}

export class Recorder {
  readonly #options: RecorderOptions
  readonly #stop = new AbortController()
  readonly #waiting: Wanted[] = []
  #writing: Promise<void> | null = null
  /** Writes that ended, well or not: what the watchdog sees of the disk. */
  attempts = 0
  /** The newest state that was asked to be kept, to write it only when it changes. */
  #newest = ''

  constructor(options: RecorderOptions) {
    this.#options = options
  }

  get isWriting(): boolean {
    return this.#writing !== null
  }

  /**
   * Resolves when the actions, and the counter's state after them, are on disk.
   * Throws OUTBOX_FULL when too many wait, or when the daemon ends before the disk takes them.
   */
  record({ actions }: Outcome): Promise<void> {
    const state = this.#options.counter.keep()
    const text = JSON.stringify(state)
    if (actions.length === 0 && text === this.#newest) return this.#writing ?? Promise.resolve()
    if (this.#waiting.length >= mostWaiting) {
      const words = `Expected at most ${mostWaiting} steps of the counter to wait for the disk but another came; its events are lost`
      this.#options.health.set('outbox', { code: 'OUTBOX_FULL', message: words })
      this.#options.outbox.countLost(actions.length)
      return Promise.reject(new GroceryError('OUTBOX_FULL', words))
    }
    this.#newest = text
    return new Promise((kept, lost) => {
      this.#waiting.push({ actions, state, at: this.#options.clock.mono(), kept, lost })
      this.#writing ??= this.#write()
    })
  }

  /** Gives up what the disk still refuses; what it took is safe. */
  async stop(): Promise<void> {
    const patience = setTimeout(() => this.#stop.abort(), 2 * retryMs)
    await this.#writing
    clearTimeout(patience)
    this.#stop.abort()
  }

  /** One write at a time, of all that waits: a refused one is tried again before anything newer. */
  async #write(): Promise<void> {
    const { outbox, health, clock, onEvents } = this.#options
    // Begins in the next turn, so that what one frame gives is written together.
    await null
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, mostTogether)
      try {
        const now = clock.mono()
        const actions = batch.flatMap(({ actions, at }) =>
          actions.map(action => ({ ...action, ageMs: action.ageMs + now - at })),
        )
        const events = await outbox
          .append(actions, batch.at(-1)!.state)
          .finally(() => this.attempts++)
        this.#waiting.splice(0, batch.length)
        health.set('outbox', null)
        if (events.length > 0) onEvents(events)
        for (const wanted of batch) wanted.kept()
      } catch (error) {
        if (this.#stop.signal.aborted) {
          for (const wanted of this.#waiting.splice(0)) wanted.lost(error)
          return
        }
        health.set('outbox', describeError(error))
        await sleep(retryMs, undefined, { signal: this.#stop.signal }).catch(() => {})
      }
    }
    // In the same turn as the last answer: whoever records next begins anew.
    this.#writing = null
  }
}
