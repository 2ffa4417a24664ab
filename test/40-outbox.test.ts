// The outbox: what it promised is there after a crash, a bad disk or a flipped bit, or somebody is told.
import { fork } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { defaultConfig } from '../src/config/load.js'
import { Commands } from '../src/publish/commands.js'
import { decodeBody } from '../src/publish/outbox/body.js'
import { crc32c } from '../src/publish/outbox/crc32c.js'
import { encodeFrame, maxRecordBytes, scanFrames } from '../src/publish/outbox/frame.js'
import { nodeFiles } from '../src/publish/outbox/files.js'
import { takeLock } from '../src/publish/outbox/lock.js'
import type { Outbox } from '../src/publish/outbox/outbox.js'
import { createUuidV7 } from '../src/publish/uuid.js'
import {
  action,
  envelope,
  HandClock,
  item,
  makeOutbox,
  quiet,
  seqsOf,
} from './helpers/kiosk-parts.js'
import { MemoryFiles } from './helpers/memory-files.js'

/** Reads a log as the next start would, and lets go of it again. */
async function recovered(t: Test, files: MemoryFiles, dir: string, over = {}) {
  const outbox = makeOutbox(dir, { files, confirm: 'pos', ...over })
  const { counterState } = await outbox.start()
  t.teardown(() => outbox.stop())
  const events = []
  for (const seq of seqsOf(outbox)) events.push((await outbox.read(seq))!.event)
  return { outbox, counterState, events, stats: outbox.stats() }
}

t.test('a state directory that cannot be made or written is told as such, at once', async t => {
  const dir = t.testdir({ file: '' })
  for (const [where, code] of [
    ['/proc/nowhere/state', 'ENOENT'],
    [join(dir, 'file', 'state'), 'ENOTDIR'],
  ] as const) {
    await t.rejects(makeOutbox(where, { files: nodeFiles }).start(), {
      code: 'STATE_UNWRITABLE',
      message: new RegExp(`^Expected outbox.dir ${where} to be writable but received ${code}: `),
    })
  }
})

t.test('CRC-32C is the one of the standard, in one piece and in parts', async t => {
  t.equal(crc32c(Buffer.from('123456789')), 0xe3069283)
  t.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa)
  const bytes = Buffer.from('an apple and nineteen pears on a counter')
  t.equal(crc32c(bytes.subarray(7), crc32c(bytes.subarray(0, 7))), crc32c(bytes))
})

t.test('ids are UUIDv7 and never go back, not even with the clock', async t => {
  let wall = Date.parse('2026-11-22T09:30:00.000Z')
  const newId = createUuidV7(() => wall)
  const ids = Array.from({ length: 10_000 }, () => newId())
  wall -= 3_600_000
  ids.push(newId())
  t.match(ids[0], /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  t.equal(Number.parseInt(ids[0]!.replace('-', '').slice(0, 12), 16), wall + 3_600_000)
  t.same([...ids].sort(), ids, 'they sort in the order of their making')
  t.equal(new Set(ids).size, ids.length)
})

t.test('an appended event is on disk with the state after it', async t => {
  const dir = t.testdir()
  const outbox = makeOutbox(dir)
  t.same(await outbox.start(), { counterState: null })
  const [first, second] = await outbox.append(
    [action(), action({ action: 'removed', reason: 'taken' })],
    { on: 'counter' },
  )
  t.match(first, {
    schema: 1,
    seq: 1,
    bootId: 'boot-1',
    kiosk: 'kiosk-1',
    camera: 'top',
    action: 'placed',
    capturedAt: '2026-11-22T09:29:59.900Z',
    publishedAt: '2026-11-22T09:30:00.000Z',
    expiresAt: '2026-11-22T09:31:59.900Z',
    latencyMs: 100,
    model: { name: 'grocery81', version: 1, sha256: 'ab12' },
    replayed: false,
  })
  t.match(second, { seq: 2, action: 'removed', reason: 'taken' })
  await outbox.saveState({ on: 'nothing' })
  await outbox.stop()

  const again = makeOutbox(dir)
  t.same(await again.start(), { counterState: { on: 'nothing' } })
  t.same(await again.read(1), { event: first, publishedAt: null })
  t.same(await again.read(2), { event: second, publishedAt: null })
  t.equal(await again.read(3), null)
  t.match(await again.append([action()], {}), [{ seq: 3 }], 'seq goes on')
  t.match(again.stats(), { depth: 3, dropped: 0, damaged: 0, oldestSeq: 1, newestSeq: 3 })
  await again.stop()
})

t.test('appends of the same moment share one sync and keep their order', async t => {
  const files = new MemoryFiles()
  const { outbox } = await recovered(t, files, t.testdir())
  await outbox.append([action()], 0)
  const before = files.calls.sync
  const all = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      outbox.append([action({ session: `s-${index}` })], index),
    ),
  )
  t.ok(files.calls.sync - before <= 2, `50 appends, ${files.calls.sync - before} syncs`)
  t.same(
    all.map(([event]) => [event!.seq, event!.session]),
    all.map((_, index) => [index + 2, `s-${index}`]),
  )
})

