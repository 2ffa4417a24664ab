// Broker, outbox and publisher as the daemon has them, set up for a measurement and taken away after it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, systemClock } from '../../clock.js'
import type { Config } from '../../config/schema.js'
import { GroceryError } from '../../errors.js'
import { createLog, type Logger } from '../../log.js'
import { DemoBroker } from '../../publish/broker.js'
import type { ItemEvent } from '../../publish/messages.js'
import { Outbox } from '../../publish/outbox/outbox.js'
import { Publisher } from '../../publish/publisher.js'

const connectMs = 10_000
const bootId = 'bench'

export class TillLink {
  readonly #config: Config
  readonly #clock: Clock = systemClock
  readonly #log: Logger = createLog('bench', 'error')
  #broker: DemoBroker | null = null
  #folder: string | null = null
  #outbox: Outbox | null = null
  #publisher: Publisher | null = null
  /** Called for each event that the broker took. */
  onPublished: (event: ItemEvent) => void = () => {}

  /** @param config with mqtt.url `embedded` for a broker of our own on a free port */
  constructor(config: Config) {
    this.#config = config
  }

  get publisher(): Publisher {
    return this.#publisher!
  }

  get outbox(): Outbox {
    return this.#outbox!
  }

  /** Resolves when the broker has accepted us. Throws MQTT_DISCONNECTED and the other MQTT_* codes. */
  async start(): Promise<void> {
    let { mqtt } = this.#config
    if (mqtt.url === 'embedded') {
      this.#broker = new DemoBroker({ listen: '127.0.0.1:0', log: this.#log })
      mqtt = { ...mqtt, url: (await this.#broker.start()).url }
    }
    const config = { ...this.#config, mqtt }
    const clock = this.#clock
    const log = this.#log
    this.#folder = mkdtempSync(join(tmpdir(), 'grocerd-bench-'))
    const kiosk = config.kiosk.id
    const envelope = { kiosk, bootId, model: null, gallery: null, clockSynced: false }
    this.#outbox = new Outbox({ ...config.outbox, dir: this.#folder, envelope, clock, log })
    await this.#outbox.start()
    let isUp: (problem: { code: string; message: string } | null) => void = () => {}
    const answer = new Promise<{ code: string; message: string } | null>(resolve => {
      isUp = resolve
    })
    const timer = setTimeout(
      () => isUp({ code: 'MQTT_DISCONNECTED', message: `${mqtt.url} gives no answer` }),
      connectMs,
    )
    this.#publisher = new Publisher({
      config,
      outbox: this.#outbox,
      bootId,
      clock,
      log: createLog('bench', 'silent'),
      commands: {},
      onConnection: (_up, problem) => isUp(problem),
      onPublished: event => this.onPublished(event),
    })
    await this.#publisher.start()
    const problem = await answer
    clearTimeout(timer)
    if (problem) throw new GroceryError('MQTT_DISCONNECTED', problem.message)
  }

  async stop(): Promise<void> {
    await this.#publisher?.stop()
    await this.#outbox?.stop()
    await this.#broker?.stop()
    if (this.#folder) rmSync(this.#folder, { recursive: true, force: true })
  }
}
