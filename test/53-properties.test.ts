// Properties that hold for every input: the configuration, the words of a till, and the counter's log. fast-check looks for the rest.
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import type { IPublishPacket } from 'mqtt'
import t from 'tap'
import { parseConfig } from '../src/config/load.js'
import { Counter } from '../src/counter/counter.js'
import type { CounterSettings, Moment } from '../src/counter/state.js'
import type { Item, ItemAction } from '../src/counter/types.js'
import { GroceryError } from '../src/errors.js'
import type { CommandHandlers, Reply } from '../src/publish/command-messages.js'
import { Commands } from '../src/publish/commands.js'
import type { Delivery } from '../src/publish/delivery.js'
import { Incoming } from '../src/publish/incoming.js'
import { topicsOf } from '../src/publish/topics.js'
import type { FrameObservations, Observation } from '../src/recognition/types.js'
import { counterSettings } from './helpers/counter-settings.js'
import { HandClock, quiet } from './helpers/kiosk-parts.js'
import { mutate } from './helpers/mutate.js'
import { loadValidators } from './helpers/till.js'

// The same cases in every run; GROCERD_TORTURE=full draws new ones, and more of them.
const isFull = process.env.GROCERD_TORTURE === 'full'
const runs = (count: number) => (isFull ? { numRuns: 20 * count } : { numRuns: count, seed: 6 })
if (isFull) t.setTimeout(1_800_000)

// ---- configuration

const sample = readFileSync('deploy/grocerd.yaml')

/** A configuration, or CONFIG_INVALID whose every line says where. Everything else is a defect. */
function isAnswered(text: string, env: NodeJS.ProcessEnv = {}): boolean {
  try {
    parseConfig(text, 'k.yaml', env)
    return true
  } catch (error) {
    if (!(error instanceof GroceryError) || error.code !== 'CONFIG_INVALID') throw error
    const problems = error.details as string[]
    const place = /^(k\.yaml:\d+:\d+|environment GROCERD_\w+):? /
    const lost = problems.filter(problem => !place.test(problem))
    if (problems.length > 0 && lost.length === 0) return true
    throw new Error(`Expected a place in ${JSON.stringify(lost)}`)
  }
}

t.test('whatever a configuration holds, it is read or every error says where', async () => {
  const scalar = fc.oneof(
    fc.constantFrom(
      'null',
      'true',
      '1.7',
      '-1',
      '.nan',
      '~',
      '[]',
      '{}',
      '"#"',
      '&a [1]',
      '*a',
      '!!binary x',
      '|',
      '? x',
      '<<: *a',
      '0x1F',
      '1e999',
      '__proto__',
      'constructor',
      '@',
      '`',
    ),
    fc.string({ maxLength: 12 }),
  )
  const lines = sample.toString('utf8').split('\n')
  fc.assert(
    fc.property(fc.nat(lines.length - 1), scalar, (at, value) => {
      const changed = [...lines]
      changed[at] = (changed[at] ?? '').replace(/:.*$/, `: ${value}`)
      return isAnswered(changed.join('\n'))
    }),
    runs(200),
  )
  fc.assert(
    fc.property(fc.nat(), seed =>
      isAnswered(mutate(sample, `config ${seed}`, sample.length).toString('utf8')),
    ),
    runs(200),
  )
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), text => isAnswered(text)),
    runs(200),
  )
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), text => isAnswered(text)),
    runs(200),
  )
})

t.test('whatever the environment sets, the same holds', async () => {
  const names = [
    'MQTT_URL',
    'CAMERAS',
    'CAMERAS_0_SOURCE',
    'CAMERAS_0_MASK',
    'CAMERAS_7',
    'OUTBOX_MAX_BYTES',
    'MODELS_ENSEMBLE_MEMBERS_0_WEIGHT',
    'LOG',
    'LOG_LEVEL',
    'KIOSK_ID',
  ]
  const name = fc.oneof(fc.constantFrom(...names), fc.stringMatching(/^[A-Z_0-9]{1,12}$/))
  const env = fc.dictionary(
    name.map(one => `GROCERD_${one}`),
    fc.oneof(fc.string(), fc.json({ maxDepth: 3 })),
    { maxKeys: 3 },
  )
  fc.assert(
    fc.property(env, one => isAnswered('cameras: [{id: a, source: x}]', one)),
    runs(200),
  )
})

