// How many commands of each verb are answered: a token bucket a verb, on the monotonic clock. Nothing is known of messages here.
import type { Clock } from '../clock.js'

export interface Rate {
  /** So many at once, after a pause. */
  burst: number
  perSecond: number
}

export class RateLimit {
  readonly #rateOf: (kind: string) => Rate
  readonly #clock: Clock
  readonly #buckets = new Map<string, { tokens: number; at: number }>()

  constructor(rateOf: (kind: string) => Rate, clock: Clock) {
    this.#rateOf = rateOf
    this.#clock = clock
  }

  /** Whether one more of this kind may pass now. Kinds must be few: each keeps its bucket. */
  take(kind: string): boolean {
    const { burst, perSecond } = this.#rateOf(kind)
    const now = this.#clock.mono()
    const { tokens, at } = this.#buckets.get(kind) ?? { tokens: burst, at: now }
    const filled = Math.min(burst, tokens + ((now - at) / 1000) * perSecond)
    const passes = filled >= 1
    this.#buckets.set(kind, { tokens: passes ? filled - 1 : filled, at: now })
    return passes
  }
}
