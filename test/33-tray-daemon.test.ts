// Mode tray in the daemon: which counter it makes, what a till that asks is told of several things, what a change of mode does.
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemClock } from '../src/clock.js'
import { makeCounter, takeUp } from '../src/counter/make-counter.js'
import type { ItemCounter } from '../src/counter/item-counter.js'
import type { Item } from '../src/counter/types.js'
import { GalleryDesk } from '../src/desks/gallery-desk.js'
import { createLog } from '../src/log.js'
import type { Down } from '../src/protocol.js'
import type { Box, FrameObservations, Observation } from '../src/recognition/types.js'
import { TillDesk } from '../src/desks/till-desk.js'
import { counterSettings } from './helpers/counter-settings.js'
import { type Heard, Listener, pictureFolder, startDaemon, visionOf } from './helpers/daemon.js'
import { loadValidators } from './helpers/till.js'

t.setTimeout(240_000)

const whole: Box = [0, 0, 1, 1]
const left: Box = [0.1, 0.2, 0.3, 0.5]
const right: Box = [0.6, 0.2, 0.8, 0.5]
const middle: Box = [0.35, 0.55, 0.55, 0.85]
const newIds = () => {
  let last = 0
  return () => `i${++last}`
}
const seen = (sku: string, box: Box, score = 0.9): Observation => ({
  box,
  decision: 'sure',
  auto: true,
  askReason: null,
  candidates: [
    { sku, name: sku, plu: null, gtin: null, score },
    { sku: 'other', name: 'other', plu: null, gtin: null, score: (1 - score) / 2 },
  ],
})

/** A counter in a mode, its till desk, and frames 100 ms apart that the test gives. */
function till(mode: 'single' | 'tray') {
  const settings = { ...counterSettings, newId: newIds() }
  const counter: ItemCounter = makeCounter({ mode, roi: whole }, settings)
  let now = 1000
  const clock = { ...systemClock, mono: () => now, wall: () => 1_000_000 + now }
  const desk = new TillDesk({
    counter,
    clock,
    settings: counterSettings as never,
    camera: 'tray',
    product: () => undefined,
    weighable: () => undefined,
    mismatch: () => {},
    newId: settings.newId,
    record: async () => {},
  })
  const frame = (observations: Observation[], more: object = {}): FrameObservations => ({
    camera: 'tray',
    frame: now,
    capturedAt: 1_000_000 + now,
    ageMs: 5,
    scene: { view: observations.length > 0 ? 'object' : 'empty', motion: 0, contrast: 1 } as never,
    observations,
    stagesMs: { queue: 0, decode: 0, resize: 0, infer: 0 },
    ...more,
  })
  const give = (observations: Observation[], times = 1, more: object = {}) => {
    for (let n = 0; n < times; n++) {
      now += 100
      const one = frame(observations, more)
      counter.see(one, now, true)
      desk.see(one)
    }
  }
  const ask = async (observations: Observation[], times = 3) => {
    const answer = desk.recognise({ requestId: 'r', top: 4, waitMs: 100 } as never)
    // What was taken before the request counts for nothing.
    give([seen('old', middle)], 1, { capturedAt: 1 })
    give(observations, times)
    return await answer
  }
  const moment = () => ({ at: now, capturedAt: 1_000_000 + now, ageMs: 0, camera: 'tray' })
  const sell = (itemId: string, sku: string) =>
    counter.confirm(
      {
        session: null,
        itemId,
        product: { sku, name: sku, plu: null, gtin: null },
        lineId: 'l1',
        quantity: null,
      },
      moment(),
    )
  return { counter, desk, give, ask, sell, moment, settings }
}

const skusOf = (items: Item[]) => items.map(({ sku }) => sku)