t.test('two sendings of one event differ in publishedAt and replayed only', async t => {
  const clock = new HandClock()
  const files = new MemoryFiles()
  const dir = t.testdir()
  const { outbox } = await recovered(t, files, dir, { clock })
  await outbox.append([action(), action()], null)
  clock.advance(20)
  const [first] = await outbox.prepare([1])
  t.match(first, { latencyMs: 120, replayed: false, publishedAt: '2026-11-22T09:30:00.020Z' })
  clock.advance(5_000)
  const [second] = await outbox.prepare([1])
  t.same(second, { ...first, publishedAt: '2026-11-22T09:30:05.020Z', replayed: true })
  await outbox.stop()

  const next = await recovered(t, files, dir, { clock, envelope: envelope('boot-2') })
  clock.advance(1000)
  t.same(await next.outbox.prepare([1]), [
    { ...first, publishedAt: '2026-11-22T09:30:06.020Z', replayed: true },
  ])
  const [late] = await next.outbox.prepare([2])
  t.match(
    late,
    { replayed: true, bootId: 'boot-1', latencyMs: 6120 },
    'of an earlier start nobody knows whether it was sent',
  )
  await next.outbox.append([action()], null)
  clock.advance(200_000)
  t.match(
    await next.outbox.prepare([3]),
    [{ replayed: true }],
    'past expiresAt it is for the audit',
  )
})

t.test('with confirm: broker an event stays for the window after its PUBACK', async t => {
  const clock = new HandClock()
  const files = new MemoryFiles()
  const dir = t.testdir()
  const over = { clock, confirm: 'broker' as const }
  const { outbox } = await recovered(t, files, dir, over)
  await outbox.append([action(), action(), action()], null)
  outbox.markPublished(1)
  clock.advance(600_000)
  outbox.markPublished(2)
  t.match(outbox.stats(), { depth: 1, entries: 3 })
  clock.advance(300_000)
  outbox.prune()
  t.same(seqsOf(outbox), [2, 3], 'the first is safe and older than resendFor')
  await outbox.stop()

  const next = await recovered(t, files, dir, over)
  t.same(seqsOf(next.outbox), [2, 3])
  clock.advance(600_000)
  next.outbox.prune()
  t.same(seqsOf(next.outbox), [3], 'the window goes on after a restart')
  next.outbox.acknowledge({ seq: 3 })
  t.same(seqsOf(next.outbox), [], 'an ack ends it in this mode, too')
})

t.test('with confirm: pos an event stays until its ack, whatever the broker said', async t => {
  const files = new MemoryFiles()
  const dir = t.testdir()
  const clock = new HandClock()
  const { outbox } = await recovered(t, files, dir, { clock })
  const events = await outbox.append([action(), action(), action(), action()], null)
  for (const seq of [1, 2, 3, 4]) outbox.markPublished(seq)
  clock.advance(86_400_000)
  outbox.prune()
  t.match(outbox.stats(), { depth: 4 })
  t.same(outbox.acknowledge({ ids: [events[1]!.id, 'unknown'] }), [2])
  t.same(outbox.acknowledge({ seq: 3 }), [1, 3])
  t.same(outbox.acknowledge({ seq: 3 }), [], 'a repeated ack does nothing')
  await outbox.stop()
  const next = await recovered(t, files, dir, { clock })
  t.same(seqsOf(next.outbox), [4])
  t.match(await next.outbox.append([action()], null), [{ seq: 5 }])
})

