// What a kiosk says and hears over MQTT, in the order that the contract asks for. Events come from the outbox only.
import type { IClientPublishOptions } from 'mqtt'
import type { Clock } from '../clock.js'
import { fromHere } from '../config/listen.js'
import { type Config, topicPrefix } from '../config/schema.js'
import type { BasketContent } from '../counter/types.js'
import type { Logger } from '../log.js'
import type { FrameObservations } from '../recognition/types.js'
import type { CommandHandlers, Reply } from './command-messages.js'
import { Commands } from './commands.js'
import { Connection } from './connection.js'
import { refusal, withoutSecrets } from './connection-problem.js'
import { readCredentials } from './credentials.js'
import { Delivery } from './delivery.js'
import { HomeAssistant } from './home-assistant.js'
import { Incoming, type TillListener } from './incoming.js'
import { Latest } from './latest.js'
import type { AssistMessage, BasketMessage, ItemEvent, StateMessage, Status } from './messages.js'
import type { Outbox } from './outbox/outbox.js'
import {
  basketEveryMs,
  basketMessage,
  basketValidMs,
  frameMessage,
  mayChange,
  unknownBasket,
} from './retained.js'
import { type Topics, topicsOf } from './topics.js'

export interface PublisherOptions {
  config: Config
  outbox: Outbox
  bootId: string
  clock: Clock
  log: Logger
  /** `resend` is answered here. */
  commands: CommandHandlers
  onTill?: TillListener
  onConnection?: (up: boolean, reason: { code: string; message: string } | null) => void
  /** The broker does not take an event, though the connection holds; null when it takes them again. */
  onRefused?: (reason: { code: string; message: string } | null) => void
  /** Every sending that the broker took. */
  onPublished?: (event: ItemEvent) => void
}

export interface PublisherStats {
  connected: boolean
  /** Connections that were made since the start. */
  connections: number
  published: number
  /** Of these, with `replayed`. */
  replayed: number
  inFlight: number
  commands: Commands['counts']
  /** Incoming messages that were not what the contract says, or retained where they must not be. */
  ignored: number
}

const tickMs = 250
const pruneEveryMs = 10_000
const stopWithinMs = 2_000

export class Publisher {
  /** Where the broker is, without user name and password. */
  readonly url: string
  private readonly topics: Topics
  private readonly commands: Commands
  private readonly connection: Connection
  private readonly delivery: Delivery
  private readonly incoming: Incoming
  private readonly homeAssistant: HomeAssistant
  private readonly state: Latest
  private readonly basket: Latest
  private stateMessage: StateMessage | null = null
  private content: BasketContent = unknownBasket
  private revision = 0
  private announced = false
  private everUp = false
  private connections = 0
  private basketSentAt = 0
  private prunedAt = 0
  private timer: NodeJS.Timeout | null = null

  constructor(private readonly options: PublisherOptions) {
    const { config, clock, log, outbox } = options
    const { mqtt, kiosk } = config
    const url = brokerUrl(mqtt)
    this.url = withoutSecrets(url)
    this.topics = topicsOf(topicPrefix(config))
    this.homeAssistant = new HomeAssistant(config)
    this.state = new Latest(() => this.publishState())
    this.basket = new Latest(() => this.publishBasket(this.content))
    this.delivery = new Delivery({
      outbox,
      settings: config.outbox,
      clock,
      log,
      publish: event => this.send(this.topics.items, event, { qos: 1 }),
      onPublished: event => options.onPublished?.(event),
      onRefused: error => options.onRefused?.(error ? refusal(error, url) : null),
    })
    this.commands = new Commands({
      enabled: mqtt.commands,
      handlers: { ...options.commands, resend: async range => this.delivery.resend(range) },
      replies: outbox.replies,
      clock,
      log,
    })
    this.incoming = new Incoming({
      topics: this.topics,
      commands: this.commands,
      delivery: this.delivery,
      onTill: options.onTill,
      reply: async (topic, reply, properties) => {
        await this.send(topic, reply, { qos: 1, properties })
      },
      log,
    })
    this.connection = new Connection({
      url,
      version: mqtt.version,
      clientId: `grocerd-${kiosk.id}`,
      username: mqtt.username,
      keepalive: mqtt.keepalive,
      will: { topic: this.topics.status, payload: 'offline' satisfies Status },
      credentials: () => readCredentials(mqtt),
      onUp: () => void this.up(),
      onDown: problem => this.down(problem),
      onMessage: (topic, payload, packet) => void this.incoming.take(topic, payload, packet),
      clock,
      log,
    })
  }

  /** Does not wait for the broker. @throws CONFIG_INVALID where a secret or certificate cannot be used. */
  async start(): Promise<void> {
    await readCredentials(this.options.config.mqtt)
    this.connection.start()
    this.timer = setInterval(() => this.tick(), tickMs)
  }

  /** Connected, and all that comes before events is out. */
  get connected(): boolean {
    return this.announced
  }

  setState(state: StateMessage): void {
    this.stateMessage = state
    if (this.announced) void this.state.send()
  }

  setBasket(basket: BasketContent): void {
    this.content = basket
    this.revision++
    if (this.announced) void this.basket.send()
  }

  /** The basket as it would be published now. */
  basketMessage(): BasketMessage {
    return this.messageOf(this.content)
  }

  /** The outbox has news. */
  notify(): void {
    this.delivery.notify()
  }

  /**
   * The result of one frame. With QoS 1 it resolves at the PUBACK and rejects without a connection
   * (MQTT_DISCONNECTED); with QoS 0 it is dropped then.
   */
  async sendFrame(frame: FrameObservations, reason: string | null, qos: 0 | 1 = 0): Promise<void> {
    const topic = this.topics.frames(frame.camera)
    const sent = this.send(topic, frameMessage(frame, reason), { qos })
    await (qos === 0 ? sent.catch(() => {}) : sent)
  }

