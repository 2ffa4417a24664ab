// doctor and bench: every fault of a machine has its line and its remedy; the benches count what they say.
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTcpServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import t, { type Test } from 'tap'
import { measureFrames, readFrames } from '../src/cli/bench/frames.js'
import { measureLoop, percentile } from '../src/cli/bench/loop.js'
import { benchCommand } from '../src/cli/bench.js'
import { type Finding, findingLine } from '../src/cli/doctor/finding.js'
import { type Machine, thisMachine } from '../src/cli/doctor/machine.js'
import { examine } from '../src/cli/doctor.js'
import { GroceryError } from '../src/errors.js'
import { type RuntimeName, readJpegHeader } from '../src/inference/addon.js'
import type { ClassifierInfo } from '../src/recognition/classifier.js'
import { noRuntime } from './helpers/runtimes.js'

const info: ClassifierInfo = {
  model: { name: 'shop', version: 2, sha256: 'a'.repeat(64), kind: 'classifier', classes: 81 },
  runtime: { name: 'openvino', version: '2026.4.1', device: 'CPU' },
  labels: [],
  thresholds: { sure: 0.9, auto: null, unknown: 0.3, margin: 0, autoAdd: false, top: 4 },
  loadMs: 123.4,
}

const found = (runtime: RuntimeName, devices = ['CPU']) => ({
  runtime,
  found: true,
  path: `/lib/${runtime}.so`,
  version: '1.2.3',
  devices,
  tried: [],
})
const missing = (runtime: RuntimeName) => ({
  runtime,
  found: false,
  devices: [],
  tried: [{ path: '/opt/x', reason: 'no such folder' }],
})

const healthy: Machine = {
  nodeVersion: '20.20.2',
  arch: 'x64',
  glibcVersion: '2.36',
  cpu: () => ({ model: 'Test CPU', cores: 2, flags: new Set(['avx2', 'avx512_vnni']) }),
  memory: () => ({ totalBytes: 4096 * 1024 ** 2, availableBytes: 2048 * 1024 ** 2 }),
  accelerators: () => [],
  system: async () => ({ os: 'Debian 12', board: 'Advantech X', graphics: [] }),
  clockSynced: async () => true,
  loadAddon: async () => {},
  probeRuntime: async name => found(name),
  probeTurboJpeg: async () => ({ found: true, path: '/lib/libturbojpeg.so.0', tried: [] }),
  tryModel: async () => info,
  program: async () => 'ffmpeg version 5.1.6 Copyright (c) 2000-2024',
  tryListen: async () => {},
  health: async () => null,
  tryBroker: async () => {},
}

async function findings(machine: Partial<Machine>, file: string | null = null): Promise<Finding[]> {
  const all: Finding[] = []
  for await (const finding of examine({ ...healthy, ...machine }, file)) all.push(finding)
  return all
}

const lineOf = (all: Finding[], what: string): string => {
  const finding = all.find(one => one.what === what)
  return finding ? findingLine(finding) : `no finding ${what}`
}

const throws = (code: ConstructorParameters<typeof GroceryError>[0], words: string) => async () => {
  throw new GroceryError(code, words)
}

const systemError = (code: string) => async () => {
  throw Object.assign(new Error(`listen ${code}`), { code })
}

/** A configuration with one camera of one picture, all of it in a test folder. */
async function kiosk(t: Test, extra = ''): Promise<{ root: string; file: string }> {
  const root = t.testdir({ frames: {}, state: {} })
  const picture = sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
  await picture.jpeg().toFile(join(root, 'frames/a.jpg'))
  const file = join(root, 'kiosk.yaml')
  const text = `cameras: [{id: top, source: "dir:frames"}]\noutbox: {dir: state}\n${extra}`
  writeFileSync(file, text)
  return { root, file }
}