t.test('what cannot be read back is written again, or refused and gone', async t => {
  const files = new MemoryFiles()
  const dir = t.testdir()
  const { outbox } = await recovered(t, files, dir)
  await outbox.append([action({ session: 'before' })], 0)
  const first = files.calls.write + 1
  files.fail = (operation, call) => (operation === 'write' && call === first ? 'EIO' : null)
  // Each record follows the one that begins its new segment.
  files.lie = call => call === first + 2 || call === first + 4
  await t.rejects(outbox.append([action({ session: 'refused' })], 1), { code: 'OUTBOX_FULL' })
  t.match(await outbox.append([action({ session: 'kept' })], 2), [{ seq: 2 }])
  t.equal(files.calls.write, first + 6)
  await outbox.stop()
  files.crash()
  const { events, counterState, stats } = await recovered(t, files, dir)
  t.same(
    events.map(event => event.session),
    ['before', 'kept'],
  )
  t.equal(counterState, 2)
  t.match(stats, { damaged: 0 })
})

t.test('a record that is too large is refused alone, and is no fault of the disk', async t => {
  const files = new MemoryFiles()
  const dir = t.testdir()
  const { outbox } = await recovered(t, files, dir)
  await outbox.append([action()], 0)
  const large = 'x'.repeat(maxRecordBytes)
  const results = await Promise.allSettled([
    outbox.append([action({ session: 'first' })], 1),
    outbox.append([action({ session: large })], 2),
    outbox.append([action({ session: 'second' })], 3),
    outbox.saveState(large),
  ])
  const words = /^Expected a record of at most 3145728 bytes in the outbox but received 419\d{4}; /
  t.match(results, [
    { status: 'fulfilled', value: [{ seq: 2 }] },
    { status: 'rejected', reason: { code: 'OUTBOX_FULL', message: words } },
    { status: 'fulfilled', value: [{ seq: 3 }] },
    { status: 'rejected', reason: { code: 'OUTBOX_FULL', message: words } },
  ])
  t.match(await outbox.append([action()], 4), [{ seq: 4 }])
  t.equal(files.segments().length, 1, 'no file is given up for it')
  await outbox.stop()
  const next = await recovered(t, files, dir)
  t.same(seqsOf(next.outbox), [1, 2, 3, 4])
  t.equal(next.counterState, 4)
})

t.test('many events go in many small records', async t => {
  const clock = new HandClock()
  const files = new MemoryFiles()
  const dir = t.testdir()
  const over = { clock, maxAge: 60_000 }
  const { outbox } = await recovered(t, files, dir, over)
  const many = Array.from({ length: 1000 }, () => action())
  for (let round = 0; round < 10; round++) await outbox.append(many, null)
  const longest = async (): Promise<number> => {
    await outbox.saveState(null)
    const records = [...files.contents.values()].flatMap(
      content => scanFrames(content.data, 16).frames,
    )
    const marks = records
      .map(({ body }) => decodeBody(body))
      .filter(({ type }) => type === 'ack' || type === 'drop')
    return Math.max(...marks.map(mark => JSON.stringify(mark).length))
  }
  outbox.acknowledge({ seq: 5000 })
  clock.advance(60_001)
  outbox.prune()
  t.ok((await longest()) < 22_000)
  t.match(outbox.stats(), { depth: 0, dropped: 5000 })
  await outbox.stop()
  const next = await recovered(t, files, dir, over)
  t.match(next.stats, { depth: 0, dropped: 5000 })
})

