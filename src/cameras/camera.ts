// One camera, kept alive: opens its source for ever with back-off, sees stalls, and keeps only the newest frame.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../clock.js'
import type { CameraConfig } from '../config/schema.js'
import { describeError, GroceryError } from '../errors.js'
import type { CameraStatus } from '../protocol.js'
import { parseSource } from './schemes.js'
import type { Source } from './source.js'

/** One encoded picture with its time of capture on both clocks. */
export interface Frame {
  bytes: Uint8Array
  number: number
  capturedAt: number
  capturedMono: number
}

export type HealthListener = (
  status: CameraStatus,
  reason: { code: string; message: string } | null,
) => void

const firstBackOffMs = 500
const maxBackOffMs = 10_000
const stallMs = 3000

export class Camera {
  readonly id: string
  readonly #source: Source
  readonly #fps: number
  readonly #clock: Clock
  readonly #onHealth: HealthListener
  #abort: AbortController | null = null
  #running: Promise<void> | null = null
  #newest: Frame | null = null
  #wake: (() => void) | null = null
  /** Frames given by the source, and those of them that a newer one replaced unseen. */
  frames = 0
  dropped = 0

  /** Throws CAMERA_SOURCE_INVALID. */
  constructor(config: CameraConfig, clock: Clock, onHealth: HealthListener) {
    this.id = config.id
    this.#source = parseSource(config.source, config.fps)
    this.#fps = config.fps
    this.#clock = clock
    this.#onHealth = onHealth
  }

  /** Whether a sensor is behind it, not a recording. */
  get isLive(): boolean {
    return this.#source.isLive ?? false
  }

  start(): void {
    this.#abort = new AbortController()
    this.#running = this.#keepOpen(this.#abort.signal)
  }

  async stop(): Promise<void> {
    this.#abort?.abort()
    this.#wake?.()
    await this.#running
  }

  /** The newest frame each time it is asked for; waits where there is none. Ends when the camera stops. */
  async *newest(): AsyncGenerator<Frame> {
    while (this.#abort && !this.#abort.signal.aborted) {
      const frame = this.#newest
      this.#newest = null
      if (frame) yield frame
      else
        await new Promise<void>(resolve => {
          this.#wake = resolve
        })
    }
  }

  async #keepOpen(stop: AbortSignal): Promise<void> {
    let backOff = firstBackOffMs
    while (!stop.aborted) {
      this.#onHealth('connecting', null)
      try {
        const seen = this.frames
        await this.#readOnce(stop).finally(() => {
          if (this.frames > seen) backOff = firstBackOffMs
        })
        if (stop.aborted) return
        if (this.isLive) {
          throw new GroceryError(
            'CAMERA_LOST',
            `camera ${this.id}: Expected pictures without end but they ended`,
          )
        }
        this.#onHealth('ended', {
          code: 'CAMERA_ENDED',
          message: `camera ${this.id} has been read to its end`,
        })
        return
      } catch (error) {
        if (stop.aborted) return
        const stalled = error instanceof GroceryError && error.code === 'CAMERA_STALLED'
        this.#onHealth(stalled ? 'stalled' : 'lost', describeError(error))
      }
      await sleep(backOff, undefined, { signal: stop }).catch(() => {})
      backOff = Math.min(backOff * 2, maxBackOffMs)
    }
  }

  /** One opening, until the source ends, fails, stalls or is stopped. */
  async #readOnce(stop: AbortSignal): Promise<void> {
    const opening = new AbortController()
    const signal = AbortSignal.any([stop, opening.signal])
    // A slow rate is no stall.
    const patience = Math.max(stallMs, 3000 / this.#fps)
    const stallAfter = (ms: number) => {
      const words = `camera ${this.id}: Expected a frame within ${ms / 1000} s but none came`
      const stall = () => opening.abort(new GroceryError('CAMERA_STALLED', words))
      return setTimeout(stall, ms)
    }
    let timer = stallAfter(Math.max(patience, this.#source.firstPictureMs ?? 0))
    let live = false
    try {
      for await (const bytes of this.#source(signal)) {
        clearTimeout(timer)
        timer = stallAfter(patience)
        if (!live) this.#onHealth('live', null)
        live = true
        this.#keep(bytes)
      }
      opening.signal.throwIfAborted()
    } catch (error) {
      throw opening.signal.aborted ? opening.signal.reason : error
    } finally {
      clearTimeout(timer)
    }
  }

  #keep(bytes: Uint8Array): void {
    if (this.#newest) this.dropped++
    this.#newest = {
      bytes,
      number: this.frames++,
      capturedAt: this.#clock.wall(),
      capturedMono: this.#clock.mono(),
    }
    this.#wake?.()
    this.#wake = null
  }
}
