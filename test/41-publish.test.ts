// Publishing: the contract over real brokers, both MQTT versions, and what happens when they go away.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { connectAsync } from 'mqtt'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { generatedDocs } from '../src/cli/docs.js'
import { defaultConfig, parseConfig } from '../src/config/load.js'
import { type Config, verbs } from '../src/config/schema.js'
import { GroceryError } from '../src/errors.js'
import { backoffMs } from '../src/publish/backoff.js'
import { DemoBroker } from '../src/publish/broker.js'
import {
  type CommandHandlers,
  commandSchemas,
  replySchema,
} from '../src/publish/command-messages.js'
import { Commands } from '../src/publish/commands.js'
import { classify, withoutSecrets } from '../src/publish/connection-problem.js'
import { readCredentials } from '../src/publish/credentials.js'
import { Delivery } from '../src/publish/delivery.js'
import { describeMessage } from '../src/publish/describe-message.js'
import { commandExamples, examples, resultExamples } from '../src/publish/examples.js'
import type { StateMessage } from '../src/publish/messages.js'
import { Publisher, type PublisherOptions } from '../src/publish/publisher.js'
import { Resends } from '../src/publish/resends.js'
import { messageSchemas, messageTable } from '../src/publish/schemas.js'
import { TillView } from '../src/publish/till-view.js'
import { topicTable } from '../src/publish/topics.js'
import {
  hasMosquitto,
  Line,
  startDemoBroker,
  startMosquitto,
  type TestBroker,
} from './helpers/brokers.js'
import { action, envelope, HandClock, item, makeOutbox, quiet } from './helpers/kiosk-parts.js'
import { MemoryFiles } from './helpers/memory-files.js'
import { loadValidators, Till } from './helpers/till.js'

if (!hasMosquitto) console.error('skipped: tests with mosquitto (it is not installed)')

const prefix = 'grocerd/kiosk-1'
const handlers: CommandHandlers = {
  recognise: async () => resultExamples.recognise,
  confirm: async ({ itemId, sku }) => ({ itemId: itemId ?? 'item-1', sku }),
  session: async ({ session }) => ({ session, status: 'open' }),
}

interface KioskOptions {
  version?: 4 | 5
  confirm?: 'broker' | 'pos'
  bootId?: string
  clock?: HandClock
  files?: MemoryFiles
  dir?: string
  mqtt?: Partial<Config['mqtt']>
  publisher?: Partial<PublisherOptions>
}

async function startKiosk(t: Test, url: string, options: KioskOptions = {}) {
  const { version = 5, confirm = 'broker', bootId = 'boot-1', clock = new HandClock() } = options
  const base = defaultConfig()
  const config: Config = {
    ...base,
    mqtt: { ...base.mqtt, url, version, ...options.mqtt },
    outbox: { ...base.outbox, confirm },
  }
  const outbox = makeOutbox(options.dir ?? t.testdir(), {
    confirm,
    clock,
    files: options.files ?? new MemoryFiles(),
    envelope: envelope(bootId),
  })
  await outbox.start()
  const downs: { code: string; message: string }[] = []
  const ups: (() => void)[] = []
  let upCount = 0
  const publisher = new Publisher({
    config,
    outbox,
    bootId,
    clock,
    log: quiet,
    commands: handlers,
    onConnection: (up, reason) => {
      if (!up) downs.push(reason!)
      else {
        upCount++
        for (const resolve of ups.splice(0)) resolve()
      }
    },
    ...options.publisher,
  })
  const stop = async () => {
    await publisher.stop()
    await outbox.stop()
  }
  t.teardown(stop)
  /** Resolves when it was connected so many times. */
  const up = async (times = 1): Promise<void> => {
    while (upCount < times) await new Promise<void>(resolve => ups.push(resolve))
  }
  const place = async (session = 's-1') => {
    const events = await outbox.append([action({ session })], null)
    publisher.notify()
    return events[0]!
  }
  return { config, outbox, publisher, clock, downs, up, place, stop }
}

async function startTill(t: Test, url: string, options = {}) {
  const till = new Till(prefix)
  await till.start(url, options)
  t.teardown(() => till.stop())
  return till
}

const brokers: [string, (t: Test) => Promise<TestBroker>][] = [
  ['aedes', () => startDemoBroker()],
  ...(hasMosquitto
    ? [
        ['mosquitto', (t: Test) => startMosquitto(t.testdir())] as [
          string,
          (t: Test) => Promise<TestBroker>,
        ],
      ]
    : []),
]

for (const [name, startBroker] of brokers) {
  for (const version of [5, 4] as const) {
    t.test(
      `the whole dialogue over ${name} with MQTT ${version === 5 ? '5' : '3.1.1'}`,
      async t => {
        const broker = await startBroker(t)
        t.teardown(broker.stop)
        const till = await startTill(t, broker.url, { protocolVersion: version })
        const dir = t.testdir({ state: {} })
        const kiosk = await startKiosk(t, broker.url, { version, dir: join(dir, 'state') })
        const { publisher } = kiosk
        publisher.setState(examples.state as StateMessage)
        publisher.setBasket({ session: null, complete: true, view: 'ok', items: [item()] })
        await publisher.start()
        await till.wait(({ name }) => name === 'state')
        t.same(
          till.heard
            .slice(0, 4)
            .map(({ name, json, text }) => [name, json?.items?.length ?? text.slice(0, 6)]),
          [
            ['basket', 0],
            ['basket', 1],
            ['status', 'online'],
            ['state', '{"sche'],
          ],
          'first an empty basket of this start, then the true one, then online',
        )
        t.match(till.of('basket')[0], {
          bootId: 'boot-1',
          revision: 0,
          complete: false,
          validMs: null,
        })
        t.match(till.of('basket')[1], { revision: 1, complete: true, validMs: 30_000 })

        const event = await kiosk.place()
        const { json, packet } = await till.wait(({ name }) => name === 'items')
        t.match(json, { id: event.id, seq: 1, replayed: false, latencyMs: 100 })
        t.match(packet, { qos: 1, retain: false })
        if (version === 5) t.match(packet.properties, { contentType: 'application/json' })

        for (const verb of verbs) await till.say(`cmd/${verb}`, commandExamples[verb])
        await till.wait(({ name }) => name === 'reply/resend')
        t.same(till.of('reply/recognise'), [
          { requestId: 'r-17', ok: true, error: null, result: resultExamples.recognise },
        ])
        t.match(till.of('reply/session'), [{ ok: true, result: { status: 'open' } }])
        await till.say('cmd/pause', { requestId: 'v' })
        const refused = await till.wait(({ name }) => name === 'reply/pause')
        t.match(refused.json, { ok: false, error: { code: 'COMMAND_DISABLED' } })
        till.wrong.length = 0
        if (version === 5) {
          await till.say(
            'cmd/confirm',
            { ...commandExamples.confirm, requestId: 'r-18' },
            {
              properties: {
                responseTopic: `${prefix}/reply/confirm-mine`,
                correlationData: Buffer.from('7'),
              },
            },
          )
          const mine = await till.wait(({ name }) => name === 'reply/confirm-mine')
          t.match(mine.json, { requestId: 'r-18', ok: true })
          t.equal(mine.packet.properties?.correlationData?.toString(), '7')
          till.wrong.length = 0
          for (const responseTopic of [`${prefix}/items`, '$SYS/x']) {
            const requestId = `to ${responseTopic}`
            await till.say(
              'cmd/confirm',
              { ...commandExamples.confirm, requestId },
              { properties: { responseTopic } },
            )
            const reply = await till.wait(({ json }) => json?.requestId === requestId)
            t.equal(reply.name, 'reply/confirm', 'nobody makes us write into our own log')
          }
        }
        await till.say(
          'cmd/session',
          { requestId: 'stale', op: 'open', session: 's' },
          { retain: true },
        )
        const late = await startTill(t, broker.url, { protocolVersion: version })
        await late.wait(({ name }) => name === 'state')
        t.same(
          late.heard
            .filter(({ packet }) => packet.retain)
            .map(({ name }) => name)
            .sort(),
          ['basket', 'state', 'status'],
          'a till that comes later finds what is retained',
        )
        t.equal(late.of('status')[0], 'online')

        till.forget()
        await kiosk.publisher.stop()
        t.equal((await till.wait(({ name }) => name === 'status')).text, 'stopped')
        t.same(till.wrong, [], 'every message is what its schema says')
        t.same(late.wrong, [])
      },
    )
  }
}