t.test('a number that may have been given out is not given again after damage', async t => {
  const dir = t.testdir()
  const files = new MemoryFiles()
  const { outbox } = await recovered(t, files, dir)
  for (let round = 0; round < 3; round++) await outbox.append([action()], null)
  await outbox.stop()
  const content = files.contents.get(files.segments()[0]!)!
  content.data[content.data.length - 20]! ^= 1
  const next = await recovered(t, files, dir)
  t.same(seqsOf(next.outbox), [1, 2])
  t.match(next.stats, { damaged: 1 })
  t.match(await next.outbox.append([action()], null), [{ seq: 103 }], 'the gap shows the loss')
  await next.outbox.stop()
  const third = await recovered(t, files, dir)
  t.match(await third.outbox.append([action()], null), [{ seq: 104 }], 'a newer file knows it all')
})

t.test('nor when a mark of an older event follows the damaged one', async t => {
  const dir = t.testdir()
  const files = new MemoryFiles()
  const { outbox } = await recovered(t, files, dir)
  for (let round = 0; round < 3; round++) await outbox.append([action()], null)
  await outbox.prepare([1])
  await outbox.stop()
  const content = files.contents.get(files.segments()[0]!)!
  content.data[scanFrames(content.data, 16).frames.at(-2)!.offset + 100]! ^= 1
  const next = await recovered(t, files, dir)
  t.same(seqsOf(next.outbox), [1, 2])
  t.match(await next.outbox.append([action()], null), [{ seq: 103 }])
})

t.test('an append that waits behind one that fails must not go before it', async t => {
  const files = new MemoryFiles()
  const { outbox } = await recovered(t, files, t.testdir())
  await outbox.append([action()], null)
  const behind: Promise<unknown>[] = []
  const failing = files.calls.write
  files.fail = (operation, call) => {
    if (operation !== 'write' || call > failing + 2) return null
    if (behind.length === 0) behind.push(outbox.append([action({ session: 'second' })], 2))
    return 'EIO'
  }
  await t.rejects(outbox.append([action({ session: 'first' })], 1), { code: 'OUTBOX_FULL' })
  await t.rejects(behind[0]!, { code: 'OUTBOX_FULL' })
  t.match(await outbox.append([action({ session: 'first' })], 1), [{ seq: 2, session: 'first' }])
})

t.test('a full disk refuses with words, and what waits behind is refused, too', async t => {
  const files = new MemoryFiles()
  const dir = t.testdir()
  const { outbox } = await recovered(t, files, dir)
  await outbox.append([action()], 'before')
  files.fail = operation => (operation === 'write' ? 'ENOSPC' : null)
  const words = `Expected outbox.dir ${dir} to be writable but received ENOSPC: write failed on purpose`
  const results = await Promise.allSettled([
    outbox.append([action()], 1),
    outbox.append([action()], 2),
  ])
  for (const result of results) {
    t.match(result, { status: 'rejected', reason: { code: 'OUTBOX_FULL', message: words } })
  }
  t.match(outbox.stats(), { depth: 1, newestSeq: 1 }, 'no number was used up')
  files.fail = () => null
  t.match(await outbox.append([action()], 3), [{ seq: 2 }])
})

t.test(
  'the log is bounded: safe and dead parts go first, a loss is counted and stays counted',
  async t => {
    const dir = t.testdir()
    const files = new MemoryFiles()
    const maxBytes = 160 * 1024
    const over = { maxBytes }
    const { outbox } = await recovered(t, files, dir, over)
    const total = () =>
      [...files.contents.values()].reduce((sum, content) => sum + content.data.length, 0)
    const [stuck] = await outbox.append([action({ session: 'stuck' })], null)
    let most = 0
    for (let round = 0; round < 600; round++) {
      const [event] = await outbox.append([action()], null)
      outbox.acknowledge({ ids: [event!.id] })
      most = Math.max(most, total())
    }
    t.ok(most < maxBytes * 1.3, `at most ${most} bytes`)
    t.same(seqsOf(outbox), [stuck!.seq], 'one event that nobody acknowledged is carried along')
    t.match((await outbox.read(1))!.event, { session: 'stuck', id: stuck!.id })
    t.match(outbox.stats(), { dropped: 0, depth: 1 })

    for (let round = 0; round < 400; round++) await outbox.append([action()], null)
    t.ok(total() < maxBytes * 1.3, `${total()} bytes`)
    const { dropped, depth } = outbox.stats()
    t.ok(dropped > 0)
    t.equal(dropped + depth, 401, 'every event is kept or counted')
    t.equal(seqsOf(outbox).at(-1), 1001, 'the newest are kept')
    await outbox.stop()
    const next = await recovered(t, files, dir, over)
    t.match(next.stats, { dropped, depth, newestSeq: 1001 })
  },
)

