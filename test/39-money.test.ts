// The three money bugs that must be impossible, each under its name: (a) a basket read as the receipt, (b) an outage's replay sold to
// today's shopper, (c) a shopper who teaches the kiosk that grapes are onions (its 200 cheats among 5,000 are played in test 36).
import { join } from 'node:path'
import t from 'tap'
import { type Book, emptyBook, hear, receipt, sell, voidLine } from '../src/cli/till-sim/book.js'
import { Till } from '../src/cli/till-sim/till.js'
import { Counter } from '../src/counter/counter.js'
import { Checkout } from '../src/counter/sale/checkout.js'
import type { ItemAction } from '../src/counter/types.js'
import { asSent, eventLifetimeMs, sendingOf, toEvent } from '../src/publish/event.js'
import type { ItemEvent } from '../src/publish/messages.js'
import { createUuidV7 } from '../src/publish/uuid.js'
import type { FrameObservations, Observation } from '../src/recognition/types.js'
import { type ShopperAnswer, whyNotTaught } from '../src/gallery/quarantine.js'
import { freePort, hasMosquitto, startMosquitto } from './helpers/brokers.js'
import { counterSettings } from './helpers/counter-settings.js'
import { Listener, startDaemon } from './helpers/daemon.js'
import { FakeCamera, pictures } from './helpers/fake-camera.js'
import { hasFfmpeg } from './helpers/clip.js'
import { until } from './helpers/lane.js'
import { action, envelope, HandClock, item } from './helpers/kiosk-parts.js'

const uuid = createUuidV7()
let seq = 0
const clock = new HandClock()
const eventOf = (one: ItemAction): ItemEvent =>
  toEvent(one, { seq: ++seq, id: uuid(), now: one.capturedAt }, envelope())

const opened = (session: string, over: Partial<Book> = {}): Book => ({
  ...emptyBook(),
  session,
  ...over,
})
const skus = (book: Book) => receipt(book).map(({ sku }) => sku)
const line = (lineId: string, sku: string, itemId: string | null) => ({
  ...{ lineId, sku, name: sku, grams: 100, itemId, voided: false },
})
const word = (session: string, lineId: string, sku: string) => ({
  ...{ eventId: lineId, session, kind: 'weighed' as const, lineId, sku },
})

/** A real kiosk's sale, and the till that hears each of its events at once. */
function shop() {
  let at = 0
  let ids = 0
  let book = opened('s1')
  const heard: ItemEvent[] = []
  const settings = { ...counterSettings, needSession: true, newId: () => `i${++ids}` }
  const checkout = new Checkout(new Counter(settings), {
    ...{ orphanAfter: 900_000, pieceIsItem: false, product: () => undefined },
    newId: () => `a${++ids}`,
  })
  const now = () => ({ at, capturedAt: clock.wall() + at, ageMs: 0, camera: 'top' })
  const tell = ({ actions }: { actions: ItemAction[] }) => {
    for (const event of actions.map(eventOf)) {
      heard.push(event)
      book = hear(book, event, clock.wall() + at)
    }
  }
  const frames = (sku: string | null, times = 12) => {
    for (let n = 0; n < times; n++, at += 100) {
      const candidates = [{ sku: sku!, name: sku!, plu: null, gtin: null, score: 0.9 }]
      const seen = { box: [0, 0, 1, 1], decision: 'sure', auto: false, askReason: null, candidates }
      const frame: FrameObservations = {
        ...{ camera: 'top', frame: at, capturedAt: now().capturedAt, ageMs: 5 },
        scene: { view: sku ? 'object' : 'empty', motion: 0, contrast: 0.2, brightness: 0.5 },
        observations: sku ? [seen as Observation] : [],
        stagesMs: { queue: 0, decode: 0, resize: 0, infer: 0 },
      }
      tell(checkout.see(frame, at, true))
    }
  }
  frames(null)
  tell(checkout.open('s1', now()))
  return {
    heard,
    checkout,
    frames,
    book: () => book,
    touch(sku: string, lineId: string) {
      const [itemId] = Object.keys(book.offers)
      book = sell(book, line(lineId, sku, itemId!), word('s1', lineId, sku))
      const product = { sku, name: sku, plu: null, gtin: null }
      tell(
        checkout.confirm(
          { session: 's1', itemId: itemId!, product, lineId, quantity: null },
          now(),
        ),
      )
    },
    close: () => tell(checkout.close('s1', now())),
  }
}

