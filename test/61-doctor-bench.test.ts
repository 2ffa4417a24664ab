// doctor and bench: every fault of a machine has its line and its remedy; the benches count what they say.
import { chmodSync, cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTcpServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { measureFrames, readFrames } from '../src/cli/bench/frames.js'
import { measureLoop, percentile } from '../src/cli/bench/loop.js'
import { benchCommand } from '../src/cli/bench.js'
import { groupIn } from '../src/cli/doctor/devices.js'
import { findingLine } from '../src/cli/doctor/finding.js'
import { type Machine, thisMachine } from '../src/cli/doctor/machine.js'
import type { Tried } from '../src/cli/doctor/try-models.js'
import { GroceryError } from '../src/errors.js'
import { readJpegHeader } from '../src/inference/addon.js'
import { hasMosquitto, startMosquitto } from './helpers/brokers.js'
import { Authority, hasOpenssl } from './helpers/certificates.js'
import {
  findings,
  found,
  info,
  kiosk,
  lineOf,
  missing,
  systemError,
  throws,
  tries,
} from './helpers/doctor-machine.js'
import { noRuntime } from './helpers/runtimes.js'

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
      ...['system', 'user', 'node', 'glibc', 'cpu', 'memory', 'clock', 'addon', 'OpenVINO'],
      ...['ONNX Runtime', 'libturbojpeg', 'configuration', 'ffmpeg', 'camera top', 'http.listen'],
      ...['broker', 'outbox.dir', 'model', 'memory budget'],
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

const damaged = new GroceryError('MODEL_HASH_MISMATCH', 'x.bin: Expected sha256 a but received b')

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
      { glibcVersion: '2.26' },
      'glibc',
      'warn  glibc               2.26: older than all that grocerd can bring  -> Use a system with glibc 2.27 (JetPack 4) or newer; see docs/16-jetson.md.',
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
      { tryModels: tries({ part: 'model', error: damaged }) },
      'model',
      'fail  model               MODEL_HASH_MISMATCH: x.bin: Expected sha256 a but received b  -> Copy the model directory again; if you changed it on purpose, write its sha256 anew.',
    ],
  ]
  for (const [fault, machine, what, line] of cases) {
    t.equal(lineOf(await findings(machine), what), line, fault)
  }
  const none = await findings({ probeRuntime: async name => missing(name) })
  t.match(lineOf(none, 'OpenVINO'), /^fail/, 'without any runtime nothing is recognised')
  t.match(lineOf(none, 'ONNX Runtime'), /^fail/)
  const usable = await findings({
    accelerators: () => ['intel-gpu', 'nvidia'],
    probeRuntime: async name => found(name, name === 'openvino' ? ['CPU', 'GPU'] : ['CPU', 'CUDA']),
  })
  t.equal(lineOf(usable, 'gpu'), 'no finding gpu')
})

const partsTold = [
  ...['model', 'member', 'detector', 'embedder', 'text', 'memory budget', 'gpu budget'],
]