t.test('acknowledged segments are removed while it runs', async t => {
  const files = new MemoryFiles()
  const { outbox } = await recovered(t, files, t.testdir(), { maxBytes: 128 * 1024 })
  for (let round = 0; round < 300; round++) {
    const [event] = await outbox.append([action()], null)
    outbox.acknowledge({ seq: event!.seq })
  }
  t.ok(files.segments().length <= 2, `${files.segments().length} segments`)
})

t.test('what is older than maxAge is given up, counted', async t => {
  const clock = new HandClock()
  const files = new MemoryFiles()
  const { outbox } = await recovered(t, files, t.testdir(), { clock, maxAge: 60_000 })
  await outbox.append([action()], null)
  clock.advance(59_000)
  await outbox.append([action()], null)
  outbox.prune()
  t.match(outbox.stats(), { depth: 2, dropped: 0 })
  clock.advance(2_000)
  outbox.prune()
  t.match(outbox.stats(), { depth: 1, dropped: 1 })
})

t.test('a wall clock that is set right ages nothing of this run', async t => {
  const clock = new HandClock()
  const files = new MemoryFiles()
  const dir = t.testdir()
  const over = { clock, maxAge: 60_000 }
  const { outbox } = await recovered(t, files, dir, over)
  await outbox.append([action()], null)
  clock.set(9 * 86_400_000)
  clock.advance(5_000)
  outbox.prune()
  t.match(outbox.stats(), { depth: 1, dropped: 0 }, 'it is 5 s old')
  const [first] = await outbox.prepare([1])
  t.match(first, { replayed: false }, 'and the till may sell it')
  clock.advance(56_000)
  outbox.prune()
  t.match(outbox.stats(), { depth: 0, dropped: 1 })
  await outbox.append([action()], null)
  await outbox.stop()
  clock.set(60_001)
  const next = await recovered(t, files, dir, over)
  t.match(next.stats, { depth: 0, dropped: 2 }, 'for an earlier start there is only the wall clock')
})

t.test('an event whose bytes rot while it waits is given up, counted, and never sent', async t => {
  const files = new MemoryFiles()
  const dir = t.testdir()
  const first = await recovered(t, files, dir)
  await first.outbox.append([action(), action()], null)
  await first.outbox.append([action()], null)
  await first.outbox.stop()
  const outbox = makeOutbox(dir, { files, confirm: 'pos' })
  await outbox.start()
  t.teardown(() => outbox.stop())
  const content = files.contents.get(files.segments()[0]!)!
  // In the middle of the first record behind the one that begins the segment.
  content.data[scanFrames(content.data, 16).frames[1]!.offset + 200]! ^= 1
  t.match(await outbox.prepare([1, 2, 3]), [{ seq: 3 }])
  t.match(outbox.stats(), { damaged: 2, dropped: 2, depth: 1 })
})

t.test('a log of a newer grocerd is refused, and nothing of it is touched', async t => {
  const dir = t.testdir()
  const outbox = makeOutbox(dir)
  await outbox.start()
  await outbox.append([action()], null)
  await outbox.stop()
  const path = join(dir, 'outbox', '0000000001.log')
  const bytes = readFileSync(path)
  bytes.writeUInt32LE(3, 8)
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, 12)), 12)
  writeFileSync(path, bytes)
  await t.rejects(makeOutbox(dir).start(), {
    code: 'OUTBOX_INVALID',
    message: `Expected format 2 or older in ${path} but received format 3`,
  })
  t.same(readFileSync(path), bytes)
  t.same(readdirSync(join(dir, 'outbox')), ['0000000001.log'])
})

