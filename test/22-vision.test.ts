// Vision and its keeper: a process that cannot start, broken pictures, previews and hangs, with a stand-in for the model.
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { mock } from 'node:test'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import t, { type Test } from 'tap'
import { systemClock } from '../src/clock.js'
import { createLog } from '../src/log.js'
import type { Configure, Up } from '../src/protocol.js'
import { VisionProcess } from '../src/vision-process.js'
import { HandClock } from './helpers/kiosk-parts.js'

const configure = (...sources: string[]): Configure => ({
  type: 'configure',
  cameras: sources.map((source, index) => ({
    id: `cam${index}`,
    source,
    fps: 50,
    roi: [0, 0, 1, 1],
    rotate: 0,
    mode: 'stream',
    mask: null,
  })),
  // The stand-ins ask for none of the rest.
  models: {} as Configure['models'],
  catalogue: null,
  site: null,
  runtime: {} as Configure['runtime'],
  memory: {} as Configure['memory'],
  cacheDir: null,
  stateDir: '.tap',
  attempt: 0,
  change: 0,
  recognition: {} as Configure['recognition'],
  counter: {} as Configure['counter'],
  logLevel: 'silent',
})

const sourceUrl = (path: string) => JSON.stringify(new URL(`../src/${path}`, import.meta.url).href)

