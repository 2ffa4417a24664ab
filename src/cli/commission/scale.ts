// The step of the scale: a known weight must be what the scale says over MQTT, and be seen when it is.
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type MqttClient } from 'mqtt'
import { type Config, topicPrefix } from '../../config/schema.js'
import { GroceryError } from '../../errors.js'
import { noiseGrams } from '../../counter/sale/scale.js'
import { classify } from '../../publish/connection-problem.js'
import { loginOf } from '../../publish/credentials.js'
import { posSchema, scaleSchema } from '../../publish/messages.js'
import { brokerUrl } from '../../publish/publisher.js'
import { topicsOf } from '../../publish/topics.js'
import { type Figure, figure, type MeasureId, remediesOf, toleranceOf } from './limits.js'
import { type Context, notDone, type Outcome, type Step } from './step.js'
import { calmMs, framesFor, shareOf, showsThing, whileWatching } from './watching.js'

const connectMs = 5000
const patienceMs = 5000
/** A scale that is there says something within this. */
const listenMs = 3000
const lookEveryMs = 50

export interface Reading {
  grams: number
  isStable: boolean
  /** Wall clock, ms, when it came. */
  at: number
}

/** A message of a scale or of a till that weighs; null: it is neither. */
export function readingOf(text: string, at: number): Reading | null {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return null
  }
  const scale = scaleSchema.safeParse(json)
  if (scale.success) {
    const { grams, state } = scale.data
    return { grams: state === 'zero' ? 0 : grams, isStable: /stable|zero/.test(state), at }
  }
  const pos = posSchema.safeParse(json)
  const isWeight = pos.success && pos.data.kind === 'weighed' && !pos.data.lineId
  if (!isWeight || typeof pos.data.weight !== 'number') return null
  return { grams: pos.data.weight, isStable: true, at }
}

class Scale {
  readonly #config: Config
  readonly readings: Reading[] = []
  #client: MqttClient | null = null
  topic = ''

  constructor(config: Config) {
    this.#config = config
  }

  /** Throws the MQTT_ codes where the broker is not to be had. */
  async start(): Promise<void> {
    const { mqtt } = this.#config
    const topics = topicsOf(topicPrefix(this.#config))
    this.topic = `${topics.prefix}/scale`
    const url = brokerUrl(mqtt)
    const client = connect(url, {
      ...(await loginOf(mqtt)),
      clientId: `grocerd-commission-${process.pid}`,
      reconnectPeriod: 1000,
      connectTimeout: connectMs,
    })
    this.#client = client
    client.on('message', (_, payload) => {
      const reading = readingOf(payload.toString('utf8'), Date.now())
      if (reading) this.readings.push(reading)
    })
    await new Promise<void>((resolve, reject) => {
      const fail = (error: unknown) => {
        const { code, message } = classify(error, url)
        reject(new GroceryError(code, message))
      }
      client.once('error', fail)
      client.once('close', () => fail(null))
      client.once('connect', () =>
        client.subscribe([this.topic, `${topics.prefix}/pos`], { qos: 0 }, error =>
          error ? fail(error) : resolve(),
        ),
      )
    })
    // From now on it comes back by itself; what is wrong shows in that nothing comes.
    client.on('error', () => {})
  }

  async stop(): Promise<void> {
    await this.#client?.endAsync(true)
  }

  /** The newest stable reading, as soon as one fits; else whatever it was at the end of the patience, null: none. */
  async settled(fits: (grams: number) => boolean, ms = patienceMs): Promise<Reading | null> {
    const until = performance.now() + ms
    for (;;) {
      const newest = this.readings.findLast(({ isStable }) => isStable) ?? null
      if ((newest && fits(newest.grams)) || performance.now() >= until) return newest
      await sleep(lookEveryMs)
    }
  }
}

/** null: none is known; 'none': there is no scale. */
async function askWeight({ dialogue }: Context): Promise<number | 'none' | null> {
  for (;;) {
    const answer = await dialogue.ask(
      '  Put a known weight on the scale, within the region, then type its grams (none: there is no scale; s: skip)',
    )
    if (answer === null || dialogue.isAlone || /^s$/i.test(answer)) return null
    if (/^none$/i.test(answer)) return 'none'
    const grams = Number(answer.replace(',', '.').replace(/\s*g$/i, ''))
    if (grams > 0) return grams
    dialogue.say(`  Expected grams such as 500 but received ${JSON.stringify(answer)}`, 'bad')
  }
}

/** Nobody has named a weight: is there a scale at all? @param said null: nothing was said of it */
async function without(scale: Scale, said: 'none' | null, isAlone: boolean): Promise<Outcome> {
  const noWeight = notDone('No known weight was put on the scale.')
  if (said === null && !isAlone) return noWeight
  await scale.settled(() => true, listenMs)
  if (scale.readings.length === 0)
    return { ...notDone(`Nothing came on ${scale.topic}.`), verdict: 'notConfigured' }
  if (isAlone) return noWeight
  const remedies = ['Put a known weight on it, or stop the program that sends there.']
  const notes = [`A scale was said not to be there, but one sends to ${scale.topic}.`]
  return { verdict: 'fail', figures: [], remedies, notes }
}

async function weigh(context: Context, scale: Scale): Promise<Outcome> {
  const { kiosk, dialogue } = context
  const { result, frames } = await whileWatching(kiosk, async () => {
    const grams = await askWeight(context)
    if (typeof grams !== 'number') return { grams, weighed: null }
    const isClose = (said: number) => Math.abs(said - grams) <= toleranceOf(grams)
    const weighed = await scale.settled(isClose)
    await sleep(calmMs)
    return { grams, weighed }
  })
  const { grams, weighed } = result
  if (typeof grams !== 'number') return without(scale, grams, dialogue.isAlone)
  const cameAt = scale.readings.find(reading => reading.grams >= grams / 2)?.at
  const seen = frames.find(showsThing)
  const delay =
    cameAt === undefined || !seen ? null : Math.abs(cameAt - Date.parse(seen.capturedAt)) / 1000
  const away = weighed ? Math.abs(weighed.grams - grams) : null
  await dialogue.ask('  Take the weight away again, then Enter')
  await sleep(calmMs)
  const empty = await scale.settled(said => Math.abs(said) <= noiseGrams)
  const after = await framesFor(context, calmMs)
  const ids: MeasureId[] = ['weight', 'weightDelay', 'zero', 'things']
  const figures: Figure[] = [
    figure('weight', away, { max: toleranceOf(grams) }),
    figure('weightDelay', delay),
    figure('zero', empty && Math.abs(empty.grams)),
    figure('things', shareOf(after, showsThing)),
  ]
  const notes = [
    weighed
      ? `${grams} g were put down and the scale said ${weighed.grams} g.`
      : `Nothing came on ${scale.topic}.`,
    ...(seen ? [] : ['The camera did not see the weight.']),
  ]
  const verdict = figures.every(({ ok }) => ok) ? 'pass' : 'fail'
  return { verdict, figures, remedies: remediesOf(ids, figures), notes }
}

export const scale: Step = {
  wish: 'Clear the counter and the scale, and have a known weight at hand (500 g to 2 kg).',
  run: async context => {
    const scale = new Scale(context.config)
    try {
      await scale.start()
      return await weigh(context, scale)
    } finally {
      await scale.stop()
    }
  },
}