t.test('a log of format 1, whose bodies were never deflated, is read and gone on with', async t => {
  const files = new MemoryFiles()
  const dir = t.testdir()
  const { outbox } = await recovered(t, files, dir)
  const [event] = await outbox.append([action()], { on: 'counter' })
  await outbox.stop()
  const [name] = files.segments()
  const { data } = files.contents.get(name!)!
  t.notOk(data.includes('"seq"'), 'what we write is deflated')
  const header = Buffer.from(data.subarray(0, 16))
  header.writeUInt32LE(1, 8)
  header.writeUInt32LE(crc32c(header.subarray(0, 12)), 12)
  const old = Buffer.concat([
    header,
    ...scanFrames(data, 16).frames.map(({ number, body }) =>
      encodeFrame(number, Buffer.from(JSON.stringify(decodeBody(body)))),
    ),
  ])
  t.ok(old.includes('"seq":1'))
  files.contents.set(name!, { data: old, synced: old })
  const next = await recovered(t, files, dir)
  t.same(next.events, [event])
  t.same(next.counterState, { on: 'counter' })
  t.match(await next.outbox.append([action()], null), [{ seq: 2 }])
})

t.test('three days at an event a second fit into the default of outbox.maxBytes', async t => {
  const dir = t.testdir()
  const { outbox } = await recovered(t, new MemoryFiles(), dir)
  const sku = (n: number) => `a-product-with-a-long-name-${n}`
  const candidates = (n: number) =>
    [1, 2, 3, 4].map(k => ({
      sku: sku(n + k),
      name: sku(n + k),
      plu: null,
      gtin: null,
      score: Math.sin(n * k) ** 2,
    }))
  const before = outbox.stats().bytes
  const times = 300
  for (let n = 0; n < times; n++) {
    const one = item({ itemId: randomUUID(), sku: sku(n), alternatives: candidates(n) })
    await outbox.append([action({ item: one })], { format: 1, item: one, session: null })
  }
  const each = (outbox.stats().bytes - before) / times
  t.ok(each * 3 * 86_400 < defaultConfig().outbox.maxBytes, `${Math.round(each)} bytes an event`)
})

t.test('on a disk that is nearly full the outbox grows no more, says so, and counts', async t => {
  const clock = new HandClock()
  const files = new MemoryFiles()
  const dir = t.testdir()
  const megabyte = 1024 * 1024
  const over = { clock, minFree: 0.05, maxBytes: 64 * megabyte }
  const { outbox } = await recovered(t, files, dir, over)
  const large = action({ session: randomBytes(1_000_000).toString('base64') })
  const fill = async (events: number) => {
    for (let n = 0; n < events; n++) await outbox.append([large], null)
  }
  await fill(20)
  const { bytes } = outbox.stats()
  t.ok(bytes > 18 * megabyte, 'more than the 16 MiB that it may always have')
  t.equal(outbox.complaints().disk, null)
  files.disk = { free: 49, total: 1000 }
  clock.advance(10_000)
  await fill(15)
  t.same(outbox.complaints().disk, {
    code: 'DISK_LOW',
    message: `Expected 5 % of the disk of outbox.dir ${dir} to be free but less is; the outbox grows no more`,
  })
  const low = outbox.stats()
  t.ok(low.bytes < bytes + 9 * megabyte, `${low.bytes} bytes, ${bytes} when it became low`)
  t.ok(low.dropped > 0)
  t.equal(low.dropped + low.depth, 35, 'every event is kept or counted')
  t.match(await outbox.append([large], null), [{ seq: 36 }], 'the newest is taken')
  files.disk = { free: 51, total: 1000 }
  clock.advance(10_000)
  await fill(15)
  t.equal(outbox.complaints().disk, null)
  t.equal(outbox.stats().dropped + outbox.stats().depth, 51)
  t.ok(outbox.stats().bytes > low.bytes + 10 * megabyte, 'it grows again')
})