/** A real vision process without a model: `standIns` is code that replaces more of its methods. */
function startVision(t: Test, standIns: string, message: Configure) {
  const code = `
    import { Classifier } from ${sourceUrl('recognition/classifier.js')}
    import { Recogniser } from ${sourceUrl('recognition/recogniser.js')}
    Classifier.prototype.start = async () => ({ model: null, runtime: null, labels: [], loadMs: 0 })
    ${standIns}`
  const child = fork(fileURLToPath(new URL('../src/vision.ts', import.meta.url)), [], {
    serialization: 'advanced',
    execArgv: [...process.execArgv, '--import', `data:text/javascript,${encodeURIComponent(code)}`],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const heard: Up[] = []
  let look = () => {}
  child.on('message', one => {
    heard.push(one as Up)
    look()
  })
  const ended = once(child, 'exit') as Promise<[number | null, string | null]>
  const until = (fits: () => boolean) =>
    new Promise<void>(resolve => {
      look = () => fits() && resolve()
      look()
    })
  const health = () =>
    heard
      .filter(one => one.type === 'cameraHealth')
      .map(({ status, reason }) =>
        [status, reason?.code, reason?.message].filter(Boolean).join(' '),
      )
  child.send(message)
  return { child, heard, ended, until, health }
}

const show = (folder: string, content: string | Buffer) => {
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${folder}/a.png`, content)
}

t.test('a process that cannot be started is tried again, and stop waits for none', async t => {
  const launches = [
    // EMFILE and EAGAIN: an error event, no pid, and never an exit.
    () => {
      const child = new EventEmitter() as ChildProcess
      process.nextTick(() => child.emit('error', new Error('spawn EMFILE')))
      return child
    },
    () => {
      throw new Error('spawn ENOMEM')
    },
    () =>
      spawn(process.execPath, ['-e', `process.on('message', one => process.exit(3))`], {
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
        detached: true,
      }),
    () => new EventEmitter() as ChildProcess,
  ]
  const down: string[] = []
  let enough = () => {}
  const whenEnough = new Promise<void>(resolve => {
    enough = resolve
  })
  const vision = new VisionProcess(
    configure(),
    {
      onMessage: () => {},
      onDown: ({ code, message }) => void down.push(`${code}: ${message}`),
    },
    systemClock,
    createLog('test', 'silent'),
    () => {
      const child = launches.shift()!()
      if (launches.length === 0) enough()
      return child
    },
  )
  vision.start()
  await whenEnough
  t.same(down, [
    'VISION_CRASHED: the vision process cannot be started: spawn EMFILE; it starts again in 0 ms',
    'VISION_CRASHED: the vision process cannot be started: spawn ENOMEM; it starts again in 1000 ms',
    'VISION_CRASHED: the vision process ended with code 3; it starts again in 2000 ms',
  ])
  t.equal(vision.restarts, 3)
  t.equal(vision.pid, null)
  await vision.stop()
})

t.test('a stall of the daemon is no silence of vision, and real silence is ended', async t => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  const clock = new HandClock()
  // No process has this number; what would be killed is seen at the call.
  const child = Object.assign(new EventEmitter(), { pid: 999_999_999 }) as unknown as ChildProcess
  const kills = t.capture(process, 'kill', () => {
    setImmediate(() => child.emit('exit', null, 'SIGKILL'))
    return true
  })
  const down: string[] = []
  const vision = new VisionProcess(
    configure(),
    { onMessage: () => {}, onDown: ({ code }) => void down.push(code) },
    clock,
    createLog('test', 'silent'),
    () => child,
  )
  vision.start()
  /** The timers run late and once, and only then what lies in the pipe is read. */
  const stall = (ms: number) => {
    clock.advance(ms)
    mock.timers.tick(250)
    child.emit('message', { type: 'metrics' })
  }
  /** Looks until it is given up, every 250 ms. */
  const silence = () => {
    let looks = 0
    for (; kills().length === 0 && looks < 100; looks++) {
      clock.advance(250)
      mock.timers.tick(250)
    }
    return looks
  }
  stall(11_000)
  for (const ms of [3300, 60_000, 3300]) stall(ms)
  t.same(kills(), [])
  t.equal(silence(), 12, 'three seconds')
  await once(child, 'exit')
  t.same(down, ['VISION_HUNG'])
  await vision.stop()
})

t.test('a camera whose pictures all fail is stalled until one is good, told once', async t => {
  const dir = t.testdir({ 'a.png': 'text' })
  const vision = startVision(
    t,
    `let n = 0
    Recogniser.prototype.recognise = async () => {
      if (n++ < 12) throw Object.assign(new Error('broken ' + n), { code: 'IMAGE_UNREADABLE' })
      return { frame: n, observations: [], scene: {} }
    }`,
    configure(`dir:${dir}`),
  )
  await vision.until(() => vision.health().length >= 4)
  t.same(vision.health(), ['connecting', 'live', 'stalled IMAGE_UNREADABLE broken 10', 'live'])
  t.same(
    vision.heard.filter(one => one.type === 'fault'),
    [{ type: 'fault', code: 'IMAGE_UNREADABLE', message: 'broken 1', fatal: false }],
  )
  vision.child.send({ type: 'stop' })
  t.same(await vision.ended, [0, null])
})

t.test('all who wait for the first picture get one preview', async t => {
  const dir = t.testdir({})
  rmSync(dir, { recursive: true })
  const vision = startVision(
    t,
    'Recogniser.prototype.recognise = async ({ number }) => ({ frame: number, observations: [], scene: {} })',
    configure(`dir:${dir}`),
  )
  const count = (type: Up['type']) => vision.heard.filter(one => one.type === type).length
  await vision.until(() => vision.health().length > 1)
  for (let asked = 0; asked < 5; asked++) vision.child.send({ type: 'preview', camera: 'cam0' })
  const picture = { width: 64, height: 48, channels: 3 as const, background: '#f00' }
  show(dir, await sharp({ create: picture }).png().toBuffer())
  await vision.until(() => count('preview') > 0)
  const seen = count('observations')
  await vision.until(() => count('observations') > seen + 20)
  t.equal(count('preview'), 1)
  vision.child.disconnect()
  t.same(await vision.ended, [0, null])
})

// What the addon does at a proper exit: it waits for its threads, and one of them never comes.
const stuckExit = `process.on('exit', () => { for (;;); })`

t.test('an inference that hangs ends vision, whatever the other camera still sees', async t => {
  const dir = t.testdir({ bad: { 'a.png': 'hang' }, good: { 'a.png': 'go on' } })
  const vision = startVision(
    t,
    `${stuckExit}
    Recogniser.prototype.recognise = async ({ bytes, number }) =>
      String(bytes) === 'hang' ? new Promise(() => {}) : { frame: number, observations: [], scene: {} }`,
    configure(`dir:${dir}/bad`, `dir:${dir}/good`),
  )
  t.same(await vision.ended, [null, 'SIGKILL'])
  t.same(
    vision.heard.filter(one => one.type === 'fault'),
    [
      {
        type: 'fault',
        code: 'INFERENCE_FAILED',
        message: 'camera cam0: Expected an inference within 3000 ms but it hangs; vision ends',
        fatal: false,
      },
    ],
  )
  t.ok(vision.heard.filter(one => one.type === 'observations').length > 50)
})

t.test('vision ends without its daemon although the model does not let go', async t => {
  const dir = t.testdir({ 'a.png': 'text' })
  const vision = startVision(
    t,
    `${stuckExit}
    Recogniser.prototype.recognise = async ({ number }) => ({ frame: number, observations: [], scene: {} })
    Classifier.prototype.stop = () => new Promise(() => {})`,
    configure(`dir:${dir}`),
  )
  await vision.until(() => vision.heard.some(one => one.type === 'observations'))
  vision.child.disconnect()
  t.same(await vision.ended, [null, 'SIGKILL'])
})

t.test('vision whose daemon is gone before it has started ends, too', async t => {
  const child = fork(fileURLToPath(new URL('../src/vision.ts', import.meta.url)), [], {
    serialization: 'advanced',
    execArgv: process.execArgv,
  })
  t.teardown(() => child.kill('SIGKILL'))
  const ended = once(child, 'exit')
  child.disconnect()
  t.same(await ended, [0, null])
})