t.test('recognise on a tray answers for the one item that is not dealt with', async t => {
  const { counter, ask, give, sell } = till('tray')
  give([seen('banana', left)], 8)
  t.same(skusOf(counter.items), ['banana'])
  const [banana] = counter.items
  const one = await ask([seen('banana', left)])
  t.match(one, { itemId: banana!.itemId, decision: 'sure', view: 'ok' })
  t.equal(one.candidates[0]!.sku, 'banana', 'the old picture has no vote')

  give([seen('banana', left), seen('apple', right)], 8)
  t.same(skusOf(counter.items), ['banana', 'apple'])
  const both = [seen('banana', left, 0.99), seen('apple', right)]
  const many = await ask(both)
  t.match(many, { itemId: null, decision: 'ask', auto: false, view: 'many' })
  t.equal(many.candidates[0]!.sku, 'apple', 'the newest, although the other is surer')

  sell(banana!.itemId, 'banana')
  const left2 = await ask(both)
  t.match(left2, { itemId: counter.items[1]!.itemId, decision: 'sure', auto: true, view: 'ok' })
  t.equal(left2.candidates[0]!.sku, 'apple', 'what is sold is not asked about')

  // A false box in one frame of three makes no crowd.
  const flicker = ask(both, 2)
  give([...both, seen('ghost', middle)])
  t.match(await flicker, { itemId: counter.items[1]!.itemId, view: 'ok' })

  sell(counter.items[1]!.itemId, 'apple')
  t.match(await ask(both), { itemId: null, decision: 'unknown', candidates: [], view: 'ok' })
})

t.test('the counter of one thing answers the same questions', async t => {
  const { counter, ask, give } = till('single')
  t.same([counter.items, counter.hidden], [[], []])
  give([seen('banana', whole)], 8)
  const { itemId } = counter.items[0]!
  t.same(counter.hidden, [])
  t.match(await ask([seen('banana', whole)]), { itemId, decision: 'sure', view: 'ok' })
  t.same(counter.placeOf(itemId), { box: null })
  t.equal(counter.placeOf('i0'), null)
  counter.loseSight()
  t.same(counter.hidden, [itemId])
})

t.test('enrol from an item of a tray takes its own box', async t => {
  const { counter, give } = till('tray')
  give([seen('banana', left), seen('apple', right)], 8)
  const [banana, apple] = counter.items
  const sent: Down[] = []
  const dir = t.testdir()
  const desk = new GalleryDesk({
    config: { models: { embedder: 'e' }, outbox: { dir }, cameras: [{ id: 'tray' }] } as never,
    vision: { send: message => void sent.push(message) },
    counter,
    leader: 'tray',
    priceOf: () => null,
    setReason: () => {},
    changed: () => {},
    clock: systemClock,
    log: createLog('test', 'silent'),
  })
  await desk.start()
  t.teardown(() => desk.stop())
  desk.hear({ type: 'embedder', sha256: 'a'.repeat(64), dims: 2 })
  const enrol = (itemId: string) =>
    desk.enrol({ requestId: 'r', sku: 'jam', name: 'Jam', from: { itemId } } as never)
  const taught = enrol(apple!.itemId)
  await new Promise(resolve => setImmediate(resolve))
  const asked = sent.find(one => one.type === 'teach')!
  t.match(asked.from, { camera: 'tray' })
  const { box } = asked.from as { box: Box }
  t.ok(
    box.every((side, index) => Math.abs(side - right[index]!) < 0.01),
    `${box} is the apple's place`,
  )
  const vector = Float32Array.from([1, 0])
  desk.hear({ type: 'taught', id: asked.id, jpeg: Buffer.from('x'), warnings: [], vector })
  await taught
  // Both are told of, but nobody sees them.
  counter.loseSight()
  t.equal(counter.items.length, 2)
  await t.rejects(enrol(banana!.itemId), {
    code: 'ITEM_GONE',
    message: `Expected the item that lies there (none) but received ${banana!.itemId}`,
  })
})

