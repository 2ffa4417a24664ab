// What comes in over MQTT: commands are answered, acks and the words of the till checked and handed on, the rest ignored and counted.
import type { IPublishPacket } from 'mqtt'
import type { z } from 'zod'
import type { ErrorCode } from '../errors.js'
import type { Logger } from '../log.js'
import type { Reply } from './command-messages.js'
import { type Commands, describeIssues, maxCommandBytes } from './commands.js'
import { isTooLarge } from './connection-problem.js'
import type { Delivery } from './delivery.js'
import {
  ackSchema,
  type PosMessage,
  posSchema,
  type ScaleMessage,
  scaleSchema,
  type TillMessage,
  tillSchema,
} from './messages.js'
import type { Topics } from './topics.js'

type TillWord =
  | [kind: 'pos', message: PosMessage]
  | [kind: 'scale', message: ScaleMessage]
  | [kind: 'till', message: TillMessage]
export type TillListener = (...word: TillWord) => void

type ReplyProperties = NonNullable<IPublishPacket['properties']>

const refuse = (requestId: string | null, code: ErrorCode, message: string): Reply => ({
  ...{ requestId, ok: false, error: { code, message }, result: null },
})

export interface IncomingOptions {
  topics: Topics
  commands: Commands
  delivery: Delivery
  onTill?: TillListener | undefined
  reply: (topic: string, reply: Reply, properties: ReplyProperties) => Promise<void>
  log: Logger
}

export class Incoming {
  ignored = 0

  constructor(private readonly options: IncomingOptions) {}

  async take(topic: string, payload: Buffer, packet: IPublishPacket): Promise<void> {
    const name = topic.slice(this.options.topics.prefix.length + 1)
    // A retained command is from another time; only the presence of the till is meant to be kept.
    if (packet.retain && name !== 'till') return this.ignore(name, 'it is retained')
    // So does a retained one that is being deleted.
    if (payload.length === 0 && name !== 'till') return this.ignore(name, 'it is empty')
    if (name.startsWith('cmd/')) return this.answer(name.slice(4), payload, packet)
    if (payload.length > maxCommandBytes) {
      return this.ignore(name, `it has ${payload.length} bytes, more than ${maxCommandBytes}`)
    }
    const { delivery, onTill } = this.options
    if (name === 'till') {
      // A bare word; a till whose retained word was deleted says nothing.
      const said = this.check(name, tillSchema, payload.toString('utf8'))
      if (said === undefined) return
      delivery.tillIs(said === 'online')
      onTill?.('till', said)
      return
    }
    const value = this.parse(name, payload)
    if (value === undefined) return
    if (name === 'ack') {
      const ack = this.check(name, ackSchema, value)
      if (ack) delivery.acknowledge(ack)
    } else if (name === 'pos') {
      const word = this.check(name, posSchema, value)
      if (word) onTill?.('pos', word)
    } else if (name === 'scale') {
      const word = this.check(name, scaleSchema, value)
      if (word) onTill?.('scale', word)
    }
  }

  private async answer(verb: string, payload: Buffer, packet: IPublishPacket): Promise<void> {
    const { commands, reply, log } = this.options
    const answer = await commands.receive(verb, payload)
    if (!answer) return this.ignore(`cmd/${verb}`, 'more commands came than are answered')
    const { responseTopic, correlationData } = packet.properties ?? {}
    const topic = this.isAllowed(responseTopic) ? responseTopic : this.options.topics.reply(verb)
    const properties = correlationData ? { correlationData } : {}
    await reply(topic, answer, properties)
      .catch(error => {
        if (!isTooLarge(error)) throw error
        const words = `Expected a broker that takes the reply to ${verb} but ${error.message}`
        return reply(topic, refuse(answer.requestId, 'REPLY_TOO_LARGE', words), properties)
      })
      // The till asks again with the same requestId and gets the same reply.
      .catch(error => log.warn({ err: error, verb }, 'mqtt: a reply was lost'))
  }

  /** Nobody may make us write into our own log of events, nor publish to a pattern or the broker's own topics. */
  private isAllowed(topic: string | undefined): topic is string {
    if (!topic || /[+#\0]/.test(topic) || topic.startsWith('$')) return false
    const { prefix } = this.options.topics
    return !topic.startsWith(`${prefix}/`) || topic.startsWith(`${prefix}/reply/`)
  }

  private parse(name: string, payload: Buffer): unknown {
    try {
      return JSON.parse(payload.toString('utf8'))
    } catch {
      this.ignore(name, 'it is not JSON')
      return undefined
    }
  }

  private check<T>(name: string, schema: z.ZodType<T>, value: unknown): T | undefined {
    const result = schema.safeParse(value)
    if (result.success) return result.data
    this.ignore(name, describeIssues(result.error))
    return undefined
  }

  private ignore(name: string, why: string): void {
    this.ignored++
    // One line in so many: a broken till must not fill the disk with our complaints.
    if (this.ignored <= 10 || this.ignored % 1000 === 0) {
      this.options.log.warn(
        { topic: name, why, ignored: this.ignored },
        'mqtt: a message is ignored',
      )
    }
  }
}
