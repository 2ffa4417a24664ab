// Money bugs that must be impossible at the till: a basket read as the receipt, and an outage's replay sold to today's shopper.
// The third, a shopper who teaches that grapes are onions, is held by the tests of learning from confirms.
import t from 'tap'
import { type Book, emptyBook, hear, receipt, sell, voidLine } from '../src/cli/till-sim/book.js'
import { Counter } from '../src/counter/counter.js'
import { Checkout } from '../src/counter/sale/checkout.js'
import type { ItemAction } from '../src/counter/types.js'
import { asSent, eventLifetimeMs, sendingOf, toEvent } from '../src/publish/event.js'
import type { ItemEvent } from '../src/publish/messages.js'
import { createUuidV7 } from '../src/publish/uuid.js'
import type { FrameObservations, Observation } from '../src/recognition/types.js'
import { counterSettings } from './helpers/counter-settings.js'
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

t.test('every weighed thing is lifted off, and the receipt keeps each of them', t => {
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
})

/** Something that a till sells without a touch, where it may. */
const auto = (session: string, over: object = {}): ItemEvent =>
  eventOf(action({ session, item: item({ itemId: `i${seq}`, auto: true, ...over }) }))

t.test("an outage's events are sold to nobody, however they come back", t => {
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

t.test('an event that comes twice is one thing, whatever came between', t => {
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