  /** Calls an attendant, or says that none is wanted any more; what nobody is there to hear is not kept. */
  sendAssist(message: AssistMessage): void {
    void this.send(this.topics.assist, message, { qos: 1 }).catch(() => {})
  }

  /** A command that did not come over MQTT; the same rules hold. Resolves also for refusals. */
  dispatch(verb: string, payload: unknown): Promise<Reply> {
    return this.commands.dispatch(verb, payload)
  }

  stats(): PublisherStats {
    return {
      connected: this.announced,
      connections: this.connections,
      ...this.delivery.counts,
      inFlight: this.delivery.inFlightCount,
      commands: { ...this.commands.counts },
      ignored: this.incoming.ignored,
    }
  }

  /** What must happen when time passes; the timer calls it, and tests. */
  tick(): void {
    const { clock, outbox } = this.options
    const now = clock.mono()
    this.connection.check()
    if (now - this.prunedAt >= pruneEveryMs) {
      this.prunedAt = now
      outbox.prune()
    }
    this.delivery.tick()
    if (this.announced && mayChange(this.content) && now - this.basketSentAt >= basketEveryMs) {
      void this.basket.send()
    }
  }

  /** Sends what is on its way, says `stopped` and goodbye; what does not go out in time stays in the outbox. */
  async stop(): Promise<void> {
    if (this.timer) clearInterval(this.timer)
    this.timer = null
    if (this.announced) {
      await within(stopWithinMs, this.delivery.idle())
      await within(
        stopWithinMs,
        this.publishStatus('stopped').catch(() => {}),
      )
    }
    this.announced = false
    this.delivery.disconnected()
    await this.connection.stop()
  }

  private async up(): Promise<void> {
    const { log } = this.options
    const connection = ++this.connections
    let said: { content: BasketContent; state: StateMessage | null }
    try {
      await this.connection.subscribe(this.topics.incoming)
    } catch (error) {
      // A broker may forbid commands and still take events.
      log.warn({ err: error }, 'mqtt: not allowed to subscribe to all that the till may say')
    }
    try {
      // A basket of an earlier start must be gone before anybody reads `online`.
      if (!this.everUp) await this.publishBasket(unknownBasket, 0)
      this.everUp = true
      const { content } = this
      await this.publishBasket(content)
      await this.publishStatus('online')
      // Now the state can say so: what goes out over the connection must not deny it.
      this.options.onConnection?.(true, null)
      said = { content, state: this.stateMessage }
      await this.publishState()
    } catch (error) {
      log.warn({ err: error }, 'mqtt: the connection ended before everything was said')
      // Where it has not ended, the broker refuses our words: nothing else would ever say so.
      if (connection === this.connections) {
        this.connection.refused(`basket, status and state of ${this.topics.prefix}`, error)
      }
      return
    }
    if (!this.connection.connected || connection !== this.connections) return
    this.announced = true
    void this.announceDevice()
    log.info({ url: this.url, connection }, 'mqtt: connected')
    this.delivery.connected()
    // They may have changed while the others were on their way.
    if (this.content !== said.content) void this.basket.send()
    if (this.stateMessage !== said.state) void this.state.send()
  }

  /** A broker that forbids it takes events all the same. */
  private async announceDevice(): Promise<void> {
    try {
      await this.homeAssistant.announce((topic, payload) =>
        this.connection.publish(topic, payload, { qos: 1, retain: true }),
      )
    } catch (error) {
      this.options.log.warn({ err: error }, 'mqtt: Home Assistant could not be told')
    }
  }

  private down(reason: { code: string; message: string }): void {
    this.announced = false
    this.delivery.disconnected()
    this.options.onConnection?.(false, { code: reason.code, message: reason.message })
  }

  private async publishStatus(status: Status): Promise<void> {
    await this.connection.publish(this.topics.status, status, { qos: 1, retain: true })
  }

  private async publishState(): Promise<void> {
    if (!this.stateMessage) return
    await this.send(this.topics.state, this.stateMessage, { qos: 1, retain: true })
  }

  private async publishBasket(content: BasketContent, revision = this.revision): Promise<void> {
    const { clock } = this.options
    this.basketSentAt = clock.mono()
    const message = this.messageOf(content, revision)
    const expiry = message.validMs === null ? {} : { messageExpiryInterval: basketValidMs / 1000 }
    await this.send(this.topics.basket, message, { qos: 1, retain: true, properties: expiry })
  }

  private messageOf(content: BasketContent, revision = this.revision): BasketMessage {
    const { config, bootId, clock } = this.options
    return basketMessage(content, { kiosk: config.kiosk.id, bootId, revision, now: clock.wall() })
  }

  private async send(
    topic: string,
    message: object,
    options: IClientPublishOptions,
  ): Promise<boolean> {
    const { properties, ...rest } = options
    const five = this.options.config.mqtt.version === 5
    return this.connection.publish(topic, JSON.stringify(message), {
      ...rest,
      // MQTT 3.1.1 has no properties and mqtt.js would refuse them.
      ...(five ? { properties: { contentType: 'application/json', ...properties } } : {}),
    })
  }
}

/** Of the broker that the configuration names, be it the one of the demo. */
export const brokerUrl = ({ url, listen }: Pick<Config['mqtt'], 'url' | 'listen'>): string =>
  url === 'embedded' ? `mqtt://${fromHere(listen)}` : url

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise(resolve => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([work, late])
  clearTimeout(timer)
}