t.test('the will says offline, and the next connection says online again', async t => {
  const broker = await startDemoBroker()
  t.teardown(broker.stop)
  const line = new Line(broker.port)
  const url = await line.start()
  t.teardown(() => line.stop())
  const till = await startTill(t, broker.url)
  const kiosk = await startKiosk(t, url)
  kiosk.publisher.setState(examples.state as StateMessage)
  await kiosk.publisher.start()
  await kiosk.up()
  await till.wait(({ name }) => name === 'state')
  while (!kiosk.publisher.connected) await new Promise(resolve => setImmediate(resolve))
  till.forget()
  line.cut()
  t.equal((await till.wait(({ name }) => name === 'status')).text, 'offline')
  t.notOk(kiosk.publisher.connected)
  t.match(kiosk.downs, [{ code: 'MQTT_DISCONNECTED' }])
  await kiosk.up(2)
  await till.wait(({ name }) => name === 'state')
  t.same(
    till.heard.map(({ name }) => name),
    ['status', 'basket', 'status', 'state'],
    'everything retained is said again, without the empty basket of a start',
  )
})

t.test(
  'what happens while the broker is away arrives in order; the window comes again, marked',
  async t => {
    const first = await startDemoBroker()
    const clock = new HandClock()
    const kiosk = await startKiosk(t, first.url, { clock })
    let till = await startTill(t, first.url)
    await kiosk.publisher.start()
    await kiosk.place('a')
    const original = (await till.wait(({ json }) => json?.seq === 1)).json
    await kiosk.place('b')
    await till.wait(({ json }) => json?.seq === 2)
    await till.stop()
    await first.stop()
    while (kiosk.downs.length === 0) await new Promise(resolve => setImmediate(resolve))
    for (let count = 0; count < 40; count++) await kiosk.place('away')
    clock.advance(1000)

    const second = await startDemoBroker(first.port)
    t.teardown(second.stop)
    till = await startTill(t, second.url)
    await till.wait(({ json }) => json?.seq === 42)
    const events = till.of('items')
    t.same(
      events.map(event => event.seq),
      Array.from({ length: 42 }, (_, index) => index + 1),
    )
    t.same(
      events.filter(event => event.replayed).map(event => event.seq),
      [1, 2],
      'only what was sent before is marked',
    )
    t.same(events[0], { ...original, publishedAt: events[0].publishedAt, replayed: true })
    t.match(events[2], { replayed: false, latencyMs: 1100 }, 'latency is up to the first sending')
    t.match(kiosk.publisher.stats(), { connections: 2, published: 44, replayed: 2 })
    t.same(till.wrong, [])
  },
)

t.test('an event that is past its expiresAt arrives late and marked, for the audit', async t => {
  const broker = await startDemoBroker()
  t.teardown(broker.stop)
  const clock = new HandClock()
  const kiosk = await startKiosk(t, broker.url, { clock })
  await kiosk.place()
  clock.advance(121_000)
  const till = await startTill(t, broker.url)
  await kiosk.publisher.start()
  t.match((await till.wait(({ name }) => name === 'items')).json, { seq: 1, replayed: true })
})

t.test(
  'a retained command does nothing, not even when it arrives live; deleting it does nothing either',
  async t => {
    for (const [name, startBroker] of brokers) {
      const broker = await startBroker(t)
      t.teardown(broker.stop)
      const kiosk = await startKiosk(t, broker.url)
      const till = await startTill(t, broker.url)
      await kiosk.publisher.start()
      await kiosk.up()
      const command = { requestId: 'r1', op: 'close', session: 's1' }
      await till.say('cmd/session', command, { retain: true })
      await till.say('cmd/session', '', { retain: true })
      await till.say('cmd/session', { ...command, requestId: 'r2' })
      await till.wait(({ json }) => json?.requestId === 'r2')
      t.same(
        till.of('reply/session').map(reply => reply.requestId),
        ['r2'],
        name,
      )
      t.equal(kiosk.publisher.stats().ignored, 2, name)
    }
  },
)

t.test('resend gives again what is kept, and says what it cannot give', async t => {
  const broker = await startDemoBroker()
  t.teardown(broker.stop)
  const kiosk = await startKiosk(t, broker.url)
  const till = await startTill(t, broker.url)
  await kiosk.publisher.start()
  for (let count = 0; count < 30; count++) await kiosk.place()
  await till.wait(({ json }) => json?.seq === 30)
  kiosk.outbox.acknowledge({ seq: 4 })
  till.forget()
  await till.say('cmd/resend', { requestId: 'r1', fromSeq: 1, toSeq: 25 })
  await till.wait(({ json }) => json?.seq === 25)
  t.same(
    till.of('items').map(event => [event.seq, event.replayed]),
    Array.from({ length: 21 }, (_, index) => [index + 5, true]),
  )
  const { json } = await till.wait(({ name }) => name === 'reply/resend')
  t.same(json.result, { count: 21, fromSeq: 5, toSeq: 25, oldestSeq: 5, newestSeq: 30 })
  await till.say('cmd/resend', { requestId: 'r2', fromSeq: 31 })
  const none = await till.wait(({ json }) => json?.requestId === 'r2')
  t.same(none.json.result, { count: 0, fromSeq: null, toSeq: null, oldestSeq: 5, newestSeq: 30 })
})

t.test('with confirm: pos an event comes again until the till acknowledges it', async t => {
  const broker = await startDemoBroker()
  t.teardown(broker.stop)
  const clock = new HandClock()
  const kiosk = await startKiosk(t, broker.url, { clock, confirm: 'pos' })
  const till = await startTill(t, broker.url)
  await kiosk.publisher.start()
  await kiosk.up()
  const first = await kiosk.place('a')
  const second = await kiosk.place('b')
  const sent = (count: number) => till.wait(() => till.of('items').length >= count)
  await sent(2)
  const settled = async () => {
    while (kiosk.publisher.stats().inFlight > 0) await new Promise(resolve => setImmediate(resolve))
  }
  await settled()
  clock.advance(9_999)
  kiosk.publisher.tick()
  await settled()
  t.equal(till.of('items').length, 2, 'not before ackTimeout')
  clock.advance(1)
  kiosk.publisher.tick()
  await sent(4)
  await settled()
  t.same(
    till.of('items').map(event => [event.seq, event.replayed]),
    [
      [1, false],
      [2, false],
      [1, true],
      [2, true],
    ],
  )
  await till.say('ack', { ids: [first.id] })
  while (kiosk.outbox.has(1)) await new Promise(resolve => setImmediate(resolve))
  clock.advance(19_999)
  kiosk.publisher.tick()
  await settled()
  t.equal(till.of('items').length, 4, 'the time-out has doubled')
  clock.advance(1)
  kiosk.publisher.tick()
  await sent(5)
  t.equal(till.of('items')[4].id, second.id)

  await till.say('till', 'offline', { retain: true })
  while (kiosk.publisher.stats().inFlight > 0) await new Promise(resolve => setImmediate(resolve))
  await new Promise<void>(resolve => setImmediate(resolve))
  clock.advance(600_000)
  await till.say('till', 'online', { retain: true })
  await sent(6)
  t.equal(till.of('items')[5].id, second.id, 'a till that is back gets what it has not stored')
  await till.say('ack', { seq: 2 })
  while (kiosk.outbox.has(2)) await new Promise(resolve => setImmediate(resolve))
  t.match(kiosk.outbox.stats(), { depth: 0 })
})