t.test('a healthy machine has nothing to mend', async t => {
  const { root, file } = await kiosk(t)
  const all = await findings({}, file)
  t.same(
    all.filter(one => one.status !== 'ok'),
    [],
  )
  t.same(
    all.map(one => one.what),
    [
      ...['system', 'node', 'glibc', 'cpu', 'memory', 'clock', 'addon', 'OpenVINO', 'ONNX Runtime'],
      ...['libturbojpeg', 'configuration', 'ffmpeg', 'camera top', 'http.listen', 'broker'],
      ...['outbox.dir', 'model'],
    ],
  )
  t.equal(
    lineOf(all, 'cpu'),
    'ok    cpu                 Test CPU, 2 cores: avx2, avx512_vnni',
    'columns stand under each other',
  )
  t.match(lineOf(all, 'camera top'), `dir:${root}/frames gives pictures`)
  t.equal(
    lineOf(all, 'model'),
    'ok    model               shop version 2, 81 classes, hashes right, loaded by openvino on CPU in 123 ms',
  )
})

t.test('each fault of the machine has its line and its remedy', async t => {
  const cases: [fault: string, Partial<Machine>, what: string, line: string][] = [
    [
      'an old Node',
      { nodeVersion: '18.20.4' },
      'node',
      'fail  node                v18.20.4 on x64  -> Install Node 20 or newer.',
    ],
    [
      'an old glibc',
      { glibcVersion: '2.27' },
      'glibc',
      "warn  glibc               2.27: npm's sharp and ONNX Runtime do not load  -> Use a container or a system with glibc 2.28; see docs/5-operations.md.",
    ],
    [
      'no AVX2',
      { cpu: () => ({ model: 'Old CPU', cores: 1, flags: new Set() }) },
      'cpu',
      'warn  cpu                 Old CPU, 1 core: no fast INT8  -> Without avx2 inference is several times slower; measure with bench.',
    ],
    [
      'little memory',
      { memory: () => ({ totalBytes: 1024 ** 3, availableBytes: 100 * 1024 ** 2 }) },
      'memory',
      'warn  memory              100 MiB of 1024 MiB free  -> Free some: 512 MiB are wanted for vision and daemon.',
    ],
    [
      'a clock that runs free',
      { clockSynced: async () => false },
      'clock',
      'warn  clock               not synchronised  -> Run `timedatectl set-ntp true`; events say clockSynced: false until then.',
    ],
    [
      'no addon',
      { loadAddon: throws('ADDON_NOT_BUILT', 'it is not there') },
      'addon',
      'fail  addon               ADDON_NOT_BUILT: it is not there  -> Run `npm ci` (it needs g++, make and Python 3) and read its output.',
    ],
    [
      'one runtime',
      { probeRuntime: async name => (name === 'openvino' ? missing(name) : found(name)) },
      'OpenVINO',
      `warn  OpenVINO            not found; looked at
                          /opt/x: no such folder
                          -> Run \`npm ci\` with pip and network, or set GROCERD_OPENVINO_DIR to an installation.`,
    ],
    [
      'a GPU without a driver',
      { accelerators: () => ['intel-gpu'] },
      'gpu',
      'warn  gpu                 a render device is here, but OpenVINO has no device GPU  -> For an Intel GPU: apt install intel-opencl-icd, and the group `render`.',
    ],
    [
      'an NVIDIA GPU without CUDA',
      { accelerators: () => ['nvidia'] },
      'gpu',
      'warn  gpu                 an NVIDIA GPU is here, but ONNX Runtime has no CUDA  -> Set GROCERD_ONNXRUNTIME_DIR to an ONNX Runtime built with CUDA or TensorRT.',
    ],
    [
      'no libturbojpeg',
      { probeTurboJpeg: async () => ({ found: false, tried: [] }) },
      'libturbojpeg',
      'warn  libturbojpeg        not found: sharp decodes, about twice as slow  -> apt install libturbojpeg0 (Ubuntu: libturbojpeg).',
    ],
    [
      'a damaged model',
      { tryModel: throws('MODEL_HASH_MISMATCH', 'x.bin: Expected sha256 a but received b') },
      'model',
      'fail  model               MODEL_HASH_MISMATCH: x.bin: Expected sha256 a but received b  -> Copy the model directory again; if you changed it on purpose, write its sha256 anew.',
    ],
  ]
  for (const [fault, machine, what, line] of cases) {
    t.equal(lineOf(await findings(machine), what), line, fault)
  }
  const host = { budgetBytes: 256 * 1024 ** 2, usedBytes: 9e7, peakBytes: 1e8 }
  const gpu = { device: 'CUDA', budgetBytes: 512 * 1024 ** 2, usedBytes: 2e8, peakBytes: 3e8 }
  const limited = await findings({ tryModel: async () => ({ ...info, memory: { host, gpu } }) })
  t.same(
    ['memory budget', 'gpu budget'].map(what => lineOf(limited, what).trim()),
    [
      'ok    memory budget       the load took 95 MiB at its peak of 256 MiB (memory.hostBytes)',
      'ok    gpu budget          CUDA: 286 MiB at the peak of 512 MiB',
    ],
  )
  const together = await findings({
    tryModel: async () => ({ ...info, members: [{ model: info.model, weight: 2 }] }),
  })
  t.equal(lineOf(together, 'member'), 'ok    member              shop version 2, weight 2')
  const none = await findings({ probeRuntime: async name => missing(name) })
  t.match(lineOf(none, 'OpenVINO'), /^fail/, 'without any runtime nothing is recognised')
  t.match(lineOf(none, 'ONNX Runtime'), /^fail/)
  const usable = await findings({
    accelerators: () => ['intel-gpu', 'nvidia'],
    probeRuntime: async name => found(name, name === 'openvino' ? ['CPU', 'GPU'] : ['CPU', 'CUDA']),
  })
  t.equal(lineOf(usable, 'gpu'), 'no finding gpu')
})

