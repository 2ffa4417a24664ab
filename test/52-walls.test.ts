// The walls around a kiosk: what a camera hides, what a broker lets pass, where secrets show, what leaves the machine.
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connectAsync, type IClientOptions } from 'mqtt'
import sharp from 'sharp'
import t from 'tap'
import type { Frame } from '../src/cameras/camera.js'
import { parseConfig } from '../src/config/load.js'
import type { CameraConfig } from '../src/config/schema.js'
import { expectFresh, within } from '../src/newest-frame.js'
import type { Reason } from '../src/observe/health.js'
import { routes } from '../src/observe/http/routes.js'
import { cameraStatuses, type CameraStatus, type Down } from '../src/protocol.js'
import { RateLimit } from '../src/publish/rate-limit.js'
import { blackOut, hiddenCells, hideCells } from '../src/recognition/mask.js'
import { readPicture } from '../src/recognition/picture.js'
import { previewOf } from '../src/recognition/preview.js'
import { Recogniser } from '../src/recognition/recogniser.js'
import { mostSnapshotBytes, snapshotOf } from '../src/recognition/snapshot.js'
import type { Box } from '../src/recognition/types.js'
import { Snapshots } from '../src/desks/snapshots.js'
import { gridSize } from '../src/recognition/scene.js'
import { openPicture } from '../src/sharp.js'
import { hasMosquitto, startMosquitto } from './helpers/brokers.js'
import { Authority, type Certificate, hasOpenssl } from './helpers/certificates.js'
import { Listener, startDaemon } from './helpers/daemon.js'
import { HandClock } from './helpers/kiosk-parts.js'
import { noRuntime } from './helpers/runtimes.js'

t.setTimeout(110_000)

// ---- pictures

const width = 640
const height = 480
type Inside = (x: number, y: number) => boolean

/** An even grey counter with a face on it: red and blue by turns, so that its mean is none of the counter's colours. */
function scene(face: Inside, more: (x: number, y: number) => number[] | null = () => null) {
  const rgb = Buffer.alloc(width * height * 3)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const skin = (x ^ y) & 1 ? [220, 20, 20] : [20, 20, 220]
      const colour = face(x, y) ? skin : (more(x, y) ?? [138, 138, 134])
      rgb.set(colour, (y * width + x) * 3)
    }
  }
  return sharp(rgb, { raw: { width, height, channels: 3 } })
}

/** The most colourful pixel: grey and black have none, a face and its mean have. */
function colourOf(rgb: Uint8Array): number {
  let most = 0
  for (let i = 0; i < rgb.length; i += 3) {
    const [r, g, b] = [rgb[i]!, rgb[i + 1]!, rgb[i + 2]!]
    most = Math.max(most, Math.max(r, g, b) - Math.min(r, g, b))
  }
  return most
}
const pixelsOf = async (jpeg: Uint8Array) =>
  sharp(jpeg).removeAlpha().raw().toBuffer({ resolveWithObject: true })
const colourless = 24

const whole: CameraConfig['roi'] = [0, 0, 1, 1]
const left = 0.25 * width
const hidings: {
  name: string
  face: Inside
  rotate?: 90
  camera: Pick<CameraConfig, 'mask' | 'roi'>
}[] = [
  {
    name: 'a box',
    face: x => x < left,
    camera: { mask: [[0, 0, 0.25, 1]], roi: whole },
  },
  {
    name: 'a box that ends inside a block of the JPEG',
    face: (x, y) => x > 301 && y > 203,
    camera: { mask: [[301 / width, 203 / height, 1, 1]], roi: whole },
  },
  {
    name: 'a triangle',
    face: (x, y) => x / 320 + y / 240 < 1,
    camera: {
      mask: [
        [
          [0, 0],
          [0.5, 0],
          [0, 0.5],
        ],
      ],
      roi: whole,
    },
  },
  {
    name: 'what lies outside the roi',
    face: (x, y) => x < left || y >= 400,
    camera: { mask: null, roi: [0.25, 0, 1, 400 / height] },
  },
  {
    // Turned clockwise, what was at the bottom is at the left.
    name: 'the upright picture of a camera that is mounted askew',
    face: (_, y) => y >= 400,
    rotate: 90,
    camera: { mask: [[0, 0, 80 / height, 1]], roi: whole },
  },
]