t.test('with confirm: pos no more is sent ahead of the acks than a broker keeps', async t => {
  const broker = await startDemoBroker()
  t.teardown(broker.stop)
  const kiosk = await startKiosk(t, broker.url, { confirm: 'pos' })
  for (let count = 0; count < 30; count++) {
    await kiosk.outbox.append(
      Array.from({ length: 20 }, () => action()),
      null,
    )
  }
  const till = await startTill(t, broker.url)
  await kiosk.publisher.start()
  await till.wait(({ json }) => json?.seq === 512)
  while (kiosk.publisher.stats().inFlight > 0) await new Promise(resolve => setImmediate(resolve))
  t.equal(till.of('items').length, 512)
  await till.say('ack', { seq: 100 })
  await till.wait(({ json }) => json?.seq === 600)
  t.equal(till.of('items').length, 600)
})

/** A delivery without a broker: what it sends is answered by hand. */
async function startDelivery(
  t: Test,
  confirm: 'broker' | 'pos',
  answer: (seq: number) => boolean | void,
) {
  const clock = new HandClock()
  const outbox = makeOutbox(t.testdir(), {
    confirm,
    clock,
    files: new MemoryFiles(),
    maxAge: 60_000,
  })
  await outbox.start()
  t.teardown(() => outbox.stop())
  const sent: number[] = []
  const delivery = new Delivery({
    outbox,
    settings: { confirm, ackTimeout: 10_000 },
    publish: async ({ seq }) => {
      sent.push(seq)
      return answer(seq) !== false
    },
    onPublished: () => {},
    clock,
    log: quiet,
  })
  const place = (count: number) =>
    outbox.append(
      Array.from({ length: count }, () => action()),
      null,
    )
  /** Time passes, then all that can go out has gone. */
  const after = async (ms: number): Promise<number[]> => {
    clock.advance(ms)
    delivery.tick()
    await settle(delivery)
    return sent.splice(0)
  }
  return { clock, outbox, delivery, place, after }
}

async function settle(delivery: Delivery): Promise<void> {
  for (let quietTurns = 0; quietTurns < 5; quietTurns++) {
    await delivery.idle()
    await new Promise(resolve => setImmediate(resolve))
  }
}

const from = (first: number, count: number) =>
  Array.from({ length: count }, (_, index) => first + index)

t.test('what the outbox gave up is no longer waited for', async t => {
  const { clock, outbox, delivery, place, after } = await startDelivery(t, 'pos', () => {})
  await place(512)
  delivery.connected()
  t.same(await after(0), from(1, 512))
  clock.advance(55_000)
  await place(3)
  t.same(await after(0), from(1, 512), 'overdue; the window is full')
  clock.advance(6_000)
  outbox.prune()
  t.match(outbox.stats(), { dropped: 512, entries: 3 })
  t.same(await after(20_000), from(513, 3))
})

t.test(
  'with confirm: pos one event alone asks while nobody reads, and none overtakes it',
  async t => {
    let reads = false
    const { delivery, place, after } = await startDelivery(t, 'pos', () => reads)
    await place(40)
    delivery.connected()
    t.same(await after(0), [1])
    t.same(await after(999), [], 'once a second')
    t.same(await after(1), [1])
    reads = true
    t.same(await after(1000), from(1, 40))
    reads = false
    await place(3)
    t.same(await after(250), [41, 42, 43], 'three were under way at once')
    t.same(await after(1000), [41])
    reads = true
    delivery.tillIs(true)
    t.same(await after(0), [], 'that it is online is news only when ackTimeout has passed')
    t.same(await after(1000), from(41, 3))
    await after(7_000)
    delivery.tillIs(true)
    t.same(await after(0), from(1, 43), 'it may have been away without a goodbye')
  },
)

t.test(
  'mosquitto says when nobody reads: with confirm: pos the first till gets all in order',
  { skip: hasMosquitto ? false : 'mosquitto is not installed' },
  async t => {
    const broker = await startMosquitto(t.testdir())
    t.teardown(broker.stop)
    const kiosk = await startKiosk(t, broker.url, { confirm: 'pos' })
    for (let count = 0; count < 40; count++) await kiosk.place()
    await kiosk.publisher.start()
    await kiosk.up()
    while (!kiosk.publisher.stats().connected) await new Promise(resolve => setImmediate(resolve))
    while (kiosk.publisher.stats().inFlight > 0) await new Promise(resolve => setImmediate(resolve))
    t.equal(kiosk.publisher.stats().published, 0)
    const till = await startTill(t, broker.url)
    kiosk.clock.advance(1000)
    kiosk.publisher.tick()
    await till.wait(({ json }) => json?.seq === 40)
    t.same(
      till.of('items').map(({ seq, replayed }) => [seq, replayed]),
      from(1, 40).map(seq => [seq, seq === 1]),
    )
  },
)

t.test('an event that is refused is tried again alone', async t => {
  let refused = [3, 5]
  const { delivery, place, after } = await startDelivery(t, 'broker', seq => {
    if (refused.includes(seq)) throw Object.assign(new Error('Quota exceeded'), { code: 0x97 })
  })
  await place(8)
  delivery.connected()
  t.same(await after(0), from(1, 8))
  t.same(await after(4_999), [])
  await place(1)
  t.same(await after(1), [3, 5, 9], 'again first, and nothing else again')
  refused = []
  t.same(await after(5_000), [3, 5])
  t.same(await after(5_000), [])
})

t.test('when the next attempt falls due', async t => {
  const resends = new Resends(10_000)
  const due: number[] = []
  let now = 0
  resends.sent(1, now)
  while (due.length < 8) {
    now += 1000
    for (const seq of resends.takeDue(now)) {
      due.push(now)
      resends.sent(seq, now)
    }
  }
  t.same(
    due.map((at, index) => (at - (due[index - 1] ?? 0)) / 1000),
    [10, 20, 40, 80, 160, 300, 300, 300],
  )
  resends.acknowledged(1)
  t.same(resends.takeDue(now + 1e9), [])

  for (const random of [0, 1]) {
    const waits = [0, 1, 2, 3, 4, 9, 100].map(attempt => backoffMs(attempt, 'unreachable', random))
    const full = [500, 1000, 2000, 4000, 4000, 4000, 4000]
    t.same(
      waits,
      full.map(ms => (random ? ms : ms / 2)),
    )
  }
  t.equal(backoffMs(100, 'refused', 1), 30_000)
})

t.test('a peer that is gone without a word is noticed by the missing PUBACK', async t => {
  const broker = await startDemoBroker()
  t.teardown(broker.stop)
  const line = new Line(broker.port)
  const url = await line.start()
  t.teardown(() => line.stop())
  const clock = new HandClock()
  const kiosk = await startKiosk(t, url, { clock })
  const till = await startTill(t, broker.url)
  await kiosk.publisher.start()
  await kiosk.up()
  line.dead = true
  await kiosk.place()
  while (line.swallowed === 0) await new Promise(resolve => setImmediate(resolve))
  clock.advance(9_900)
  kiosk.publisher.tick()
  t.ok(kiosk.publisher.connected)
  clock.advance(200)
  kiosk.publisher.tick()
  t.notOk(kiosk.publisher.connected)
  t.match(kiosk.downs, [
    {
      code: 'MQTT_DISCONNECTED',
      message: `Expected an answer from ${url} within 10 s but received none`,
    },
  ])
  line.dead = false
  t.match((await till.wait(({ name }) => name === 'items')).json, { seq: 1, replayed: true })
})

