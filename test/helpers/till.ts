// A till for tests: hears everything of one kiosk, checks each message against docs/api/schemas, and can wait for one.
import { readdirSync, readFileSync } from 'node:fs'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { connectAsync, type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt'

const folder = new URL('../../docs/api/schemas/', import.meta.url)

export function loadValidators(): Map<string, ValidateFunction> {
  const ajv = new Ajv2020({
    strict: true,
    strictTypes: false,
    strictRequired: false,
    allErrors: true,
  })
  addFormats.default(ajv)
  // Of files, not of messages.
  const names = readdirSync(folder).filter(name => !/^(model|prices)\./.test(name))
  return new Map(
    names.map(name => [
      name.replace('.schema.json', ''),
      ajv.compile(JSON.parse(readFileSync(new URL(name, folder), 'utf8'))),
    ]),
  )
}

const validators = loadValidators()

export interface Heard {
  /** Below the prefix. */
  name: string
  text: string
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into messages freely
  json: any
  packet: IPublishPacket
}

export class Till {
  readonly heard: Heard[] = []
  readonly wrong: string[] = []
  #client: MqttClient | null = null
  #waiters: { test: (heard: Heard) => boolean; resolve: (heard: Heard) => void }[] = []

  constructor(
    readonly prefix: string,
    readonly onHeard: (heard: Heard, till: Till) => void = () => {},
  ) {}

  async start(url: string, options: IClientOptions = {}): Promise<void> {
    const client = await connectAsync(url, { reconnectPeriod: 0, protocolVersion: 5, ...options })
    this.#client = client
    client.on('error', () => {})
    client.on('message', (topic, payload, packet) => this.#hear(topic, payload, packet))
    await client.subscribeAsync(`${this.prefix}/#`, { qos: 1 })
  }

  async stop(): Promise<void> {
    await this.#client?.endAsync(true)
  }

  async say(name: string, message: unknown, options = {}): Promise<void> {
    const text = typeof message === 'string' ? message : JSON.stringify(message)
    await this.#client!.publishAsync(`${this.prefix}/${name}`, text, { qos: 1, ...options })
  }

  /** The first message, heard already or still to come, that passes the test. */
  wait(test: (heard: Heard) => boolean): Promise<Heard> {
    const found = this.heard.find(test)
    if (found) return Promise.resolve(found)
    return new Promise(resolve => this.#waiters.push({ test, resolve }))
  }

  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into messages freely
  of(name: string): any[] {
    return this.heard.filter(heard => heard.name === name).map(heard => heard.json ?? heard.text)
  }

  forget(): void {
    this.heard.length = 0
  }

  #hear(topic: string, payload: Buffer, packet: IPublishPacket): void {
    const name = topic.slice(this.prefix.length + 1)
    const text = payload.toString('utf8')
    if (/^(cmd\/|ack|pos|scale|till)/.test(name) || text === '') return
    const heard: Heard = { name, text, json: name === 'status' ? null : JSON.parse(text), packet }
    this.#check(heard)
    this.heard.push(heard)
    this.onHeard(heard, this)
    for (const waiter of [...this.#waiters]) {
      if (!waiter.test(heard)) continue
      this.#waiters.splice(this.#waiters.indexOf(waiter), 1)
      waiter.resolve(heard)
    }
  }

  #check({ name, json, text }: Heard): void {
    const schema = name
      .replace(/^items$/, 'item')
      .replace(/^frames\/.*/, 'frames')
      .replace(/^(?:reply|mine)\//, 'reply-')
    const validate = validators.get(schema)
    if (!validate) this.wrong.push(`${name}: no schema`)
    else if (!validate(json ?? text)) this.wrong.push(`${name}: ${JSON.stringify(validate.errors)}`)
  }
}
