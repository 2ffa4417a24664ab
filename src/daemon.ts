// The daemon process, its composition root: vision -> counter -> outbox -> MQTT, and what HTTP may see of it.
import { randomUUID } from 'node:crypto'
import { type Clock, systemClock } from './clock.js'
import type { CameraConfig, Config } from './config/schema.js'
import { readSecret } from './config/secret.js'
import type { ItemCounter, Outcome } from './counter/item-counter.js'
import { makeCounter, takeUp } from './counter/make-counter.js'
import { Checkout } from './counter/sale/checkout.js'
import { CatalogueDesk } from './desks/catalogue-desk.js'
import { SaleDesk } from './desks/sale-desk.js'
import { describeError } from './errors.js'
import { GalleryDesk } from './desks/gallery-desk.js'
import { sdNotify } from './inference/addon.js'
import { newestKept } from './desks/kept-catalogue.js'
import { Kiosk } from './kiosk.js'
import { blindMs, leaderOf } from './leading-camera.js'
import { LifeSigns } from './life-signs.js'
import type { Logger } from './log.js'
import { ModelDesk } from './desks/model-desk.js'
import { clockSynced } from './observe/clock-sync.js'
import { Health, type Reason } from './observe/health.js'
import { HttpServer } from './observe/http/server.js'
import { Metrics } from './observe/metrics.js'
import { logReadiness } from './observe/readiness-log.js'
import { Watchdog } from './observe/watchdog.js'
import { Pauses } from './desks/pauses.js'
import { DemoBroker } from './publish/broker.js'
import type { EventEnvelope } from './publish/event.js'
import { KioskLock } from './publish/kiosk-lock.js'
import { Outbox } from './publish/outbox/outbox.js'
import { Publisher } from './publish/publisher.js'
import { createUuidV7 } from './publish/uuid.js'
import { atStart } from './reasons.js'
import { Recorder } from './recorder.js'
import { ShadowDesk } from './desks/shadow-desk.js'
import { Shown } from './shown.js'
import { Snapshots } from './desks/snapshots.js'
import { Products } from './products.js'
import { TillDesk } from './desks/till-desk.js'
import { version } from './version.js'
import { visionConfig } from './vision-config.js'
import { VisionNews } from './vision-news.js'
import { VisionProcess } from './vision-process.js'

const housekeepingMs = 1000

export interface DaemonOptions {
  log: Logger
  clock?: Clock
  /** Tells the service manager; sd_notify by default. */
  notify?: (message: string) => boolean
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
  sale: SaleDesk
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
  readonly #notify: (message: string) => boolean
  /** What stop() must end, in the order of their starts. */
  readonly #running: { stop(): unknown }[] = []
  readonly #leader: CameraConfig | null
  #parts: Parts | null = null
  /** Where HTTP listens and where the broker is, known after start. */
  httpPort = 0
  mqttUrl = ''

  constructor(config: Config, { log, clock = systemClock, notify = sdNotify }: DaemonOptions) {
    this.#config = config
    this.#leader = leaderOf(config.cameras)
    this.#log = log
    this.#clock = clock
    this.#notify = notify
  }

