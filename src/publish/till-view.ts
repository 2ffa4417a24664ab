// Reads along what a kiosk says, as a till would, and prints it: for `watch` and the demo. It never answers.
import { connect, type MqttClient } from 'mqtt'
import { type Config, topicPrefix } from '../config/schema.js'
import { classify } from './connection-problem.js'
import { loginOf } from './credentials.js'
import { describeMessage } from './describe-message.js'
import { brokerUrl } from './publisher.js'

export interface TillViewOptions {
  /** Where the broker is and which kiosk; of a topic with wildcards every kiosk is shown. */
  config: Pick<Config, 'mqtt' | 'kiosk'>
  print: (line: string) => void
  /** One JSON object a message instead of words: {topic, payload, retained}. */
  json?: boolean
  /** Connections and their failures; they do not belong to the output. */
  onConnection?: (words: string) => void
}

export class TillView {
  private client: MqttClient | null = null
  /** Baskets and states are sent again and again; only a change is worth a line. */
  private readonly lastLines = new Map<string, string>()

  constructor(private readonly options: TillViewOptions) {}

  /** Does not wait for the broker. @throws CONFIG_INVALID where a secret cannot be used. */
  async start(): Promise<void> {
    const { config, onConnection } = this.options
    const { mqtt } = config
    const url = brokerUrl(mqtt)
    const client = connect(url, {
      ...(await loginOf(mqtt)),
      clientId: `grocerd-watch-${process.pid}-${Math.random().toString(36).slice(2, 8)}`,
      reconnectPeriod: 1000,
    })
    this.client = client
    // An attempt that failed also closes, and the words of its failure say more.
    let failed = false
    client.on('connect', () => onConnection?.('connected'))
    client.on('error', error => {
      failed = true
      onConnection?.(classify(error, url).message)
    })
    client.on('close', () => {
      if (client === this.client && !failed) onConnection?.(classify(null, url).message)
      failed = false
    })
    client.on('message', (topic, payload, { retain }) => this.show(topic, payload, retain))
    client.subscribe(`${topicPrefix(config as Config)}/#`, { qos: 1 })
  }

  async stop(): Promise<void> {
    const { client } = this
    this.client = null
    await client?.endAsync(true)
  }

  private show(topic: string, payload: Buffer, retained: boolean): void {
    const { json, print } = this.options
    const line = describeMessage(topic, payload)
    if (line === null) return
    if (json) {
      print(JSON.stringify({ topic, retained, payload: parsed(payload.toString('utf8')) }))
      return
    }
    const isRepeated = /^(status|state|basket)/.test(line)
    if (isRepeated && this.lastLines.get(topic) === line) return
    this.lastLines.set(topic, line)
    print(line)
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
