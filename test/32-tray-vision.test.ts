// Vision of a tray: one decode a frame, what is asked about and what is not, and the models that ship on a composed tray.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import t from 'tap'
import { type CameraConfig, configSchema } from '../src/config/schema.js'
import { type EngineInput, probeRuntime, type UprightPicture } from '../src/inference/addon.js'
import { MemoryBudget } from '../src/inference/memory-budget.js'
import type { Up } from '../src/protocol.js'
import { Classifier } from '../src/recognition/classifier.js'
import { iouOf } from '../src/boxes.js'
import { queueFor, TrayDetector } from '../src/recognition/tray-detector.js'
import { TrayRecogniser } from '../src/recognition/tray-recogniser.js'
import type { Box, Observation } from '../src/recognition/types.js'
import { WithGallery } from '../src/recognition/with-gallery.js'
import { visionConfig } from '../src/vision-config.js'
import { HandClock } from './helpers/kiosk-parts.js'

t.setTimeout(240_000)

const runtime = probeRuntime('openvino').found
const skip = runtime ? false : 'OpenVINO is not here'
const settings = { motion: 0.02, emptyContrast: 0.02, dark: 0.02, stable: 300, giveUp: 1500 }
const pictures = fileURLToPath(new URL('../deploy/demo/pictures', import.meta.url))

const configOf = (camera: object) =>
  configSchema.parse({ cameras: [{ id: 'tray', source: 'dir:none', mode: 'tray', ...camera }] })

/** A grey counter, and on it squares of plain colours or pictures, by their boxes. */
async function scene(things: { box: Box; show: string | Buffer }[], background = '#8f8a84') {
  const [width, height] = [640, 360]
  const parts = things.map(async ({ box: [x0, y0, x1, y1], show }) => {
    const size = { width: Math.round((x1 - x0) * width), height: Math.round((y1 - y0) * height) }
    const input =
      typeof show === 'string'
        ? await sharp({ create: { ...size, channels: 3, background: show } })
            .png()
            .toBuffer()
        : await sharp(show)
            .resize({ ...size, fit: 'cover' })
            .png()
            .toBuffer()
    return { input, left: Math.round(x0 * width), top: Math.round(y0 * height) }
  })
  return sharp({ create: { width, height, channels: 3, background } })
    .composite(await Promise.all(parts))
    .removeAlpha()
    .jpeg({ quality: 92 })
    .toBuffer()
}

const places: Box[] = Array.from({ length: 8 }, (_, at) => {
  const [x0, y0] = [0.03 + 0.245 * (at % 4), 0.08 + 0.47 * Math.floor(at / 4)]
  return [x0, y0, x0 + 0.18, y0 + 0.32]
})
const colours = [
  '#c03028',
  '#2a9d3a',
  '#2850b0',
  '#c0a028',
  '#7a2a9d',
  '#28a0a0',
  '#d0d0d0',
  '#303030',
]
const eight = places.map((box, at) => ({ box, show: colours[at]! }))

/** A recogniser whose detector gives `boxes` and whose namer says the colour of the middle of what it is shown. */
function trayOf({ camera = {}, msEach = 0 }: { camera?: object; msEach?: number } = {}) {
  const clock = new HandClock()
  const given = { boxes: places, found: [] as UprightPicture[], asked: [] as EngineInput[] }
  const detector = {
    find: async (input: EngineInput) => {
      given.found.push(input as UprightPicture)
      return { boxes: given.boxes, stagesMs: { queue: 0, decode: 0, resize: 0, infer: 1 } }
    },
  }
  const namer = {
    classify: async (input: EngineInput, wanted: { embedding: boolean }) => {
      given.asked.push(input)
      clock.advance(msEach)
      const { rgb, width, height, box } = input as UprightPicture & { box: Box }
      const [x, y] = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]
      const at = 3 * (Math.floor(y * height) * width + Math.floor(x * width))
      const sku = [...rgb.subarray(at, at + 3)].map(one => Math.round(one / 32)).join('')
      const observation: Observation = {
        box,
        decision: 'sure',
        auto: false,
        askReason: null,
        candidates: [{ sku, name: sku, plu: null, gtin: null, score: 1 }],
        ...(wanted.embedding ? { embedding: new Float32Array([1]) } : {}),
      }
      const stagesMs = { queue: 0, decode: 0, resize: 1, infer: 2 }
      return { scores: new Float32Array(0), observation, stagesMs }
    },
  }
  const config = configOf(camera).cameras[0] as CameraConfig
  const recogniser = new TrayRecogniser(config, detector, namer, settings, clock)
  let number = 0
  const look = (bytes: Uint8Array, ms = 100) => {
    clock.advance(ms)
    given.found = []
    given.asked = []
    number++
    return recogniser.recognise({
      bytes,
      number,
      capturedAt: 0,
      capturedMono: clock.mono(),
    } as Parameters<TrayRecogniser['recognise']>[0])
  }
  const skusOf = (all: readonly Observation[]) => all.map(one => one.candidates[0]!.sku)
  return { recogniser, look, given, skusOf }
}