t.test('every model that is named is told, and the memory of all', async t => {
  const MiB = 1024 ** 2
  const host = { budgetBytes: 256 * MiB, usedBytes: 9e7, peakBytes: 1e8 }
  const gpu = { device: 'CUDA', budgetBytes: 512 * MiB, usedBytes: 2e8, peakBytes: 3e8 }
  const of = async (...all: Tried[]) =>
    (await findings({ tryModels: tries(...all) }))
      .filter(one => partsTold.includes(one.what))
      .map(findingLine)
      .map(line => line.replaceAll(/ {2,}/g, '  '))
  const loaded = {
    ...{ name: 'seen', version: 3, classes: 0 },
    ...{ runtime: 'openvino', device: 'GPU', loadMs: 9.6 },
  }
  const members = [{ model: info.model, weight: 2 }]
  t.same(
    await of(
      { part: 'model', info: { ...info, members } },
      { part: 'detector', loaded },
      { part: 'embedder', loaded },
      { part: 'text', names: ['lines version 1', 'letters version 2'], loadMs: 12 },
      { part: 'memory', memory: { host, gpu } },
    ),
    [
      'ok  model  shop version 2, 81 classes, hashes right, loaded by openvino on CPU in 123 ms',
      'ok  member  shop version 2, weight 2',
      'ok  detector  seen version 3, hashes right, loaded by openvino on GPU in 10 ms',
      'ok  embedder  seen version 3, hashes right, loaded by openvino on GPU in 10 ms',
      'ok  text  lines version 1, letters version 2, hashes right, loaded in 12 ms',
      'ok  memory budget  the models took 95 MiB at the peak of 256 MiB (memory.hostBytes)',
      'ok  gpu budget  CUDA: the models took 286 MiB at the peak of 512 MiB (memory.gpuBytes, gpuFraction)',
    ],
  )
  const statuses = async (...all: Tried[]) => (await of(...all)).map(line => line.slice(0, 14))
  t.same(
    await statuses(
      { part: 'model', error: damaged },
      { part: 'detector', error: damaged },
      { part: 'embedder', error: damaged },
      { part: 'text', error: damaged },
    ),
    ['fail  model  M', 'fail  detector', 'warn  embedder', 'warn  text  MO'],
    'without gallery and text the daemon goes on',
  )
  const tight = { ...host, budgetBytes: 105e6 }
  t.same(await of({ part: 'memory', memory: { host: tight, gpu: null } }), [
    'warn  memory budget  the models took 95 MiB at the peak of 100 MiB (memory.hostBytes)  -> Raise memory.hostBytes, or take a smaller model: a little more ends vision.',
  ])
  const vast = { ...host, budgetBytes: 8192 * MiB }
  t.same(await of({ part: 'memory', memory: { host: vast, gpu: null } }), [
    'warn  memory budget  the models took 95 MiB at the peak of 8192 MiB (memory.hostBytes)  -> Lower memory.hostBytes below the 4096 MiB of this machine: the kernel would end vision before the budget does.',
  ])
})

t.test('accelerators: whose files they are, and who may use them', async t => {
  const file = { path: '/dev/dri/renderD128', driver: 'i915', group: 'render', mayUse: true }
  const lines = async (mayUse: boolean) =>
    lineOf(await findings({ acceleratorFiles: () => [{ ...file, mayUse }] }), 'accelerator')
  t.equal(
    await lines(true),
    'ok    accelerator         /dev/dri/renderD128, driver i915, group render',
  )
  t.equal(
    await lines(false),
    'warn  accelerator         /dev/dri/renderD128, driver i915, group render: till may not use it  -> sudo usermod -aG render till, then log in anew; for the service: SupplementaryGroups=render and DeviceAllow=/dev/dri/renderD128 rw.',
  )
  t.equal(groupIn('root:x:0:\nvideo:x:44:till\nrender:x:104:', 44), 'video')
  t.equal(groupIn('root:x:0:\nvideo:x:44:till', 4), '4', 'a number without a name')
  const root = await findings({ user: () => ({ name: 'root', isRoot: true, groups: [] }) })
  t.match(lineOf(root, 'user'), /^ok {4}user.*the daemon may not {2}-> .*DynamicUser=yes/)
})

/** As v4l2-ctl 1.22 prints them. */
const formatList = (...names: string[]) =>
  names
    .map(
      (name, n) =>
        `\t[${n}]: '${name}' (a format)\n\t\tSize: Discrete 1280x720\n\t\t\tInterval: Discrete 0.033s (30.000 fps)\n\t\tSize: Discrete 640x480\n\t\tSize: Discrete 640x480`,
    )
    .join('\n')
const controlList = `
                  auto_exposure 0x009a0901 (menu)   : min=0 max=3 default=3 value=3 (Aperture Priority Mode)
         exposure_time_absolute 0x009a0902 (int)    : min=3 max=2047 step=1 default=250 value=250 flags=inactive
`