t.test('each fault of a kiosk has its line and its remedy', async t => {
  const { root, file } = await kiosk(t)
  const write = (text: string) => writeFileSync(file, text)
  const camera = (source: string) =>
    `cameras: [{id: top, source: "${source}"}]\noutbox: {dir: state}\n`

  write('kiosk: {idd: x}\n')
  const wrong = await findings({}, file)
  t.match(lineOf(wrong, 'configuration'), /^fail {2}configuration {7}CONFIG_INVALID: 1 error in/)
  t.match(lineOf(wrong, 'configuration'), 'Unknown key "idd"; did you mean "id"?')
  t.match(lineOf(wrong, 'model'), /^ok/, 'the rest is looked at all the same')

  write('outbox: {dir: state}\n')
  t.match(lineOf(await findings({}, file), 'cameras'), 'fail  cameras             NO_CAMERA')
  write(camera('dir:nowhere'))
  t.equal(
    lineOf(await findings({}, file), 'camera top'),
    `fail  camera top          CAMERA_NOT_FOUND: Expected a folder at ${root}/nowhere but opening it failed: ENOENT  -> Check the path and the permissions; grocerd tries again for ever with back-off.`,
  )
  write(camera('dir:state'))
  t.match(lineOf(await findings({}, file), 'camera top'), 'pictures in')
  write(camera('v4l2:/dev/video0'))
  t.match(lineOf(await findings({}, file), 'camera top'), /^fail.*CAMERA_SOURCE_INVALID/)
  write(camera('file:clip.mp4'))
  t.equal(
    lineOf(await findings({ program: async () => null }, file), 'ffmpeg'),
    'fail  ffmpeg              not found, and a camera needs it  -> apt install ffmpeg.',
  )

  write(camera('dir:frames'))
  const taken = { tryListen: systemError('EADDRINUSE') }
  t.equal(
    lineOf(await findings(taken, file), 'http.listen'),
    'fail  http.listen         127.0.0.1:8080 is taken  -> See `ss -ltnp`; stop that program or change http.listen.',
  )
  t.equal(
    lineOf(await findings({ ...taken, health: async () => 'ok' }, file), 'http.listen'),
    'ok    http.listen         127.0.0.1:8080: grocerd runs there',
  )
  t.equal(
    lineOf(await findings({ tryListen: systemError('EADDRNOTAVAIL') }, file), 'http.listen'),
    'fail  http.listen         127.0.0.1:8080: listen EADDRNOTAVAIL  -> Give http.listen an address of this machine.',
  )
  const refused = { tryBroker: throws('MQTT_REFUSED', 'Expected the broker to accept us') }
  t.match(lineOf(await findings(refused, file), 'broker'), /^fail.*MQTT_REFUSED: .* -> ./)

  write(`${camera('dir:frames')}mqtt: {url: embedded, listen: "127.0.0.1:1884"}\n`)
  t.equal(
    lineOf(await findings({}, file), 'mqtt.listen'),
    'ok    mqtt.listen         127.0.0.1:1884 is free',
  )
  write(`${camera('dir:frames').replace('state', 'state/new/one')}`)
  t.match(lineOf(await findings({}, file), 'outbox.dir'), `${root}/state/new/one (will be made)`)
  write(camera('dir:frames').replace('state', 'kiosk.yaml/state'))
  t.match(lineOf(await findings({}, file), 'outbox.dir'), /^fail.*kiosk.yaml cannot be written: E/)
  write(`${camera('dir:frames').replace('state}', 'state, maxBytes: 900000GiB}')}`)
  t.match(lineOf(await findings({}, file), 'outbox.dir'), /^warn.*MiB free {2}-> Free disk space/)
})