t.test('every frame is decoded once, and what rests is not asked about', async t => {
  const { look, given, skusOf, recogniser } = trayOf()
  const bytes = await scene(eight)
  const first = await look(bytes)
  t.equal(first.scene.view, 'moving', 'the first frame has none before it')
  t.equal(first.observations.length, 8, 'things are followed while hands move')
  t.equal(given.asked.length, 8)
  const inputs = [...given.found, ...given.asked] as UprightPicture[]
  t.ok(
    inputs.every(one => one.rgb === given.found[0]!.rgb),
    'all see the very pixels of one decode',
  )
  t.same(
    first.observations.map(({ box }) => box),
    places,
    "the detector's boxes, though the networks see a little more",
  )
  t.ok(
    first.observations.every(one => one.embedding),
    'an embedding where an embedder is loaded',
  )
  t.ok(first.stagesMs.decode > 0)
  t.match(first.stagesMs, { resize: 8, infer: 17 }, 'of all that was asked, in sum')
  t.equal(first.look!.length, 768)

  for (let at = 0; at < 19; at++) {
    const { observations, repeated } = await look(bytes)
    t.equal(given.asked.length, 8, 'votes are real ones')
    t.notOk(repeated)
    t.equal(observations.length, 8)
  }
  await look(bytes)
  t.same([given.found.length, given.asked.length], [1, 0], 'the parts rest first')
  const rested = await look(bytes)
  t.ok(rested.repeated, 'then nothing runs')
  t.same([given.found, given.asked], [[], []])
  t.same(skusOf(rested.observations), skusOf(first.observations))
  t.match(rested.stagesMs, { infer: 0 })
  t.ok(recogniser.unchanged)

  const changed = await scene(eight.with(2, { box: places[2]!, show: '#e0e020' }))
  const seen = await look(changed)
  t.equal(seen.scene.view, 'moving')
  t.equal(given.asked.length, 1, 'the changed part alone is asked about anew')
  t.equal(seen.observations.length, 8)
  t.not(skusOf(seen.observations)[2], skusOf(first.observations)[2])
  t.same(skusOf(seen.observations).toSpliced(2, 1), skusOf(first.observations).toSpliced(2, 1))

  recogniser.wake()
  await look(changed)
  t.equal(given.asked.length, 8, 'somebody asks: all are asked about')
})

t.test('a frame takes its time and no more: what is new goes first, the rest waits', async t => {
  const { look, given, skusOf } = trayOf({ msEach: 20 })
  const bytes = await scene(eight)
  const seen: number[] = []
  for (let at = 0; at < 3; at++) {
    const { observations } = await look(bytes)
    t.ok(given.asked.length >= 1 && given.asked.length < 8, `${given.asked.length} asked`)
    seen.push(observations.length)
  }
  t.same(seen, [3, 6, 8], 'what has no answer yet is not told of')
  const frame = await look(bytes)
  t.equal(new Set(skusOf(frame.observations)).size, 8)
  const changed = await scene(eight.with(7, { box: places[7]!, show: '#e0e020' }))
  await look(changed)
  t.same(
    (given.asked[0] as { box: Box }).box.map(one => Math.round(100 * one)),
    [76, 53, 95, 89],
  )
  given.boxes = [...places.slice(0, 7), [0.4, 0.4, 0.6, 0.6]]
  const moved = await look(changed)
  t.ok((given.asked[0] as { box: Box }).box[0] < 0.4, 'a box elsewhere is something new')
  t.equal(moved.observations.length, 8)
})

t.test('a mask, a roi, the dark, and what is no picture', async t => {
  const bytes = await scene(eight)
  const masked = trayOf({ camera: { mask: [[0, 0, 0.25, 0.5]], roi: [0, 0, 0.5, 1] } })
  masked.given.boxes = [places[0]!, places[1]!]
  await masked.look(bytes)
  const { rgb, width } = masked.given.found[0]!
  const pixel = (x: number, y: number) => [
    ...rgb.subarray(3 * (y * width + x), 3 * (y * width + x) + 3),
  ]
  t.same(pixel(60, 60), [0, 0, 0], 'hidden before any network sees it')
  t.not(pixel(400, 60)[0], 0)
  t.same((masked.given.found[0] as unknown as { box: Box }).box, [0, 0, 0.5, 1])
  t.ok(
    masked.given.asked.every(one => (one as { box: Box }).box[2] <= 0.5),
    'nothing beyond the roi',
  )

  const dark = trayOf()
  const night = await dark.look(await scene([], '#010101'))
  t.match(night, { scene: { view: 'dark' }, observations: [], repeated: false })
  t.same([dark.given.found, dark.given.asked], [[], []])
  // A counter without contrast may hold things all the same.
  dark.given.boxes = [places[0]!]
  await dark.look(await scene([]))
  const bare = await dark.look(await scene([]))
  t.equal(bare.scene.view, 'empty')
  t.equal(bare.observations.length, 1)

  await t.rejects(trayOf().look(Buffer.from('no picture')), {
    code: 'IMAGE_UNREADABLE',
    message:
      'camera tray frame 1: Expected a JPEG or PNG picture but the first bytes are of neither',
  })
  await t.rejects(trayOf().look(bytes.subarray(0, 2000)), { code: 'IMAGE_TRUNCATED' })
})

