// Attacks over MQTT on a real daemon: payloads that nobody agreed on, and more commands than a till has reason to send.
import { connectAsync, type MqttClient } from 'mqtt'
import { mutate } from '../helpers/mutate.js'
import { residentBytes } from '../helpers/process.js'
import { probe, withDaemon } from './attacks-http.js'
import type { Row } from './row.js'

const prefix = 'grocerd/test'
const mostGrowth = 64 * 1024 ** 2
/** Of "too many" itself, until the bucket has filled again. */
const patienceMs = 20_000

const sound: [topic: string, payload: object | string][] = [
  ['cmd/session', { requestId: '1', op: 'open', session: 's' }],
  ['cmd/recognise', { requestId: '2', reason: 'weight', waitMs: 0, top: 4 }],
  ['cmd/confirm', { requestId: '3', itemId: 'i', sku: 'banana', by: 'shopper' }],
  ['cmd/resend', { requestId: '4', fromSeq: 1, toSeq: 2 }],
  ['cmd/nothing', { requestId: '5' }],
  ['ack', { ids: ['018f3f4e-0000-7000-8000-000000000000'] }],
  ['pos', { lines: [{ lineId: 'l', sku: 'banana', quantity: 1 }] }],
  ['scale', { grams: 120, stable: true }],
  ['till', 'online'],
]

interface Answer {
  requestId: string | null
  ok: boolean
  error: { code: string } | null
}

class Stranger {
  readonly answers: Answer[] = []
  events = 0
  #listeners = new Set<(answer: Answer) => void>()

  constructor(readonly client: MqttClient) {
    client.on('message', (topic, payload) => {
      if (topic === `${prefix}/items`) return void this.events++
      const answer = JSON.parse(payload.toString()) as Answer
      this.answers.push(answer)
      for (const listen of this.#listeners) listen(answer)
    })
  }

  say(topic: string, payload: string | Buffer): Promise<unknown> {
    return this.client.publishAsync(`${prefix}/${topic}`, payload, { qos: 1 })
  }

  /** Asks as a till would until it is answered with something else than "too many"; how long that took, ms. */
  async untilServed(): Promise<number> {
    const began = performance.now()
    for (let i = 0; performance.now() - began < patienceMs; i++) {
      const requestId = `served ${i}`
      let timer: NodeJS.Timeout | undefined
      const answered = new Promise<Answer | null>(resolve => {
        const listen = (answer: Answer) => {
          if (answer.requestId !== requestId) return
          this.#listeners.delete(listen)
          resolve(answer)
        }
        this.#listeners.add(listen)
        timer = setTimeout(() => resolve(null), 250)
      })
      await this.say('cmd/session', JSON.stringify({ requestId, op: 'open', session: 'till' }))
      const answer = await answered
      clearTimeout(timer)
      if (answer?.ok) return performance.now() - began
    }
    throw new Error(`no command was served within ${patienceMs} ms of the attack`)
  }
}

/** A stranger at the broker of a daemon, and what came of the attack. */
const attack = (
  times: number,
  work: (stranger: Stranger, wrong: string[], httpPort: number) => Promise<string>,
) =>
  withDaemon(async ({ mqttUrl, httpPort, process }) => {
    const client = await connectAsync(mqttUrl, { protocolVersion: 5, reconnectPeriod: 0 })
    const stranger = new Stranger(client)
    await client.subscribeAsync([`${prefix}/reply/+`, `${prefix}/items`], { qos: 1 })
    const wrong: string[] = []
    try {
      await stranger.untilServed()
      const before = residentBytes(process.pid!)
      const note = await work(stranger, wrong, httpPort)
      const served = await stranger.untilServed().catch(error => {
        wrong.push((error as Error).message)
        return patienceMs
      })
      const growth = residentBytes(process.pid!) - before
      if (growth > mostGrowth) wrong.push(`memory grew by ${Math.round(growth / 2 ** 20)} MiB`)
      if (stranger.events > 0) wrong.push(`${stranger.events} events were invented`)
      return {
        ...{ times, lost: 0, duplicated: stranger.events, recoverMs: [served], wrong },
        note: `${note}; memory ${Math.round(growth / 2 ** 20)} MiB`,
      }
    } finally {
      await client.endAsync(true)
    }
  })

const mutatedPayloads: Row = {
  fault: 'mutated MQTT payloads on every topic that a kiosk reads',
  short: 500,
  full: 10_000,
  run: times =>
    attack(times, async (stranger, wrong, httpPort) => {
      const crowd = 20
      for (let index = 0; index < times; index += crowd) {
        const some = Array.from({ length: Math.min(crowd, times - index) }, (_, i) => index + i)
        await Promise.all(
          some.map(i => {
            const [topic, payload] = sound[i % sound.length]!
            const text = typeof payload === 'string' ? payload : JSON.stringify(payload)
            return stranger.say(topic, mutate(Buffer.from(text), `payload ${i}`, 100))
          }),
        )
      }
      const internal = stranger.answers.filter(one => one.error?.code === 'INTERNAL')
      if (internal.length > 0) wrong.push(`${internal.length} answers say INTERNAL`)
      await probe(httpPort).catch(error => wrong.push(`/healthz: ${(error as Error).message}`))
      return `${stranger.answers.length} answers`
    }),
}

const flood: Row = {
  fault: 'a flood of commands',
  short: 3000,
  full: 30_000,
  run: times =>
    attack(times, async (stranger, wrong, httpPort) => {
      const began = performance.now()
      const first = stranger.answers.length
      const sent: Promise<unknown>[] = []
      for (let i = 0; i < times; i++) {
        const ask = { requestId: `flood ${i}`, reason: 'lookup', waitMs: 0 }
        sent.push(stranger.say('cmd/recognise', JSON.stringify(ask)))
        if (sent.length >= 200) await Promise.all(sent.splice(0))
      }
      await Promise.all(sent)
      const slow = await probe(httpPort).catch(error => {
        wrong.push(`/healthz during the flood: ${(error as Error).message}`)
        return Number.NaN
      })
      const seconds = (performance.now() - began) / 1000
      const answers = stranger.answers.slice(first)
      // The burst, the rate and the few that are told why: src/publish/commands.ts.
      const most = 100 + 20 + 21 * Math.ceil(seconds)
      if (answers.length > most) wrong.push(`${answers.length} answers, more than ${most}`)
      if (!answers.some(one => one.error?.code === 'RATE_LIMITED'))
        wrong.push('nobody was told RATE_LIMITED')
      const metrics = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text()
      const limited = /^grocerd_commands_total\{result="limited"\} (\d+)$/m.exec(metrics)?.[1]
      return `${answers.length} answered in ${seconds.toFixed(1)} s, ${limited ?? 'none'} counted as too many, /healthz ${Math.round(slow)} ms`
    }),
}

export const mqttRows = [mutatedPayloads, flood]