t.test('what YAML only warns of is an error with its place', async t => {
  const told = (text: string) => {
    try {
      return parseConfig(text, 'k.yaml', {})
    } catch (error) {
      return (error as GroceryError).message
    }
  }
  t.equal(told('log:\n  level: !loud info'), '1 error in k.yaml\nk.yaml:2:10 Unresolved tag: !loud')
  t.equal(
    told('kiosk: {id: *none}'),
    '1 error in k.yaml\nk.yaml:1:13 Unresolved alias (the anchor must be set before the alias): none',
  )
})

// ---- MQTT

const validators = loadValidators()
const prefix = 'grocerd/k'

t.test(
  'whatever comes on whatever topic is answered, handed on, or ignored and counted',
  async t => {
    const json = fc.json({ maxDepth: 3 }).map(text => Buffer.from(text))
    const field = fc.oneof(
      fc.string({ maxLength: 8 }),
      fc.integer(),
      fc.double(),
      fc.constantFrom(null, true, [], {}),
      fc.constantFrom(
        'open',
        'weight',
        'shopper',
        'online',
        'stable',
        'paid',
        '018f3f4e-0000-7000-8000-000000000000',
        '2026-11-25T00:00:00Z',
      ),
    )
    const keys = [
      'requestId',
      'op',
      'session',
      'reason',
      'waitMs',
      'top',
      'itemId',
      'recognitionId',
      'sku',
      'by',
      'fromSeq',
      'toSeq',
      'expiresAt',
      'ids',
      'seq',
      'eventId',
      'kind',
      'grams',
      'state',
      'scope',
      '__proto__',
    ]
    const near = fc
      .dictionary(fc.constantFrom(...keys), fc.oneof(field, fc.array(field, { maxLength: 3 })), {
        maxKeys: 8,
      })
      .map(value => Buffer.from(JSON.stringify(value)))
    const sound = fc
      .constantFrom(
        { requestId: 'r', op: 'open', session: 's' },
        { requestId: 'r', reason: 'weight' },
        { requestId: 'r', itemId: 'i', sku: 'banana', by: 'shopper' },
        { requestId: 'r', fromSeq: 1 },
        { requestId: 'r', fromSeq: 1, expiresAt: '2026-01-01T00:00:00Z' },
        { seq: 4 },
        { eventId: 'e', kind: 'paid' },
        { grams: 1, state: 'stable' },
      )
      .map(value => Buffer.from(JSON.stringify(value)))
    const payload = fc.oneof(
      fc.uint8Array({ maxLength: 64 }).map(bytes => Buffer.from(bytes)),
      json,
      near,
      sound,
      fc.constantFrom('', 'online', 'offline').map(word => Buffer.from(word)),
      fc.constant(Buffer.alloc(70_000, 32)),
    )
    const level = fc.stringMatching(/^[^/+#\0]{0,12}$/)
    const topic = fc.oneof(
      fc.constantFrom(
        'cmd/session',
        'cmd/recognise',
        'cmd/confirm',
        'cmd/resend',
        'ack',
        'pos',
        'scale',
        'till',
      ),
      level.map(verb => `cmd/${verb}`),
    )
    const responseTopic = fc.oneof(
      fc.constantFrom(
        undefined,
        `${prefix}/items`,
        `${prefix}/state`,
        `${prefix}/cmd/session`,
        `${prefix}/reply/mine`,
        '#',
        'a/+',
        '$SYS/x',
        'mine/here',
        prefix,
      ),
      fc.string({ maxLength: 10 }),
    )
    const message = fc.record({
      topic,
      payload,
      retain: fc.boolean(),
      responseTopic,
      correlation: fc.option(fc.uint8Array({ maxLength: 8 }), { nil: undefined }),
    })

    const answers = new Set<string>()
    await fc.assert(
      fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 8 }), async messages => {
        const clock = new HandClock()
        const replies: { topic: string; reply: Reply }[] = []
        let handed = 0
        const handlers: CommandHandlers = {
          session: async ({ session }) => ({ session, status: 'open' }),
          recognise: async () => Promise.reject(new GroceryError('TIMED_OUT', 'no picture')),
          confirm: async ({ sku }) => ({ itemId: 'i', sku }),
          resend: async () => ({
            count: 0,
            fromSeq: null,
            toSeq: null,
            oldestSeq: null,
            newestSeq: 0,
          }),
        }
        const incoming = new Incoming({
          topics: topicsOf(prefix),
          commands: new Commands({
            enabled: ['session', 'recognise', 'confirm', 'resend'],
            handlers,
            clock,
            log: quiet,
          }),
          delivery: { acknowledge: () => void handed++, tillIs: () => {} } as unknown as Delivery,
          onTill: () => void handed++,
          reply: async (to, reply) => void replies.push({ topic: to, reply }),
          log: quiet,
        })
        for (const [
          index,
          { topic: name, payload, retain, responseTopic: to, correlation },
        ] of messages.entries()) {
          clock.advance(10_000)
          const properties = {
            ...(to === undefined ? {} : { responseTopic: to }),
            ...(correlation ? { correlationData: Buffer.from(correlation) } : {}),
          }
          const packet = { retain, properties } as unknown as IPublishPacket
          await incoming.take(`${prefix}/${name}`, payload, packet)
          const outcomes = replies.length + handed + incoming.ignored
          if (outcomes !== index + 1)
            throw new Error(`${name}: ${outcomes} outcomes of ${index + 1} messages`)
        }
        for (const { topic: to, reply } of replies) {
          if (
            to === '' ||
            /[+#\0]|^\$/.test(to) ||
            (to.startsWith(`${prefix}/`) && !to.startsWith(`${prefix}/reply/`))
          )
            throw new Error(`a reply went to ${JSON.stringify(to)}`)
          const verb = reply.ok ? verbOf(reply) : 'session'
          if (!validators.get(`reply-${verb}`)!(reply))
            throw new Error(`no reply of the contract: ${JSON.stringify(reply)}`)
          if (reply.error?.code === 'INTERNAL') throw new Error(reply.error.message)
          answers.add(reply.error?.code ?? 'ok')
        }
      }),
      runs(600),
    )
    t.same(
      [...answers].sort(),
      ['COMMAND_DISABLED', 'COMMAND_EXPIRED', 'COMMAND_INVALID', 'TIMED_OUT', 'ok'].sort(),
      'every kind of answer was met',
    )
  },
)