t.test(
  '(a) a basket is no receipt: every weighed thing is lifted off, and the receipt keeps each',
  t => {
    const { heard, frames, book, touch, close, checkout } = shop()
    for (const [n, sku] of ['banana', 'lemon', 'onion'].entries()) {
      frames(sku)
      t.equal(Object.keys(book().offers).length, 1, 'one touch sells it')
      touch(sku, `l${n}`)
      t.same(book().offers, {}, 'what is sold is not offered again')
      frames(null)
    }
    const removed = heard.filter(one => one.action === 'removed')
    t.same(
      removed.map(({ item }) => [item.sku, item.disposition, item.lineId]),
      [
        ['banana', 'sold', 'l0'],
        ['lemon', 'sold', 'l1'],
        ['onion', 'sold', 'l2'],
      ],
      'the kiosk says of what was taken that it is sold',
    )
    t.same(checkout.items, [], 'the basket is empty')
    t.same(skus(book()), ['banana', 'lemon', 'onion'])
    t.same(book().lying, [])

    // Only the till's own word takes a line back.
    const voided = voidLine(book(), 'l1', {
      eventId: 'v',
      session: 's1',
      kind: 'voided',
      lineId: 'l1',
    })
    t.same(skus(voided), ['banana', 'onion'])
    close()
    t.same(skus(book()), ['banana', 'lemon', 'onion'], 'the end of the session takes nothing back')
    t.end()
  },
)

/** Something that a till sells without a touch, where it may. */
const auto = (session: string, over: object = {}): ItemEvent =>
  eventOf(action({ session, item: item({ itemId: `i${seq}`, auto: true, ...over }) }))

t.test("(b) an outage's events are sold to nobody, however they come back", t => {
  const fresh = auto('s2')
  const at = Date.parse(fresh.capturedAt) + 500
  t.same(skus(hear(opened('s2'), fresh, at)), ['4173'], 'what is new is sold: auto')

  // What a kiosk says of each way in which an outage ends.
  const later = new HandClock(Date.parse(fresh.capturedAt))
  const written = { mono: 0, latencyMs: 40 }
  const sent = (kept: Parameters<typeof sendingOf>[0], event: ItemEvent) =>
    asSent(event, sendingOf(kept, event, later).sending)
  t.equal(sent({ written, latencyMs: null }, fresh).replayed, false, 'the first sending, at once')
  const again = sent({ written, latencyMs: 40 }, auto('s2'))
  const afterStart = sent({ written: null, latencyMs: null }, auto('s2'))
  later.advance(eventLifetimeMs)
  const late = sent({ written, latencyMs: null }, auto('s2'))
  t.same(
    [again, afterStart, late].map(one => one.replayed),
    [true, true, true],
  )

  const old = auto('s1')
  const unmarked = auto('s2')
  const expired = Date.parse(unmarked.expiresAt)
  const cases: [string, ItemEvent, number][] = [
    ['sent before', again, at],
    ['perhaps sent before the kiosk ended', afterStart, at],
    ['too late', late, at],
    ['too late by the till’s own clock', unmarked, expired],
    ['of the shopper before', old, at],
    ['of nobody', eventOf(action({ session: null, item: item({ auto: true }) })), at],
  ]
  for (const [name, event, now] of cases) {
    const book = hear(opened('s2'), event, now)
    t.same(receipt(book), [], `${name}: not sold`)
    t.same(book.offers, {}, `${name}: not offered`)
    t.ok(book.known.includes(event.id), `${name}: known`)
    t.equal(book.lastSeq, event.seq, `${name}: not asked for again`)
  }
  t.same(receipt(hear(opened('s2', { session: null }), fresh, at)), [], 'no session, no sale')
  t.end()
})

t.test('(b) an event that comes twice is one thing, whatever came between', t => {
  const event = auto('s1')
  const at = Date.parse(event.capturedAt) + 500
  const once = hear(opened('s1'), event, at)
  t.equal(hear(once, event, at), once)
  const voided = voidLine(once, once.lines[0]!.lineId, { eventId: 'v', kind: 'voided' })
  const again = hear(voided, { ...event, replayed: true }, at)
  t.same(receipt(again), [], 'what was voided stays so')
  const taken = eventOf(
    action({ action: 'removed', reason: 'taken', session: 's1', item: event.item }),
  )
  t.same(skus(hear(once, taken, at)), ['4173'])
  t.same(hear(hear(opened('s1'), auto('s1', { auto: false }), at), taken, at).lines, [])
  t.end()
})