t.test('what is written in 24 hours is counted in pages, and complained about', async t => {
  const clock = new HandClock()
  const dir = t.testdir()
  const over = { clock, dailyWrites: 100 * 4096 }
  const { outbox } = await recovered(t, new MemoryFiles(), dir, over)
  await outbox.append([action()], null)
  t.equal(outbox.stats().writtenBytes, 3 * 4096, 'a new file, its folder, an event')
  for (let n = 0; n < 70; n++) await outbox.append([action()], null)
  t.ok(outbox.stats().writtenBytes >= 73 * 4096)
  t.equal(outbox.complaints().writes, null)
  clock.advance(23 * 3_600_000)
  for (let n = 0; n < 40; n++) await outbox.append([action()], null)
  t.same(outbox.complaints().writes, {
    code: 'OUTBOX_WRITES_HIGH',
    message: `Expected at most 409600 bytes to be written to outbox.dir ${dir} in 24 hours (outbox.dailyWrites) but it was more`,
  })
  clock.advance(2 * 3_600_000)
  t.equal(outbox.complaints().writes, null, 'the first hour is a day ago')
})

t.test(
  'a request of before a restart is answered again and does nothing twice, for a day',
  async t => {
    const clock = new HandClock()
    const files = new MemoryFiles()
    const dir = t.testdir()
    const run = async () => {
      const { outbox } = await recovered(t, files, dir, { clock })
      let done = 0
      const commands = new Commands({
        enabled: ['session'],
        handlers: {
          session: async ({ session }) => ({ session, status: ++done ? 'open' : 'closed' }),
        },
        replies: outbox.replies,
        clock,
        log: quiet,
      })
      const ask = (requestId: string, session = 's-1') =>
        commands.dispatch('session', { requestId, op: 'open', session })
      return { outbox, ask, done: () => done }
    }
    const first = await run()
    const reply = await first.ask('r-1')
    t.match(await first.ask('r-2', ''), { ok: false }, 'a refused one may be asked again')
    await first.outbox.stop()
    for (let start = 0; start < 12; start++) {
      const { outbox, ask } = await run()
      await ask(`start-${start}`)
      await outbox.stop()
    }
    clock.advance(23 * 3_600_000)
    const next = await run()
    t.same(await next.ask('r-1', 'another'), reply)
    t.equal(next.done(), 0)
    t.match(await next.ask('r-2'), { ok: true })
    clock.advance(3_600_000)
    t.match(await next.ask('r-1', 'another'), { ok: true, result: { session: 'another' } })
    await next.outbox.stop()
    const large = await run()
    const size = () => files.segments().filter(name => name.includes('/replies/'))
    t.ok(size().length <= 4, 'files of yesterday are gone')
    for (let n = 0; n < 500; n++) {
      large.outbox.replies.keep(`x ${n}`, {
        ...{ requestId: 'x', ok: true, error: null },
        result: { noise: randomBytes(8000).toString('base64') },
      })
      await new Promise(resolve => setImmediate(resolve))
    }
    await large.outbox.stop()
    const bytes = size().map(name => files.contents.get(name)!.data.length)
    t.ok(bytes.reduce((sum, one) => sum + one, 0) < 3 * 1024 * 1024)
  },
)

t.test('a second daemon on the state directory is refused with exit code 75', async t => {
  const dir = t.testdir()
  const outbox = makeOutbox(dir)
  await outbox.start()
  await t.rejects(makeOutbox(dir).start(), {
    code: 'STATE_LOCKED',
    exitCode: 75,
    message: `Expected no other daemon on outbox.dir ${dir} but process ${process.pid} holds it`,
  })
  await outbox.stop()
  const next = makeOutbox(dir)
  await next.start()
  await next.stop()
  writeFileSync(join(dir, 'lock', '99'), JSON.stringify({ pid: 1, started: '1', kernel: 'x' }))
  const release = await takeLock(dir)
  t.same(readdirSync(join(dir, 'lock')), ['100'], 'the lock of a dead process is succeeded')
  await release()
  const many = await Promise.allSettled(Array.from({ length: 20 }, () => takeLock(dir)))
  t.equal(many.filter(one => one.status === 'fulfilled').length, 1, 'of 20 at once one gets it')
})