for (const { name, face, rotate = 0, camera } of hidings) {
  t.test(`nothing is shown of a face behind ${name}`, async t => {
    const files = {
      'JPEG 4:2:0': await scene(face).jpeg({ quality: 95 }).toBuffer(),
      'JPEG 4:4:4': await scene(face).jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toBuffer(),
      PNG: await scene(face).png().toBuffer(),
    }
    for (const [kind, bytes] of Object.entries(files)) {
      const input = await readPicture(bytes, kind, rotate)
      const open = await pixelsOf(await previewOf(input, { mask: null, roi: whole }))
      t.ok(colourOf(open.data) > 50, `${kind}: the face can be seen without`)
      const { data, info } = await pixelsOf(await previewOf(input, camera))
      t.ok(colourOf(data) < colourless, `${kind}: no pixel of it, nor of its mean`)
      t.same([info.width, info.height], rotate ? [height, width] : [width, height], kind)
      const counter = data.filter(level => level > 120 && level < 150).length
      t.ok(counter > data.length / 4, `${kind}: the counter is still there`)
    }
  })
}

t.test(
  'a snapshot has the part that was asked for, hides what a preview hides, and fits',
  async t => {
    const face = scene(x => x < left)
    const camera: Pick<CameraConfig, 'mask' | 'roi'> = {
      mask: [[0, 0, 0.25, 1]],
      roi: [0, 0, 1, 0.75],
    }
    for (const rotate of [0, 90] as const) {
      const input = await readPicture(await face.jpeg({ quality: 95 }).toBuffer(), 'it', rotate)
      // After the camera's rotation the face is at the top; the mask is of the upright picture.
      const hidden = rotate
        ? { ...camera, mask: [[0, 0, 1, 0.25]] as CameraConfig['mask'] }
        : camera
      for (const box of [
        [0, 0, 0.5, 0.75],
        [0.1, 0.1, 0.3, 0.3],
      ] as [number, number, number, number][]) {
        const open = await snapshotOf(input, { mask: null, roi: whole }, box, 1920)
        t.ok(colourOf((await pixelsOf(open.jpeg)).data) > 50, 'the face can be seen without')
        const shot = await snapshotOf(input, hidden, box, 1920)
        const { data, info } = await pixelsOf(shot.jpeg)
        t.ok(colourOf(data) < colourless, `${box.join()} turned ${rotate}: no pixel of the face`)
        t.same([info.width, info.height], [shot.width, shot.height])
        const [w, h] = rotate ? [height, width] : [width, height]
        const side = (from: number, to: number, pixels: number) =>
          Math.ceil(to * pixels) - Math.floor(from * pixels)
        t.same([info.width, info.height], [side(box[0], box[2], w), side(box[1], box[3], h)])
      }
    }
    const noise = Buffer.alloc(1600 * 1200 * 3)
    let seed = 1
    for (let at = 0; at < noise.length; at++)
      noise[at] = (seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0) >>> 24
    const worst = { rgb: noise, width: 1600, height: 1200 }
    const shot = await snapshotOf(worst, { mask: null, roi: whole }, whole, 1920)
    t.ok(shot.jpeg.length <= mostSnapshotBytes, `${shot.jpeg.length} bytes`)
    t.equal(shot.width / shot.height, 4 / 3)
    t.ok(shot.width >= 200)
  },
)

