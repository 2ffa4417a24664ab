// A shop for torture: a real mosquitto, a daemon of its own process, and a till that counts what it is told. Each can be killed.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect, type MqttClient } from 'mqtt'
import { freePort, startMosquitto, type TestBroker } from '../helpers/brokers.js'
import type { ServerCertificate } from './certificates.js'

export const prefix = 'grocerd/shop'
const program = fileURLToPath(new URL('shop-child.mjs', import.meta.url))

export interface DaemonSettings {
  url: string
  dir: string
  /** Events a second, and how many in all. */
  rate: number
  total: number
  hoard?: boolean
  /** How much faster than time its monotonic clock runs. */
  hurry?: number | undefined
  outbox?: object
  mqtt?: object
}

export interface Figures {
  depth: number
  dropped: number
  downs: number
  connections: number
  rssBytes: number
  heapBytes: number
  descriptors: number
  handles: number
  /** Of the process and of what the daemon's parts listen to. */
  listeners: number
}

/** The daemon, started again and again on the same state. */
export class ShopDaemon {
  private child: ChildProcess | null = null
  private readonly waiting = new Set<() => void>()
  /** The last event of the script that is on disk, as it told us itself. */
  safe = 0
  /** Where the last start went on. */
  started = -1
  up = false
  readonly reasons: { code: string; message: string }[] = []
  readonly refused: string[] = []
  failed: { code: string; message: string } | null = null
  private figures: Figures | null = null

  constructor(
    readonly settings: DaemonSettings,
    private readonly node: string[] = [],
  ) {}

