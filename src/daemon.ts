// The daemon process, its composition root: vision -> counter -> outbox -> MQTT, and what HTTP may see of it.
import { randomUUID } from 'node:crypto'
import { type Clock, systemClock } from './clock.js'
import { type CameraConfig, type Config, modelName } from './config/schema.js'
import { readSecret } from './config/secret.js'
import type { ItemCounter, Outcome } from './counter/item-counter.js'
import { makeCounter, takeUp } from './counter/make-counter.js'
import { describeError } from './errors.js'
import { GalleryDesk } from './gallery-desk.js'
import { sdNotify } from './inference/addon.js'
import { Kiosk } from './kiosk.js'
import { blindMs, leaderOf } from './leading-camera.js'
import { LifeSigns } from './life-signs.js'
import type { Logger } from './log.js'
import { ModelDesk } from './model-desk.js'
import { clockSynced } from './observe/clock-sync.js'
import { Health, type Reason } from './observe/health.js'
import { HttpServer } from './observe/http/server.js'
import { Metrics } from './observe/metrics.js'
import { logReadiness } from './observe/readiness-log.js'
import { Watchdog } from './observe/watchdog.js'
import type { Up } from './protocol.js'
import { Products } from './products.js'
import { DemoBroker } from './publish/broker.js'
import type { EventEnvelope } from './publish/event.js'
import { Outbox } from './publish/outbox/outbox.js'
import { Publisher } from './publish/publisher.js'
import { createUuidV7 } from './publish/uuid.js'
import type { FrameObservations } from './recognition/types.js'
import { atStart, connecting, insteadOf, isBuilt, isWithin, standIn } from './reasons.js'
import { Recorder } from './recorder.js'
import { ShadowDesk } from './shadow-desk.js'
import { Shown } from './shown.js'
import { TillDesk } from './till-desk.js'
import { version } from './version.js'
import { visionConfig } from './vision-config.js'
import { VisionProcess } from './vision-process.js'

const housekeepingMs = 1000

export interface DaemonOptions {
  log: Logger
  clock?: Clock
}

/** All parts of a running daemon, in the order of the data. */
interface Parts {
  health: Health
  metrics: Metrics
  vision: VisionProcess
  models: ModelDesk
  gallery: GalleryDesk
  counter: ItemCounter
  desk: TillDesk
  outbox: Outbox
  recorder: Recorder
  publisher: Publisher
  kiosk: Kiosk
  shown: Shown
  envelope: EventEnvelope
  life: LifeSigns
  shadow: ShadowDesk
  products: Products
}

export class Daemon {
  readonly #config: Config
  readonly #log: Logger
  readonly #clock: Clock
  /** What stop() must end, in the order of their starts. */
  readonly #running: { stop(): unknown }[] = []
  readonly #leader: CameraConfig | null
  #parts: Parts | null = null
  /** Whether vision said itself why it cannot go on. */
  #modelFault = false
  /** Why the model does not run as it was wanted, where it does not. */
  #tooLarge = ''
  /** The same as a reason of the state, while a stand-in runs. */
  #memoryReason: Reason | null = null
  #lastWhy: string | null = null
  /** Where HTTP listens and where the broker is, known after start. */
  httpPort = 0
  mqttUrl = ''

  constructor(config: Config, { log, clock = systemClock }: DaemonOptions) {
    this.#config = config
    this.#leader = leaderOf(config.cameras)
    this.#log = log
    this.#clock = clock
  }

