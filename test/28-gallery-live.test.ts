// The gallery in the running kiosk: how it answers beside the trained classifier, and a product taught, used and forgotten without a restart.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import t from 'tap'
import { systemClock } from '../src/clock.js'
import { configSchema } from '../src/config/schema.js'
import { judge } from '../src/counter/consensus.js'
import type { Item } from '../src/counter/types.js'
import { GalleryDesk } from '../src/desks/gallery-desk.js'
import { createLog } from '../src/log.js'
import { MemoryBudget } from '../src/inference/memory-budget.js'
import type { Down, TaughtPicture, Up } from '../src/protocol.js'
import { thresholdsOf } from '../src/recognition/decision.js'
import { answerOf, asProduct } from '../src/recognition/gallery-classifier.js'
import type { Classification } from '../src/recognition/classifier.js'
import { together, usualDistance, WithGallery } from '../src/recognition/with-gallery.js'
import type { Candidate, Observation } from '../src/recognition/types.js'
import { Teacher } from '../src/teacher.js'
import { chequered, colourModel, plainPicture } from './helpers/colour-models.js'
import { type Heard, Listener, startDaemon } from './helpers/daemon.js'

t.setTimeout(180_000)

const one = (sku: string, score: number): Candidate => ({
  sku,
  name: sku.toUpperCase(),
  plu: null,
  gtin: null,
  score,
})
const seen = (decision: Observation['decision'], ...candidates: Candidate[]): Observation => ({
  box: [0, 0, 1, 1],
  decision,
  auto: decision === 'sure',
  askReason: decision === 'ask' ? 'confidence' : null,
  candidates,
})
const limits = { distance: 0.3, top: 3 }
const skus = ({ candidates }: Observation) => candidates.map(({ sku }) => sku)

t.test('who answers: the gallery where it is near, unless the trained classifier is sure', t => {
  const gallery = {
    ...seen('sure', one('jam', 0.7), one('tea', 0.3)),
    distance: 0.1,
  }
  const unsure = seen('ask', one('pear', 0.5), one('tea', 0.4), one('fig', 0.1))
  const asked = together(unsure, gallery, limits)
  t.match(asked, { decision: 'sure', auto: true, askReason: null })
  t.same(skus(asked), ['jam', 'tea', 'pear'], 'no sku twice, no more than top')
  t.equal(asked.candidates[2]!.score, 0.3, 'of another scale: never above what the gallery says')
  t.match(together(seen('unknown'), gallery, limits), { decision: 'sure', candidates: [{}, {}] })

  const sure = { ...seen('sure', one('pear', 0.98)), twins: ['pear', 'nashi'] }
  const conflict = together(sure, gallery, limits)
  t.match(conflict, { decision: 'ask', auto: false, askReason: 'conflict' })
  t.same(skus(conflict), ['jam', 'tea', 'pear'])
  t.notOk('twins' in conflict, "the trained classifier's twins are not those of its rival")
  const votes = [1, 2, 3].map(() => ({ observation: conflict, leads: true }))
  const verdict = judge(votes, 0.6)
  t.match(verdict, { decision: 'ask', askReason: 'conflict' }, 'the till hears of it')
  t.equal(verdict.candidates[0]!.sku, 'jam', 'the order is kept by the votes')
  const agrees = seen('sure', one('jam', 0.98))
  t.equal(together(agrees, gallery, limits), agrees)

  for (const decision of ['ask', 'unknown'] as const) {
    t.match(together(unsure, { ...gallery, decision }, limits), {
      decision: 'ask',
      askReason: 'confidence',
      candidates: [{ sku: 'jam' }],
    })
  }
  for (const trained of [unsure, sure, seen('unknown')]) {
    t.equal(together(trained, { ...gallery, distance: 0.31 }, limits), trained, 'too far')
    t.equal(together(trained, { ...gallery, candidates: [], distance: 2 }, limits), trained)
  }
  t.end()
})