t.test('a snapshot is of now, or a coded error says why there is none', async t => {
  const camera = { id: 'top', fps: 10 }
  const frame = { bytes: Buffer.from('x'), capturedAt: 10_000 }
  t.equal(expectFresh(camera, frame, 12_000), frame)
  t.equal(expectFresh({ id: 'top', fps: 0.5 }, frame, 16_000), frame, 'a slow camera')
  const old = 'Expected a picture of camera top of the last 2000 ms but none came'
  for (const [seen, now] of [
    [frame, 12_001],
    [null, 10_000],
  ] as const)
    t.throws(() => expectFresh(camera, seen, now), { code: 'TIMED_OUT', message: old })
  t.same(within([0, 0, 0.5, 0.5], [0.25, 0, 1, 1], 'box'), [0.25, 0, 0.5, 0.5])
  t.throws(() => within([0, 0, 0.2, 0.5], [0.25, 0, 1, 1], 'box'), {
    code: 'COMMAND_INVALID',
    message: 'box: Expected a box in the roi [0.25, 0, 1, 1] but received [0, 0, 0.2, 0.5]',
  })

  const view = { id: 'top', status: 'live' as CameraStatus, reason: null as Reason | null }
  const sent: Down[] = []
  const snapshots = new Snapshots({
    vision: { send: message => void sent.push(message) },
    cameras: () => [view],
  })
  const take = (id = 'top') => snapshots.take({ requestId: 'r', camera: id })
  await t.rejects(take('side'), {
    code: 'CAMERA_UNKNOWN',
    message: 'Expected one of the cameras top but received side',
  })
  for (const status of cameraStatuses) {
    view.status = status
    view.reason = status === 'connecting' ? null : { code: 'CAMERA_FROZEN', message: 'it is old' }
    sent.length = 0
    const taken = take()
    if (['live', 'dark', 'covered', 'blurred', 'moved'].includes(status)) {
      t.match(sent, [{ type: 'snapshot', camera: 'top', box: null }], status)
      const { id } = sent[0] as { id: number }
      const box: Box = [0, 0, 1, 1]
      const jpeg = Buffer.from('jpeg')
      snapshots.hear({ type: 'noSnapshot', id: id - 1, code: 'TIMED_OUT', message: 'another' })
      snapshots.hear({
        ...{ type: 'snapshot', id, capturedAt: 1e12, box, width: 4, height: 3, jpeg },
      })
      t.same(await taken, {
        ...{ camera: 'top', capturedAt: '2001-09-09T01:46:40.000Z', box, width: 4, height: 3 },
        jpeg: 'anBlZw==',
      })
    } else {
      const code = status === 'connecting' ? 'CAMERA_CONNECTING' : 'CAMERA_FROZEN'
      await t.rejects(taken, { code }, status)
      t.same(sent, [], 'vision is not even asked')
    }
  }
  view.status = 'live'
  const failing = take()
  const { id } = sent.at(-1) as { id: number }
  snapshots.hear({ type: 'noSnapshot', id, code: 'IMAGE_TRUNCATED', message: 'half of it' })
  await t.rejects(failing, { code: 'IMAGE_TRUNCATED', message: 'half of it' })
})

t.test('a large picture is black before it is scaled', async t => {
  const face = scene(x => x < left)
  const large = await face
    .resize(2560, 1920, { kernel: 'nearest' })
    .jpeg({ quality: 95 })
    .toBuffer()
  const preview = await previewOf(
    await readPicture(large, '2:38 cameras.0.mask.0.2: Expected at most 1 but received 2'),
    {
      mask: [[0, 0, 0.25, 1]],
      roi: whole,
    },
  )
  const { data, info } = await pixelsOf(preview)
  t.equal(info.width, 960)
  t.ok(colourOf(data) < colourless)
  const near = await previewOf(await readPicture(large, 'large'), {
    mask: null,
    roi: [0.5, 0, 1, 0.4],
  })
  t.equal((await pixelsOf(near)).info.width, 1920, 'a small region has as many pixels')
})

t.test(
  'no model sees what a person may not, and a mask does not make an empty counter look full',
  async t => {
    const bytes = await scene(x => x < left)
      .jpeg({ quality: 95 })
      .toBuffer()
    const seen: Uint8Array[] = []
    const classify = async (input: object) => {
      seen.push((input as { rgb: Uint8Array }).rgb)
      throw new Error('that is all')
    }
    const settings = { motion: 0.02, emptyContrast: 0.03, dark: 0.03, stable: 300, giveUp: 1500 }
    const look = (mask: CameraConfig['mask'], mode: 'single' | 'stream') => {
      const camera = {
        id: 'top',
        source: 'dir:x',
        roi: whole,
        rotate: 0,
        fps: 10,
        mode,
        mask,
      } as const
      const clock = new HandClock()
      const recogniser = new Recogniser(
        camera as CameraConfig,
        { classify },
        settings as never,
        clock,
      )
      const frame: Frame = { bytes, number: 1, capturedAt: 0, capturedMono: 0 }
      return { recogniser, frame }
    }
    const box: CameraConfig['mask'] = [[0, 0, 0.25, 1]]
    const { recogniser, frame } = look(box, 'stream')
    await t.rejects(recogniser.recognise(frame), { message: 'that is all' })
    t.ok(colourOf(seen[0]!) < colourless, 'the model gets black pixels')
    for (const [mask, view] of [
      [null, 'object'],
      [box, 'empty'],
    ] as const) {
      const { recogniser, frame } = look(mask, 'single')
      await recogniser.recognise(frame)
      const second = await recogniser.recognise(frame).catch(() => null)
      t.equal(second?.scene.view ?? 'object', view, mask ? 'with the mask' : 'without')
    }
  },
)

