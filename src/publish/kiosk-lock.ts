// One daemon on this box for each kiosk.id and each mqtt.topic at a broker: two would end one another's connection and mix their topics.
import { holdOnBox } from '../box-lock.js'
import { type Config, topicPrefix } from '../config/schema.js'
import { GroceryError } from '../errors.js'

/** The same for all names that this box has for itself. */
function brokerOf(url: string): string {
  const { protocol, hostname, port } = new URL(url)
  const host = /^(localhost|\[::1\])$/.test(hostname) ? '127.0.0.1' : hostname
  return `${host}:${port || protocol.replace('mqtt:', '1883').replace('mqtts:', '8883')}`
}

export class KioskLock {
  readonly #config: Pick<Config, 'kiosk' | 'mqtt'>
  #held: (() => Promise<void>)[] = []

  constructor(config: Pick<Config, 'kiosk' | 'mqtt'>) {
    this.#config = config
  }

  /** @throws KIOSK_TAKEN */
  async start(): Promise<void> {
    const broker = brokerOf(this.#config.mqtt.url)
    const names = { 'kiosk.id': this.#config.kiosk.id, 'mqtt.topic': topicPrefix(this.#config) }
    for (const [key, value] of Object.entries(names)) {
      const release = await holdOnBox(`${key} ${value} ${broker}`)
      if (release === null) {
        const words = `Expected ${key} ${value} to be ours alone at ${broker} but another daemon on this box has it`
        throw new GroceryError('KIOSK_TAKEN', words)
      }
      this.#held.push(release)
    }
  }

  async stop(): Promise<void> {
    for (const release of this.#held.splice(0)) await release()
  }
}