const verbOf = ({ result }: Reply): string =>
  'status' in result! ? 'session' : 'sku' in result! ? 'confirm' : 'resend'

// ---- the counter

const skus = ['apple', 'pear', 'plum'] as const
type Step =
  | {
      kind: 'frame'
      view: 'object' | 'empty' | 'moving' | 'dark'
      sku: (typeof skus)[number]
      decision: Observation['decision']
      look: number
      leads: boolean
    }
  | { kind: 'session'; op: 'open' | 'close' | 'suspend' | 'resume'; session: 'a' | 'b' }
  | { kind: 'confirm'; sku: (typeof skus)[number]; known: boolean }
  | { kind: 'restart' }
  | { kind: 'blind' }
  | { kind: 'anew' }
type Timed = Step & { afterMs: number; times: number }

const frame = fc.record({
  kind: fc.constant('frame' as const),
  view: fc.constantFrom(
    'object' as const,
    'object' as const,
    'object' as const,
    'empty' as const,
    'moving' as const,
    'dark' as const,
  ),
  sku: fc.constantFrom(...skus),
  decision: fc.constantFrom('sure' as const, 'sure' as const, 'ask' as const, 'unknown' as const),
  look: fc.constantFrom(10, 10, 200),
  leads: fc.constantFrom(true, true, true, false),
})
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: frame },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('session' as const),
      op: fc.constantFrom(
        'open' as const,
        'open' as const,
        'close' as const,
        'suspend' as const,
        'resume' as const,
      ),
      session: fc.constantFrom('a' as const, 'b' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('confirm' as const),
      sku: fc.constantFrom(...skus),
      known: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'blind' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'anew' as const }) },
)
// A frame comes several times, as a still scene gives it: else nothing would ever settle.
const timed: fc.Arbitrary<Timed> = fc
  .tuple(step, fc.constantFrom(30, 100, 100, 100, 700, 4000), fc.integer({ min: 1, max: 8 }))
  .map(([one, afterMs, times]) => ({ ...one, afterMs, times: one.kind === 'frame' ? times : 1 }))

function observation({ sku, decision }: Step & { kind: 'frame' }): Observation {
  const others = skus.filter(one => one !== sku)
  const candidates = [sku, ...others].map((one, index) => ({
    sku: one,
    name: one,
    plu: null,
    gtin: null,
    score: [0.8, 0.15, 0.05][index]!,
  }))
  return {
    box: [0, 0, 1, 1],
    decision,
    auto: false,
    askReason: decision === 'ask' ? 'confidence' : null,
    candidates,
  }
}

/** The log of one till: what the events say lies there, and whether each may follow those before it. */
class Log {
  readonly lies = new Map<string, Item>()
  readonly #gone = new Map<string, string | null>()
  events = 0