t.test('a stranger that is like one product alone is at most a question', t => {
  const products = ['jam', 'tea'].map(sku => asProduct(one(sku, 0)))
  const thresholds = thresholdsOf([{ sure: 0.9, auto: null, unknown: 0, margin: 0 }], { top: 4 })
  const at = (distance: number, limits = {}) =>
    answerOf(
      [
        { product: 0, similarity: 1 - distance },
        { product: 1, similarity: 0 },
      ],
      products,
      thresholds,
      { temperature: 0.05, distance: 0.4, sureDistance: 0.3, ...limits },
    ).decision
  t.equal(at(0.29), 'sure')
  t.equal(at(0.31), 'ask')
  t.equal(at(0.41), 'unknown')
  t.equal(at(0.31, { sureDistance: null }), 'sure', 'nothing was measured')
  t.end()
})

t.test(
  'an empty gallery costs nothing, and another one counts from the next picture on',
  async t => {
    let embedded = 0
    const answer = { observation: seen('unknown'), scores: new Float32Array(1) }
    const trained = {
      classify: async () => answer as unknown as Classification,
      stop: async () => {},
    }
    const both = new WithGallery(trained, { top: 4, autoAdd: false })
    const picture = { rgb: new Uint8Array(12), width: 2, height: 2 }
    const nothing = { content: { products: [], entries: [] }, vectors: new Float32Array(0) }
    both.use(nothing)
    t.equal(await both.classify(picture), answer)
    const measured = {
      temperature: 0.05,
      distance: null,
      sure: 0.9,
      auto: null,
      unknown: 0,
      margin: 0,
    }
    const calibration = measured as never
    const embed = async () => {
      embedded++
      return { embedding: Float32Array.of(1, 0), stagesMs: {} as never }
    }
    both.with({ embed }, { calibration, dims: 2 })
    both.use(nothing)
    t.equal(await both.classify(picture), answer)
    t.equal(embedded, 0)
    const product = (sku: string) => ({ sku, name: sku, plu: null, gtin: null })
    const at = (degrees: number) => [
      Math.cos((degrees * Math.PI) / 180),
      Math.sin((degrees * Math.PI) / 180),
    ]
    const gallery = (...degrees: number[]) => ({
      content: {
        products: degrees.map((_, index) => product(`p${index}`)),
        entries: degrees.map((_, index) => ({ picture: `${index}`, sku: `p${index}` })),
      },
      vectors: Float32Array.from(degrees.flatMap(at)),
    })
    both.use(gallery(90, 10))
    const { observation } = await both.classify(picture)
    t.match(observation, { decision: 'sure', candidates: [{ sku: 'p1' }, { sku: 'p0' }] })
    both.use(gallery(90, 46))
    t.ok(1 - at(46)[0]! > usualDistance && 1 - at(45)[0]! < usualDistance)
    t.equal((await both.classify(picture)).observation, answer.observation)
    both.use(nothing)
    t.equal(await both.classify(picture), answer)
    t.equal(embedded, 2)
  },
)

t.test('a till teaches nothing unless it is allowed, and what changes is looked at anew', t => {
  const { mqtt, models } = configSchema.parse({})
  t.notOk(mqtt.commands.includes('enrol') || mqtt.commands.includes('forget'))
  t.equal(models.embedder, null)
  let anew = 0
  const answers = { use: () => {} } as never
  const teacher = new Teacher({ answers, lookAnew: () => anew++ } as never)
  teacher.use({
    type: 'gallery',
    content: { products: [], entries: [] },
    vectors: new Float32Array(),
  })
  t.equal(anew, 1)
  t.end()
})

t.test('who teaches what the trained model is sure of is told', async t => {
  const sent: Up[] = []
  const says = { observation: seen('sure', one('pear', 0.98)) }
  const embedder = colourModel(t.testdir(), 'e', { skus: [], weights: [1, 1, 1], kind: 'embedder' })
  const teacher = new Teacher({
    configure: { models: { embedder }, runtime: {}, cacheDir: null, cameras: [] } as never,
    answers: { with: () => {}, gallery: null, classifyTrained: async () => says } as never,
    budget: new MemoryBudget(),
    newest: () => null,
    frames: { of: () => null },
    lookAnew: () => {},
    send: message => void sent.push(message),
  })
  await teacher.start()
  const file = join(t.testdirName, 'jam.jpg')
  await chequered(file, '#d02010')
  const picture = readFileSync(file)
  const warnings = async (sku: string, from: TaughtPicture | { kept: Uint8Array }) => {
    await teacher.teach({ type: 'teach', id: 1, sku, from })
    const last = sent.at(-1)!
    return last.type === 'taught' ? last.warnings.filter(one => /trained/.test(one)) : last
  }
  t.same(await warnings('jam', { picture }), [
    'the trained model is sure that it is PEAR (pear): such pictures stay a question, with what was taught first',
  ])
  t.same(await warnings('pear', { picture }), [])
  t.same(await warnings('jam', { kept: picture }), [], 'nobody is there to be told')
  says.observation = seen('ask', one('pear', 0.5))
  t.same(await warnings('jam', { picture }), [])
  await teacher.stop()
})

