// Watchdog and clock: systemd is pinged only while pictures, inference and the disk go on, and a clock of 1970 counts as no clock.
import t, { type Test } from 'tap'
import { LifeSigns } from '../src/life-signs.js'
import { clockSynced } from '../src/observe/clock-sync.js'
import { Health } from '../src/observe/health.js'
import { Watchdog } from '../src/observe/watchdog.js'
import type { CameraStatus, VisionMetrics } from '../src/protocol.js'
import { HandClock, quiet } from './helpers/kiosk-parts.js'

/** A kiosk with one camera whose parts can be stopped one by one; time passes by `run`. */
function kiosk(t: Test, fps = 10) {
  const clock = new HandClock()
  const health = new Health(clock)
  const writer = { attempts: 0, isWriting: false }
  const life = new LifeSigns([{ id: 'lane', fps }], writer)
  const said: string[] = []
  const logged: string[] = []
  const log = Object.assign(Object.create(quiet), {
    error: (_: object, words: string) => logged.push(words),
    info: (words: string) => logged.push(words),
  })
  const notify = (message: string) => said.push(message) > 0
  const watchdog = new Watchdog({ work: life.work, health, clock, log, notify, env: {} })
  watchdog.start()
  t.teardown(() => watchdog.stop())
  const going = { frames: true, inference: true, disk: true }
  const camera = { camera: 'lane', frames: 0, dropped: 0, failed: 0 }
  const say = (status: CameraStatus) =>
    life.hear({ type: 'cameraHealth', camera: 'lane', status, reason: null })
  /** So many seconds with a look each; how often it pinged. */
  const run = (seconds: number, lagMs = 0) => {
    const before = said.length
    for (let second = 0; second < seconds; second++) {
      if (going.frames) camera.frames += fps
      if (going.frames && !going.inference) camera.dropped += fps
      if (going.disk) writer.attempts++
      clock.advance(1000)
      life.hear({ type: 'metrics', cameras: [{ ...camera }] } as unknown as VisionMetrics)
      if (second === 0) clock.advance(lagMs)
      watchdog.look(2000, 1000)
    }
    return said.slice(before).filter(one => one === 'WATCHDOG=1').length
  }
  say('live')
  writer.isWriting = true
  return { run, going, life, health, writer, said, logged, say }
}

t.test('the clock counts as kept where a time service says so, and never in 1970', t => {
  const sign = (path: string) => path === '/run/chrony/chronyd.pid'
  t.ok(clockSynced(Date.UTC(2026, 10, 25), sign))
  t.notOk(clockSynced(Date.UTC(2026, 10, 25), () => false))
  t.notOk(clockSynced(Date.UTC(1970, 0, 1), sign))
  t.end()
})

t.test('READY, STATUS and STOPPING are said, and no ping where nobody wants one', t => {
  const clock = new HandClock()
  const health = new Health(clock)
  const said: string[] = []
  const notify = (message: string) => said.push(message) > 0
  const options = { work: [], health, clock, log: quiet, notify }
  health.set('mqtt', { code: 'MQTT_DISCONNECTED', message: 'no broker\nat all' })
  const env = { WATCHDOG_USEC: '1000', WATCHDOG_PID: '1' }
  const watchdog = new Watchdog({ ...options, env })
  watchdog.start()
  health.started()
  health.set('mqtt', null)
  watchdog.stop()
  health.set('mqtt', { code: 'MQTT_DISCONNECTED', message: 'too late' })
  t.same(said, [
    'READY=1\nSTATUS=starting; MQTT_DISCONNECTED: no broker',
    'STATUS=degraded; MQTT_DISCONNECTED: no broker',
    'STATUS=ready',
    'STOPPING=1\nSTATUS=stopping',
  ])
  t.end()
})

t.test('it pings at half the time that it is given', async t => {
  const said: string[] = []
  const clock = { wall: () => Date.now(), mono: () => performance.now() }
  const watchdog = new Watchdog({
    work: [],
    health: new Health(clock),
    clock,
    log: quiet,
    notify: message => said.push(message) > 0,
    env: { WATCHDOG_USEC: '200000', WATCHDOG_PID: String(process.pid) },
  })
  const began = performance.now()
  watchdog.start()
  while (said.length < 5) await new Promise(resolve => setTimeout(resolve, 5))
  watchdog.stop()
  const each = (performance.now() - began) / 4
  t.ok(each >= 70 && each < 180, `a ping each ${Math.round(each)} ms of 200`)
})

t.test('each of the three alone stops the ping, and its return brings it back', t => {
  const { run, going, logged, writer } = kiosk(t)
  t.equal(run(10), 5, 'all goes on')
  for (const [part, words] of [
    ['frames', 'camera lane, inference'],
    ['inference', 'inference'],
    ['disk', 'outbox'],
  ] as const) {
    going[part] = false
    run(6)
    t.equal(run(20), 0, `${part} stands still`)
    going[part] = true
    t.equal(run(10), 5, `${part} goes on`)
    t.same(
      logged.splice(0).at(-2),
      `the watchdog is not pinged: no progress of ${words}`,
      'said once, at the end with all that stands still',
    )
  }
  going.disk = false
  writer.isWriting = false
  t.equal(run(20), 10, 'where nothing is to be written nothing stands still')
  t.end()
})

t.test('what is known is no hang: a camera without pictures, vision on its way up', t => {
  const { run, going, say, life } = kiosk(t)
  going.frames = false
  for (const status of ['stalled', 'lost', 'connecting', 'ended'] as const) {
    say(status)
    t.equal(run(20), 10, status)
  }
  for (const status of ['live', 'dark', 'frozen'] as const) {
    say(status)
    run(6)
    t.equal(run(20), 0, `${status}, and no pictures`)
  }
  life.visionIsDown()
  t.equal(run(20), 10, 'vision is being started again')
  t.end()
})

t.test('an event loop that is a second late withholds one ping; a slow camera none', t => {
  const { run, logged } = kiosk(t)
  t.equal(run(1, 900), 1)
  t.equal(run(9), 4)
  t.equal(run(1, 1500), 0)
  t.same(logged, ['the watchdog is not pinged: no progress of event loop, 1500 ms late'])
  t.equal(run(10), 5)
  const slow = kiosk(t, 0.1)
  slow.going.frames = false
  t.equal(slow.run(20), 10, 'a picture every ten seconds')
  t.equal(slow.run(20) < 8, true)
  t.end()
})