t.test('a state of the other mode: its items end, the session goes on', t => {
  for (const [from, to] of [
    ['single', 'tray'],
    ['tray', 'single'],
  ] as const) {
    const before = till(from)
    before.counter.open('s1', before.moment())
    before.give([seen('banana', left)], 8)
    const [item] = before.counter.items
    before.sell(item!.itemId, 'banana')
    const kept = JSON.parse(JSON.stringify(before.counter.keep()))

    const same = till(from)
    t.same(takeUp(same.counter, kept, same.settings, same.moment()), [], 'the same mode')
    t.same(same.counter.items, before.counter.items)

    const after = till(to)
    const actions = takeUp(after.counter, kept, after.settings, after.moment())
    t.match(actions, [
      {
        action: 'removed',
        reason: 'sessionEnd',
        session: 's1',
        item: { itemId: item!.itemId, disposition: 'sold', lineId: 'l1' },
      },
    ])
    t.equal(actions.length, 1)
    t.same(after.counter.session, { id: 's1', suspended: false })
    t.same(after.counter.items, [], 'the basket holds nothing that the till was told is gone')
    // It still lies there: another item, and a question.
    after.give([seen('banana', left)], 12)
    t.match(after.counter.items, [{ sku: 'banana', decision: 'ask', disposition: 'open' }])
    t.equal(after.counter.items[0]!.askReason, 'presentAtOpen', `${from} to ${to}`)
  }
  const { counter, settings, moment } = till('tray')
  t.throws(() => takeUp(counter, { format: 'tray-9' }, settings, moment()), {
    code: 'OUTBOX_INVALID',
  })
  t.end()
})

t.test('a real daemon whose camera becomes a tray after kill -9', async t => {
  const dir = t.testdir()
  const folder = pictureFolder(join(dir, 'pictures'), 'banana')
  const config = (mode: string) => ({
    cameras: [{ id: 'counter', source: `dir:${folder}?hold=1h`, fps: 10, mode }],
    counter: { needSession: false },
  })
  const first = await startDaemon(dir, config('single'))
  t.teardown(() => first.process.kill('SIGKILL'))
  const till = new Listener(first.mqttUrl)
  t.teardown(() => till.stop())
  await till.until(() => till.events().length > 0, 'placed', { ms: 40_000 })
  const placed = till.events()[0]
  first.process.kill('SIGKILL')
  await first.ended

  const second = await startDaemon(dir, config('tray'))
  t.teardown(() => second.process.kill('SIGKILL'))
  const words = 'the camera counts in another mode than before: its items end here'
  t.match(
    second.log.find(one => one.msg === words),
    { items: [placed.item.itemId] },
    'it says so',
  )
  const after = new Listener(second.mqttUrl)
  t.teardown(() => after.stop())
  await after.until(
    () => after.events().some(event => event.action === 'removed'),
    'the old item is gone',
  )
  const removed = after.events().find(event => event.action === 'removed')
  t.match(removed, { reason: 'sessionEnd', item: { itemId: placed.item.itemId } })
  t.equal(removed.seq, placed.seq + 1)
})

/** A till that hears a basket; every message of its topics is held against the schemas. */
function basketOf(t: Test, till: Listener) {
  const schemas = loadValidators()
  const isBasket = ({ topic, message }: Heard) => topic === 'basket' && message !== ''
  return {
    complete: (count: number, from = 0) =>
      till.until(
        one => isBasket(one) && one.message.complete && one.message.items.length === count,
        `a complete basket of ${count}`,
        { from, ms: 60_000 },
      ),
    valid() {
      for (const [topic, name] of [
        ['items', 'item'],
        ['basket', 'basket'],
      ] as const) {
        const validate = schemas.get(name)!
        for (const { message } of till.heard.filter(one => one.topic === topic))
          t.ok(validate(message), `${topic}: ${JSON.stringify(validate.errors)}`)
      }
    },
  }
}