/** What a desk says, with a vision process that embeds what the test says. */
function deskIn(dir: string, embedder: string | null = 'some-embedder') {
  const sent: Down[] = []
  const reasons: unknown[] = []
  const versions: number[] = []
  const desk = new GalleryDesk({
    config: {
      models: { embedder },
      outbox: { dir },
      cameras: [{ id: 'top' }],
    } as never,
    vision: { send: message => void sent.push(message) },
    counter: {
      items: [{ itemId: 'i1' } as Item],
      placeOf: id => (id === 'i1' ? { box: null } : null),
    },
    leader: 'top',
    priceOf: () => null,
    setReason: reason => void reasons.push(reason),
    changed: version => void versions.push(version),
    clock: systemClock,
    log: createLog('test', 'silent'),
  })
  const asked = () => sent.flatMap(one => (one.type === 'teach' ? [one] : []))
  const given = () => sent.flatMap(one => (one.type === 'gallery' ? [one] : []))
  /** Waits for the work at hand: promises only. */
  const turn = () => new Promise(resolve => setImmediate(resolve))
  const answer = async (jpeg: string, ...vector: number[]) => {
    await turn()
    const { id } = asked().at(-1)!
    const taught = { jpeg: Buffer.from(jpeg), vector: Float32Array.from(vector) }
    desk.hear({ type: 'taught', id, warnings: [], ...taught })
    await turn()
  }
  return { desk, sent, reasons, versions, asked, given, answer, turn }
}

const words = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    error => `${error.code} ${error.message}`,
  )
const requestId = 'r'
const jam = { requestId, sku: 'jam', name: 'Quince jam', from: { camera: 'top' } }