  /**
   * Resolves when everything runs that needs no other machine; broker, camera and model may come later.
   * Throws STATE_LOCKED, KIOSK_TAKEN, OUTBOX_INVALID, ADDRESS_IN_USE, CONFIG_INVALID; stop() ends what had begun.
   */
  async start(): Promise<void> {
    const clock = this.#clock
    const log = this.#log
    const health = new Health(clock)
    const kept = newestKept(this.#config.outbox.dir, message => {
      log.error({ code: 'CATALOGUE_INVALID' }, message)
      health.set('catalogue', { code: 'CATALOGUE_INVALID', message })
    })
    const config = {
      ...(await this.#withBroker(this.#config)),
      catalogue: kept?.path ?? this.#config.catalogue,
    }
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
    const metrics = new Metrics({ version })

    const vision = new VisionProcess(
      visionConfig(config),
      {
        onMessage: message => news.hear(message),
        onDown: reason => news.down(reason),
      },
      clock,
      log,
    )
    const products: Products = new Products({
      catalogue: config.catalogue,
      taught: () => gallery.products,
    })
    const settings = { ...config.counter, blind: blindMs(this.#leader), newId }
    const things = makeCounter(this.#leader, settings)
    const counter = new Checkout(things, {
      orphanAfter: config.counter.orphanAfter,
      pieceIsItem: this.#leader?.mode === 'tray',
      product: sku => products.sold(sku),
      newId,
    })
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
    const catalogue = new CatalogueDesk({
      config,
      kept,
      labels: () => models.labels(),
      restock: path => models.restock(path),
      changed: ({ path }) => {
        products.stock(path)
        this.#showState()
      },
      setReason: reason => health.set('catalogue', reason),
      clock,
      log,
    })
    const pauses = new Pauses({
      config,
      changed: (camera, reason) => {
        health.set(`paused:${camera}`, reason)
        metrics.setPaused(camera, reason !== null)
        if (camera === this.#leader?.id) counter.pause(reason !== null)
        // What lay there before is asked about anew.
        vision.send({ type: 'lookAnew' })
        this.#showBasket()
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
      product: sku => products.named({ sku }),
      weighable: sku => products.sold(sku),
      mismatch: (lineId, isOne) => counter.mismatch(lineId, isOne),
      newId,
      isPaused: () => counter.isPaused,
      lookAnew: () => vision.send({ type: 'lookAnew' }),
      record: outcome => {
        this.#showBasket()
        return recorder.record(outcome)
      },
      learn: answered => gallery.learn(answered),
    })
    const shadow = new ShadowDesk({
      config,
      product: line => products.named(line) ?? null,
      newId,
      isPaused: camera => pauses.since(camera) !== null,
      clock,
      log,
    })
    const sale = new SaleDesk({
      checkout: counter,
      clock,
      camera: this.#leader?.id ?? null,
      product: named => products.named(named),
      record: outcome => {
        this.#showBasket()
        return recorder.record(outcome)
      },
      assist: message => publisher.sendAssist(message),
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
        verify: request => desk.verify(request),
        model: request => models.command(request),
        enrol: request => gallery.enrol(request),
        forget: request => gallery.forget(request),
        snapshot: request => snapshots.take(request),
        pause: request => pauses.pause(request),
        resume: request => pauses.resume(request),
        catalogue: request => catalogue.command(request),
      },
      onPublished: event => {
        if (!event.replayed) metrics.published(event.latencyMs)
      },
      onRefused: reason => health.set('events', reason),
      onTill: (...word) => {
        sale.hear(...word)
        if (word[0] === 'pos') shadow.hear(word[1])
      },
      onConnection: (up, reason) => {
        if (up) sale.tellAgain()
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
      catalogue: () => catalogue.version?.toString() ?? null,
      pausedSince: camera => pauses.since(camera),
      products: () => products.all,
      basket: () => publisher.basketMessage(),
      dispatch: (verb, payload) => publisher.dispatch(verb, payload),
      askPreview: camera => vision.send({ type: 'preview', camera }),
    })
    const snapshots: Snapshots = new Snapshots({ vision, cameras: () => kiosk.cameras() })
    const life = new LifeSigns(config.cameras, recorder)
    const news = new VisionNews({
      ...{ config, leader: this.#leader, clock, log, vision: () => vision },
      ...{ health, metrics, envelope, products, counter, models, gallery, desk },
      ...{ publisher, kiosk, life, shadow, pauses, snapshots },
      record: outcome => this.#record(outcome),
      showBasket: () => this.#showBasket(),
      showState: () => this.#showState(),
    })
    this.#parts = {
      health,
      metrics,
      vision,
      models,
      gallery,
      counter,
      desk,
      sale,
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
    await this.#begin(new KioskLock(config))
    this.#running.push(recorder)
    if (counterState !== null) {
      const actions = counter.takeUp(counterState, clock.mono(), kept =>
        takeUp(things, kept, settings, desk.now()),
      )
      const items = actions.map(({ item }) => item.itemId)
      if (items.length > 0)
        log.warn({ items }, 'the camera counts in another mode than before: its items end here')
      // Not waited for: a disk that refuses must not keep the daemon from starting.
      this.#record({ actions, why: null })
    }
    await this.#begin(models)
    await this.#begin(catalogue)
    for (const { id } of config.cameras) metrics.setPaused(id, false)
    await this.#begin(pauses)
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
    await this.#begin(new Watchdog({ work: life.work, health, clock, log, notify: this.#notify }))
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

  /** What the state says of the configuration, of which the daemon itself knows only one. */
  complain(reason: Reason | null): void {
    this.#parts?.health.set('config', reason)
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
    const { envelope, health, metrics, models, outbox, publisher, sale, shadow } = this.#parts!
    models.tick()
    sale.tick()
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