t.test('shapes cover every pixel that they touch, also where a line crosses itself', async t => {
  const draw = (mask: NonNullable<CameraConfig['mask']>) => {
    const rgb = new Uint8Array(20 * 20 * 3).fill(9)
    blackOut({ rgb, width: 20, height: 20 }, mask)
    return (x: number, y: number) => rgb[(y * 20 + x) * 3] === 0
  }
  const star = draw([
    [
      [0.5, 0],
      [0.8, 1],
      [0, 0.4],
      [1, 0.4],
      [0.2, 1],
    ],
  ])
  t.ok(star(10, 11), 'the middle of a star is inside')
  t.notOk(star(0, 0))
  const thin = draw([
    [
      [0.5, 0.5],
      [0.9, 0.5],
      [0.5, 0.5],
    ],
  ])
  t.same(
    [thin(10, 10), thin(17, 9), thin(10, 13), thin(3, 10)],
    [true, true, false, false],
    'a line',
  )
  const cells = hiddenCells({ mask: [[0.5, 0, 0.6, 0.1]], roi: [0.5, 0, 1, 1] }, gridSize)
  t.ok(cells.has(0) && cells.has(6) && !cells.has(8), 'cells are of the roi')
  const grid = Float32Array.of(0, 0.25, 0.5, 0.75)
  t.same([...hideCells(grid, new Set([0]))], [0.5, 0.25, 0.5, 0.75])
})

t.test('the configuration says what a mask is', async t => {
  const camera = (mask: string) =>
    parseConfig(`cameras:\n  - {id: a, source: x, mask: ${mask}}`, 'k.yaml', {}).cameras[0]!.mask
  t.same(camera('[[0, 0, 0.2, 1], [[0, 0], [0.1, 0], [0, 0.1]]]'), [
    [0, 0, 0.2, 1],
    [
      [0, 0],
      [0.1, 0],
      [0, 0.1],
    ],
  ])
  for (const [mask, words] of [
    [
      '[[0, 0, 0, 1]]',
      '2:31 cameras.0.mask.0: Expected [left, top, right, bottom] with left < right and top < bottom but received [0,0,0,1]',
    ],
    [
      '[[[0, 0], [1, 1]]]',
      '2:31 cameras.0.mask.0: Expected at least 3 entries but received [[0,0],[1,1]]',
    ],
    ['[[0, 0, 2, 1]]', '2:38 cameras.0.mask.0.2: Expected at most 1 but received 2'],
    [
      '[face]',
      '2:31 cameras.0.mask.0: Expected [left, top, right, bottom] or at least three points [x, y], all from 0 to 1 but received "face"',
    ],
  ] as const) {
    t.throws(() => camera(mask), { message: `1 error in k.yaml\nk.yaml:${words}` })
  }
})

t.test('sharp opens JPEG and PNG and nothing else, and no picture takes it for ever', async t => {
  t.equal(process.env.VIPS_BLOCK_UNTRUSTED, '1')
  const picture = scene(() => false)
  for (const [kind, bytes] of [
    ['SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')],
    ['GIF', await picture.clone().gif().toBuffer()],
    ['WebP', await picture.clone().webp().toBuffer()],
    ['TIFF', await picture.clone().tiff().toBuffer()],
  ] as const) {
    await t.rejects(openPicture(bytes).raw().toBuffer(), /unsupported image format/, kind)
  }
  const large = await picture.resize(3000, 2000).png().toBuffer()
  await t.rejects(openPicture(large).blur(400).raw().toBuffer(), /timeout/, 'three seconds')
})

// ---- commands

t.test('a till at its own pace never meets the rate, a flood does', async t => {
  const clock = new HandClock()
  const limit = new RateLimit(() => ({ burst: 100, perSecond: 20 }), clock)
  let refused = 0
  for (let i = 0; i < 7200; i++) {
    clock.advance(500)
    if (!limit.take('recognise')) refused++
  }
  t.equal(refused, 0, 'two a second for an hour')
  const some = Array.from({ length: 60 }, () => limit.take('confirm'))
  t.notOk(some.includes(false), 'a basket of sixty confirmed at once')
  clock.advance(1000)
  const many = Array.from({ length: 1000 }, () => limit.take('recognise')).filter(Boolean)
  t.equal(many.length, 100)
  clock.advance(1000)
  const later = Array.from({ length: 1000 }, () => limit.take('recognise')).filter(Boolean)
  t.equal(later.length, 20, 'a second later')
  t.ok(limit.take('confirm'), 'one verb does not take from another')
})

// ---- MQTT

const noBroker = !hasMosquitto ? 'no mosquitto' : !hasOpenssl ? 'no openssl' : false

