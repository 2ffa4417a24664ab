// What vision says, told on to all whom it concerns: the counter, the desks, health, metrics and the page.
import type { Clock } from './clock.js'
import { type CameraConfig, type Config, modelName } from './config/schema.js'
import type { ItemCounter, Outcome } from './counter/item-counter.js'
import { whyPaused } from './counter/sale/checkout.js'
import type { GalleryDesk } from './desks/gallery-desk.js'
import type { Kiosk } from './kiosk.js'
import type { LifeSigns } from './life-signs.js'
import type { Logger } from './log.js'
import type { ModelDesk } from './desks/model-desk.js'
import type { Health, Reason } from './observe/health.js'
import type { Metrics } from './observe/metrics.js'
import type { Pauses } from './desks/pauses.js'
import type { Products } from './products.js'
import { stillSees, type Up } from './protocol.js'
import type { EventEnvelope } from './publish/event.js'
import type { Publisher } from './publish/publisher.js'
import { connecting, insteadOf, isBuilt, isWithin, standIn } from './reasons.js'
import type { FrameObservations } from './recognition/types.js'
import type { ShadowDesk } from './desks/shadow-desk.js'
import type { Snapshots } from './desks/snapshots.js'
import type { TillDesk } from './desks/till-desk.js'
import type { VisionProcess } from './vision-process.js'

export interface VisionNewsOptions {
  config: Config
  /** The camera that announces. */
  leader: CameraConfig | null
  clock: Clock
  log: Logger
  /** Made after this, as it is what says all this. */
  vision(): Pick<VisionProcess, 'fellBack' | 'fallBack'>
  health: Health
  metrics: Metrics
  envelope: EventEnvelope
  products: Products
  counter: ItemCounter
  models: ModelDesk
  gallery: GalleryDesk
  desk: TillDesk
  shadow: ShadowDesk
  publisher: Publisher
  kiosk: Kiosk
  life: LifeSigns
  pauses: Pick<Pauses, 'since'>
  snapshots: Pick<Snapshots, 'hear'>
  record(outcome: Outcome): void
  showBasket(): void
  showState(): void
}

export class VisionNews {
  readonly #options: VisionNewsOptions
  /** Whether vision said itself why it cannot go on. */
  #modelFault = false
  /** Why the model does not run as it was wanted, where it does not. */
  #tooLarge = ''
  /** The same as a reason of the state, while a stand-in runs. */
  #memoryReason: Reason | null = null
  #lastWhy: string | null = null

  constructor(options: VisionNewsOptions) {
    this.#options = options
  }

  hear(message: Up): void {
    const { config, leader, log, products, showState, vision } = this.#options
    const { health, kiosk, metrics, envelope, counter, life, models, gallery, snapshots } =
      this.#options
    for (const part of [life, models, gallery, snapshots]) part.hear(message)
    switch (message.type) {
      case 'ready': {
        const { model, runtime } = message
        envelope.model = model
        products.learn(message.products)
        counter.anew()
        kiosk.modelLoaded(model, runtime)
        metrics.setModel(model, runtime)
        this.#modelFault = false
        // First, so that no state in between says that all is well.
        this.#memoryReason = standIn(vision().fellBack, this.#tooLarge, runtime)
        health.set('memory', this.#memoryReason)
        health.set('building', null)
        health.set('vision', null)
        if (config.cameras.length === 0) health.started()
        showState()
        return
      }
      case 'observations':
        this.#see(message.frame)
        return
      case 'preview':
        kiosk.pictureCame(message.camera, { jpeg: message.jpeg, capturedAt: message.capturedAt })
        return
      case 'cameraHealth': {
        const { camera, status, reason } = message
        kiosk.cameraIs({ camera, status, reason })
        // A camera that is being opened again keeps its complaint until it gives frames.
        if (status !== 'connecting')
          health.set(`camera:${camera}`, status === 'live' ? null : reason)
        metrics.setCamera(message)
        // The first word of a camera, good or bad, ends the start.
        if (status !== 'connecting') health.started()
        if (!stillSees.has(status) && camera === leader?.id) counter.loseSight()
        showState()
        return
      }
      case 'metrics':
        kiosk.visionUses(message.rssBytes, message.memory)
        if (isWithin(message.memory)) health.set('memory', this.#memoryReason)
        if (message.building)
          health.set('building', isBuilt(modelName(config.models), message.building))
        metrics.setVision(message)
        return
      case 'fault': {
        const { code, message: words, fatal, fallbacks, runsOn } = message
        log.warn({ code, fatal }, words)
        if (runsOn) health.set('building', { code, message: insteadOf(words, runsOn) })
        if (code === 'MEMORY_BUDGET_EXCEEDED') {
          metrics.memoryExceeded()
          if (!fatal) health.set('memory', { code, message: words })
          // Without `fallbacks` it went over while it ran: the same again, which begins small.
          if (fallbacks !== undefined) {
            if (!vision().fellBack) this.#tooLarge = words
            vision().fallBack(fallbacks)
          }
        }
        if (fatal) {
          this.#modelFault = true
          health.started()
          health.set('vision', { code, message: words })
        }
      }
    }
  }

  down(reason: { code: string; message: string }): void {
    const { config, log, showBasket, showState } = this.#options
    const { health, kiosk, metrics, counter, life, models, gallery } = this.#options
    life.visionIsDown()
    gallery.visionDown()
    log.error(reason, 'vision is down')
    kiosk.visionIsDown()
    counter.loseSight()
    // Why a model does not load says more than that the process ended because of it.
    if (!this.#modelFault) health.set('vision', reason)
    for (const { id } of config.cameras) health.set(`camera:${id}`, connecting(id))
    metrics.visionRestarted()
    for (const { id } of config.cameras) {
      metrics.setCamera({ camera: id, status: 'connecting' })
    }
    models.visionDown(reason.code, reason.message)
    showBasket()
    showState()
  }

  #see(frame: FrameObservations): void {
    const { clock, config, leader, record, showBasket } = this.#options
    const { counter, desk, gallery, publisher, kiosk, metrics, shadow } = this.#options
    metrics.frame(frame)
    const camera = config.cameras.find(one => one.id === frame.camera)
    const leads = camera === leader
    const isPaused = this.#options.pauses.since(frame.camera) !== null
    if (isPaused && !leads) {
      kiosk.frameSeen(frame, whyPaused)
      return
    }
    if (camera?.mode === 'stream' || camera?.mode === 'shadow') {
      kiosk.frameSeen(frame, null)
      if (camera.mode === 'shadow') shadow.see(frame)
      else void publisher.sendFrame(frame, null)
      return
    }
    const outcome = counter.see(frame, clock.mono(), leads)
    if (leads && !isPaused) desk.see(frame)
    gallery.seen(outcome.actions)
    // Not every frame, but every new reason why nothing is announced.
    if (leads && outcome.why !== this.#lastWhy) {
      this.#lastWhy = outcome.why
      void publisher.sendFrame(frame, outcome.why)
    }
    kiosk.frameSeen(frame, outcome.why)
    record(outcome)
    showBasket()
  }
}
