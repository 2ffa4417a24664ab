// The till's line to the broker: says what it says at least once, asks until it is answered, and comes back by itself.
import { randomUUID } from 'node:crypto'
import { connect, type MqttClient } from 'mqtt'
import { GroceryError } from '../../errors.js'
import type { Reply, Verb } from '../../publish/command-messages.js'
import { topicsOf } from '../../publish/topics.js'

/** A message of the log: what the till said (`sent`) or the kiosk. */
export interface Passed {
  way: 'sent' | 'heard'
  /** Below the prefix. */
  topic: string
  text: string
}

export interface LinkOptions {
  url: string
  prefix: string
  version: 4 | 5
  clientId: string
  /** Before a message leaves, and before one is looked at. */
  onMessage(passed: Passed): void
  onUp(): void
}

/** Without a reply for so long a command is sent again: the same requestId does nothing twice, ms. */
const askAgainMs = 3000

export class Link {
  readonly #options: LinkOptions
  readonly #waiting = new Map<string, (reply: Reply) => void>()
  #client: MqttClient | null = null

  constructor(options: LinkOptions) {
    this.#options = options
  }

  start(): void {
    const { url, version, clientId, prefix, onUp } = this.#options
    const topics = topicsOf(prefix)
    const client = connect(url, {
      ...{ protocolVersion: version, clientId, reconnectPeriod: 500, connectTimeout: 5000 },
      will: { topic: `${prefix}/till`, payload: Buffer.from('offline'), qos: 1, retain: true },
    })
    this.#client = client
    client.on('message', (topic, payload) => this.#hear(topic, payload.toString('utf8')))
    // It is tried again; what is wrong shows in that nothing comes.
    client.on('error', () => {})
    client.on('connect', () => {
      const named = [topics.status, topics.items, topics.basket, topics.assist, topics.reply('+')]
      client.subscribe(named, { qos: 1 }, error => {
        if (error) return
        this.say('till', 'online', true)
        onUp()
      })
    })
  }

  async stop(): Promise<void> {
    const client = this.#client
    this.#client = null
    // A clean end sends no will: it is said.
    if (client?.connected)
      await client.publishAsync(`${this.#options.prefix}/till`, 'offline', { qos: 1, retain: true })
    await client?.endAsync(true)
  }

  /** Goes out at the next connection, where there is none now. */
  say(topic: string, message: object | string, retain = false, qos: 0 | 1 = 1): void {
    const text = typeof message === 'string' ? message : JSON.stringify(message)
    this.#options.onMessage({ way: 'sent', topic, text })
    this.#client?.publish(`${this.#options.prefix}/${topic}`, text, { qos, retain })
  }

  /** @throws TIMED_OUT after patienceMs */
  async ask(verb: Verb, payload: object, patienceMs: number): Promise<Reply> {
    const requestId = randomUUID()
    let again: NodeJS.Timeout | undefined
    let end: NodeJS.Timeout | undefined
    try {
      return await new Promise<Reply>((resolve, reject) => {
        this.#waiting.set(requestId, resolve)
        const send = () => this.say(`cmd/${verb}`, { requestId, ...payload })
        send()
        again = setInterval(send, askAgainMs)
        const words = `Expected a reply to ${verb} within ${patienceMs} ms but none came`
        end = setTimeout(() => reject(new GroceryError('TIMED_OUT', words)), patienceMs)
      })
    } finally {
      clearInterval(again)
      clearTimeout(end)
      this.#waiting.delete(requestId)
    }
  }

  #hear(topic: string, text: string): void {
    const name = topic.slice(this.#options.prefix.length + 1)
    this.#options.onMessage({ way: 'heard', topic: name, text })
    if (!name.startsWith('reply/')) return
    const reply = JSON.parse(text) as Reply
    if (reply.requestId !== null) this.#waiting.get(reply.requestId)?.(reply)
  }
}
