// Tells systemd that grocerd runs, and pings its watchdog only while all work goes on. What the work is, others say.
import type { Clock } from '../clock.js'
import type { Logger } from '../log.js'
import type { Health, Readiness } from './health.js'

/** One kind of work that must go on. */
export interface Progress {
  /** For the log. */
  name: string
  /** Grows, or changes, with the work that is done. */
  done(): number
  /** There is nothing to do now, or it is known and said why nothing is done. */
  isExcused(): boolean
  /** How long it may stand still. */
  patienceMs: number
}

export interface WatchdogOptions {
  work: Progress[]
  health: Health
  clock: Clock
  log: Logger
  /** Sends one datagram of sd_notify(3); false where nobody listens. */
  notify(message: string): boolean
  /** Of the service manager: WATCHDOG_USEC, WATCHDOG_PID. */
  env?: NodeJS.ProcessEnv
}

/** An event loop that is late by so much serves nobody. */
const mostLagMs = 1000
const lookAtLeastEveryMs = 1000

export class Watchdog {
  readonly #options: WatchdogOptions
  readonly #seen = new Map<Progress, { done: number; at: number }>()
  #timer: NodeJS.Timeout | null = null
  #unlisten = () => {}
  #lookedAt = 0
  #pingedAt = 0
  #withheld = ''

  constructor(options: WatchdogOptions) {
    this.#options = options
  }

  /** The daemon has started: says so, and begins to ping where the service manager wants it. */
  start(): void {
    const { health, clock, notify } = this.#options
    notify(`READY=1\n${statusLine(health.readiness())}`)
    this.#unlisten = health.onChange(readiness => notify(statusLine(readiness)))
    const everyMs = this.#everyMs()
    if (everyMs === null) return
    this.#lookedAt = this.#pingedAt = clock.mono()
    // Oftener than it pings: a ping that was withheld must not wait for another whole period.
    const lookEveryMs = Math.min(lookAtLeastEveryMs, everyMs / 2)
    this.#timer = setInterval(() => this.look(everyMs, lookEveryMs), lookEveryMs)
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer)
    this.#unlisten()
    this.#options.notify('STOPPING=1\nSTATUS=stopping')
  }

  /** Pings when it is time and nothing stands still; else says in the log what does, once. */
  look(everyMs: number, lookEveryMs: number): void {
    const { clock, log, notify } = this.#options
    const now = clock.mono()
    const lag = now - this.#lookedAt - lookEveryMs
    this.#lookedAt = now
    const stuck = this.#stuck(now)
    if (lag >= mostLagMs) stuck.push(`event loop, ${Math.round(lag)} ms late`)
    const withheld = stuck.join(', ')
    if (withheld && withheld !== this.#withheld)
      log.error({ stuck }, `the watchdog is not pinged: no progress of ${withheld}`)
    if (!withheld && this.#withheld) log.info('the watchdog is pinged again')
    this.#withheld = withheld
    if (withheld || now - this.#pingedAt < everyMs - lookEveryMs / 2) return
    this.#pingedAt = now
    notify('WATCHDOG=1')
  }

  #stuck(now: number): string[] {
    return this.#options.work
      .filter(work => {
        const done = work.done()
        const before = this.#seen.get(work)
        if (before && before.done === done && !work.isExcused())
          return now - before.at >= work.patienceMs
        this.#seen.set(work, { done, at: now })
        return false
      })
      .map(work => work.name)
  }

  /** Half of what the service manager allows; null where it wants no pings of this process. */
  #everyMs(): number | null {
    const { WATCHDOG_USEC, WATCHDOG_PID } = this.#options.env ?? process.env
    if (WATCHDOG_PID && WATCHDOG_PID !== String(process.pid)) return null
    const usec = Number(WATCHDOG_USEC)
    return usec > 0 ? usec / 1000 / 2 : null
  }
}

const statusLine = ({ status, reasons }: Readiness): string =>
  `STATUS=${[status, ...reasons.map(({ code, message }) => `${code}: ${message.split('\n')[0]}`)].join('; ')}`
