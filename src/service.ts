// The daemon as a service: on SIGHUP the next one takes its place, with the configuration as it is then. A wrong one changes nothing.
import type { Config } from './config/schema.js'
import { describeError } from './errors.js'
import type { Logger } from './log.js'
import type { Reason } from './observe/health.js'

/** What a service needs of a daemon. */
export interface Served {
  start(): Promise<void>
  stop(): Promise<void>
  /** What the state says of the configuration; null: nothing. */
  complain(reason: Reason | null): void
}

export interface ServiceOptions {
  config: Config
  /** The configuration as its file is now; throws where `grocerd check` would. */
  load(): Config
  /** @param notify for the daemon, instead of sdNotify */
  create(config: Config, notify: Notify): Served
  /** Sends one datagram of sd_notify(3); false where nobody listens. */
  notify: Notify
  log: Logger
}

type Notify = (message: string) => boolean

export class Service {
  readonly #options: ServiceOptions
  #config: Config
  #daemon: Served | null = null
  /** One step after the other: a signal may come at any time. */
  #work: Promise<void> = Promise.resolve()
  #isAsked = false
  #reloading = false

  constructor(options: ServiceOptions) {
    this.#options = options
    this.#config = options.config
  }

  /** Throws what the daemon's start throws. */
  start(): Promise<void> {
    return this.#then(() => this.#begin(this.#config))
  }

  async stop(): Promise<void> {
    // What failed before is thrown where it was asked for; what runs must end all the same.
    await this.#work.catch(() => {})
    await this.#daemon?.stop()
  }

  /**
   * Resolves when the new configuration is in force, or the old one again. Signals that come together ask once.
   * Throws only where not even the old one starts any more.
   */
  reload(): Promise<void> {
    if (this.#isAsked) return this.#work
    this.#isAsked = true
    return this.#then(() => this.#reload())
  }

  #then(step: () => Promise<void>): Promise<void> {
    return (this.#work = this.#work.then(step))
  }

  async #begin(config: Config): Promise<void> {
    this.#daemon = this.#options.create(config, message => this.#notify(message))
    await this.#daemon.start()
    this.#config = config
  }

  async #reload(): Promise<void> {
    // From here on a further signal means a further look at the file.
    this.#isAsked = false
    const { load, log, notify } = this.#options
    notify(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`)
    log.info('the configuration is read anew')
    let config: Config
    try {
      config = load()
    } catch (error) {
      this.#refuse(error)
      notify('READY=1')
      return
    }
    this.#reloading = true
    try {
      await this.#replace(config)
    } finally {
      this.#reloading = false
    }
  }

  /** All parts end and start again, in their order: no key needs a rule of its own. */
  async #replace(config: Config): Promise<void> {
    const { log, notify } = this.#options
    notify('STATUS=reloading')
    await this.#daemon!.stop()
    // The stop may take most of the time that the watchdog gives.
    notify('WATCHDOG=1')
    try {
      await this.#begin(config)
    } catch (error) {
      await this.#daemon!.stop()
      notify('WATCHDOG=1')
      await this.#begin(this.#config)
      this.#refuse(error)
      return
    }
    log.info('the new configuration is in force')
  }

  #refuse(error: unknown): void {
    const { code, message } = describeError(error)
    this.#options.log.error({ code }, `the old configuration stays: ${message}`)
    this.#daemon!.complain({ code: 'RELOAD_REFUSED', message: `${code}: ${message}` })
  }

  /** The end of a daemon whose place is taken is not the end of the service. */
  #notify(message: string): boolean {
    if (this.#reloading && message.startsWith('STOPPING=1')) return true
    return this.#options.notify(message)
  }
}