t.test(
  'the basket is said again every 10 s while something may lie there, and expires',
  async t => {
    const broker = await startDemoBroker()
    t.teardown(broker.stop)
    const clock = new HandClock()
    const kiosk = await startKiosk(t, broker.url, { clock })
    const till = await startTill(t, broker.url)
    await kiosk.publisher.start()
    await kiosk.up()
    kiosk.publisher.setBasket({ session: 's-1', complete: true, view: 'ok', items: [] })
    const first = await till.wait(({ json }) => json?.session === 's-1')
    t.equal(first.packet.properties?.messageExpiryInterval, 30)
    clock.advance(9_999)
    kiosk.publisher.tick()
    till.forget()
    clock.advance(1)
    kiosk.publisher.tick()
    const again = await till.wait(({ name }) => name === 'basket')
    t.same(again.json, { ...first.json, asOf: '2026-11-22T09:30:10.000Z' })
    kiosk.publisher.setBasket({ session: null, complete: true, view: 'empty', items: [] })
    const empty = await till.wait(({ json }) => json?.validMs === null)
    t.equal(empty.packet.properties?.messageExpiryInterval, undefined)
    t.same(kiosk.publisher.basketMessage(), empty.json)
  },
)

t.test('frames go out at once or not at all, or reliably where asked', async t => {
  const broker = await startDemoBroker()
  const kiosk = await startKiosk(t, broker.url)
  const frame = {
    camera: 'top',
    frame: 1,
    capturedAt: kiosk.clock.wall(),
    ageMs: 31.46,
    scene: { view: 'object' as const, motion: 0, contrast: 0.2, brightness: 0.4 },
    observations: [
      {
        box: [0, 0, 1, 1] as [number, number, number, number],
        decision: 'sure' as const,
        auto: false,
        askReason: null,
        candidates: item().alternatives,
      },
    ],
    stagesMs: { queue: 0, decode: 4, resize: 1, infer: 5 },
  }
  await kiosk.publisher.sendFrame(frame, 'moving')
  await t.rejects(kiosk.publisher.sendFrame(frame, null, 1), {
    code: 'MQTT_DISCONNECTED',
    message: `Expected a connection to ${broker.url} but there is none`,
  })
  const till = await startTill(t, broker.url)
  await kiosk.publisher.start()
  await kiosk.up()
  await Promise.all(Array.from({ length: 200 }, () => kiosk.publisher.sendFrame(frame, null, 1)))
  await till.wait(() => till.of('frames/top').length >= 200)
  t.equal(
    till.of('frames/top').length,
    200,
    'a PUBACK each, never more than the broker takes at once',
  )
  await kiosk.publisher.sendFrame(frame, 'moving')
  const { json } = await till.wait(({ json }) => json?.reason === 'moving')
  t.match(json, { camera: 'top', latencyMs: 31.5, observations: { length: 1 } })
  t.same(till.wrong, [])
  const lost = kiosk.publisher.sendFrame(frame, null, 1)
  await Promise.all([t.rejects(lost, { code: 'MQTT_DISCONNECTED' }), broker.stop()])
})

t.test('what the till says is checked, handed on, or ignored and counted', async t => {
  const broker = await startDemoBroker()
  t.teardown(broker.stop)
  const words: unknown[] = []
  const kiosk = await startKiosk(t, broker.url, {
    publisher: { onTill: (...word) => words.push(word) },
  })
  const till = await startTill(t, broker.url)
  await kiosk.publisher.start()
  await kiosk.up()
  await till.say('pos', { ...examples.pos, more: 'fields are ignored' })
  await till.say('scale', examples.scale)
  await till.say('till', 'online')
  for (const [name, wrong] of [
    ['pos', 'not JSON'],
    ['pos', { eventId: 'p', kind: 'sung' }],
    ['scale', { grams: 'many', state: 'stable' }],
    ['scale', [182]],
    ['till', 'asleep'],
    ['till', '"online"'],
    ['ack', {}],
    ['ack', { ids: ['one'] }],
    ['ack', { ids: [], seq: 1 }],
    ['ack', 'x'.repeat(70_000)],
  ] as const) {
    await till.say(name, wrong)
  }
  const { at: _, ...pos } = examples.pos
  while (kiosk.publisher.stats().ignored < 10) await new Promise(resolve => setImmediate(resolve))
  t.match(words, [
    ['pos', pos],
    ['scale', { grams: 182, state: 'stable' }],
    ['till', 'online'],
  ])
  t.notOk('more' in (words[0] as [string, object])[1])
})

t.test('the same requestId gets the same reply and does nothing twice', async t => {
  const clock = new HandClock()
  let calls = 0
  const commands = new Commands({
    enabled: verbs,
    handlers: {
      ...handlers,
      session: async ({ session }) => {
        calls++
        if (session === 'bad') throw new GroceryError('SESSION_CLOSED', 'Expected another session')
        if (session === 'bug') throw new TypeError('undefined is not a function')
        return { session, status: 'open' }
      },
    },
    clock,
    log: quiet,
  })
  const say = (requestId: string, session: string, more = {}) =>
    commands.dispatch('session', { requestId, op: 'open', session, ...more })
  const [one, two] = await Promise.all([say('a', 's-1'), say('a', 's-1')])
  t.equal(calls, 1)
  t.same(one, two)
  const error = { code: 'SESSION_CLOSED', message: 'Expected another session' }
  t.same(await say('b', 'bad'), { requestId: 'b', ok: false, error, result: null })
  t.same(await say('b', 's-1'), { requestId: 'b', ok: false, error, result: null })
  t.equal(calls, 2)
  t.match(await say('c', 'bug'), { ok: false, error: { code: 'INTERNAL' } })
  const expiresAt = '2026-11-22T09:30:05.000Z'
  t.match(await say('d', 's-1', { expiresAt }), { ok: true })
  clock.advance(6_000)
  t.match(
    await say('d', 's-1', { expiresAt }),
    { ok: true },
    'a repetition is answered, however late',
  )
  t.same(await say('e', 's-1', { expiresAt }), {
    requestId: 'e',
    ok: false,
    error: {
      code: 'COMMAND_EXPIRED',
      message: `Expected cmd/session before its expiresAt ${expiresAt} but it came 1000 ms later`,
    },
    result: null,
  })
  calls = 0
  clock.advance(24 * 3600_000)
  await say('a', 's-1')
  t.equal(calls, 1, 'a day later it is a new one')
  t.match(commands.counts, { accepted: 5, repeated: 3, refused: 1 })
})

t.test('a reply that is too large for the broker says so', { skip: !hasMosquitto }, async t => {
  const broker = await startMosquitto(t.testdir(), ['allow_anonymous true', 'max_packet_size 4000'])
  t.teardown(broker.stop)
  const till = await startTill(t, broker.url)
  const jpeg = 'x'.repeat(5000)
  const kiosk = await startKiosk(t, broker.url, {
    mqtt: { commands: ['snapshot'] },
    dir: t.testdir({}),
    publisher: {
      commands: { snapshot: async () => ({ ...resultExamples.snapshot, jpeg }) },
    },
  })
  await kiosk.publisher.start()
  await kiosk.up()
  await till.say('cmd/snapshot', { requestId: 'r', camera: 'top' })
  const { json } = await till.wait(({ name }) => name === 'reply/snapshot')
  t.match(json, {
    requestId: 'r',
    ok: false,
    error: {
      code: 'REPLY_TOO_LARGE',
      message:
        /^Expected a broker that takes the reply to snapshot but Packet too large: \d+ bytes, at most 4000$/,
    },
    result: null,
  })
})