t.test('the desk: what cannot be taught now, and a vision process that ends', async t => {
  const off = deskIn(t.testdir(), null)
  await off.desk.start()
  const isOff = 'GALLERY_OFF Expected a gallery but models.embedder is null in the configuration'
  t.equal(await words(off.desk.enrol(jam)), isOff)
  t.equal(await words(off.desk.forget({ requestId, sku: 'jam' })), isOff)

  const dir = t.testdir()
  const one = deskIn(dir)
  await one.desk.start()
  const loading = 'MODEL_LOADING Expected the embedder some-embedder to be loaded but it is not yet'
  t.equal(await words(one.desk.enrol(jam)), loading)
  one.desk.hear({ type: 'embedder', sha256: 'a'.repeat(64), dims: 2 })
  await one.turn()
  t.same(one.versions, [0])
  const from = (from: object) => words(one.desk.enrol({ ...jam, from: from as never }))
  t.equal(
    await from({ camera: 'x' }),
    'CAMERA_UNKNOWN Expected one of the cameras top but received x',
  )
  t.equal(
    await from({ itemId: 'i0' }),
    'ITEM_GONE Expected the item that lies there (i1) but received i0',
  )
  t.match(await words(one.desk.enrol({ ...jam, gtin: '12345678' })), /^GALLERY_PRODUCT_INVALID /)
  const first = one.desk.enrol({ ...jam, from: { itemId: 'i1' } })
  await one.answer('jam', 1, 0)
  t.same(await first, { sku: 'jam', version: 1, pictures: 1, warnings: [] })
  t.same(one.asked()[0]!.from, { camera: 'top', box: null })
  t.same([...one.given().at(-1)!.vectors], [1, 0])
  t.equal(one.desk.products[0]?.name, 'Quince jam')

  const second = one.desk.enrol({ ...jam, sku: 'tea', name: 'Tea' })
  await one.turn()
  one.desk.visionDown()
  t.equal(
    await words(second),
    'VISION_CRASHED Expected an embedding of the picture but the vision process ended',
  )
  t.equal(await words(one.desk.enrol(jam)), loading)

  const other = deskIn(dir)
  await other.desk.start()
  t.match(other.reasons, [{ code: 'STATE_LOCKED' }], 'one writer')
  t.match(await words(other.desk.enrol(jam)), /^STATE_LOCKED /)
  await one.desk.stop()

  // Another embedder: the kept pictures are embedded anew before anything else.
  const third = deskIn(dir)
  await third.desk.start()
  third.desk.hear({ type: 'embedder', sha256: 'b'.repeat(64), dims: 2 })
  const waits = third.desk.forget({ requestId, sku: 'jam' })
  await third.answer('jam', 0, 1)
  t.equal(String(Buffer.from((third.asked()[0]!.from as { kept: Buffer }).kept)), 'jam')
  t.same([...third.given()[0]!.vectors], [0, 1])
  t.same(await waits, { sku: 'jam', version: 2, pictures: 1 })
  t.same(third.given()[1]!.content, { products: [], entries: [] })
  t.match(
    await words(third.desk.forget({ requestId, sku: 'jam' })),
    /^GALLERY_SKU_UNKNOWN Expected a product of the gallery .* but "jam" is not among its 0$/,
  )
  third.desk.hear({ type: 'embedderFailed', code: 'MODEL_NOT_FOUND', message: 'it is gone' })
  t.match(third.reasons.at(-1), { code: 'MODEL_NOT_FOUND', message: 'it is gone' })
  t.equal(await words(third.desk.enrol(jam)), 'MODEL_NOT_FOUND it is gone')
  t.match(await words(third.desk.forget({ requestId, sku: 'jam' })), /^GALLERY_SKU_UNKNOWN /)
  await third.desk.stop()
})