t.test(
  'deploy/mosquitto: certificates, and each says only what is its own',
  { skip: noBroker },
  async t => {
    const dir = t.testdir()
    const authority = new Authority(dir)
    const broker = authority.issue('broker', '127.0.0.1')
    const who = Object.fromEntries(
      ['kiosk-1', 'kiosk-2', 'till-1', 'homeassistant', 'fleet'].map(name => [
        name,
        authority.issue(name),
      ]),
    ) as Record<'kiosk-1' | 'kiosk-2' | 'till-1' | 'homeassistant' | 'fleet', Certificate>
    const settings = readFileSync('deploy/mosquitto/mosquitto.conf', 'utf8')
      .replace(/^listener .*$/m, '')
      .replace('/etc/mosquitto/certs/ca.crt', broker.ca)
      .replace('/etc/mosquitto/certs/broker.crt', broker.cert)
      .replace('/etc/mosquitto/certs/broker.key', broker.key)
      .replace('/etc/mosquitto/grocerd.acl', join(process.cwd(), 'deploy/mosquitto/grocerd.acl'))
      .replace('/var/lib/mosquitto/', `${dir}/`)
    t.notMatch(
      settings.replace(/^#.*$/gm, ''),
      /\/etc\/|\/var\//,
      'nothing of this machine is used',
    )
    const { port, stop } = await startMosquitto(dir, settings.split('\n'))
    t.teardown(stop)
    const url = `mqtts://127.0.0.1:${port}`
    const connect = (one: Partial<Certificate>, version: 4 | 5 = 5) => {
      const files = Object.fromEntries(
        Object.entries(one).map(([name, path]) => [name, readFileSync(path)]),
      )
      const options: IClientOptions = { ...files, protocolVersion: version, reconnectPeriod: 0 }
      return connectAsync(url, options).then(client => {
        t.teardown(() => client.endAsync(true))
        return client.on('error', () => {})
      })
    }

    const daemon = await startDaemon(join(dir, 'kiosk'), {
      kiosk: { id: 'kiosk-1' },
      mqtt: { url, tls: who['kiosk-1'], homeAssistant: true },
    })
    t.teardown(() => daemon.process.kill('SIGKILL'))
    const home = await connect(who.homeassistant)
    const device = 'homeassistant/device/grocerd_kiosk-1/config'
    const discovered = new Promise<string>(resolve => {
      home.on('message', (topic, payload) => topic === device && resolve(payload.toString()))
    })
    await home.subscribeAsync('homeassistant/#', { qos: 1 })
    t.equal(
      JSON.parse(await discovered).origin.name,
      'grocerd',
      'Home Assistant hears of the device of the kiosk that has it on',
    )
    const till = await connect(who['till-1'])
    const heard: [string, string][] = []
    let look = () => {}
    till.on('message', (topic, payload) => {
      heard.push([topic.replace('grocerd/kiosk-1/', ''), payload.toString()])
      look()
    })
    const until = (name: string, fits: (text: string) => boolean) =>
      new Promise<void>(resolve => {
        look = () => heard.some(([one, text]) => one === name && fits(text)) && resolve()
        look()
      })
    await till.subscribeAsync('grocerd/kiosk-1/#', { qos: 1 })
    await until('status', text => text === 'online')
    t.pass('the kiosk is online, over TLS and with its certificate')
    const open = { requestId: 'r', op: 'open', session: 's' }
    await till.publishAsync('grocerd/kiosk-1/cmd/session', JSON.stringify(open), { qos: 1 })
    await until('reply/session', text => JSON.parse(text).ok)
    t.pass('the till is answered')

    await t.rejects(
      connect({ ca: who['till-1'].ca }),
      'without a certificate there is no connection',
    )
    const forger = new Authority(dir, 'forger')
    const forged = { ...forger.issue('till-1-forged'), ca: broker.ca }
    await t.rejects(connect(forged), 'nor with one of another authority')
    const others = {
      'kiosk-1': await connect(who['kiosk-1']),
      'kiosk-2': await connect(who['kiosk-2']),
      'till-1': till,
      homeassistant: home,
      fleet: await connect(who.fleet),
    }
    const overheard: string[] = []
    for (const name of ['kiosk-2', 'fleet'] as const) {
      others[name].on('message', topic => overheard.push(`${name} ${topic}`))
      await others[name].subscribeAsync('grocerd/#', { qos: 1 })
    }
    const before = heard.length
    const forbidden: [keyof typeof others, string][] = [
      ...['items', 'status', 'state', 'basket', 'frames/top', 'reply/session', 'cmd/model'].map(
        (name): [keyof typeof others, string] => ['till-1', `kiosk-1/${name}`],
      ),
      ['till-1', 'kiosk-2/cmd/session'],
      ['kiosk-1', 'kiosk-1/cmd/session'],
      ['kiosk-1', 'kiosk-1/ack'],
      ['kiosk-1', 'kiosk-1/till'],
      ['kiosk-1', 'kiosk-2/items'],
      ['kiosk-2', 'kiosk-1/items'],
      ['kiosk-2', 'kiosk-1/status'],
      ['kiosk-2', 'kiosk-1/cmd/session'],
      ['fleet', 'kiosk-1/cmd/session'],
      ['fleet', 'kiosk-1/state'],
    ]
    for (const [name, topic] of forbidden) {
      const sent = others[name].publishAsync(`grocerd/${topic}`, '{"forged": true}', { qos: 1 })
      await t.rejects(sent, { code: 0x87 }, `${name} may not write ${topic}`)
    }
    const foreign: [keyof typeof others, string][] = [
      ['kiosk-1', 'device/grocerd_kiosk-2/config'],
      ['kiosk-1', 'device/lock/config'],
      ['kiosk-2', 'device/grocerd_kiosk-1/config'],
      ['till-1', 'device/grocerd_kiosk-1/config'],
      ['homeassistant', 'device/grocerd_kiosk-1/config'],
    ]
    for (const [name, topic] of foreign) {
      const sent = others[name].publishAsync(`homeassistant/${topic}`, '{}', { qos: 1 })
      await t.rejects(sent, { code: 0x87 }, `${name} may not write homeassistant/${topic}`)
    }
    const asked = home.publishAsync('grocerd/kiosk-1/cmd/session', '{}', { qos: 1 })
    await t.rejects(asked, { code: 0x87 }, 'and Home Assistant commands nothing')
    // What came in order before this reply would have been heard by now.
    await till.publishAsync(
      'grocerd/kiosk-1/cmd/session',
      JSON.stringify({ ...open, requestId: 'q' }),
      { qos: 1 },
    )
    await until('reply/session', text => JSON.parse(text).requestId === 'q')
    t.notOk(
      heard.slice(before).some(([, text]) => text.includes('forged')),
      'and nobody heard it',
    )
    t.same([...new Set(overheard)].sort(), [
      'fleet grocerd/kiosk-1/state',
      'fleet grocerd/kiosk-1/status',
    ])
  },
)

// ---- secrets, and what is kept

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath ?? entry.path, entry.name))

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number)