t.test('a picture is taken anew each time, seldom, and remembered nowhere', async t => {
  let taken = 0
  const kept: string[] = []
  const commands = new Commands({
    enabled: verbs,
    handlers: {
      ...handlers,
      snapshot: async () => ({ ...resultExamples.snapshot, jpeg: `picture ${++taken}` }),
      pause: async () => ({ paused: [] }),
    },
    replies: { get: () => undefined, keep: key => void kept.push(key) },
    clock: new HandClock(),
    log: quiet,
  })
  const ask = () => commands.dispatch('snapshot', { requestId: 'r', camera: 'top' })
  t.match(await ask(), { ok: true, result: { jpeg: 'picture 1' } })
  t.match(await ask(), { ok: true, result: { jpeg: 'picture 2' } }, 'the same requestId')
  await commands.dispatch('pause', { requestId: 'r' })
  t.same(kept, ['pause r'], 'of the picture nothing is on disk')
  for (let at = 2; at < 10; at++) await ask()
  t.match(await ask(), {
    error: {
      code: 'RATE_LIMITED',
      message: 'Expected cmd/snapshot at most 1 a second after the first 10 but received more',
    },
  })
})

const missing = 'Invalid input: expected string, received undefined'
const session = { requestId: 'r', op: 'open', session: 's' }
const enrol = { requestId: 'r', sku: '4711', name: 'Jam', from: { camera: 'top' } }
const confirm = { requestId: 'r', itemId: 'i', sku: '4173', by: 'shopper' }
const recognise = { requestId: 'r', reason: 'weight' }
const resend = { requestId: 'r', fromSeq: 1 }
const disabled = (verb: string) =>
  `Expected one of the commands recognise, confirm, session, verify, resend, model, enrol, forget, snapshot, pause, resume, catalogue but received ${JSON.stringify(verb)}`
const notJson = (shown: string) =>
  `Expected cmd/session to be JSON but received ${JSON.stringify(shown)}`
const notObject = (what: string) => `cmd/session: Invalid input: expected object, received ${what}`
const ops = 'op: Invalid option: expected one of "open"|"suspend"|"resume"|"close"|"cancel"'
const reasons = 'reason: Invalid option: expected one of "weight"|"lookup"|"scanFailed"|"attendant"'
const short = 'Too small: expected string to have >=1 characters'
const long = 'Too big: expected string to have <=128 characters'

/** Verb, payload, code, exact words. */
const wrongCommands: [verb: string, payload: unknown, message: string][] = [
  ['tare', session, disabled('tare')],
  ['reboot', session, disabled('reboot')],
  ['snapshot', { requestId: 'r' }, `cmd/snapshot: camera: ${missing}`],
  [
    'snapshot',
    { requestId: 'r', camera: 'top', box: [0, 0, 1, 2] },
    'cmd/snapshot: box.3: Too big: expected number to be <=1',
  ],
  [
    'pause',
    { requestId: 'r', camera: 7 },
    'cmd/pause: camera: Invalid input: expected string, received number',
  ],
  ['resume', { requestId: 'r', camera: '' }, `cmd/resume: camera: ${short}`],
  ['catalogue', { requestId: 'r', version: 1 }, 'cmd/catalogue: Expected either items or url'],
  [
    'catalogue',
    { requestId: 'r', version: 1, url: 'http://shop/c', items: [{}] },
    'cmd/catalogue: Expected either items or url',
  ],
  [
    'catalogue',
    { requestId: 'r', version: 0, items: ['banana'] },
    'cmd/catalogue: version: Too small: expected number to be >=1; items.0: Invalid input: expected record, received string',
  ],
  ['', session, disabled('')],
  ['__proto__', session, disabled('__proto__')],
  ['constructor', session, disabled('constructor')],
  ['SESSION', session, disabled('SESSION')],
  ['session/x', session, disabled('session/x')],
  ['x'.repeat(100), session, disabled('x'.repeat(64))],
  ['session', '', notJson('')],
  ['session', 'open', notJson('open')],
  ['session', '{', notJson('{')],
  ['session', "{'op': 'open'}", notJson("{'op': 'open'}")],
  ['session', '{"op":"open",}', notJson('{"op":"open",}')],
  ['session', 'NaN', notJson('NaN')],
  ['session', `{${'x'.repeat(100)}`, notJson(`{${'x'.repeat(39)}…`)],
  ['session', '\u0000', notJson('\u0000')],
  ['session', 'null', notObject('null')],
  ['session', '[]', notObject('array')],
  ['session', '"open"', notObject('string')],
  ['session', '7', notObject('number')],
  ['session', 'true', notObject('boolean')],
  [
    'session',
    `"${'x'.repeat(65_535)}"`,
    'Expected cmd/session to have at most 65536 bytes but received 65537',
  ],
  ['session', {}, `cmd/session: requestId: ${missing}; ${ops}; session: ${missing}`],
  ['session', { ...session, requestId: undefined }, `cmd/session: requestId: ${missing}`],
  ['session', { ...session, requestId: '' }, `cmd/session: requestId: ${short}`],
  [
    'session',
    { ...session, requestId: 7 },
    'cmd/session: requestId: Invalid input: expected string, received number',
  ],
  [
    'session',
    { ...session, requestId: null },
    'cmd/session: requestId: Invalid input: expected string, received null',
  ],
  ['session', { ...session, requestId: 'x'.repeat(129) }, `cmd/session: requestId: ${long}`],
  ['session', { ...session, op: 'start' }, `cmd/session: ${ops}`],
  ['session', { ...session, op: 'OPEN' }, `cmd/session: ${ops}`],
  ['session', { ...session, op: ['open'] }, `cmd/session: ${ops}`],
  ['session', { ...session, session: '' }, `cmd/session: session: ${short}`],
  [
    'session',
    { ...session, session: null },
    'cmd/session: session: Invalid input: expected string, received null',
  ],
  [
    'session',
    { ...session, session: { id: 's' } },
    'cmd/session: session: Invalid input: expected string, received object',
  ],
  ['session', { ...session, session: 'x'.repeat(129) }, `cmd/session: session: ${long}`],
  ['session', { ...session, expiresAt: 'soon' }, 'cmd/session: expiresAt: Invalid ISO datetime'],
  [
    'session',
    { ...session, expiresAt: 1732267800 },
    'cmd/session: expiresAt: Invalid input: expected string, received number',
  ],
  [
    'session',
    { ...session, expiresAt: '2026-11-22' },
    'cmd/session: expiresAt: Invalid ISO datetime',
  ],
  [
    'session',
    { ...session, expiresAt: '2026-11-22T09:29:59.999Z' },
    'Expected cmd/session before its expiresAt 2026-11-22T09:29:59.999Z but it came 1 ms later',
  ],
  ['recognise', { requestId: 'r' }, `cmd/recognise: ${reasons}`],
  ['recognise', { ...recognise, reason: 'bored' }, `cmd/recognise: ${reasons}`],
  [
    'recognise',
    { ...recognise, top: 0 },
    'cmd/recognise: top: Too small: expected number to be >=1',
  ],
  [
    'recognise',
    { ...recognise, top: 21 },
    'cmd/recognise: top: Too big: expected number to be <=20',
  ],
  [
    'recognise',
    { ...recognise, top: 1.5 },
    'cmd/recognise: top: Invalid input: expected int, received number',
  ],
  [
    'recognise',
    { ...recognise, waitMs: -1 },
    'cmd/recognise: waitMs: Too small: expected number to be >=0',
  ],
  [
    'recognise',
    { ...recognise, waitMs: 60_000 },
    'cmd/recognise: waitMs: Too big: expected number to be <=10000',
  ],
  [
    'recognise',
    { ...recognise, weight: 182 },
    'cmd/recognise: weight: Invalid input: expected object, received number',
  ],
  [
    'recognise',
    { ...recognise, weight: { grams: '182' } },
    'cmd/recognise: weight.grams: Invalid input: expected number, received string',
  ],
  [
    'recognise',
    { ...recognise, scope: '4173' },
    'cmd/recognise: scope: Invalid input: expected array, received string',
  ],
  [
    'confirm',
    { ...confirm, itemId: undefined },
    'cmd/confirm: Expected either itemId or recognitionId',
  ],
  [
    'confirm',
    { ...confirm, recognitionId: 'x' },
    'cmd/confirm: Expected either itemId or recognitionId',
  ],
  ['confirm', { ...confirm, sku: undefined }, `cmd/confirm: sku: ${missing}`],
  [
    'confirm',
    { ...confirm, sku: 4173 },
    'cmd/confirm: sku: Invalid input: expected string, received number',
  ],
  [
    'confirm',
    { ...confirm, by: 'robot' },
    'cmd/confirm: by: Invalid option: expected one of "shopper"|"attendant"|"technician"',
  ],
  [
    'confirm',
    { ...confirm, quantity: 0 },
    'cmd/confirm: quantity: Too small: expected number to be >0',
  ],
  [
    'confirm',
    { ...confirm, learn: 'yes' },
    'cmd/confirm: learn: Invalid input: expected boolean, received string',
  ],
  [
    'resend',
    { requestId: 'r' },
    'cmd/resend: fromSeq: Invalid input: expected number, received undefined',
  ],
  [
    'resend',
    { ...resend, fromSeq: -1 },
    'cmd/resend: fromSeq: Too small: expected number to be >=0',
  ],
  ['resend', { ...resend, toSeq: 0 }, 'cmd/resend: Expected toSeq >= fromSeq'],
  [
    'model',
    { requestId: 'r', action: 'delete', name: 'shop' },
    'cmd/model: action: Invalid option: expected one of "activate"|"rollback"',
  ],
  [
    'model',
    { requestId: 'r', action: 'activate', name: 'shop', version: 0 },
    'cmd/model: version: Too small: expected number to be >=1',
  ],
  ['enrol', { ...enrol, sku: ' ' }, 'cmd/enrol: sku: Expected more than blanks'],
  ['enrol', { ...enrol, name: '' }, 'cmd/enrol: name: Expected more than blanks'],
  ...[{}, { camera: 'top', itemId: 'i' }].map((from): [string, unknown, string] => [
    'enrol',
    { ...enrol, from },
    'cmd/enrol: from: Expected {itemId}, {camera, box} or {jpeg}',
  ]),
  [
    'enrol',
    { ...enrol, from: { camera: 'top', box: [0, 0, 0, 1] } },
    'cmd/enrol: from.box: Expected [left, top, right, bottom] with left < right and top < bottom',
  ],
  ['enrol', { ...enrol, from: { jpeg: '#' } }, 'cmd/enrol: from.jpeg: Expected base64'],
  ['forget', { requestId: 'r' }, `cmd/forget: sku: ${missing}`],
]

