// One MQTT connection that is kept up: a fresh mqtt.js client for each attempt, so that nothing is queued or re-sent behind our back.
import { connect, type IClientPublishOptions, type IPublishPacket, type MqttClient } from 'mqtt'
import type { Clock } from '../clock.js'
import { GroceryError } from '../errors.js'
import type { Logger } from '../log.js'
import { backoffMs } from './backoff.js'
import {
  type ConnectionProblem,
  classify,
  taken,
  takenOver,
  tooLarge,
  withoutSecrets,
} from './connection-problem.js'
import type { Credentials } from './credentials.js'

export interface ConnectionOptions {
  url: string
  version: 4 | 5
  clientId: string
  username: string | null
  /** ms. */
  keepalive: number
  will: { topic: string; payload: string }
  credentials: () => Promise<Credentials>
  /** Called for every new connection; what it publishes comes before all else. */
  onUp: () => void
  onDown: (problem: ConnectionProblem) => void
  onMessage: (topic: string, payload: Buffer, packet: IPublishPacket) => void
  clock: Clock
  log: Logger
}

interface Pending {
  since: number
  reject: (error: Error) => void
}

const tellEveryMs = 60_000
const connectTimeoutMs = 10_000
/** A broker that takes our bytes and acknowledges none of them for so long is gone. */
const pubackTimeoutMs = 10_000
/** A connection that held so long was a good one: the next attempt is quick again. */
const stableMs = 5_000
/** The same, once another client had our id: far beyond the longest wait of that one. */
const undisputedMs = 300_000
/** Many brokers say nothing to a client whose id is taken over: it only shows in the pattern. */
const maxShortLives = 4
/** Receive Maximum of a stock mosquitto; MQTT 3.1.1 has no way to say it. */
const defaultReceiveMaximum = 20
const mostInFlight = 64
/** Unsent bytes beyond which QoS 0 is dropped instead of queued. */
const maxBufferedBytes = 1024 * 1024
/** MQTT 5, reason code of a PUBACK. */
const noSubscribers = 0x10
/** Headers and properties of a PUBLISH, generously. */
const overheadBytes = 64

export class Connection {
  private client: MqttClient | null = null
  private up = false
  private running = false
  private timer: NodeJS.Timeout | null = null
  private attempts = 0
  private upSince = 0
  private shortLives = 0
  private wasTaken = false
  /** What the log was told last, and when: a broker that stays away is one line a minute. */
  private toldCode: string | null = null
  private toldAt = 0
  private slots = 0
  /** Of the broker; MQTT 5 only. */
  private maxPacketBytes = Number.POSITIVE_INFINITY
  private waiting: { resolve: () => void; reject: (error: Error) => void }[] = []
  private readonly pending = new Set<Pending>()
  /** Message ids of which the broker said that nobody subscribes to them (MQTT 5 only). */
  private readonly unheard = new Set<number>()

  constructor(private readonly options: ConnectionOptions) {}

  get connected(): boolean {
    return this.up
  }

  start(): void {
    this.running = true
    this.open().catch(error => this.lost(null, classify(error, this.options.url)))
  }

  async subscribe(topics: Record<string, { qos: 0 | 1 }>): Promise<void> {
    const client = this.client
    if (!client || !this.up) throw this.downError()
    // Retain as published: else a retained command looks like a live one when it first arrives (MQTT 5 only).
    const asPublished = Object.entries(topics).map(([topic, options]) => [
      topic,
      { ...options, rap: true },
    ])
    await client.subscribeAsync(Object.fromEntries(asPublished))
  }

  /**
   * Resolves when the broker has it (QoS 1) or it was handed to the socket (QoS 0). Never more
   * than the broker's Receive Maximum are under way.
   *
   * @returns false where the broker says that it has nobody to give it to; that is MQTT 5 only.
   * @throws MQTT_DISCONNECTED where there is no connection or it ends before the PUBACK; an error
   * with the broker's reason code where it refuses the message.
   */
  async publish(topic: string, payload: string, options: IClientPublishOptions): Promise<boolean> {
    if (!this.up) throw this.downError()
    // mqtt.js would send it, and the broker would have to end the connection for it.
    const bytes = Buffer.byteLength(topic) + Buffer.byteLength(payload) + overheadBytes
    if (bytes > this.maxPacketBytes) throw tooLarge(bytes, this.maxPacketBytes)
    if (options.qos === 1) await this.takeSlot()
    const client = this.client
    if (!client || !this.up) throw this.downError()
    if (
      !options.qos &&
      (client.stream as { writableLength?: number }).writableLength! > maxBufferedBytes
    ) {
      return true
    }
    return new Promise<boolean>((resolve, reject) => {
      const pending: Pending = { since: this.options.clock.mono(), reject }
      this.pending.add(pending)
      client.publish(topic, payload, options, (error, packet) => {
        const heard = !this.unheard.delete(packet?.messageId ?? 0)
        if (!this.pending.delete(pending)) return
        if (options.qos === 1) this.freeSlot()
        if (!error) resolve(heard)
        // A reason code is the broker's answer; everything else is the end of the connection.
        else
          reject(typeof (error as { code?: unknown }).code === 'number' ? error : this.downError())
      })
    })
  }

  /** Ends a connection on which the broker does not take `what` must be said, and tries again later. */
  refused(what: string, error: unknown): void {
    if (this.up) this.lost(this.client, classify(error, this.options.url, `take ${what}`))
  }