  start(): void {
    // JSON has no Infinity.
    const settings = {
      ...this.settings,
      total: Math.min(this.settings.total, Number.MAX_SAFE_INTEGER),
    }
    const child = fork(program, [JSON.stringify(settings)], {
      execArgv: this.node,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.child = child
    this.up = false
    child.on('message', (message: Record<string, unknown>) => {
      if (typeof message.safe === 'number') this.safe = Math.max(this.safe, message.safe)
      if (typeof message.started === 'number') this.started = message.started
      if (typeof message.refused === 'string') this.refused.push(message.refused)
      if (message.failed) this.failed = message.failed as typeof this.failed
      if (message.figures) this.figures = message.figures as Figures
      if (typeof message.up === 'boolean') this.up = message.up
      if (message.reason) this.reasons.push(message.reason as { code: string; message: string })
      for (const look of [...this.waiting]) look()
    })
  }

  /** @returns the exit code. */
  async ended(): Promise<number | null> {
    const { child } = this
    if (!child) return null
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    return child.exitCode
  }

  async kill(): Promise<void> {
    this.child?.kill('SIGKILL')
    await this.ended()
    this.up = false
  }

  async stop(): Promise<void> {
    if (!this.child?.connected) return
    this.child.send('stop')
    await this.ended()
  }

  async ask(): Promise<Figures> {
    this.figures = null
    this.child!.send('figures')
    await this.until(() => this.figures !== null, 'figures')
    return this.figures!
  }

  until(holds: () => boolean, what: string, ms = 30_000): Promise<void> {
    return until(this.waiting, holds, `the daemon: ${what}`, ms)
  }
}

export interface TillOptions {
  ack: boolean
  /** Asks again, after each connect of its own, for what it has not heard. */
  resend?: boolean
}

interface Told {
  id: string
  seq: number
  session: string
  replayed: boolean
}

/** A till as docs/4-mqtt.md wants it: it drops ids that it knows. */
export class CountingTill {
  private client: MqttClient | null = null
  private readonly waiting = new Set<() => void>()
  private readonly ids = new Set<string>()
  private readonly numbers = new Set<number>()
  private toAck: string[] = []
  private lastSeq = 0
  /** The highest number of the script that it was told. */
  newest = 0
  private requests = 0
  private asked: string | null = null
  private firstMissing = 1
  /** How many different events it was told. */
  get count(): number {
    return this.numbers.size
  }
  /** Numbers of the script that came under a second id. */
  twice = 0
  repeats = 0
  /** Repeats that did not say so. */
  unmarked = 0
  /** Events that came first after one with a higher seq. */
  unordered = 0
  /** When the last new event came, and the last of any, by performance.now(). */
  newAt = 0
  anyAt = 0

  constructor(private readonly options: TillOptions) {}

  async start(url: string): Promise<void> {
    const client = connect(url, {
      clientId: 'till',
      protocolVersion: 5,
      reconnectPeriod: 200,
      connectTimeout: 2000,
    })
    this.client = client
    client.on('error', () => {})
    // Sometimes it is back before the daemon, sometimes well after it.
    client.on('close', () => (client.options.reconnectPeriod = 50 + Math.random() * 2000))
    client.on('connect', () => {
      client.subscribe([`${prefix}/items`, `${prefix}/reply/resend`], { qos: 1 }, error => {
        if (!error && this.options.resend) this.askAgain(String(++this.requests))
      })
    })
    client.on('message', (topic, payload) => {
      const message = JSON.parse(payload.toString())
      if (topic.endsWith('/items')) this.take(message)
      else if (message.requestId === this.asked && message.ok) this.asked = null
    })
    if (!client.connected)
      await new Promise<void>(resolve => client.once('connect', () => resolve()))
  }

  /** Every number of the script up to `total`, or the missing ones. */
  missing(total: number): number[] {
    const missing: number[] = []
    for (let n = 1; n <= total; n++) if (!this.numbers.has(n)) missing.push(n)
    return missing
  }

  until(holds: () => boolean, what: string, ms = 60_000): Promise<void> {
    return until(this.waiting, holds, `the till: ${what}`, ms)
  }

  async stop(): Promise<void> {
    this.asked = null
    await this.client?.endAsync(true)
  }

  /** Until it is answered, as long as nothing newer is asked: the same requestId does nothing twice. */
  private askAgain(requestId: string): void {
    this.asked = requestId
    const ask = (): void => {
      if (this.asked !== requestId) return
      while (this.numbers.has(this.firstMissing)) this.firstMissing++
      const payload = JSON.stringify({ requestId, fromSeq: this.firstMissing })
      if (this.client!.connected) this.client!.publish(`${prefix}/cmd/resend`, payload, { qos: 1 })
      setTimeout(ask, 1000).unref()
    }
    ask()
  }

  private take(event: Told): void {
    this.anyAt = performance.now()
    if (this.options.ack) {
      // One ack for all that came in one go.
      if (this.toAck.push(event.id) === 1) setImmediate(() => this.sendAcks())
    }
    if (this.ids.has(event.id)) {
      this.repeats++
      if (!event.replayed) this.unmarked++
    } else {
      this.ids.add(event.id)
      const number = Number(event.session)
      if (this.numbers.has(number)) this.twice++
      this.numbers.add(number)
      this.newest = Math.max(this.newest, number)
      if (event.seq < this.lastSeq) this.unordered++
      this.lastSeq = Math.max(this.lastSeq, event.seq)
      this.newAt = this.anyAt
    }
    for (const look of [...this.waiting]) look()
  }

  private sendAcks(): void {
    const ids = this.toAck.splice(0)
    if (this.client!.connected) {
      this.client!.publish(`${prefix}/ack`, JSON.stringify({ ids }), { qos: 1 })
    }
  }
}

export interface ShopBrokerOptions {
  /** Lines of its configuration. */
  settings?: string[]
  /** Which certificate of makeCertificates() the daemon's listener shows; it has one of its own then. */
  tls?: ServerCertificate
  /** Words before `mosquitto`, as for another network namespace, and its address there. */
  runner?: string[]
  host?: string
}

/** mosquitto as Debian ships it, with its disk under the test's folder. */
export class ShopBroker {
  private broker: TestBroker | null = null
  private port = 0
  private tlsPort = 0
  url = ''

  constructor(
    private readonly dir: string,
    private options: ShopBrokerOptions = {},
  ) {}

  /** Where the daemon connects; the till always uses `url`. */
  get daemonPort(): number {
    return this.options.tls ? this.tlsPort : this.port
  }

  get pid(): number {
    return this.broker!.pid
  }

  async start(): Promise<void> {
    const { dir } = this
    const { settings = ['allow_anonymous true'], tls, runner, host } = this.options
    this.port ||= await freePort()
    const listener: string[] = []
    if (tls) {
      this.tlsPort ||= await freePort()
      const files = [
        `cafile ${dir}/ca.crt`,
        `certfile ${dir}/${tls}.crt`,
        `keyfile ${dir}/${tls}.key`,
      ]
      listener.push(`listener ${this.tlsPort} 127.0.0.1`, ...files)
    }
    const disk = ['persistence true', `persistence_location ${dir}/`]
    this.broker = await startMosquitto(dir, [...settings, ...disk, ...listener], this.port, {
      runner,
      host,
    })
    this.url = this.broker.url
  }

  async kill(): Promise<void> {
    await this.broker?.stop()
    this.broker = null
  }

  async restart(options: ShopBrokerOptions): Promise<void> {
    await this.kill()
    this.options = { ...this.options, ...options }
    await this.start()
  }
}

export const makeDir = (): string => mkdtempSync(join(tmpdir(), 'grocerd-torture-'))

/** A folder that is gone afterwards. */
export async function inDir<T>(run: (dir: string) => Promise<T>): Promise<T> {
  const dir = makeDir()
  try {
    return await run(dir)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/** What waits for something to hold looks again whenever there is news; rejects when it never does. */
function until(
  waiting: Set<() => void>,
  holds: () => boolean,
  what: string,
  ms: number,
): Promise<void> {
  if (holds()) return Promise.resolve()
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer)
      waiting.delete(look)
    }
    const look = (): void => {
      if (!holds()) return
      end()
      resolve()
    }
    const timer = setTimeout(() => {
      end()
      reject(new Error(`Expected ${what} within ${ms} ms but it did not come`))
    }, ms)
    waiting.add(look)
  })
}