t.test(
  'the state directory of another user is told',
  { skip: process.getuid?.() === 0 && 'root may write anywhere' },
  async t => {
    const { root, file } = await kiosk(t)
    chmodSync(join(root, 'state'), 0o500)
    t.match(lineOf(await findings({}, file), 'outbox.dir'), /^fail.*cannot be written: EACCES/)
  },
)

/** A server on a free port, closed after the test. */
async function listening(t: Test, server: Server): Promise<number> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise(resolve => server.close(resolve)))
  return (server.address() as { port: number }).port
}

t.test('this machine answers what doctor asks', async t => {
  const machine = thisMachine()
  t.ok(machine.cpu().cores >= 1)
  t.ok(machine.memory().availableBytes > 0)
  t.match(machine.glibcVersion ?? '2.0', /^\d+\.\d+/)
  t.equal(await machine.program('a-program-that-is-not-there', '-v'), null)
  t.equal(await machine.program(process.execPath, '--version'), process.version)

  const web = createServer((_request, response) => response.end('ok\n'))
  const port = await listening(t, web)
  t.equal(await machine.health('127.0.0.1', port), 'ok')
  await t.rejects(machine.tryListen('127.0.0.1', port), { code: 'EADDRINUSE' })
  await machine.tryListen('127.0.0.1', 0)
  const mute = createTcpServer(socket => socket.destroy())
  const mutePort = await listening(t, mute)
  t.equal(await machine.health('127.0.0.1', mutePort), null)
  const { mqtt } = (await import('../src/config/load.js')).defaultConfig()
  const url = `mqtt://127.0.0.1:${mutePort}`
  await t.rejects(machine.tryBroker({ ...mqtt, url }), { code: 'MQTT_DISCONNECTED' })

  const { DemoBroker } = await import('../src/publish/broker.js')
  const { createLog } = await import('../src/log.js')
  const broker = new DemoBroker({ listen: '127.0.0.1:0', log: createLog('test', 'silent') })
  t.teardown(() => broker.stop())
  const started = await broker.start()
  for (const version of [4, 5] as const) {
    await t.resolves(machine.tryBroker({ ...mqtt, url: started.url, version }), `MQTT ${version}`)
  }
})

// ---- bench

t.test('the loop counts what it says', async t => {
  let now = 0
  const clock = { wall: () => now, mono: () => now }
  const step = async (index: number) => {
    // The hundredth step takes ten times as long.
    now += index === 99 ? 100 : 10
    return { decode: 4, infer: 6 }
  }
  const options = { warmUpSeconds: 0.05, seconds: 2, inFlight: 1, clock, step }
  const figures = await measureLoop({ ...options, stages: ['decode', 'infer'] })
  t.equal(figures.count, 191, '200 steps less the 9 that the slow one took the place of')
  t.equal(figures.seconds, 2)
  t.equal(figures.perSecond, 95.5)
  t.same(figures.latencyMs, { p50: 10, p99: 10 })
  t.same(figures.stagesMs, { decode: 4, infer: 6 })
  t.equal(percentile([1, 2, 3, 4], 0.5), 2)
  t.equal(percentile([1, 2, 3, 4], 0.99), 4)
  t.equal(percentile([], 0.5), 0)
  const failing = async () => {
    throw new GroceryError('INFERENCE_FAILED', 'gone')
  }
  await t.rejects(measureLoop({ ...options, step: failing, stages: [] }), {
    code: 'INFERENCE_FAILED',
  })
})

