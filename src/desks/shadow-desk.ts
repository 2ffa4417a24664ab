// Mode shadow: what its camera recognises is compared with what the till sells, and kept; nothing of it is announced.
import { join } from 'node:path'
import { type Clock, dayIn } from '../clock.js'
import type { CameraConfig, Config } from '../config/schema.js'
import { Counter } from '../counter/counter.js'
import { DayFiles } from '../learn/shadow/day-files.js'
import { ShadowMatcher } from '../learn/shadow/match.js'
import type { Compared, Line } from '../learn/shadow/types.js'
import { blindMs } from '../leading-camera.js'
import type { Logger } from '../log.js'
import type { PosMessage } from '../publish/messages.js'
import type { FrameObservations } from '../recognition/types.js'

export interface ShadowDeskOptions {
  config: Pick<Config, 'cameras' | 'counter' | 'outbox' | 'kiosk'>
  /** A product that the model or the gallery knows. */
  product(code: Pick<PosMessage, 'sku' | 'gtin'>): Pick<Line, 'sku' | 'name' | 'plu'> | null
  newId(): string
  /** What the till sells while nobody looks says nothing of what is recognised. */
  isPaused(camera: string): boolean
  clock: Clock
  log: Logger
}

/** Where the records are. */
export const shadowDir = (stateDir: string): string => join(stateDir, 'shadow')

export class ShadowDesk {
  readonly #options: ShadowDeskOptions
  readonly #camera: CameraConfig | null
  readonly #counter: Counter
  readonly #matcher: ShadowMatcher
  readonly #files: DayFiles
  #failed = false

  constructor(options: ShadowDeskOptions) {
    this.#options = options
    const { cameras, counter, outbox } = options.config
    this.#camera = cameras.find(({ mode }) => mode === 'shadow') ?? null
    const blind = blindMs(this.#camera)
    const { newId } = options
    // It looks on from outside: no session of the till's opens or closes its eyes.
    this.#counter = new Counter({ ...counter, needSession: false, blind, newId })
    // A till may sell what no model knows: then the line alone says what it is.
    this.#matcher = new ShadowMatcher({
      product: ({ sku, gtin }) =>
        options.product({ sku, gtin }) ?? (sku ? { sku, name: null, plu: null } : null),
    })
    this.#files = new DayFiles(shadowDir(outbox.dir))
  }

  /** A frame of a camera in mode shadow; the first such camera counts. */
  see(frame: FrameObservations): void {
    if (frame.camera !== this.#camera?.id) return
    const { actions } = this.#counter.see(frame, this.#options.clock.mono(), true)
    for (const { action, reason, item, capturedAt } of actions) {
      const { itemId, decision, alternatives } = item
      if (action === 'removed') this.#matcher.loses(itemId, capturedAt)
      else if (action === 'placed' || reason === 'identity') {
        const candidates = alternatives.map(({ sku, name, score }) => ({ sku, name, score }))
        this.#matcher.sees(itemId, { decision, candidates }, capturedAt)
      }
    }
  }

  hear(pos: PosMessage): void {
    if (this.#camera && !this.#options.isPaused(this.#camera.id))
      this.#keep(this.#matcher.hear(pos, this.#options.clock.wall()))
  }

  /** Once a second. */
  tick(): void {
    if (this.#camera) this.#keep(this.#matcher.tick(this.#options.clock.wall()))
  }

  /** A disk that is full costs the comparison, nothing else. */
  #keep(compared: readonly Compared[]): void {
    const { clock, config, log } = this.#options
    try {
      this.#files.append(compared, dayIn(config.kiosk.timezone, clock.wall()))
      this.#failed = false
    } catch (error) {
      if (!this.#failed) log.warn({ err: error }, 'what was compared in shadow mode is lost')
      this.#failed = true
    }
  }
}