  /**
   * Resolves when everything runs that needs no other machine; broker, camera and model may come later.
   * Throws STATE_LOCKED, OUTBOX_INVALID, ADDRESS_IN_USE, CONFIG_INVALID; stop() ends what had begun.
   */
  async start(): Promise<void> {
    const config = await this.#withBroker(this.#config)
    const clock = this.#clock
    const log = this.#log
    const newId = createUuidV7(clock.wall)
    const bootId = randomUUID()
    const envelope: EventEnvelope = {
      kiosk: config.kiosk.id,
      bootId,
      model: null,
      gallery: null,
      clockSynced: clockSynced(),
    }
    const token = config.http.tokenFile && readSecret(config.http.tokenFile, 'http.tokenFile')
    const health = new Health(clock)
    const metrics = new Metrics({ version })

    const vision = new VisionProcess(
      visionConfig(config),
      {
        onMessage: message => this.#hear(message),
        onDown: reason => this.#visionDown(reason),
      },
      clock,
      log,
    )
    const settings = { ...config.counter, blind: blindMs(this.#leader), newId }
    const counter = makeCounter(this.#leader, settings)
    const models = new ModelDesk({
      config,
      vision,
      isIdle: () => counter.session === null && counter.items.length === 0,
      setReason: reason => health.set('model', reason),
      count: change => metrics.modelChanged(change),
      clock,
      clockSynced,
      log,
    })
    const products: Products = new Products({
      catalogue: config.catalogue,
      taught: sku => gallery.product(sku),
    })
    const gallery: GalleryDesk = new GalleryDesk({
      config,
      vision,
      counter,
      leader: this.#leader?.id ?? null,
      priceOf: products.priceOf,
      setReason: reason => health.set('gallery', reason),
      changed: version => {
        envelope.gallery = version
        this.#showState()
      },
      clock,
      log,
    })
    const outbox = new Outbox({ ...config.outbox, envelope, clock, log })
    const recorder = new Recorder({
      outbox,
      counter,
      health,
      clock,
      onEvents: events => {
        for (const event of events) {
          metrics.event({ action: event.action, decision: event.item.decision })
          models.placed(event)
        }
        kiosk.eventsMade(events)
        publisher.notify()
        this.#showBasket()
      },
    })
    const desk = new TillDesk({
      counter,
      clock,
      settings: config.counter,
      camera: this.#leader?.id ?? null,
      product: sku => products.find(sku),
      newId,
      lookAnew: () => vision.send({ type: 'lookAnew' }),
      record: outcome => {
        this.#showBasket()
        return recorder.record(outcome)
      },
      learn: answered => gallery.learn(answered),
    })
    const shadow = new ShadowDesk({
      config,
      product: line => products.ofLine(line),
      newId,
      clock,
      log,
    })
    const publisher = new Publisher({
      config,
      outbox,
      bootId,
      clock,
      log,
      commands: {
        recognise: request => desk.recognise(request),
        confirm: request => desk.confirm(request),
        session: request => desk.session(request),
        model: request => models.command(request),
        enrol: request => gallery.enrol(request),
        forget: request => gallery.forget(request),
      },
      // What the till sells, for all who compare or bind it.
      onTill: (kind, message) => {
        if (kind === 'pos') for (const listener of [shadow]) listener.hear(message)
      },
      onPublished: event => {
        if (!event.replayed) metrics.published(event.latencyMs)
      },
      onRefused: reason => health.set('events', reason),
      onConnection: (up, reason) => {
        metrics.setMqtt(up)
        health.set('mqtt', up ? null : reason)
        kiosk.tell('state', kiosk.state())
      },
    })
    const kiosk = new Kiosk({
      config,
      bootId,
      clock,
      health,
      outbox: () => {
        const { depth, dropped } = outbox.stats()
        return { depth, dropped }
      },
      broker: () => ({ connected: publisher.connected, url: publisher.url }),
      clockSynced: () => envelope.clockSynced,
      gallery: () => envelope.gallery,
      basket: () => publisher.basketMessage(),
      dispatch: (verb, payload) => publisher.dispatch(verb, payload),
      askPreview: camera => vision.send({ type: 'preview', camera }),
    })
    const life = new LifeSigns(config.cameras, recorder)
    this.#parts = {
      health,
      metrics,
      vision,
      models,
      gallery,
      counter,
      desk,
      outbox,
      recorder,
      publisher,
      kiosk,
      shown: new Shown({ counter, publisher, kiosk, clock }),
      envelope,
      life,
      shadow,
      products,
    }

    await this.#begin(metrics)
    const { counterState } = await this.#begin(outbox)
    this.#running.push(recorder)
    if (counterState !== null) {
      const actions = takeUp(counter, counterState, settings, desk.now())
      const items = actions.map(({ item }) => item.itemId)
      if (items.length > 0)
        log.warn({ items }, 'the camera counts in another mode than before: its items end here')
      // Not waited for: a disk that refuses must not keep the daemon from starting.
      this.#record({ actions, why: null })
    }
    await this.#begin(models)
    await this.#begin(gallery)
    health.onChange(logReadiness(log))
    health.onChange(readiness => {
      metrics.setReadiness(readiness)
      this.#showState()
    })
    for (const [what, reason] of atStart(config)) health.set(what, reason)
    this.#showState()
    this.#showBasket()
    await this.#begin(publisher)
    const http = new HttpServer({ listen: config.http.listen, token, view: kiosk, metrics, log })
    this.httpPort = (await this.#begin(http)).port
    await this.#begin(vision)
    const timer = setInterval(() => this.#keepHouse(), housekeepingMs)
    this.#running.push({ stop: () => clearInterval(timer) })
    await this.#begin(new Watchdog({ work: life.work, health, clock, log, notify: sdNotify }))
    log.info({ httpPort: this.httpPort, mqttUrl: publisher.url, bootId, version }, 'grocerd runs')
  }

  /** Ends everything, last started first: cameras, then what carries their events. */
  async stop(): Promise<void> {
    this.#parts?.health.stopping()
    for (const part of this.#running.splice(0).reverse()) {
      try {
        await part.stop()
      } catch (error) {
        this.#log.error({ err: error }, 'a part did not stop as it should')
      }
    }
  }

  /** With the demo broker the address is known once it listens: its port may be 0. */
  async #withBroker(config: Config): Promise<Config> {
    this.mqttUrl = config.mqtt.url
    if (config.mqtt.url !== 'embedded') return config
    const broker = new DemoBroker({ listen: config.mqtt.listen, log: this.#log })
    this.mqttUrl = (await this.#begin(broker)).url
    return { ...config, mqtt: { ...config.mqtt, url: this.mqttUrl } }
  }

  async #begin<T>(part: { start(): T; stop(): unknown }): Promise<Awaited<T>> {
    this.#running.push(part)
    return await part.start()
  }

  // ---- what vision says

  #hear(message: Up): void {
    const { health, kiosk, metrics, envelope, counter, life, models, gallery } = this.#parts!
    for (const part of [life, models, gallery]) part.hear(message)
    switch (message.type) {
      case 'ready': {
        const { model, runtime, products } = message
        envelope.model = model
        this.#parts!.products.add(products)
        kiosk.modelLoaded(model, runtime)
        metrics.setModel(model, runtime)
        this.#modelFault = false
        // First, so that no state in between says that all is well.
        this.#memoryReason = standIn(this.#parts!.vision.fellBack, this.#tooLarge, runtime)
        health.set('memory', this.#memoryReason)
        health.set('building', null)
        health.set('vision', null)
        if (this.#config.cameras.length === 0) health.started()
        this.#showState()
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
        if (status !== 'live' && camera === this.#leader?.id) counter.loseSight()
        this.#showState()
        return
      }
      case 'metrics':
        kiosk.visionUses(message.rssBytes, message.memory)
        if (isWithin(message.memory)) health.set('memory', this.#memoryReason)
        if (message.building)
          health.set('building', isBuilt(modelName(this.#config.models), message.building))
        metrics.setVision(message)
        return
      case 'fault': {
        const { code, message: words, fatal, fallbacks, runsOn } = message
        this.#log.warn({ code, fatal }, words)
        if (runsOn) health.set('building', { code, message: insteadOf(words, runsOn) })
        if (code === 'MEMORY_BUDGET_EXCEEDED') {
          metrics.memoryExceeded()
          if (!fatal) health.set('memory', { code, message: words })
          // Without `fallbacks` it went over while it ran: the same again, which begins small.
          if (fallbacks !== undefined) {
            if (!this.#parts!.vision.fellBack) this.#tooLarge = words
            this.#parts!.vision.fallBack(fallbacks)
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

  #visionDown(reason: { code: string; message: string }): void {
    const { health, kiosk, metrics, counter, life, models, gallery } = this.#parts!
    life.visionIsDown()
    gallery.visionDown()
    this.#log.error(reason, 'vision is down')
    kiosk.visionIsDown()
    counter.loseSight()
    // Why a model does not load says more than that the process ended because of it.
    if (!this.#modelFault) health.set('vision', reason)
    for (const { id } of this.#config.cameras) health.set(`camera:${id}`, connecting(id))
    metrics.visionRestarted()
    for (const { id } of this.#config.cameras) {
      metrics.setCamera({ camera: id, status: 'connecting' })
    }
    models.visionDown(reason.code, reason.message)
    this.#showBasket()
    this.#showState()
  }

  #see(frame: FrameObservations): void {
    const { counter, desk, gallery, publisher, kiosk, metrics, shadow } = this.#parts!
    metrics.frame(frame)
    const camera = this.#config.cameras.find(one => one.id === frame.camera)
    if (camera?.mode === 'stream' || camera?.mode === 'shadow') {
      kiosk.frameSeen(frame, null)
      if (camera.mode === 'shadow') shadow.see(frame)
      else void publisher.sendFrame(frame, null)
      return
    }
    const leads = camera === this.#leader
    const outcome = counter.see(frame, this.#clock.mono(), leads)
    if (leads) desk.see(frame)
    gallery.seen(outcome.actions)
    // Not every frame, but every new reason why nothing is announced.
    if (leads && outcome.why !== this.#lastWhy) {
      this.#lastWhy = outcome.why
      void publisher.sendFrame(frame, outcome.why)
    }
    kiosk.frameSeen(frame, outcome.why)
    this.#record(outcome)
    this.#showBasket()
  }

  #record(outcome: Outcome): void {
    this.#parts!.recorder.record(outcome).catch(error =>
      this.#log.error(describeError(error), 'an event was lost'),
    )
  }

  #showBasket(): void {
    this.#parts!.shown.showBasket()
  }

  #showState(): void {
    this.#parts!.shown.showState()
  }

  #keepHouse(): void {
    const { envelope, health, metrics, models, outbox, publisher, shadow } = this.#parts!
    models.tick()
    shadow.tick()
    envelope.clockSynced = clockSynced()
    const { depth, dropped, writtenBytes } = outbox.stats()
    for (const [what, complaint] of Object.entries(outbox.complaints())) health.set(what, complaint)
    // Without frames nothing else would say that the basket is not seen any more.
    this.#showBasket()
    metrics.setOutbox({ depth, dropped, writtenBytes, replayed: publisher.stats().replayed })
    metrics.setIncoming(publisher.stats())
    this.#showState()
  }
}