t.test(`${wrongCommands.length} wrong commands are refused, each in exact words`, async t => {
  let called = 0
  const counting = Object.fromEntries(
    verbs.map(verb => [verb, async () => ({ called: ++called })]),
  ) as unknown as CommandHandlers
  const commands = new Commands({
    enabled: verbs,
    handlers: counting,
    clock: new HandClock(),
    log: quiet,
  })
  for (const [verb, payload, message] of wrongCommands) {
    const text = typeof payload === 'string' ? payload : JSON.stringify(payload)
    const reply = await commands.receive(verb, Buffer.from(text))
    t.match(reply, { ok: false, result: null, error: { message } }, `${verb} ${text.slice(0, 60)}`)
    t.equal(reply!.error?.message, message)
    t.match(reply!.error?.code, /^COMMAND_(DISABLED|INVALID|EXPIRED)$/)
  }
  t.equal(called, 0)
  t.equal(wrongCommands.length, 75)
  t.equal(commands.counts.refused, 75)
  const none = new Commands({ enabled: [], handlers, clock: new HandClock(), log: quiet })
  t.match(await none.dispatch('session', session), {
    requestId: 'r',
    error: {
      code: 'COMMAND_DISABLED',
      message: 'Expected one of the commands none but received "session"',
    },
  })
})

t.test('why there is no connection is said in codes', async t => {
  const url = 'mqtts://till:secret@shop:8883'
  t.equal(withoutSecrets(url), 'mqtts://shop:8883')
  const error = (code: string | number, message: string) =>
    Object.assign(new Error(message), { code })
  const table = [
    [
      null,
      'unreachable',
      'MQTT_DISCONNECTED',
      'Expected a connection to mqtts://shop:8883 but the broker closed it',
    ],
    [
      error('ECONNREFUSED', ''),
      'unreachable',
      'MQTT_DISCONNECTED',
      'Expected a connection to mqtts://shop:8883 but received ECONNREFUSED',
    ],
    [
      error('CERT_HAS_EXPIRED', 'certificate has expired'),
      'refused',
      'MQTT_TLS_FAILED',
      'Expected a connection to mqtts://shop:8883 but received CERT_HAS_EXPIRED: certificate has expired',
    ],
    [error('ERR_TLS_CERT_ALTNAME_INVALID', 'no'), 'refused', 'MQTT_TLS_FAILED', /ALTNAME/],
    [error('SELF_SIGNED_CERT_IN_CHAIN', 'no'), 'refused', 'MQTT_TLS_FAILED', /SELF_SIGNED/],
    [
      error(5, 'Not authorized'),
      'refused',
      'MQTT_REFUSED',
      'Expected the broker mqtts://shop:8883 to accept us but received code 5: Not authorized',
    ],
    [error(0x86, 'Bad User Name or Password'), 'refused', 'MQTT_REFUSED', /code 134/],
    [error(0x89, 'Server busy'), 'unreachable', 'MQTT_DISCONNECTED', /code 137/],
    [
      new GroceryError('CONFIG_INVALID', 'Expected a file'),
      'refused',
      'CONFIG_INVALID',
      'Expected a file',
    ],
  ] as const
  for (const [given, kind, code, message] of table)
    t.match(classify(given, url), { kind, code, message })
})

t.test(
  'a broker that refuses or takes over is told apart',
  { skip: !hasMosquitto && 'no mosquitto' },
  async t => {
    const dir = t.testdir({ users: '' })
    const strict = await startMosquitto(dir, [
      'allow_anonymous false',
      `password_file ${join(dir, 'users')}`,
    ])
    t.teardown(strict.stop)
    for (const version of [4, 5] as const) {
      const kiosk = await startKiosk(t, strict.url, { version, dir: join(dir, `v${version}`) })
      const down = new Promise<void>(resolve => {
        const timer = setInterval(() => kiosk.downs.length > 0 && resolve(), 5)
        t.teardown(() => clearInterval(timer))
      })
      await kiosk.publisher.start()
      await down
      t.match(kiosk.downs[0], {
        code: 'MQTT_REFUSED',
        message: /^Expected the broker mqtt:\/\/127/,
      })
    }
    const open = await startMosquitto(dir)
    t.teardown(open.stop)
    const kiosk = await startKiosk(t, open.url, { dir: join(dir, 'taken') })
    await kiosk.publisher.start()
    await kiosk.up()
    const options = { protocolVersion: 5, clientId: 'grocerd-kiosk-1', reconnectPeriod: 0 } as const
    for (let times = 1; times <= 4; times++) {
      await kiosk.up(times)
      const thief = await connectAsync(open.url, options)
      while (kiosk.downs.length < times) await new Promise(resolve => setImmediate(resolve))
      await thief.endAsync(true)
    }
    t.same(
      kiosk.downs.map(({ code }) => code),
      ['MQTT_DISCONNECTED', 'MQTT_DISCONNECTED', 'MQTT_DISCONNECTED', 'MQTT_TAKEN_OVER'],
    )
    t.equal(
      kiosk.downs[3]!.message,
      'Expected client id grocerd-kiosk-1 to be ours alone but the broker closed 4 connections in a row soon after it took them',
    )
    await kiosk.up(5)
    kiosk.clock.advance(60_000)
    const thief = await connectAsync(open.url, options)
    while (kiosk.downs.length < 5) await new Promise(resolve => setImmediate(resolve))
    await thief.endAsync(true)
    t.equal(
      kiosk.downs[4]!.code,
      'MQTT_TAKEN_OVER',
      'a turn of a minute is no peace: the two would begin their fight anew, quick as before',
    )
  },
)

