// The outbox on worn flash and with a wrong clock: what a review found lost, doubled or stuck, each held here.
import t, { type Test } from 'tap'
import { Delivery } from '../src/publish/delivery.js'
import type { ItemEvent } from '../src/publish/messages.js'
import { Entries } from '../src/publish/outbox/entries.js'
import type { Entry } from '../src/publish/outbox/entry.js'
import { scanFrames } from '../src/publish/outbox/frame.js'
import type { OutboxOptions } from '../src/publish/outbox/options.js'
import type { Outbox } from '../src/publish/outbox/outbox.js'
import { action, HandClock, makeOutbox, quiet, seqsOf } from './helpers/kiosk-parts.js'
import { MemoryFiles } from './helpers/memory-files.js'

async function started(t: Test, over: Partial<OutboxOptions>): Promise<Outbox> {
  const outbox = makeOutbox(t.testdirName, { confirm: 'pos', ...over })
  await outbox.start()
  t.teardown(() => outbox.stop())
  return outbox
}

const add = async (outbox: Outbox): Promise<ItemEvent> =>
  (await outbox.append([action()], null))[0]!

t.test('an event that is acknowledged while it is carried over frees no other', async t => {
  const entries = new Entries()
  const entry = (seq: number): Entry => ({
    seq,
    id: `id-${seq}`,
    at: { segment: 1, offset: seq, length: 1 },
    written: null,
    latencyMs: null,
    publishedAt: null,
    windowEnds: null,
    appendedAt: 0,
  })
  const [gone, stays] = [entry(1), entry(2)]
  entries.add(gone)
  entries.add(stays)
  entries.remove(gone.seq)
  entries.move(gone, { segment: 2, offset: 0, length: 1 })
  t.same([entries.inSegment(1), entries.inSegment(2)], [1, 0])
  entries.move(stays, { segment: 2, offset: 0, length: 1 })
  t.same([entries.inSegment(1), entries.inSegment(2)], [0, 1])
})

/** Reads that touch these bytes of the first segment fail, as over a bad sector. */
class WornFiles extends MemoryFiles {
  bad: [from: number, to: number] | null = null

  override async open(path: string) {
    const file = await super.open(path)
    return {
      ...file,
      read: async (position: number, length: number) => {
        const [from, to] = this.bad ?? [0, 0]
        if (position < to && position + length > from && path === this.segments()[0])
          throw Object.assign(new Error('read failed'), { code: 'EIO' })
        return file.read(position, length)
      },
    }
  }
}

t.test('a bad sector under one event holds back no other', async t => {
  t.testdir()
  const files = new WornFiles()
  const clock = new HandClock()
  const first = await started(t, { files, clock })
  const events: ItemEvent[] = []
  for (let count = 0; count < 300; count++) events.push(await add(first))
  await first.stop()
  const [segment] = files.segments()
  const { frames } = scanFrames(files.contents.get(segment!)!.data, 16)
  // The frame of the open record stands before that of the first event.
  const victim = frames[60]!
  const seqOfVictim = 60
  const outbox = await started(t, { files, clock })
  files.bad = [victim.offset, victim.offset + victim.length]
  const sent: number[] = []
  const delivery = new Delivery({
    outbox,
    settings: { confirm: 'broker', ackTimeout: 10_000 },
    publish: async event => {
      sent.push(event.seq)
      return true
    },
    onPublished: () => {},
    clock,
    log: quiet,
  })
  delivery.connected()
  await delivery.idle()
  const others = events.map(({ seq }) => seq).filter(seq => seq !== seqOfVictim)
  t.same(sent, others, 'all others, in order, at once')
  await add(outbox)
  delivery.notify()
  await delivery.idle()
  t.equal(sent.at(-1), 301, 'and what is new')
  t.ok(outbox.has(seqOfVictim), 'it is not given up: the disk may come round')
  files.bad = null
  clock.advance(5_001)
  delivery.tick()
  await delivery.idle()
  t.equal(sent.at(-1), seqOfVictim)
})

t.test('a segment that cannot be read keeps no daemon from starting', async t => {
  t.testdir()
  const files = new WornFiles()
  const first = await started(t, { files })
  for (let count = 0; count < 3; count++) await add(first)
  await first.stop()
  files.bad = [0, 1e9]
  const outbox = await started(t, { files })
  t.match(outbox.stats(), { damaged: 1, entries: 0 })
  const { seq } = await add(outbox)
  t.ok(seq > 1_000_000, `${seq}: no number of those that cannot be read is given again`)
  await outbox.stop()
  files.bad = null
  const whole = await started(t, { files })
  t.same(seqsOf(whole), [1, 2, 3, seq], 'and they are back when the disk is')
})

t.test('a newest event that cannot be read takes its number with it', async t => {
  for (const [name, spoil] of [
    ['a bit of its length', (data: Buffer, at: number) => (data[at + 1]! ^= 0x10)],
    ['its end', (data: Buffer, at: number) => data.subarray(0, at + 20)],
  ] as const) {
    await t.test(name, async t => {
      t.testdir()
      const files = new MemoryFiles()
      const first = await started(t, { files })
      for (let count = 0; count < 3; count++) await add(first)
      await first.stop()
      const content = files.contents.get(files.segments()[0]!)!
      const last = scanFrames(content.data, 16).frames.at(-1)!
      const spoilt = spoil(content.data, last.offset)
      if (typeof spoilt !== 'number') content.data = spoilt
      const outbox = await started(t, { files })
      t.same(seqsOf(outbox), [1, 2])
      t.ok((await add(outbox)).seq > 3, 'it may have been published')
    })
  }
})

t.test('a kiosk that began in 1970 loses nothing when the clock is set', async t => {
  t.testdir()
  const files = new MemoryFiles()
  const over = { files, clock: new HandClock(1_000_000), maxAge: 60_000, resendFor: 60_000 }
  const first = await started(t, { ...over, confirm: 'broker' })
  await add(first)
  await add(first)
  first.markPublished(2)
  first.replies.keep('k', { requestId: 'r', ok: true, error: null, result: {} } as never)
  await first.stop()
  const clock = new HandClock()
  const outbox = await started(t, { ...over, clock, confirm: 'broker' })
  t.match(outbox.stats(), { entries: 2, dropped: 0 }, 'neither given up, nor out of its window')
  t.ok(outbox.replies.get('k'), 'nor is a reply forgotten')
  clock.advance(60_001)
  outbox.prune()
  t.match(outbox.stats(), { entries: 0, dropped: 1 }, 'their age counts from this start')
})
