// From the counter to the disk: in order, together, and again while the disk refuses.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseConfig } from '../src/config/load.js'
import { Counter } from '../src/counter/counter.js'
import type { ItemAction } from '../src/counter/types.js'
import { GroceryError } from '../src/errors.js'
import { Health } from '../src/observe/health.js'
import { Pauses } from '../src/desks/pauses.js'
import type { Outbox } from '../src/publish/outbox/outbox.js'
import { Recorder } from '../src/recorder.js'
import { counterSettings } from './helpers/counter-settings.js'
import { HandClock, quiet } from './helpers/kiosk-parts.js'

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

t.test(
  'which cameras are paused is on disk before the command is answered, and known after a restart',
  async t => {
    const dir = t.testdir({})
    const clock = new HandClock()
    const heard: string[] = []
    const make = (ids: string[], stateDir = dir) => {
      const pauses = new Pauses({
        config: parseConfig(
          JSON.stringify({
            cameras: ids.map(id => ({ id, source: 'dir:x' })),
            outbox: { dir: stateDir },
          }),
          'test',
        ),
        changed: (camera, reason) => void heard.push(`${camera} ${reason?.message ?? 'goes on'}`),
        clock,
        log: quiet,
      })
      pauses.start()
      return pauses
    }
    const ask = (camera?: string) => ({ requestId: 'r', ...(camera && { camera }) })
    const since = '2026-11-22T09:30:00.000Z'
    const words = (id: string) =>
      `${id} camera ${id} is paused since ${since}: nothing that it sees is announced until the command resume`
    const pauses = make(['top', 'side'])
    t.same(await pauses.pause(ask('top')), { paused: [{ camera: 'top', since }] })
    clock.advance(60_000)
    t.match(await pauses.pause(ask('top')), { paused: [{ since }] }, 'again: since the first time')
    t.same(heard.splice(0), [words('top')])
    await t.rejects(pauses.pause(ask('left')), {
      code: 'CAMERA_UNKNOWN',
      message: 'Expected one of the cameras top, side but received left',
    })
    await t.rejects(make([]).resume(ask()), { code: 'NO_CAMERA' })

    const after = make(['top', 'side'])
    t.same(heard.splice(0), [words('top')])
    t.same([after.since('top'), after.since('side')], [since, null])
    t.same((await after.pause(ask())).paused.length, 2)
    t.same((await after.resume(ask('top'))).paused, [
      { camera: 'side', since: '2026-11-22T09:31:00.000Z' },
    ])
    t.same(await after.resume(ask()), { paused: [] })
    t.same(
      heard.splice(0).map(one => one.split(' ')[0]),
      ['side', 'top', 'side'],
    )
    t.equal(make(['top', 'side']).since('top'), null)

    await after.pause(ask())
    heard.length = 0
    t.equal(make(['side']).since('top'), null, 'a camera that is gone')
    const file = join(dir, 'paused.json')
    for (const text of ['{"format": 2, "cameras": {}}', '{"format": 1, "cam', '{"format": 1}']) {
      writeFileSync(file, text)
      t.equal(make(['top']).since('top'), null, text)
    }
    const nowhere = make(['top'], join(file, 'below'))
    heard.length = 0
    await t.rejects(nowhere.pause(ask()), {
      code: 'STATE_UNWRITABLE',
      message: /paused\.json to be writable but received ENOTDIR$/,
    })
    t.same(
      [nowhere.since('top'), heard],
      [null, []],
      'not paused, for the next start would not know',
    )
  },
)