t.test('v4l2: what a camera has and has not', async t => {
  const { root, file } = await kiosk(t)
  const device = join(root, 'usb-cam')
  writeFileSync(device, '')
  const usb: Partial<Machine> = {
    deviceFile: path => ({ path, driver: null, group: 'video', mayUse: true }),
    v4l2: async args => (args[2] === '--list-ctrls' ? controlList : formatList('MJPG', 'YUYV')),
  }
  const lines = async (query: string, machine: Partial<Machine> = {}, path = device) => {
    writeFileSync(
      file,
      `cameras: [{id: top, source: "v4l2:${path}${query}"}]\noutbox: {dir: state}\n`,
    )
    // The first says that ffmpeg reads nothing of it.
    const all = (await findings({ ...usb, ...machine }, file)).filter(
      one => one.what === 'camera top',
    )
    return all.slice(1).map(one => findingLine(one).replace(/^(\w+) +camera top +/, '$1 '))
  }
  t.same(await lines('?exposure=150&focus=lock'), [
    'ok formats MJPG, YUYV; 1280x720 in MJPG is taken',
    'ok locks it offers: auto_exposure=1, exposure_time_absolute=150',
  ])
  t.same(await lines('?exposure=lock&focus=30&size=640x480'), [
    'ok formats MJPG, YUYV; 640x480 in MJPG is taken',
    'warn does not offer focus: it stays as it is  -> Leave focus= out of its source, or set it at the lens or the light.',
  ])
  t.same(await lines('?size=1920x1080&format=yuyv422'), [
    'warn has no 1920x1080 in YUYV; it has 1280x720, 640x480  -> Choose one of these with size= in its source: the driver takes the nearest.',
  ])
  const only = (...names: string[]): Partial<Machine> => ({
    v4l2: async () => formatList(...names),
  })
  t.same(await lines('?format=mjpeg', only('YUYV')), [
    'warn has no format MJPG; it has YUYV  -> Leave format= out of its source, or choose one of these.',
  ])
  t.same(await lines('', only('H264')), [
    'warn has neither MJPG nor YUYV; it has H264  -> Take a camera with MJPEG, or read this one by a gst: pipeline.',
  ])
  t.same(await lines('', only('YUYV')), ['ok formats YUYV; 1280x720 in YUYV is taken'])
  t.same(await lines('', { v4l2: async () => null }), [
    `warn ${device} tells v4l2-ctl nothing: it may be no camera  -> Look with \`v4l2-ctl --list-devices\` which of its devices gives pictures.`,
  ])
  const without: Partial<Machine> = {
    program: async name => (name === 'v4l2-ctl' ? null : 'ffmpeg version 5.1.6'),
  }
  t.same(await lines('', without), [
    'ok v4l2-ctl is not found: its formats are not known  -> apt install v4l-utils.',
  ])
  t.same(await lines('?focus=lock', without), [
    'warn v4l2-ctl is not found: its exposure and focus are not locked  -> apt install v4l-utils.',
  ])
  const denied: Partial<Machine> = {
    deviceFile: path => ({ path, driver: null, group: 'video', mayUse: false }),
  }
  t.same(await lines('', denied), [
    `warn ${device} is of the group video: till may not use it  -> sudo usermod -aG video till, then log in anew; for the service: SupplementaryGroups=video.`,
  ])
  const byId = '/dev/v4l/by-id/usb-046d_HD-video-index0'
  const named: Partial<Machine> = {
    deviceFile: () => null,
    stableNames: () => [{ name: byId, device: '/dev/video77' }],
  }
  t.same(await lines('', named, '/dev/video77'), [
    `warn /dev/video77 may be another camera after a restart  -> Write v4l2:${byId} instead.`,
  ])
  t.same(await lines('', { deviceFile: () => null }, '/dev/video77'), [
    'warn /dev/video77 may be another camera after a restart  -> Write the name of the camera below /dev/v4l/by-id or by-path instead, where it has one.',
  ])
  t.same(await lines('', named, byId), [], 'a name that stays')
  t.equal(
    lineOf(await findings(named), 'usb cameras'),
    `ok    usb cameras         for v4l2: sources\n${' '.repeat(26)}${byId} (/dev/video77)`,
  )
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
  write(camera('v4l2:video0'))
  const source = await findings({}, file)
  t.match(lineOf(source, 'configuration'), /^fail {2}configuration {7}CONFIG_INVALID: 1 error in/)
  t.match(lineOf(source, 'camera top'), /^fail.*CAMERA_SOURCE_INVALID/)
  const nothing = { program: async () => null }
  for (const uri of ['file:clip.mp4', 'v4l2:/dev/video77', 'rtsp://127.0.0.1:1/s']) {
    write(camera(uri))
    t.equal(
      lineOf(await findings(nothing, file), 'ffmpeg'),
      'fail  ffmpeg              not found, and a camera needs it  -> apt install ffmpeg.',
      uri,
    )
  }
  t.match(lineOf(await findings(nothing), 'ffmpeg'), /^ok/, 'where no camera needs it')
  write(camera('rtsp://127.0.0.1:1/s?credentials=login'))
  t.equal(
    lineOf(await findings({ program: async () => 'ffmpeg version 4.4.2-0ubuntu' }, file), 'ffmpeg'),
    'fail  ffmpeg              ffmpeg version 4.4.2-0ubuntu, and a camera has credentials  -> Install ffmpeg 5 or newer (Debian 12, Ubuntu 24.04): the password goes through a pipe.',
  )
  write(camera('gst:videotestsrc num-buffers=0 ! jpegenc'))
  t.equal(
    lineOf(await findings(nothing, file), 'gst-launch-1.0'),
    'fail  gst-launch-1.0      GSTREAMER_NOT_FOUND: a camera needs it  -> Install it: apt install gstreamer1.0-tools gstreamer1.0-plugins-good.',
  )
  write(`${camera('dir:frames')}http: {tokenFile: nowhere}\n`)
  t.match(lineOf(await findings({}, file), 'configuration'), /^fail.*http\.tokenFile: .* ENOENT/)

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

  const inDays = (days: number) => new Date(Date.now() + days * 86_400_000)
  const overTls = (days: number) => ({
    tryBroker: async () => ({ tls: { protocol: 'TLSv1.3', validTo: inDays(days) } }),
  })
  write(`${camera('dir:frames')}mqtt: {url: "mqtts://b.shop:8883", username: till}\n`)
  const safe = await findings(overTls(31), file)
  t.equal(
    lineOf(safe, 'broker'),
    'ok    broker              mqtts://b.shop:8883 answers, login of till accepted, MQTT 5, TLSv1.3',
  )
  t.equal(lineOf(safe, 'broker certificate'), 'no finding broker certificate')
  t.equal(
    lineOf(await findings(overTls(29), file), 'broker certificate'),
    `warn  broker certificate  valid to ${inDays(29).toISOString().slice(0, 10)}  -> Renew it; deploy/mosquitto/README.md has the commands.`,
  )
  t.match(
    lineOf(await findings(overTls(-1), file), 'broker certificate'),
    /^fail.*: it is over {2}-> Renew it; .* Is the clock of this machine right\?$/,
  )
  write(`${camera('dir:frames')}mqtt: {url: "mqtt://b.shop:1883"}\n`)
  t.equal(
    lineOf(await findings({}, file), 'broker'),
    'warn  broker              mqtt://b.shop:1883 answers, connects without a login, MQTT 5, no TLS  -> Use mqtts:// (deploy/mosquitto): on this network all can read and forge events.',
  )

  write(`${camera('dir:frames')}mqtt: {url: embedded, listen: "127.0.0.1:1884"}\n`)
  t.equal(
    lineOf(await findings({}, file), 'mqtt.listen'),
    'ok    mqtt.listen         127.0.0.1:1884 is free',
  )
  write(`${camera('dir:frames').replace('state', 'state/new/one')}`)
  t.match(lineOf(await findings({}, file), 'outbox.dir'), `${root}/state/new/one (will be made)`)
  write(camera('dir:frames').replace('state', 'kiosk.yaml/state'))
  t.match(lineOf(await findings({}, file), 'outbox.dir'), /^fail.*kiosk.yaml cannot be written: E/)
  write(camera('dir:frames'))
  const MiB = 1024 ** 2
  const onDisk = async (freeMiB: number, totalMiB: number, isMemory = false) => {
    const disk = () => ({ freeBytes: freeMiB * MiB, totalBytes: totalMiB * MiB, isMemory })
    const line = lineOf(await findings({ disk }, file), 'outbox.dir')
    return line.replace(`${root}/`, '').replace(/ {2,}/g, '  ')
  }
  t.equal(await onDisk(300, 1000), 'ok  outbox.dir  state, 300 MiB free (30 %)')
  t.equal(
    await onDisk(200, 1000),
    'warn  outbox.dir  state, 200 MiB free (20 %)  -> Free disk space, or lower outbox.maxBytes (256 MiB).',
  )
  t.equal(
    await onDisk(400, 10_000),
    'warn  outbox.dir  state, 400 MiB free (4 %)  -> Free disk space: below outbox.minFree (5 %) the outbox grows no more.',
  )
  t.match(await onDisk(15, 1000), /^fail.*15 MiB free/)
  t.equal(
    await onDisk(900, 1000, true),
    'warn  outbox.dir  state, 900 MiB free (90 %), in memory  -> Give outbox.dir a folder on a disk: events that wait are lost with the power.',
  )
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
  t.ok(machine.disk('.').totalBytes > machine.disk('.').freeBytes)
  t.ok(machine.user().name)
  t.equal(machine.deviceFile('/dev/null')?.mayUse, true)
  t.equal(machine.deviceFile('/dev/a-device-that-is-not-there'), null)

  const { DemoBroker } = await import('../src/publish/broker.js')
  const { createLog } = await import('../src/log.js')
  const broker = new DemoBroker({ listen: '127.0.0.1:0', log: createLog('test', 'silent') })
  t.teardown(() => broker.stop())
  const started = await broker.start()
  for (const version of [4, 5] as const) {
    t.same(await machine.tryBroker({ ...mqtt, url: started.url, version }), { tls: null })
  }
})