t.test('a daemon of another container counts while it renews its lock', async t => {
  const dir = t.testdir()
  const release = await takeLock(dir, 1)
  const path = join(dir, 'lock', '1')
  utimesSync(path, 0, 0)
  while (statSync(path).mtimeMs === 0) await new Promise(resolve => setImmediate(resolve))
  t.ok(Math.abs(Date.now() - statSync(path).mtimeMs) < 10_000)
  const holder = JSON.parse(readFileSync(path, 'utf8'))
  await release()
  const foreign = join(dir, 'lock', '2')
  writeFileSync(foreign, JSON.stringify({ ...holder, pid: 7, namespace: 'pid:[1]' }))
  const seen = (ageMs: number) => utimesSync(foreign, 0, (Date.now() - ageMs) / 1000)
  for (const ageMs of [0, 50_000, -50_000]) {
    seen(ageMs)
    await t.rejects(takeLock(dir), {
      code: 'STATE_LOCKED',
      message: `Expected no other daemon on outbox.dir ${dir} but process 7 of another container holds it`,
    })
  }
  seen(61_000)
  await (
    await takeLock(dir)
  )()
  writeFileSync(
    join(dir, 'lock', '4'),
    JSON.stringify({ ...holder, kernel: 'before', namespace: 'pid:[1]' }),
  )
  await (
    await takeLock(dir)
  )()
})

t.test('a frame is found again behind damage, and a cut write is a tail', async t => {
  const frames = [1, 2, 3].map(number => encodeFrame(number, Buffer.from(`{"n":${number}}`)))
  const whole = Buffer.concat(frames)
  t.match(scanFrames(whole, 0), { damaged: 0, tailBytes: 0, frames: { length: 3 } })
  const garbage = Buffer.concat([frames[0]!, Buffer.from('garbage of any length'), frames[2]!])
  const scan = scanFrames(garbage, 0)
  t.same(
    scan.frames.map(frame => frame.number),
    [1, 3],
  )
  t.match(scan, { damaged: 1, tailBytes: 0 })
  const cut = scanFrames(whole.subarray(0, whole.length - 1), 0)
  t.match(cut, { damaged: 0, tailBytes: frames[2]!.length - 1 })
  const older = scanFrames(Buffer.concat([frames[2]!, frames[0]!]), 0)
  t.match(
    older,
    { damaged: 0, frames: { length: 1 } },
    'a frame of an older number does not follow',
  )
})

t.test('killed with -9 again and again, it loses nothing and invents nothing', async t => {
  const dir = t.testdir()
  const child = fileURLToPath(new URL('helpers/outbox-child.ts', import.meta.url))
  const known = new Map<number, string>()
  const rounds = 3
  for (let round = 0; round < rounds; round++) {
    const wanted = 15 + round * 17
    await new Promise<void>((resolve, reject) => {
      const process = fork(child, [dir], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
      let safe = 0
      process.on(
        'message',
        (message: { safe?: { seq: number; id: string }[]; newest?: number }) => {
          for (const { seq, id } of message.safe ?? []) {
            if (known.has(seq)) reject(new Error(`seq ${seq} was given twice`))
            known.set(seq, id)
            safe++
          }
          if (message.newest !== undefined && message.newest < Math.max(0, ...known.keys())) {
            reject(new Error(`seq went back to ${message.newest}`))
          }
          if (safe >= wanted) process.kill('SIGKILL')
        },
      )
      process.on('exit', () => resolve())
      process.on('error', reject)
    })
  }
  const outbox: Outbox = makeOutbox(dir, { confirm: 'pos' })
  const { counterState } = await outbox.start()
  t.teardown(() => outbox.stop())
  const { newestSeq, damaged } = outbox.stats()
  t.equal(damaged, 0)
  t.ok(known.size >= rounds * 15)
  t.equal(
    (counterState as { last: number }).last,
    newestSeq,
    'the state is the one after the last event',
  )
  const left = seqsOf(outbox)
  for (const seq of left) {
    const { event } = (await outbox.read(seq))!
    if (known.has(seq)) t.equal(event.id, known.get(seq))
  }
  const missing = [...known.keys()].filter(seq => !left.includes(seq))
  t.ok(
    missing.every(seq => seq % 2 === 1),
    'only acknowledged ones are gone',
  )
  t.ok(existsSync(join(dir, 'lock')))
})