t.test(
  'a broker that takes the connection and refuses our words is named',
  { skip: !hasMosquitto && 'no mosquitto' },
  async t => {
    const dir = t.testdir({ acl: '', state: {} })
    const rules = (topics: string[]) =>
      writeFileSync(join(dir, 'acl'), topics.map(topic => `topic readwrite ${topic}\n`).join(''), {
        mode: 0o600,
      })
    for (const [refused, times, allowed] of [
      ['basket', 1, []],
      ['state', 4, [`${prefix}/basket`, `${prefix}/status`]],
    ] as const) {
      rules(['nothing', ...allowed])
      const broker = await startMosquitto(dir, [
        'allow_anonymous true',
        `acl_file ${join(dir, 'acl')}`,
      ])
      t.teardown(broker.stop)
      const kiosk = await startKiosk(t, broker.url, { dir: join(dir, 'state', refused) })
      kiosk.publisher.setState(examples.state as StateMessage)
      await kiosk.publisher.start()
      while (kiosk.downs.length < times) await new Promise(resolve => setImmediate(resolve))
      t.notOk(kiosk.publisher.connected)
      const message = `Expected the broker ${broker.url} to take basket, status and state of ${prefix} but received code 135: Publish error: Not authorized`
      t.same(kiosk.downs, Array(times).fill({ code: 'MQTT_REFUSED', message }), refused)
      await kiosk.stop()
    }
  },
)

t.test('a kiosk that is stopped while it waits for the broker leaves no timer', async t => {
  let near: Socket | null = null
  const server = createServer(socket => {
    near = socket
    socket.on('error', () => {}).resume()
  }).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  const kiosk = await startKiosk(t, `mqtt://127.0.0.1:${port}`)
  const timers = () => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
  const before = timers()
  await kiosk.publisher.start()
  while (!near) await new Promise(resolve => setImmediate(resolve))
  t.ok(timers() > before)
  await kiosk.publisher.stop()
  const config = {
    ...kiosk.config,
    mqtt: { ...kiosk.config.mqtt, url: `mqtt://127.0.0.1:${port}` },
  }
  const view = new TillView({ config, print: () => {}, onConnection: words => t.fail(words) })
  near = null
  await view.start()
  while (!near) await new Promise(resolve => setImmediate(resolve))
  await view.stop()
  await new Promise(resolve => server.close(resolve))
  t.equal(timers(), before)
  // Nobody listens there any more: the reason is said, and no broker has closed anything.
  const said: string[] = []
  const twice = new Promise<void>(done => {
    const onConnection = (words: string) => void (said.push(words) === 2 && done())
    const lost = new TillView({ config, print: () => {}, onConnection })
    t.teardown(() => lost.stop())
    void lost.start()
  })
  await twice
  const refused = `Expected a connection to ${config.mqtt.url} but received ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:${port}`
  t.same(said, [refused, refused])
})

t.test('an address with a password is refused and never shown', async t => {
  const words =
    'k.yaml:1:13 mqtt.url: Expected mqtt.url without user and password but received one with @: use mqtt.username and mqtt.passwordFile'
  for (const url of [
    'mqtt://till:secret@shop:1883',
    'mqtts://till:p@secret@shop',
    'mqtt://till:p/secret@shop',
    'mqtt//till:secret@shop',
    'till:secret@shop',
    'mqtt://till:my secret@shop',
  ]) {
    t.throws(() => parseConfig(`mqtt: {url: "${url}"}`, 'k.yaml'), {
      code: 'CONFIG_INVALID',
      message: `1 error in k.yaml\n${words}`,
    })
  }
  t.throws(() => parseConfig('mqtt: {url: broker}', 'k.yaml'), {
    message: /Expected mqtt:\/\/host:port, mqtts:\/\/host:port or embedded but received "broker"$/,
  })
  t.equal(withoutSecrets('mqtt://till:p@secret@shop:1883'), 'mqtt://shop:1883')
  t.equal(withoutSecrets('mqtt://till:p/secret@shop:1883'), 'mqtt://shop:1883')
  for (const url of ['embedded', 'mqtt://[::1]:1883', 'wss://shop:443/mqtt?kiosk=1']) {
    t.equal(parseConfig(`mqtt: {url: "${url}"}`, 'k.yaml').mqtt.url, url)
  }
})

t.test('secrets come from files that only we can read', async t => {
  const dir = t.testdir({
    secret: 'sesame\n',
    'mqtt-password': 'from systemd\n',
    key: 'KEY\nmore\n',
    ca: 'CA',
  })
  const base = defaultConfig().mqtt
  const secret = join(dir, 'secret')
  const key = join(dir, 'key')
  chmodSync(secret, 0o600)
  chmodSync(key, 0o600)
  t.same(await readCredentials({ ...base, passwordFile: secret }, {}), { password: 'sesame' })
  t.same(await readCredentials({ ...base, passwordFile: secret }, { CREDENTIALS_DIRECTORY: dir }), {
    password: 'from systemd',
  })
  const tls = { ca: join(dir, 'ca'), cert: null, key }
  t.same(await readCredentials({ ...base, url: 'mqtts://shop', tls }, {}), {
    ca: Buffer.from('CA'),
    key: Buffer.from('KEY\nmore\n'),
  })
  chmodSync(secret, 0o644)
  chmodSync(key, 0o644)
  const refused = (over: Partial<Config['mqtt']>, message: string | RegExp) =>
    t.rejects(readCredentials({ ...base, ...over }, {}), { code: 'CONFIG_INVALID', message })
  await refused({ passwordFile: secret }, /^mqtt\.passwordFile: Expected .* but its mode is 0644/)
  await refused({ url: 'mqtts://shop', tls }, /^mqtt\.tls\.key: Expected .* but its mode is 0644/)
  await refused(
    { tls },
    'Expected mqtt.url to begin with mqtts:// beside mqtt.tls but received mqtt',
  )
  const ca = join(dir, 'none')
  await refused(
    { url: 'mqtts://shop', tls: { ca, cert: null, key: null } },
    `mqtt.tls.ca: Expected a file at ${ca} but reading it failed: ENOENT`,
  )
  const kiosk = await startKiosk(t, 'mqtt://127.0.0.1:1', { mqtt: { passwordFile: secret } })
  await t.rejects(
    kiosk.publisher.start(),
    { code: 'CONFIG_INVALID' },
    'told at the start, not in a loop',
  )
})

t.test('the demo broker names the key when its address is taken', async t => {
  const server = createServer().listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  const listen = `127.0.0.1:${port}`
  await t.rejects(new DemoBroker({ listen, log: quiet }).start(), {
    code: 'ADDRESS_IN_USE',
    message: `Expected mqtt.listen ${listen} to be free but another program listens there`,
  })
  await t.rejects(new DemoBroker({ listen: '192.0.2.1:1883', log: quiet }).start(), {
    code: 'CONFIG_INVALID',
    message:
      'Expected mqtt.listen 192.0.2.1:1883 to be an address of this machine but received EADDRNOTAVAIL',
  })
})