t.test(
  'a secret shows nowhere, no picture is kept, and a mask holds in the whole daemon',
  { skip: (!hasMosquitto && 'no mosquitto') || noRuntime },
  async t => {
    const canary = {
      mqtt: 'canary-mqtt-4711',
      token: 'canary-token-4711',
      file: 'canary-file-4711',
    }
    const dir = t.testdir({ credentials: { 'mqtt-password': `${canary.mqtt}\n` } })
    const secret = (name: string, text: string) => {
      writeFileSync(join(dir, name), `${text}\n`)
      chmodSync(join(dir, name), 0o600)
      return join(dir, name)
    }
    const tokenFile = secret('token', canary.token)
    const passwordFile = secret('password', canary.file)
    const users = secret('users', '')
    for (const [user, password] of [
      ['kiosk', canary.mqtt],
      ['till', 'till-password'],
    ] as const)
      execFileSync('mosquitto_passwd', ['-b', users, user, password], { stdio: 'pipe' })
    const { url, stop } = await startMosquitto(dir, [
      'allow_anonymous false',
      `password_file ${users}`,
    ])
    t.teardown(stop)
    mkdirSync(join(dir, 'pictures'))
    const fruit: Parameters<typeof scene>[1] = (x, y) =>
      (x - 400) ** 2 + (y - 240) ** 2 < 120 ** 2 ? [200 - x / 8, 30 + y / 8, 40] : null
    const picture = await scene(x => x < left, fruit)
      .jpeg({ quality: 95 })
      .toBuffer()
    writeFileSync(join(dir, 'pictures', '1.jpg'), picture)
    const config = {
      cameras: [
        { id: 'top', source: `dir:${join(dir, 'pictures')}?hold=1h`, mask: [[0, 0, 0.25, 1]] },
      ],
      counter: { needSession: false },
      mqtt: { url, username: 'kiosk', passwordFile },
      http: { listen: '127.0.0.1:0', tokenFile },
      log: { level: 'trace' },
    }
    const daemon = await startDaemon(dir, config, {
      CREDENTIALS_DIRECTORY: join(dir, 'credentials'),
    })
    t.teardown(() => daemon.process.kill('SIGKILL'))
    const listener = new Listener(url, 5, { username: 'till', password: 'till-password' })
    t.teardown(() => listener.stop())
    await listener.until(one => one.topic === 'items', 'event', { ms: 30_000 })
    await listener.ask('session', { op: 'open', session: 's' })

    const shown: Record<string, string> = {}
    const base = `http://127.0.0.1:${daemon.httpPort}`
    const camera = routes.map(route => route.path.replace('{camera}', 'top').replace('{id}', 'top'))
    for (const path of camera.filter(one => !/\/cmd\/|stream/.test(one))) {
      shown[`GET ${path}`] = Buffer.from(await (await fetch(base + path)).arrayBuffer()).toString(
        'latin1',
      )
    }
    for (const token of [canary.token, 'wrong']) {
      const answer = await fetch(`${base}/api/v1/cmd/session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({
          requestId: token === 'wrong' ? 'w' : 'h',
          op: 'close',
          session: 's',
        }),
      })
      t.equal(answer.status, token === 'wrong' ? 401 : 200)
      shown[`POST with ${token === 'wrong' ? 'a wrong' : 'the'} token`] = await answer.text()
    }
    const preview = await fetch(`${base}/api/v1/cameras/top/frame.jpg`)
    const { data, info } = await pixelsOf(new Uint8Array(await preview.arrayBuffer()))
    const strip = Buffer.concat(
      Array.from({ length: info.height }, (_, y) =>
        data.subarray(y * info.width * 3, (y * info.width + 260) * 3),
      ),
    )
    t.ok(
      colourOf(strip) < colourless && colourOf(data) > 100,
      'the fruit is shown, the face is not',
    )

    const kept = filesBelow(join(dir, 'state'))
    for (const path of kept) {
      const name = path.slice(join(dir, 'state').length + 1)
      t.match(name, /^(lock\/\d+|(outbox|replies)\/[a-z0-9.-]+|cache\/.+)$/, `${name} is known`)
      const bytes = readFileSync(path)
      t.notOk(bytes.includes('JFIF', 0, 'latin1'), `${name} holds no JPEG`)
      t.notOk(bytes.includes('\x89PNG', 0, 'latin1'), `${name} holds no PNG`)
      shown[`file ${name}`] = bytes.toString('latin1')
    }
    t.comment(`kept: ${kept.map(path => path.slice(dir.length + 1)).join(', ')}`)

    const processes = [daemon.process.pid!, ...childrenOf(daemon.process.pid!)]
    t.equal(processes.length, 2, 'the daemon and vision')
    for (const pid of processes) {
      for (const file of ['cmdline', 'environ'])
        shown[`/proc/${file} of ${pid}`] = readFileSync(`/proc/${pid}/${file}`, 'utf8')
    }
    shown.checked = execFileSync(
      process.execPath,
      ['dist/main.js', 'check', '--json', '--config', join(dir, 'grocerd.yaml')],
      { encoding: 'utf8' },
    )
    shown.messages = JSON.stringify(listener.heard)
    daemon.process.kill('SIGTERM')
    await daemon.ended
    shown.log = JSON.stringify(daemon.log)
    t.ok(daemon.log.length > 3 && listener.heard.length > 3, 'there is something to look through')

    // A password that the broker refuses is talked about most.
    const refused = await startDaemon(join(dir, 'refused'), { ...config, cameras: [] })
    t.teardown(() => refused.process.kill('SIGKILL'))
    let ready = ''
    while (!ready.includes('MQTT_REFUSED'))
      ready = await (await fetch(`http://127.0.0.1:${refused.httpPort}/readyz`)).text()
    refused.process.kill('SIGTERM')
    await refused.ended
    shown['readiness of a refused kiosk'] = ready
    shown['log of a refused kiosk'] = JSON.stringify(refused.log)

    for (const [place, text] of Object.entries(shown)) {
      for (const [name, word] of Object.entries(canary))
        t.notOk(text.includes(word), `no ${name} secret in ${place}`)
    }
  },
)

// ---- what it is made of

t.test(
  'no package is older than what scripts/minimum-versions.json says, with its reason',
  async t => {
    const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'))
    const numbers = (version: string) => version.split('.').map(part => Number.parseInt(part))
    const isBelow = (one: string, other: string) => {
      const at = numbers(one).findIndex((part, index) => part !== numbers(other)[index])
      return at >= 0 && numbers(one)[at]! < numbers(other)[at]!
    }
    t.same(
      [isBelow('0.34.9', '0.35.0'), isBelow('0.35.0', '0.35.0'), isBelow('1.0.0', '0.35.0')],
      [true, false, false],
    )
    const list = JSON.parse(readFileSync('scripts/minimum-versions.json', 'utf8'))
    for (const { package: name, atLeast, because } of list) {
      const found = Object.entries<{ version: string }>(packages).filter(([path]) =>
        path.endsWith(`node_modules/${name}`),
      )
      t.ok(found.length > 0, `${name} is still used`)
      t.ok(because.length > 20)
      for (const [path, { version }] of found)
        t.notOk(isBelow(version, atLeast), `${path} ${version} is at least ${atLeast}: ${because}`)
    }
  },
)

t.test(
  'npm run sbom lists every package of the lockfile that a kiosk runs, and the native libraries',
  async t => {
    const { makeSbom } = (await import('../scripts/sbom.mjs' as string)) as {
      makeSbom(): {
        bomFormat: string
        specVersion: string
        metadata: { component: { name: string } }
        components: { name: string; version?: string; 'bom-ref': string }[]
        dependencies: { ref: string; dependsOn: string[] }[]
      }
    }
    const { bomFormat, specVersion, metadata, components, dependencies } = makeSbom()
    t.same([bomFormat, metadata.component.name], ['CycloneDX', 'grocerd'])
    t.match(specVersion, /^1\.[567]$/)
    const listed = new Set(components.map(({ name, version }) => `${name} ${version}`))
    const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'))
    let kept = 0
    for (const [path, entry] of Object.entries<{ version: string; dev?: boolean; peer?: boolean }>(
      packages,
    )) {
      if (path === '' || entry.dev || entry.peer) continue
      kept++
      const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
      t.ok(listed.has(`${name} ${entry.version}`), `${name} ${entry.version}`)
    }
    t.ok(kept > 60)
    t.notOk(
      components.some(({ name }) => name === 'tap'),
      'nothing of development',
    )
    const names = components.map(({ name }) => name)
    for (const name of ['openvino', 'libonnxruntime', 'libturbojpeg'])
      t.ok(names.includes(name), name)
    const refs = new Set(components.map(one => one['bom-ref']))
    t.equal(refs.size, components.length, 'each stands there once')
    for (const { ref, dependsOn } of dependencies) {
      const lost = dependsOn.filter(one => !refs.has(one))
      t.same(lost, [], `${ref} depends on what is listed`)
    }
    const reached = new Set(dependencies.flatMap(({ dependsOn }) => dependsOn))
    t.same(
      [...refs].filter(ref => !reached.has(ref)),
      [],
      'and something needs each',
    )
  },
)

// ---- the network

const alone = (task: string, env = {}) =>
  JSON.parse(
    execFileSync('unshare', ['-n', process.execPath, 'test/helpers/alone.mjs', task], {
      encoding: 'utf8',
      timeout: 60_000,
      // What grocerd says by itself is tried, not what a CI says for it.
      env: { ...process.env, ORT_DISABLE_TELEMETRY: undefined, ...env },
    }),
  ) as { attempts: Record<string, number>; seen: string }

const notAlone = (() => {
  if (process.getuid?.() !== 0) return 'only root can make a network namespace'
  try {
    execFileSync('unshare', ['-n', 'ip', 'link', 'set', 'lo', 'up'], { stdio: 'pipe' })
    return false
  } catch (error) {
    return `no network namespace here: ${(error as Error).message.split('\n')[0]}`
  }
})()

t.test(
  'the demo with only a loopback does not try to leave',
  { skip: notAlone || noRuntime },
  async t => {
    for (const planted of ['address', 'name']) {
      const { unreachable = 0, datagrams = 0 } = alone(planted).attempts
      t.ok(unreachable + datagrams > 0, `to ask for this outside: ${planted} would be seen`)
    }
    for (const prefer of ['openvino', 'onnxruntime']) {
      const home = join(t.testdirName, prefer)
      mkdirSync(home, { recursive: true })
      const { attempts, seen } = alone('demo', { HOME: home, GROCERD_RUNTIME_PREFER: prefer })
      t.match(seen, /placed/, `${prefer}: it ran`)
      t.same(attempts, { unreachable: 0, datagrams: 0 }, `${prefer}: it asked for nobody`)
      t.same(
        existsSync(home) ? filesBelow(home) : [],
        [],
        `${prefer}: nor kept anything to tell later`,
      )
    }
  },
)