/** Both clocks of a daemon go on by so much at SIGUSR2: nobody waits for an outage of minutes. */
const outageMs = eventLifetimeMs + 10_000
const hurries = `process.on('SIGUSR2', () => {
  const [wall, mono] = [Date.now.bind(Date), performance.now.bind(performance)]
  Date.now = () => wall() + ${outageMs}
  performance.now = () => mono() + ${outageMs}
})`
const skip = hasMosquitto && hasFfmpeg ? false : 'mosquitto or ffmpeg is not installed'

t.test(
  "(b) live: laid down for one shopper while the broker is away, and told in the next one's sale",
  { skip, timeout: 120_000 },
  async t => {
    const dir = t.testdir()
    const camera = new FakeCamera(join(dir, 'camera'))
    camera.start()
    t.teardown(() => camera.stop())
    camera.show(await pictures())
    let broker = await startMosquitto(dir, undefined, await freePort())
    t.teardown(() => broker.stop())
    const daemon = await startDaemon(
      dir,
      {
        cameras: [{ id: 'counter', source: camera.source, fps: 10 }],
        mqtt: { url: broker.url, commands: ['session', 'resend'] },
      },
      { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(hurries)}` },
    )
    t.teardown(() => daemon.process.kill('SIGKILL'))
    const ears = new Listener(broker.url)
    t.teardown(() => ears.stop())
    const isReady = () =>
      ears.heard.findLast(one => one.topic === 'state')?.message.readiness === 'ready'
    await until(isReady, 'ready', 60_000)
    t.match(await ears.ask('session', { op: 'open', session: 's1' }), { ok: true })

    await broker.stop()
    camera.show(await pictures({ of: 'banana' }))
    const basket = `http://127.0.0.1:${daemon.httpPort}/api/v1/basket`
    const lies = async () =>
      ((await (await fetch(basket)).json()) as { items: unknown[] }).items.length
    await until(async () => (await lies()) === 1, 'the banana in the basket')
    daemon.process.kill('SIGUSR2')

    broker = await startMosquitto(dir, undefined, broker.port)
    const isOld = () => ears.events().find(one => one.session === 's1')
    // The book at the next message: what the till made of the old event before anything new came.
    let book: Book | null = null
    let wasOld = false
    const till: Till = new Till({
      ...{ url: broker.url, prefix: 'grocerd/test', version: 5, dir, session: 's2' },
      script: [{ do: 'open' }, { do: 'lay', what: 'nothing', grams: 0 }, { do: 'pay' }],
      shopper: () => until(isOld, 'the event of the outage', 60_000),
      onStep: () => {},
      onMessage({ topic, text }) {
        if (wasOld) book ??= till.book
        wasOld ||= topic === 'items' && JSON.parse(text).session === 's1'
      },
    })
    t.teardown(() => till.stop())
    till.start()
    await till.play()
    const old: ItemEvent = isOld()
    t.match(old, { action: 'placed', replayed: true, item: { sku: 'banana' } })
    t.ok(old.publishedAt > old.expiresAt, `${old.publishedAt} is past ${old.expiresAt}`)
    await until(() => book !== null, 'the event at the till')
    t.match(book, { session: 's2', known: [old.id], offers: {} }, 'known, and offered to nobody')
    t.same(book!.offers, {})
    t.same(receipt(till.book), [], 'sold to nobody')
    const asked = Object.values(till.book.offers)
    t.ok(
      asked.every(one => one.askReason === 'presentAtOpen'),
      'what lies there is asked about',
    )
  },
)

t.test('(c) grapes are no onions: nobody teaches what is cheaper than what the kiosk saw', t => {
  const prices: Record<string, number> = { onions: 100, grapes: 400 }
  const says = (sku: string, best: string): ShopperAnswer[] =>
    [1, 2, 3, 4, 5, 6].map(n => ({
      ...{ id: `${n}`, at: n, day: n < 4 ? 'monday' : 'tuesday' },
      ...{ session: `s${n}`, picture: `p${n}` },
      ...{ sku, name: sku, plu: null, gtin: null, decision: 'ask' as const },
      candidates: [{ sku: best, name: best, score: 0.4 }],
    }))
  const why = (sku: string, best: string) => {
    const answers = says(sku, best)
    const own = Array.from({ length: 9 }, (_, n) => ({ picture: `${sku}${n}`, sku }))
    const priceOf = (one: string) => ({ price: prices[one]!, unit: 'g' as const, meanGrams: null })
    return whyNotTaught(answers.at(-1)!, answers, { priceOf, entries: own })
  }
  t.equal(why('onions', 'grapes'), 'cheaper', 'six who agree, on two days')
  t.equal(why('grapes', 'onions'), null, 'who pays more is believed')
  t.end()
})
