// Small parts that the tests of publish/ share: a clock to wind, a quiet log, actions of a counter.
import type { Clock } from '../../src/clock.js'
import type { Item, ItemAction } from '../../src/counter/types.js'
import { createLog } from '../../src/log.js'
import type { EventEnvelope } from '../../src/publish/event.js'
import type { OutboxOptions } from '../../src/publish/outbox/options.js'
import { Outbox } from '../../src/publish/outbox/outbox.js'

export const quiet = createLog('test', 'silent')

export class HandClock implements Clock {
  #now = 0
  constructor(private epoch = Date.parse('2026-11-22T09:30:00.000Z')) {}
  wall = (): number => this.epoch + this.#now
  mono = (): number => this.#now
  advance(ms: number): void {
    this.#now += ms
  }
  /** The wall clock alone, as when somebody sets it. */
  set(ms: number): void {
    this.epoch += ms
  }
}

export const item = (over: Partial<Item> = {}): Item => ({
  itemId: 'item-1',
  sku: '4173',
  name: 'Royal Gala',
  plu: '4173',
  gtin: null,
  quantity: { value: null, unit: 'g', source: 'assumed', exact: false },
  weight: null,
  decision: 'sure',
  auto: false,
  askReason: null,
  score: 0.94,
  alternatives: [{ sku: '4173', name: 'Royal Gala', plu: '4173', gtin: null, score: 0.94 }],
  text: null,
  box: [0.1, 0.1, 0.9, 0.9],
  disposition: 'open',
  lineId: null,
  ...over,
})

export const action = (over: Partial<ItemAction> = {}): ItemAction => ({
  action: 'placed',
  reason: null,
  item: item(),
  camera: 'top',
  session: null,
  capturedAt: Date.parse('2026-11-22T09:29:59.900Z'),
  ageMs: 100,
  ...over,
})

export const envelope = (bootId = 'boot-1'): EventEnvelope => ({
  kiosk: 'kiosk-1',
  bootId,
  model: { name: 'grocery81', version: 1, sha256: 'ab12' },
  gallery: null,
  clockSynced: true,
})

export const makeOutbox = (dir: string, over: Partial<OutboxOptions> = {}): Outbox =>
  new Outbox({
    dir,
    maxBytes: 256 * 1024 * 1024,
    maxAge: 7 * 86_400_000,
    minFree: 0.05,
    dailyWrites: null,
    confirm: 'broker',
    resendFor: 900_000,
    envelope: envelope(),
    clock: new HandClock(),
    log: quiet,
    ...over,
  })

export const seqsOf = (outbox: Outbox): number[] => {
  const seqs: number[] = []
  for (let seq = outbox.next(0); seq !== null; seq = outbox.next(seq)) seqs.push(seq)
  return seqs
}