  /** To be called about once a second: a peer that is gone without a word shows in missing PUBACKs. */
  check(): void {
    const oldest = this.pending.values().next().value
    if (!this.up || !oldest) return
    if (this.options.clock.mono() - oldest.since < pubackTimeoutMs) return
    this.lost(this.client, {
      kind: 'unreachable',
      code: 'MQTT_DISCONNECTED',
      message: `Expected an answer from ${withoutSecrets(this.options.url)} within ${pubackTimeoutMs / 1000} s but received none`,
    })
  }

  /** Says goodbye, so that the broker does not publish the will. */
  async stop(): Promise<void> {
    this.running = false
    if (this.timer) clearTimeout(this.timer)
    this.timer = null
    const client = this.client
    if (!client) return
    if (this.up) {
      await Promise.race([
        client.endAsync(),
        new Promise(resolve => setTimeout(resolve, 1000).unref()),
      ])
    }
    this.drop(client)
    // mqtt.js does not end by force what is ending already: on a dead line the socket, and this process with
    // it, would stay until the keepalive runs out.
    client.stream?.destroy()
  }

  private async open(): Promise<void> {
    const { url, version, clientId, username, keepalive, will } = this.options
    const { password, ...tls } = await this.options.credentials()
    if (!this.running) return
    const client = connect(url, {
      ...tls,
      protocolVersion: version,
      clientId,
      ...(username === null ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      keepalive: Math.max(1, Math.round(keepalive / 1000)),
      // Pings go out even while we publish: their answers are the proof of life.
      reschedulePings: false,
      // A stale command is worse than none, and a missed ack is asked for again.
      clean: true,
      reconnectPeriod: 0,
      queueQoSZero: false,
      resubscribe: false,
      connectTimeout: connectTimeoutMs,
      will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: true },
    })
    this.client = client
    let problem: ConnectionProblem | null = null
    client.on('connect', packet => {
      if (client !== this.client) return
      // Else an event waits up to 40 ms for the TCP acknowledgement of what went before it.
      ;(client.stream as { setNoDelay?: (on: boolean) => void }).setNoDelay?.(true)
      this.maxPacketBytes = packet.properties?.maximumPacketSize ?? Number.POSITIVE_INFINITY
      const limit = packet.properties?.receiveMaximum ?? defaultReceiveMaximum
      this.slots = Math.min(mostInFlight, limit)
      this.up = true
      this.toldCode = null
      this.upSince = this.options.clock.mono()
      this.options.onUp()
    })
    client.on('message', (topic, payload, packet) => {
      if (client === this.client) this.options.onMessage(topic, payload, packet)
    })
    client.on('packetreceive', packet => {
      // mqtt.js takes it for any other PUBACK and tells the publisher nothing.
      if (client === this.client && packet.cmd === 'puback' && packet.reasonCode === noSubscribers)
        this.unheard.add(packet.messageId!)
    })
    client.on('disconnect', packet => {
      if (packet.reasonCode === takenOver) problem = taken(clientId, 'another client took it over')
    })
    client.on('error', error => {
      problem ??= classify(error, url)
      this.lost(client, problem)
    })
    client.on('close', () => this.lost(client, problem ?? classify(null, url)))
  }

  private lost(client: MqttClient | null, problem: ConnectionProblem): void {
    if (client !== this.client || this.timer) return
    const wasUp = this.up
    if (client) this.drop(client)
    if (!this.running) return
    const { clock, log } = this.options
    // Two with one id take turns: each holds while the other waits, which makes neither connection a good one.
    const isStable =
      wasUp && clock.mono() - this.upSince >= (this.wasTaken ? undisputedMs : stableMs)
    if (isStable) this.attempts = 0
    // Where the broker says why, there is nothing to guess.
    const isMute = problem.kind === 'unreachable'
    this.shortLives = wasUp && !isStable && isMute ? this.shortLives + 1 : 0
    if (this.shortLives >= maxShortLives) {
      problem = taken(
        this.options.clientId,
        `the broker closed ${this.shortLives} connections in a row soon after it took them`,
      )
    }
    this.wasTaken = problem.code === 'MQTT_TAKEN_OVER' || (this.wasTaken && !isStable)
    const wait = backoffMs(this.attempts++, problem.kind)
    const now = this.options.clock.mono()
    const isNews = problem.code !== this.toldCode || now - this.toldAt >= tellEveryMs
    const facts = { code: problem.code, waitMs: wait, attempt: this.attempts }
    log[isNews ? 'warn' : 'debug'](facts, problem.message)
    if (isNews) {
      this.toldCode = problem.code
      this.toldAt = now
    }
    this.timer = setTimeout(() => {
      this.timer = null
      this.open().catch(error => this.lost(null, classify(error, this.options.url)))
    }, wait)
    this.options.onDown(problem)
  }

  private drop(client: MqttClient): void {
    this.client = null
    this.up = false
    // All listeners stay: mqtt.js stops its timers in one of its own, ours pass over a client that
    // is not the one we use, and an error that nobody listens for would end the process.
    client.end(true)
    const error = this.downError()
    const { waiting } = this
    const pending = [...this.pending]
    this.waiting = []
    this.pending.clear()
    this.unheard.clear()
    for (const one of [...pending, ...waiting]) one.reject(error)
  }

  private async takeSlot(): Promise<void> {
    if (this.slots > 0) {
      this.slots--
      return
    }
    await new Promise<void>((resolve, reject) => this.waiting.push({ resolve, reject }))
  }

  private freeSlot(): void {
    const next = this.waiting.shift()
    if (next) next.resolve()
    else this.slots++
  }

  private downError(): GroceryError {
    return new GroceryError(
      'MQTT_DISCONNECTED',
      `Expected a connection to ${withoutSecrets(this.options.url)} but there is none`,
    )
  }
}
