// The daemon's side of the vision process: starts it, hears whether it lives, ends its whole group, starts it again.
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Clock } from './clock.js'
import { describeError } from './errors.js'
import type { Logger } from './log.js'
import type { Configure, Down, ModelChoice, Up } from './protocol.js'

const lookEveryMs = 250
/** Looks at a process that has not yet said anything: ten seconds. */
const startLooks = 10_000 / lookEveryMs
/** Three seconds, and three signs of life that did not come. */
const silentLooks = 3000 / lookEveryMs
const stopPatienceMs = 3000
const maxBackOffMs = 10_000
/** A process that lived this long was well; its end is not the next step of a crash loop. */
const wellAfterMs = 60_000

export interface VisionListener {
  onMessage(message: Up): void
  /** The process is gone; it is being started again. */
  onDown(reason: {
    code: 'VISION_CRASHED' | 'VISION_HUNG' | 'MODEL_LOADING'
    message: string
  }): void
}

/** `detached` makes it the leader of its own group, so that its ffmpeg children can be ended with it. */
const forkVision = (): ChildProcess =>
  fork(fileURLToPath(new URL('./vision.js', import.meta.url)), [], {
    serialization: 'advanced',
    detached: true,
    execArgv: [],
    // One heap for all threads: each of the several that glibc would make keeps what it once held.
    env: { ...process.env, ORT_DISABLE_TELEMETRY: '1', MALLOC_ARENA_MAX: '1' },
  })

export class VisionProcess {
  #configure: Configure
  readonly #listener: VisionListener
  readonly #clock: Clock
  readonly #log: Logger
  readonly #fork: () => ChildProcess
  #child: ChildProcess | null = null
  /** Since the last word of it. */
  #looks = 0
  #startedAt = 0
  #heard = false
  #hung = false
  #stopping = false
  #failures = 0
  #atOnce = false
  /** Why it is ended on purpose, while it is. */
  #planned: string | null = null
  #watchdog: NodeJS.Timeout | null = null
  #retry: NodeJS.Timeout | null = null
  restarts = 0

  constructor(
    configure: Configure,
    listener: VisionListener,
    clock: Clock,
    log: Logger,
    forkChild = forkVision,
  ) {
    this.#configure = configure
    this.#listener = listener
    this.#clock = clock
    this.#log = log
    this.#fork = forkChild
  }

  get pid(): number | null {
    return this.#child?.pid ?? null
  }

  start(): void {
    this.#watchdog = setInterval(() => this.#checkAlive(), lookEveryMs)
    this.#spawn()
  }

  send(message: Down): void {
    if (this.#child?.connected) this.#child.send(message, () => {})
  }

  /**
   * The process that ends now did not fit into its memory: the next one takes the model's next way to
   * load, at once; after the last one the first again, which waits its turn like any failure.
   */
  fallBack(fallbacks: number): void {
    const attempt = fallbacks > 0 ? this.#configure.attempt + 1 : 0
    this.#configure = { ...this.#configure, attempt }
    this.#atOnce = attempt > 0
  }

  /** What the next process loads; the one that runs stays as it is. */
  use(choice: ModelChoice): void {
    this.#configure = { ...this.#configure, ...choice }
  }

  /** Ends the process and starts the next at once, with this model. @param why for people */
  restartWith(choice: ModelChoice, why: string): void {
    this.use(choice)
    if (this.#child) {
      this.#planned = why
      this.#atOnce = true
      this.#killGroup(this.#child)
    } else if (this.#retry) {
      clearTimeout(this.#retry)
      this.#retry = setTimeout(() => this.#spawn(), 0)
    }
  }

  /** Which way of loading the model, from 0. */
  get attempt(): number {
    return this.#configure.attempt
  }

  /** Whether the model runs in another way than the first that was wanted. */
  get fellBack(): boolean {
    return this.#configure.attempt > 0
  }

  async stop(): Promise<void> {
    this.#stopping = true
    if (this.#watchdog) clearInterval(this.#watchdog)
    if (this.#retry) clearTimeout(this.#retry)
    const child = this.#child
    // One without a pid never ran: there is no end to wait for.
    if (child?.pid === undefined) return
    const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
    this.send({ type: 'stop' })
    const impatient = setTimeout(() => this.#killGroup(child), stopPatienceMs)
    await ended
    clearTimeout(impatient)
    this.#killGroup(child)
  }

  #spawn(): void {
    this.#heard = false
    this.#hung = false
    this.#startedAt = this.#clock.mono()
    this.#looks = 0
    let child: ChildProcess
    try {
      child = this.#fork()
    } catch (error) {
      // ENOMEM and others are thrown; EMFILE, EAGAIN come as an `error` without an `exit`.
      this.#down(`cannot be started: ${describeError(error).message}`)
      return
    }
    this.#child = child
    child.on('message', message => {
      this.#heard = true
      this.#looks = 0
      this.#listener.onMessage(message as Up)
    })
    child.on('error', error => {
      this.#log.error({ err: error }, 'the vision process has an error')
      if (child.pid === undefined && this.#child === child)
        this.#down(`cannot be started: ${error.message}`)
    })
    child.once('exit', (code, signal) => {
      this.#killGroup(child)
      const words = this.#hung
        ? 'gave no sign of life and was killed'
        : `ended with ${signal ?? `code ${code}`}`
      this.#down(words)
    })
    this.send(this.#configure)
  }

  #down(words: string): void {
    this.#child = null
    if (this.#stopping) return
    const lived = this.#clock.mono() - this.#startedAt
    if (!this.#atOnce) this.#failures = lived > wellAfterMs ? 0 : this.#failures + 1
    this.restarts++
    // The first failure is answered at once: a sale may be going on.
    const isFirst = this.#atOnce || this.#failures <= 1
    const waitMs = isFirst ? 0 : Math.min(250 * 2 ** this.#failures, maxBackOffMs)
    this.#atOnce = false
    this.#retry = setTimeout(() => this.#spawn(), waitMs)
    const planned = this.#planned
    this.#planned = null
    if (planned !== null) {
      this.#listener.onDown({ code: 'MODEL_LOADING', message: planned })
      return
    }
    this.#listener.onDown({
      code: this.#hung ? 'VISION_HUNG' : 'VISION_CRASHED',
      message: `the vision process ${words}; it starts again in ${waitMs} ms`,
    })
  }

  /**
   * To be called every lookEveryMs. The looks are counted, not the time: after a stall of the daemon the timers come
   * first, and the signs of life of that time still wait in the pipe.
   */
  #checkAlive(): void {
    if (!this.#child || this.#hung) return
    if (++this.#looks < (this.#heard ? silentLooks : startLooks)) return
    this.#hung = true
    this.#killGroup(this.#child)
  }

  #killGroup(child: ChildProcess): void {
    if (child.pid === undefined) return
    try {
      process.kill(-child.pid, 'SIGKILL')
    } catch {
      // ESRCH: the whole group is gone, which is what was wanted.
    }
  }
}