t.test('every message is one readable line for who watches', async t => {
  const line = (name: string, message: unknown) =>
    describeMessage(
      `grocerd/kiosk-1/${name}`,
      typeof message === 'string' ? message : JSON.stringify(message),
    )
  const { item: event } = examples
  t.equal(
    line('items', event),
    '09:30:00.000  placed   Royal Gala                    sure      94.0 %   session s-2026-11-22-0042, 412 ms  (or Anjou 3.0 %)',
  )
  const gone = {
    ...event,
    action: 'removed',
    reason: 'taken',
    session: null,
    replayed: true,
    item: {
      ...event.item,
      sku: null,
      name: null,
      decision: 'ask',
      askReason: 'variant',
      alternatives: [],
    },
  }
  t.equal(
    line('items', gone),
    '09:30:00.000  removed  unknown                       ask                taken, asks: variant, 412 ms, replayed',
  )
  const puzzle = { ...event, item: { ...event.item, sku: null, name: null, decision: 'unknown' } }
  t.match(
    line('items', puzzle),
    /unknown +session s-2026-11-22-0042, 412 ms {2}\(perhaps Royal Gala 94.0 %, Anjou 3.0 %\)$/,
  )
  t.equal(
    line('basket', examples.basket),
    'basket  Royal Gala (sold), Anjou? (view ok, session s-2026-11-22-0042)',
  )
  t.equal(
    line('basket', {
      ...examples.basket,
      items: [],
      session: null,
      complete: false,
      view: 'moving',
    }),
    'basket  nothing (view moving, not complete)',
  )
  t.equal(
    line('state', examples.state),
    'state   degraded, grocery81 1, cameras: top stalled; CAMERA_STALLED: Expected a frame from top within 3 s',
  )
  t.equal(line('status', 'online'), 'status  online')
  t.equal(line('frames/top', examples.frames), 'frame   top: Royal Gala 94.0 % sure')
  t.equal(line('assist', examples.assist), `assist  wanted: unknown of item ${event.item.itemId}`)
  const reply = {
    requestId: 'r',
    ok: false,
    error: { code: 'ITEM_GONE', message: 'it is gone' },
    result: null,
  }
  t.equal(line('reply/confirm', reply), 'reply   confirm: ITEM_GONE: it is gone')
  t.equal(line('items', 'garbage'), 'grocerd/kiosk-1/items  garbage')
  t.equal(line('cmd/session', {}), null)
  t.equal(line('basket', ''), null)
})

t.test('a watcher prints each thing once', async t => {
  const broker = await startDemoBroker()
  t.teardown(broker.stop)
  const kiosk = await startKiosk(t, broker.url)
  const lines: string[] = []
  let wake = () => {}
  const view = new TillView({
    config: kiosk.config,
    print: line => {
      lines.push(line)
      wake()
    },
  })
  await view.start()
  t.teardown(() => view.stop())
  kiosk.publisher.setState(examples.state as StateMessage)
  await kiosk.publisher.start()
  await kiosk.up()
  kiosk.publisher.setBasket({ session: null, complete: true, view: 'ok', items: [item()] })
  kiosk.publisher.setBasket({ session: null, complete: true, view: 'ok', items: [item()] })
  await kiosk.place()
  while (!['placed', 'basket  Royal'].every(words => lines.some(line => line.includes(words)))) {
    await new Promise<void>(resolve => {
      wake = resolve
    })
  }
  t.equal(lines.filter(line => line.startsWith('basket  Royal Gala')).length, 1)
  t.equal(lines.filter(line => line.startsWith('state')).length, 1)
})

t.test('docs are what the code says', async t => {
  for (const [name, text] of generatedDocs()) {
    t.equal(readFileSync(name, 'utf8'), text, `${name} (else run: npm run docs)`)
  }
  const validators = loadValidators()
  t.same([...validators.keys()].sort(), Object.keys(messageSchemas()).sort())
  for (const [name, schema] of Object.entries(messageSchemas())) {
    const [example] = (schema as { examples: unknown[] }).examples
    const validate = validators.get(name)!
    t.ok(validate(example), `${name}: ${JSON.stringify(validate.errors)}`)
  }
  for (const [name, schema] of Object.entries(messageTable)) {
    t.ok(schema.safeParse(examples[name as keyof typeof examples]).success, name)
  }
  for (const verb of verbs) {
    t.ok(commandSchemas[verb].safeParse(commandExamples[verb]).success, verb)
    const reply = { requestId: null, ok: true, error: null, result: resultExamples[verb] }
    t.ok(replySchema(verb).safeParse(reply).success, `reply to ${verb}`)
  }
})

t.test('asyncapi.yaml has the topics and schemas of the code', async t => {
  const spec = parse(readFileSync('docs/api/asyncapi.yaml', 'utf8'), { maxAliasCount: -1 })
  const operations = Object.values(spec.operations) as {
    action: string
    channel: { $ref: string }
    bindings: { mqtt: { qos: number; retain: boolean } }
  }[]
  const found: Record<string, object> = {}
  for (const { action, channel, bindings } of operations) {
    const { address } = spec.channels[channel.$ref.replace('#/channels/', '')]
    const { qos, retain } = bindings.mqtt
    found[address.replace('{kiosk}/', '')] = {
      direction: action === 'send' ? 'out' : 'in',
      qos,
      retain,
    }
  }
  t.same(found, topicTable)
  t.equal(Object.keys(spec.channels).length, operations.length, 'every channel is used once')
  const files = Object.values(spec.channels as Record<string, { messages: object }>).flatMap(
    channel => Object.values(channel.messages).map(message => message.payload.schema.$ref),
  )
  t.same(
    files.sort(),
    Object.keys(messageSchemas())
      .map(name => `schemas/${name}.schema.json`)
      .sort(),
  )
  t.same(spec.channels.cmd.parameters.verb.enum, [...verbs])
})

t.test('retained words of an earlier start are gone before online is said', async t => {
  const broker = await startDemoBroker()
  t.teardown(broker.stop)
  const dir = t.testdir({ one: {}, two: {} })
  const first = await startKiosk(t, broker.url, { dir: join(dir, 'one') })
  first.publisher.setBasket({ session: 's', complete: true, view: 'ok', items: [item()] })
  await first.publisher.start()
  await first.up()
  await first.stop()
  const till = await startTill(t, broker.url)
  t.equal((await till.wait(({ name }) => name === 'status')).text, 'stopped')
  const second = await startKiosk(t, broker.url, { dir: join(dir, 'two'), bootId: 'boot-2' })
  till.forget()
  await second.publisher.start()
  await till.wait(({ text }) => text === 'online')
  t.match(till.heard[0], { name: 'basket', json: { bootId: 'boot-2', items: [], complete: false } })
})

t.test(
  'mosquitto killed and back: nothing is lost, order stays',
  { skip: !hasMosquitto && 'no mosquitto' },
  async t => {
    const dir = t.testdir({ state: {} })
    const first = await startMosquitto(dir)
    const kiosk = await startKiosk(t, first.url, { confirm: 'pos', dir: join(dir, 'state') })
    await kiosk.publisher.start()
    const tillOne = await startTill(t, first.url)
    for (let count = 0; count < 100; count++) await kiosk.place()
    await tillOne.wait(({ json }) => json?.seq === 50)
    await first.stop()
    const second = await startMosquitto(dir, undefined, first.port)
    t.teardown(second.stop)
    const tillTwo = await startTill(t, second.url)
    await tillTwo.wait(({ json }) => json?.seq === 100)
    const stored = new Set([...tillOne.of('items'), ...tillTwo.of('items')].map(event => event.seq))
    t.same(
      [...stored],
      Array.from({ length: 100 }, (_, index) => index + 1),
      'in the order of their first arrival',
    )
    await tillTwo.say('ack', { seq: 100 })
    while (kiosk.outbox.stats().depth > 0) await new Promise(resolve => setImmediate(resolve))
  },
)