t.test('taught over MQTT and HTTP, known from the next frame, kept, and forgotten', async t => {
  const dir = t.testdir()
  const state = join(dir, 'state')
  for (const name of ['jam', 'tea']) mkdirSync(join(dir, name))
  await chequered(join(dir, 'jam', 'a.jpg'), '#d02010')
  await chequered(join(dir, 'tea', 'a.jpg'), '#10c020')
  writeFileSync(join(dir, 'token'), 'a-token-of-this-test\n', { mode: 0o600 })
  // Never sure: weights of 1 leave a third for each.
  const classifier = colourModel(dir, 'trained', {
    skus: ['r', 'g', 'b'],
    weights: [1, 1, 1],
    calibration: { sure: 0.9, unknown: 0.1 },
  })
  const embedder = (name: string, weights: [number, number, number]) =>
    colourModel(dir, name, {
      skus: [],
      weights,
      kind: 'embedder',
      calibration: { distance: 0.2, temperature: 0.05, sure: 0.9 },
    })
  const camera = (id: string, name: string, more: object) => ({
    id,
    source: `dir:${join(dir, name)}?hold=2s&gap=1s`,
    fps: 10,
    ...more,
  })
  const config = {
    models: { classifier, embedder: embedder('e1', [1, 1, 1]) },
    cameras: [
      camera('counter', 'jam', {}),
      { ...camera('eye', 'jam', { mode: 'stream' }), source: `dir:${join(dir, 'jam')}?hold=1h` },
      { ...camera('other', 'tea', { mode: 'stream' }), source: `dir:${join(dir, 'tea')}?hold=1h` },
    ],
    counter: { needSession: false },
    mqtt: { url: 'embedded', listen: '127.0.0.1:0', commands: ['confirm', 'enrol', 'forget'] },
    http: { listen: '127.0.0.1:0', tokenFile: join(dir, 'token') },
  }
  let daemon = await startDaemon(dir, config)
  t.teardown(() => daemon.process.kill('SIGKILL'))
  let till = new Listener(daemon.mqttUrl)
  t.teardown(() => till.stop())
  const again = async (signal: 'SIGTERM' | 'SIGKILL', next: object = config) => {
    daemon.process.kill(signal)
    await daemon.ended
    await till.stop()
    daemon = await startDaemon(dir, next)
    till = new Listener(daemon.mqttUrl)
  }
  const hasGallery = (version: number) => (one: Heard) =>
    one.topic === 'state' && one.message.readiness === 'ready' && one.message.gallery === version
  const best = (camera: string, sku: string) => (one: Heard) =>
    one.topic === `frames/${camera}` && one.message.observations[0]?.candidates[0]?.sku === sku
  const now = () => ({ from: till.heard.length })
  await till.until(hasGallery(0), 'an empty gallery')
  await till.until(best('eye', 'r'), 'the trained classifier')

  const product = { sku: '4711', name: 'Quince jam', plu: '4711' }
  let from = now()
  const began = performance.now()
  const reply = await till.ask('enrol', { ...product, from: { camera: 'eye' } })
  t.same(reply.result, { sku: '4711', version: 1, pictures: 1, warnings: [] }, reply.error?.message)
  const frame = await till.until(best('eye', '4711'), 'the jam', from)
  t.ok(frame.at - began < 1000, `${Math.round(frame.at - began)} ms`)
  t.comment(`from the command to the frame that names it: ${Math.round(frame.at - began)} ms`)
  t.match(frame.message.observations[0], { decision: 'sure', candidates: [product] })
  await till.until(best('other', 'g'), 'another thing, as before', now())
  await till.until(hasGallery(1), 'the version in the state')
  const placed = (sku: string) => (one: Heard) =>
    one.topic === 'items' && one.message.action === 'placed' && one.message.item.sku === sku
  const event = (await till.until(placed('4711'), 'the event', from)).message
  t.match(event, { gallery: 1, item: { ...product, decision: 'sure' } })
  const { itemId } = event.item
  const confirm = { itemId, sku: '4711', by: 'shopper' }
  t.match(await till.ask('confirm', confirm), { ok: true, result: { itemId, sku: '4711' } })

  // Over HTTP, with a picture of its own; one that is poor is taken with a warning.
  const jpeg = await sharp(await plainPicture('#1020c0'))
    .jpeg()
    .toBuffer()
  const http = async (verb: string, body: object) => {
    const response = await fetch(`http://127.0.0.1:${daemon.httpPort}/api/v1/cmd/${verb}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer a-token-of-this-test' },
      body: JSON.stringify({ requestId: crypto.randomUUID(), ...body }),
    })
    return { status: response.status, ...((await response.json()) as Heard['message']) }
  }
  const blue = { sku: 'blue', name: 'Blue', from: { jpeg: jpeg.toString('base64') } }
  t.match(await http('enrol', blue), {
    status: 200,
    result: {
      version: 2,
      warnings: [
        'it is 32 x 32 pixels; at least 64 x 64 are wanted',
        /^it is blurred or empty \(sharpness /,
      ],
    },
  })
  t.match(await http('enrol', { ...blue, sku: 'azure' }), {
    result: {
      version: 3,
      warnings: [/^it is/, /^it is/, 'it is much like Blue (blue), 1.00 of 1'],
    },
  })
  t.match(await http('enrol', { ...blue, from: { jpeg: 'bm8=' } }), {
    status: 400,
    error: { code: 'IMAGE_UNREADABLE' },
  })
  t.match(await http('forget', { sku: 'nobody' }), {
    status: 404,
    error: { code: 'GALLERY_SKU_UNKNOWN' },
  })

  // Killed while it learns: whole old or whole new, and what was answered before is there.
  const tea = { sku: 'tea', name: 'Tea', from: { camera: 'other' } }
  const dying = JSON.stringify({ requestId: 'last', ...tea })
  await till.client.publishAsync('grocerd/test/cmd/enrol', dying, { qos: 1 })
  await again('SIGKILL')
  await till.until(best('eye', '4711'), 'the jam after a crash')
  const kept = (await till.until(one => one.topic === 'state' && one.message.gallery > 0, 'state'))
    .message.gallery
  t.ok([3, 4].includes(kept), `version ${kept}`)
  const wanted = kept === 4 ? 'tea' : 'g'
  await till.until(best('other', wanted), `the tea as ${wanted}`)

  // Another embedder knows the same products, from the kept pictures.
  const e2 = embedder('e2', [2, 1, 1])
  await again('SIGTERM', { ...config, models: { classifier, embedder: e2 } })
  await till.until(best('eye', '4711'), 'the jam by another embedder')
  t.equal(readdirSync(join(state, 'gallery', 'vectors')).length, 2)

  const pictures = () => readdirSync(join(state, 'gallery', 'pictures')).length
  const before = pictures()
  from = now()
  const gone = await till.ask('forget', { sku: '4711' })
  t.match(gone, { ok: true, result: { sku: '4711', version: kept + 1, pictures: 1 } })
  await till.until(best('eye', 'r'), 'the jam is forgotten', now())
  await till.until(hasGallery(kept + 1), 'the version after it', from)
  t.equal(pictures(), before - 1)
  const versions = join(state, 'gallery', 'versions')
  for (const file of readdirSync(versions))
    t.notMatch(readFileSync(join(versions, file), 'utf8'), '"4711","name"', file)
  rmSync(join(state, 'gallery', 'vectors'), { recursive: true })
  t.ok(existsSync(versions))
})

t.test('roi and mask hold: nothing that a camera must not show is kept', async t => {
  const dir = t.testdir()
  mkdirSync(join(dir, 'pictures'))
  // Left half blue, right half red with a green corner that is masked.
  const blue = await sharp(await plainPicture('#0000ff'))
    .resize(80, 120)
    .png()
    .toBuffer()
  const green = await sharp(await plainPicture('#00ff00'))
    .resize(40, 60)
    .png()
    .toBuffer()
  await sharp({ create: { width: 160, height: 120, channels: 3, background: '#ff0000' } })
    .composite([
      { input: blue, left: 0, top: 0 },
      { input: green, left: 120, top: 60 },
    ])
    .jpeg({ quality: 95, chromaSubsampling: '4:4:4' })
    .toFile(join(dir, 'pictures', 'a.jpg'))
  const model = { weights: [1, 1, 1] as [number, number, number] }
  const config = {
    models: {
      classifier: colourModel(dir, 'trained', { ...model, skus: ['r', 'g', 'b'] }),
      embedder: colourModel(dir, 'e', { ...model, skus: [], kind: 'embedder' }),
    },
    cameras: [
      {
        id: 'eye',
        mode: 'stream',
        source: `dir:${join(dir, 'pictures')}?hold=1h`,
        roi: [0.5, 0, 1, 1],
        mask: [[0.75, 0.5, 1, 1]],
      },
    ],
    mqtt: { url: 'embedded', listen: '127.0.0.1:0', commands: ['enrol'] },
  }
  const daemon = await startDaemon(dir, config)
  t.teardown(() => daemon.process.kill('SIGKILL'))
  const till = new Listener(daemon.mqttUrl)
  t.teardown(() => till.stop())
  await till.until(one => one.topic === 'state' && one.message.gallery === 0, 'a gallery')
  await till.until(one => one.topic === 'frames/eye', 'a frame')
  const product = { sku: 'a', name: 'A' }
  const enrol = (box?: number[]) =>
    till.ask('enrol', { ...product, from: { camera: 'eye', ...(box ? { box } : {}) } })
  t.match(await enrol([0, 0, 1, 1]), { ok: true, result: { version: 1 } })
  t.match(await enrol([0, 0, 0.4, 1]), {
    error: {
      code: 'COMMAND_INVALID',
      message: 'from.box: Expected a box in the roi [0.5, 0, 1, 1] but received [0, 0, 0.4, 1]',
    },
  })
  const folder = join(dir, 'state', 'gallery', 'pictures')
  const kept = join(folder, readdirSync(folder)[0]!)
  const { data, info } = await sharp(kept).raw().toBuffer({ resolveWithObject: true })
  t.same([info.width, info.height], [80, 120], 'the roi alone')
  let [most, red] = [0, 0]
  for (let at = 0; at < data.length; at += 3) {
    most = Math.max(most, data[at + 1]!, data[at + 2]!)
    red = Math.max(red, data[at]!)
  }
  t.ok(most < 80, `green and blue are gone: ${most}`)
  t.ok(red > 200)
})