t.test('nothing is loaded where no camera looks at a tray', async t => {
  const options = (camera: object, detector: string) => {
    const config = configOf(camera)
    return { ...config, models: { ...config.models, detector }, cacheDir: null, attempt: 0 }
  }
  const missing = join(t.testdir({}), 'gone')
  const none = new TrayDetector(options({ mode: 'single' }, missing), new MemoryBudget())
  await none.start()
  await none.stop()
  const gone = new TrayDetector(options({}, missing), new MemoryBudget())
  await t.rejects(gone.start(), {
    code: 'MODEL_NOT_FOUND',
    message: new RegExp(`^Expected a model at ${missing}`),
  })
  t.equal(queueFor([{ mode: 'tray' }, { mode: 'single' }, { mode: 'stream' }]), 4)
})

const eightPictures = () => {
  const names = readdirSync(pictures).filter(name => name.endsWith('.jpg'))
  return [0, 3, 6, 7, 14, 18, 19, 20].map((number, at) => ({
    box: places[at]!,
    show: readFileSync(join(pictures, names.sort()[number]!)),
  }))
}

const placed = (seen: readonly Observation[], place: Box) =>
  seen.filter(({ box }) => iouOf(box, place) > 0.5)

t.test('the models that ship find and name what lies on a composed tray', { skip }, async t => {
  const config = configOf({})
  const classifier = new Classifier({ maxQueue: 4 })
  const options = { ...config, cacheDir: null, attempt: 0 }
  const detector = new TrayDetector(options, new MemoryBudget())
  await classifier.start()
  await detector.start()
  t.teardown(() => Promise.all([classifier.stop(), detector.stop()]))
  const answers = new WithGallery(classifier, config.recognition)
  const clock = new HandClock()
  const recogniser = new TrayRecogniser(config.cameras[0]!, detector, answers, settings, clock)
  const things = eightPictures()
  const bytes = await scene(things)
  const frame = { bytes, number: 1, capturedAt: 0, capturedMono: 0 }
  const { observations } = await recogniser.recognise(
    frame as Parameters<TrayRecogniser['recognise']>[0],
  )
  let right = 0
  for (const { box, show } of things) {
    const found = placed(observations, box)
    t.equal(found.length, 1, 'one box a thing')
    const whole = await classifier.classify({ jpeg: show })
    const names = (one: Observation | undefined) => one?.candidates[0]?.sku
    if (found[0] && names(found[0]) === names(whole.observation)) right++
  }
  t.equal(observations.length, 8)
  t.ok(right >= 7, `${right} of 8 are named as alone in their picture`)
})

t.test('the vision process tells of several things of one frame', { skip }, async t => {
  const dir = t.testdir({})
  mkdirSync(join(dir, 'pictures'))
  writeFileSync(join(dir, 'pictures', 'a.jpg'), await scene(eightPictures()))
  const start = (models: object) => {
    const { cameras } = configOf({ source: `dir:${dir}/pictures?hold=60s`, fps: 10 })
    const config = configSchema.parse({ cameras, models, outbox: { dir } })
    const child = fork(fileURLToPath(new URL('../src/vision.ts', import.meta.url)), [], {
      serialization: 'advanced',
      execArgv: process.execArgv,
    })
    t.teardown(() => child.kill('SIGKILL'))
    const hears = <T extends Up['type']>(
      type: T,
      fits: (one: Extract<Up, { type: T }>) => boolean,
    ) =>
      new Promise<Extract<Up, { type: T }>>(resolve =>
        child.on('message', (one: Up) => {
          if (one.type === type && fits(one as Extract<Up, { type: T }>))
            resolve(one as Extract<Up, { type: T }>)
        }),
      )
    child.send({ ...visionConfig(config), logLevel: 'silent' })
    return { child, hears }
  }
  const vision = start({ embedder: 'grocery-embedder' })
  const { frame } = await vision.hears(
    'observations',
    one => one.frame.observations.length === 8 && one.frame.observations.every(it => it.embedding),
  )
  t.equal(frame.camera, 'tray')
  const { frame: repeated } = await vision.hears('observations', one => !!one.frame.repeated)
  t.equal(repeated.observations.length, 8)
  vision.child.send({ type: 'stop' })
  t.same(await once(vision.child, 'exit'), [0, null])

  const broken = start({ detector: join(dir, 'gone') })
  const fault = await broken.hears('fault', () => true)
  t.match(fault, { code: 'MODEL_NOT_FOUND', fatal: true })
  t.match(fault.message, join(dir, 'gone'))
})
