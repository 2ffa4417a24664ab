// The motion gate: while a scene stays as it was when the model last spoke of it, that answer is given again. Pure.
import type { Clock } from '../clock.js'

export interface GateSettings {
  /** The counter's times in ms: it gathers votes for so long at most, and they must be real ones. */
  stable: number
  giveUp: number
}

/** A cell has changed when it moved by more than this against the whole scene; sensor noise stays below. */
const cellChange = 5 / 255
/** The whole scene has changed when it moved by more than this: no exposure control does it for nothing. */
const shiftChange = 12 / 255
/** How long after the last real answer the model is asked again although nothing changed. */
const askAgainMs = 2000
/** Beyond the counter's longest wait for votes. */
const marginMs = 500

/** Whether two grids of brightness (0..1) show the same, but for a little more or less light on all of it. */
export function sameScene(a: Float32Array, b: Float32Array): boolean {
  if (a.length !== b.length) return false
  let shift = 0
  for (let index = 0; index < a.length; index++) shift += (a[index]! - b[index]!) / a.length
  if (Math.abs(shift) > shiftChange) return false
  return a.every((value, index) => Math.abs(value - b[index]! - shift) <= cellChange)
}

/** T is the model's answer; `agrees` says whether two of them say the same thing. */
export class MotionGate<T> {
  readonly #restAfterMs: number
  readonly #agrees: (a: T, b: T) => boolean
  readonly #clock: Pick<Clock, 'mono'>
  #reference: Float32Array | null = null
  #answer: T | null = null
  /** Monotonic ms since when the scene and the answer are the same, and of the last real answer. */
  #since = 0
  #askedAt = 0

  constructor(
    { stable, giveUp }: GateSettings,
    clock: Pick<Clock, 'mono'>,
    agrees: (a: T, b: T) => boolean,
  ) {
    this.#restAfterMs = Math.max(stable, giveUp) + marginMs
    this.#agrees = agrees
    this.#clock = clock
  }

  /** The answer to give again, or null: the model must be asked. @param grid of lumaGrid */
  known(grid: Float32Array): T | null {
    // Compared with the scene of the first answer, not with the frame before: what creeps adds up.
    if (!this.#reference || !sameScene(grid, this.#reference)) this.wake()
    const now = this.#clock.mono()
    const rests = this.#answer !== null && now - this.#since >= this.#restAfterMs
    return rests && now - this.#askedAt < askAgainMs ? this.#answer : null
  }

  /** What the model said of this scene. */
  answered(grid: Float32Array, answer: T): void {
    const now = this.#clock.mono()
    if (this.#answer === null || !this.#agrees(this.#answer, answer)) {
      this.#reference = grid
      this.#since = now
    }
    this.#answer = answer
    this.#askedAt = now
  }

  /** The scene changed, or somebody wants to know anew: what was said counts for nothing. */
  wake(): void {
    this.#reference = null
    this.#answer = null
  }
}