const idsOf = ({ message }: Heard) =>
  Object.fromEntries(
    (message.items as Item[]).map(({ itemId, sku, disposition }) => [itemId, [sku, disposition]]),
  )

t.test('kill -9 of vision, then of the daemon, over a tray of four things', async t => {
  const dir = t.testdir()
  const folder = join(dir, 'pictures')
  const show = (name: string) => {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder)
    copyFileSync(join('deploy/demo/tray', name), join(folder, 'tray.jpg'))
  }
  show('20-banana-moved.3000ms.jpg')
  const settle = 3000
  const config = {
    cameras: [{ id: 'counter', source: `dir:${folder}?hold=1h`, fps: 10, mode: 'tray' }],
    counter: { needSession: false, settle: `${settle}ms` },
    outbox: { dir: join(dir, 'state'), resendFor: '1s' },
  }
  const first = await startDaemon(dir, config)
  t.teardown(() => first.process.kill('SIGKILL'))
  const till = new Listener(first.mqttUrl)
  t.teardown(() => till.stop())
  const basket = basketOf(t, till)
  const { items } = (await basket.complete(4)).message
  const idOf = (wanted: string) => items.find(({ sku }: Item) => sku === wanted)?.itemId
  const milk = idOf('arla-medium-fat-milk')
  const sale = { itemId: idOf('banana'), sku: 'banana', lineId: 'l1', by: 'shopper' }
  t.match(await till.ask('confirm', sale), { ok: true })
  const sold = await till.until(
    ({ topic, message }) =>
      topic === 'basket' && message.items?.some((item: Item) => item.disposition === 'sold'),
    'a basket with the sold banana',
  )
  const before = idsOf(sold)
  t.same(Object.values(before).sort(), [
    ['arla-medium-fat-milk', 'open'],
    ['aubergine', 'open'],
    ['banana', 'sold'],
    ['bravo-orange-juice', 'open'],
  ])
  const said = ['placed', 'placed', 'placed', 'placed', 'changed']
  const actions = (of: Listener) => of.events().map(({ action }) => action)

  let from = till.heard.length
  process.kill(visionOf(first.process.pid!), 'SIGKILL')
  const blind = await till.until(
    ({ topic, message }) => topic === 'basket' && message.complete === false,
    'a basket that nobody sees',
    { from },
  )
  t.same(idsOf(blind), before, 'what nobody sees is not gone')
  from = till.heard.indexOf(blind)
  const again = await basket.complete(4, from)
  t.same(idsOf(again), before)
  const isReady = ({ topic, message }: Heard) => topic === 'state' && message.readiness === 'ready'
  const ready = await till.until(isReady, 'ready', { from })
  const took = Math.round(again.at - ready.at)
  t.ok(took < settle, `whole ${took} ms after vision's return`)
  await till.until(() => till.events().length >= said.length, 'all events')
  t.same(actions(till), said, 'and nothing else happened')
  basket.valid()
  const { seq } = till.events().at(-1)
  first.process.kill('SIGKILL')
  await first.ended

  // While nobody looked, one was taken.
  show('23-without-arla-medium-fat-milk.3000ms.jpg')
  const second = await startDaemon(dir, config)
  t.teardown(() => second.process.kill('SIGKILL'))
  const after = new Listener(second.mqttUrl)
  t.teardown(() => after.stop())
  const seen = basketOf(t, after)
  const left = await seen.complete(3)
  const { [milk]: _, ...rest } = before
  t.same(idsOf(left), rest, 'under the ids that they had')
  await after.until(() => after.events().some(({ action }) => action === 'removed'), 'it is gone')
  const fresh = after.events().filter(({ replayed }) => !replayed)
  t.match(fresh, [
    {
      action: 'removed',
      reason: 'taken',
      seq: seq + 1,
      item: { itemId: milk, disposition: 'open' },
    },
  ])
  t.equal(fresh.length, 1, 'no sale and no thing is invented')
  seen.valid()
})
