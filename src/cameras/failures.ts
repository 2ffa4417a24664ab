// What a camera's pictures say of it: many that fail in a row make it stalled, and few failures are told. Pure.
import type { HealthListener } from './camera.js'
import type { CameraStatus } from '../protocol.js'

interface Reason {
  code: string
  message: string
}

const tooManyInARow = 10
const tellEvery = 1000

export class Failures {
  readonly #onHealth: HealthListener
  #source: CameraStatus = 'connecting'
  #inARow = 0
  /** Why the camera counts as stalled although its source is live; null while it does not. */
  #reason: Reason | null = null
  #faults = 0

  constructor(onHealth: HealthListener) {
    this.#onHealth = onHealth
  }

  /** What the source says of itself; to open again is no cure, so `live` waits for a good picture. */
  source(status: CameraStatus, reason: Reason | null): void {
    this.#source = status
    if (status === 'live' && this.#reason) this.#onHealth('stalled', this.#reason)
    else this.#onHealth(status, reason)
  }

  /** A picture could not be recognised. */
  failed(reason: Reason): void {
    this.#inARow++
    if (this.#inARow !== tooManyInARow) return
    this.#reason = reason
    if (this.#source === 'live') this.#onHealth('stalled', reason)
  }

  recognised(): void {
    this.#inARow = 0
    if (!this.#reason) return
    this.#reason = null
    if (this.#source === 'live') this.#onHealth('live', null)
  }

  /** Counts a fault, and says whether to tell it: the first and every thousandth, or the log floods. */
  tells(): boolean {
    this.#faults++
    return this.#faults === 1 || this.#faults % tellEvery === 0
  }
}