t.test(
  'a real broker over TLS: its certificate is told, a strange one is refused',
  { skip: !hasMosquitto ? 'no mosquitto' : !hasOpenssl && 'no openssl' },
  async t => {
    const dir = t.testdir()
    const authority = new Authority(dir)
    const { ca, cert, key } = authority.issue('broker', '127.0.0.1')
    const { port, stop } = await startMosquitto(dir, [
      ...[`cafile ${ca}`, `certfile ${cert}`, `keyfile ${key}`],
      ...['require_certificate true', 'use_identity_as_username true'],
    ])
    t.teardown(stop)
    const { defaultConfig } = await import('../src/config/load.js')
    const mqtt = { ...defaultConfig().mqtt, url: `mqtts://127.0.0.1:${port}` }
    const machine = thisMachine()
    const { tls } = await machine.tryBroker({ ...mqtt, tls: authority.issue('kiosk-1') })
    t.match(tls?.protocol, /^TLSv1\.[23]$/)
    const { X509Certificate } = await import('node:crypto')
    t.equal(tls?.validTo.getTime(), Date.parse(new X509Certificate(readFileSync(cert)).validTo))
    const stranger = new Authority(dir, 'stranger').issue('kiosk-1-forged')
    await t.rejects(machine.tryBroker({ ...mqtt, tls: stranger }), { code: 'MQTT_TLS_FAILED' })
  },
)

