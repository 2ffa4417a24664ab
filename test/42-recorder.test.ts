// From the counter to the disk: in order, together, and again while the disk refuses.
import t from 'tap'
import { Counter } from '../src/counter/counter.js'
import type { ItemAction } from '../src/counter/types.js'
import { GroceryError } from '../src/errors.js'
import { Health } from '../src/observe/health.js'
import type { Outbox } from '../src/publish/outbox/outbox.js'
import { Recorder } from '../src/recorder.js'
import { counterSettings } from './helpers/counter-settings.js'

const clock = { wall: () => 0, mono: () => 0 }
const action = (name: string) => ({ camera: name }) as ItemAction

/** A disk that refuses the first `refusals` writes. */
function setUp(refusals: number) {
  const written: string[][] = []
  const told: unknown[] = []
  const lost = { events: 0 }
  const health = new Health(clock)
  const outbox = {
    async append(actions: ItemAction[]) {
      if (refusals-- > 0) throw new GroceryError('OUTBOX_FULL', 'the disk is full')
      written.push(actions.map(one => one.camera))
      return actions as unknown[]
    },
    countLost: (events: number) => (lost.events += events),
  } as unknown as Outbox
  const counter = new Counter({ ...counterSettings, newId: () => 'i' })
  const recorder = new Recorder({
    outbox,
    counter,
    health,
    clock,
    onEvents: events => told.push(...events),
  })
  t.teardown(() => recorder.stop())
  const record = (...names: string[]) => recorder.record({ actions: names.map(action), why: null })
  return { written, told, lost, health, recorder, record, counter }
}

t.test('what waits is written together, in its order, and then told', async t => {
  const { written, told, record } = setUp(0)
  await Promise.all([record('a'), record('b', 'c'), record('d')])
  t.same(written, [['a', 'b', 'c', 'd']])
  t.equal(told.length, 4)
})

t.test(
  'a refused write is tried again before anything newer, and the fault is shown meanwhile',
  async t => {
    const { written, told, record, health } = setUp(1)
    const first = record('a')
    await new Promise(resolve => setImmediate(resolve))
    t.match(health.readiness().reasons, [{ code: 'OUTBOX_FULL', message: 'the disk is full' }])
    t.same([written, told], [[], []], 'nothing is told that is not on disk')
    await Promise.all([first, record('b')])
    t.same(written.flat(), ['a', 'b'])
    t.same(health.readiness().reasons, [])
  },
)

t.test('a state that did not change is not written again', async t => {
  const { written, record, recorder, counter } = setUp(0)
  await record()
  await record()
  t.equal(written.length, 1)
  counter.open('s1', { at: 0, capturedAt: 0, ageMs: 0, camera: 'c' })
  await recorder.record({ actions: [], why: null })
  t.equal(written.length, 2, 'a session that opened is kept')
})

t.test('what too many wait for is refused, and counted as lost', async t => {
  const { lost, record, recorder } = setUp(Number.POSITIVE_INFINITY)
  const waiting = Array.from({ length: 10_000 }, () => record('a').catch(() => {}))
  await t.rejects(record('b', 'c'), {
    code: 'OUTBOX_FULL',
    message:
      'Expected at most 10000 steps of the counter to wait for the disk but another came; its events are lost',
  })
  t.equal(lost.events, 2)
  await recorder.stop()
  await Promise.all(waiting)
})

t.test('what the disk never takes is given up at the end, and said', async t => {
  const { written, record, recorder } = setUp(Number.POSITIVE_INFINITY)
  const lost = t.rejects(record('a'), { code: 'OUTBOX_FULL' })
  await recorder.stop()
  await lost
  t.same(written, [])
})