  take({ action, reason, item }: ItemAction): void {
    this.events++
    const { itemId } = item
    const is = this.lies.has(itemId)
    if (action === 'placed') {
      if (is) throw new Error(`${itemId} is placed twice`)
      // What a session leaves behind is the next one's to be asked about, under its own id.
      if (this.#gone.has(itemId) && this.#gone.get(itemId) !== 'sessionEnd')
        throw new Error(`${itemId} comes back after it was ${this.#gone.get(itemId)}`)
      this.lies.set(itemId, item)
    } else {
      if (!is) throw new Error(`${itemId} is ${action} and was never placed`)
      if (action === 'changed') this.lies.set(itemId, item)
      else {
        this.lies.delete(itemId)
        this.#gone.set(itemId, reason)
      }
    }
  }
}

class World {
  readonly log = new Log()
  at = 1000
  ids = 0
  number = 0
  counter: Counter
  readonly #settings: CounterSettings

  constructor(needSession: boolean) {
    this.#settings = { ...counterSettings, needSession, newId: () => `item-${++this.ids}` }
    this.counter = new Counter(this.#settings)
  }

  get now(): Moment {
    return { at: this.at, capturedAt: this.at, ageMs: 0, camera: 'top' }
  }

  restored(): Counter {
    const counter = new Counter(this.#settings)
    counter.restore(JSON.parse(JSON.stringify(this.counter.keep())))
    return counter
  }

  #do(one: Timed): ItemAction[] {
    const { counter } = this
    switch (one.kind) {
      case 'frame': {
        const scene = { view: one.view, motion: 0, contrast: 0.2, brightness: 0.5 }
        const seen: FrameObservations = {
          camera: 'top',
          frame: this.number++,
          capturedAt: this.at,
          ageMs: 0,
          scene,
          look: new Uint8Array(768).fill(one.look),
          observations: one.view === 'object' ? [observation(one)] : [],
          stagesMs: { queue: 0, decode: 0, resize: 0, infer: 0 },
        }
        return counter.see(seen, this.at, one.leads).actions
      }
      case 'session':
        return counter[one.op](one.session, this.now).actions
      case 'confirm': {
        const itemId = one.known ? (counter.item?.itemId ?? 'none') : 'none'
        const product = { sku: one.sku, name: one.sku, plu: null, gtin: null }
        return counter.confirm(
          { session: counter.session?.id ?? null, itemId, product, lineId: null, quantity: null },
          this.now,
        ).actions
      }
      case 'restart':
        this.counter = this.restored()
        return []
      case 'blind':
        counter.loseSight()
        return []
      case 'anew':
        counter.anew()
        return []
    }
  }

  /** One step and all that must hold after it. */
  take(one: Timed): void {
    for (let i = 0; i < one.times; i++) {
      this.at += one.afterMs
      const session = this.counter.session
      let actions: ItemAction[] = []
      try {
        actions = this.#do(one)
      } catch (error) {
        if (
          !(error instanceof GroceryError) ||
          !/^(SESSION_CLOSED|ITEM_GONE|ALREADY_CONFIRMED)$/.test(error.code)
        )
          throw error
      }
      if (one.kind === 'frame' && actions.length > 0) {
        if (session?.suspended)
          throw new Error('a frame makes an event while the session is suspended')
        if (this.#settings.needSession && !session)
          throw new Error('a frame makes an event without a session')
      }
      for (const action of actions) this.log.take(action)
      const basket = this.counter.basket(this.at).items
      const told = [...this.log.lies.values()]
      if (JSON.stringify(basket) !== JSON.stringify(told))
        throw new Error(
          `the basket holds ${JSON.stringify(basket)} and the events say ${JSON.stringify(told)}`,
        )
    }
  }
}

t.test('whatever is seen and said, the events and the basket tell one story', async t => {
  let events = 0
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.array(timed, { minLength: 1, maxLength: 40, size: 'max' }),
      (needSession, steps) => {
        const world = new World(needSession)
        for (const one of steps) world.take(one)
        events += world.log.events
      },
    ),
    runs(1000),
  )
  t.ok(events > 1000, `${events} events were made`)
})

t.test('what was kept gives the same state again, and one future', async () => {
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.array(timed, { maxLength: 20, size: 'max' }),
      fc.array(timed, { maxLength: 20, size: 'max' }),
      (needSession, before, after) => {
        const futures = [0, 1].map(() => {
          const world = new World(needSession)
          for (const one of before) world.take(one)
          const kept = JSON.stringify(world.counter.keep())
          world.counter = world.restored()
          if (JSON.stringify(world.counter.keep()) !== kept)
            throw new Error('kept and restored, it is another state')
          for (const one of after) world.take(one)
          return JSON.stringify([
            world.counter.keep(),
            [...world.log.lies.values()],
            world.log.events,
          ])
        })
        return futures[0] === futures[1]
      },
    ),
    runs(250),
  )
})