t.test('every model of a tray is really loaded', { skip: noRuntime }, async t => {
  const { root, file } = await kiosk(t)
  const text = readFileSync(file, 'utf8').replace('id: top', 'id: top, mode: tray')
  const of = async (models: string) => {
    writeFileSync(file, `${text}models: {${models}}\n`)
    const { loadConfig } = await import('../src/config/load.js')
    const all: [part: string, what: string][] = []
    for await (const tried of thisMachine().tryModels(loadConfig(file))) {
      const code = 'error' in tried ? (tried.error as GroceryError).code : 'right'
      all.push([tried.part, code])
      if (tried.part === 'memory') t.ok(tried.memory.host.peakBytes > 10e6)
    }
    return all
  }
  t.same(await of('embedder: grocery-embedder, text: {}'), [
    ['model', 'right'],
    ['detector', 'right'],
    ['embedder', 'right'],
    ['text', 'right'],
    ['memory', 'right'],
  ])
  cpSync('models/grocery-detector', join(root, 'detector'), { recursive: true })
  const { weights } = JSON.parse(readFileSync(join(root, 'detector/model.json'), 'utf8'))
  for (const one of weights) writeFileSync(join(root, 'detector', (one.bin ?? one).file), 'x')
  t.same(
    await of(`detector: ${join(root, 'detector')}`),
    [
      ['model', 'right'],
      ['detector', 'MODEL_HASH_MISMATCH'],
      ['memory', 'right'],
    ],
    'a damaged detector',
  )
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