t.test('frames are read in name order, and a folder without any is told', async t => {
  const root = t.testdir({ 'b.jpg': 'b', 'a.PNG': 'a', 'c.txt': 'c', none: {} })
  t.same(
    readFrames(root).map(frame => frame.name),
    ['a.PNG', 'b.jpg'],
  )
  t.throws(() => readFrames(join(root, 'none')), {
    code: 'CAMERA_NOT_FOUND',
    message: `Expected .jpg or .png pictures in ${join(root, 'none')}`,
  })
  t.throws(() => readFrames(join(root, 'gone')), {
    code: 'CAMERA_NOT_FOUND',
    message: `Expected a folder of pictures at ${join(root, 'gone')} but reading it failed: ENOENT`,
  })
})

async function bench(
  t: Test,
  args: string[],
): Promise<{ printed: string; json: Record<string, unknown> }> {
  const file = join(t.testdirName, 'bench.json')
  const lines: string[] = []
  t.intercept(console, 'log', { value: (text: string) => lines.push(text) })
  await benchCommand().parseAsync([...args, '--json', file], { from: 'user' })
  return { printed: lines.join('\n'), json: JSON.parse(readFileSync(file, 'utf8')) }
}

const leftBehind = () =>
  readdirSync(tmpdir()).filter(name => name.startsWith('grocerd-bench-')).length

t.test('bench --events goes through disk and broker', async t => {
  t.testdir({})
  const before = leftBehind()
  const { printed, json } = await bench(t, ['--events', '--seconds', '0.3'])
  t.match(printed, /^\d+ events in 0\.\d s: [\d.]+ a second\nlatency {2}p50 [\d.]+ ms, p99 /)
  t.ok((json.events as number) > 0)
  t.same(Object.keys(json.stagesMs as object), ['disk', 'publish'])
  t.same(json.broker, { url: 'embedded', version: 5 })
  t.equal(leftBehind(), before, 'its outbox is taken away')
})

const noAddon = (() => {
  try {
    readJpegHeader(new Uint8Array())
  } catch (error) {
    return (error as GroceryError).code === 'ADDON_NOT_BUILT' && 'the native addon is not built'
  }
  return false
})()

t.test('a frame that is no picture is named', { skip: noAddon }, async t => {
  const frames = [{ name: 'x.jpg', bytes: new TextEncoder().encode('text') }]
  const classifier = { classify: () => Promise.reject(new Error('never asked')) }
  const publisher = { sendFrame: async () => {} }
  const loop = { seconds: 1, warmUpSeconds: 0, inFlight: 1 }
  await t.rejects(measureFrames({ frames, classifier, publisher, ...loop }), {
    code: 'IMAGE_UNREADABLE',
    message: /^x\.jpg: /,
  })
})

t.test('bench measures the whole way of a frame', { skip: noRuntime }, async t => {
  const { root } = await kiosk(t)
  const { printed, json } = await bench(t, ['--frames', join(root, 'frames'), '--seconds', '0.3'])
  t.match(printed, /^\d+ frames in 0\.\d s: /)
  for (const key of [
    ...['frames', 'fps', 'latencyMs', 'stagesMs', 'rssMb', 'machine', 'model', 'runtime', 'broker'],
  ]) {
    t.ok(key in json, `the JSON has ${key}`)
  }
  t.same(Object.keys(json.latencyMs as object), ['p50', 'p99'])
  t.same(Object.keys(json.stagesMs as object), ['queue', 'decode', 'resize', 'infer', 'publish'])
  for (const args of [
    ['--seconds', '0'],
    ['--in-flight', '0'],
    ['--streams', 'x'],
  ]) {
    await t.rejects(bench(t, args), { code: 'USAGE' }, args.join(' '))
  }
})
