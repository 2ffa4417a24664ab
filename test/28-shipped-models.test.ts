// The detector and the embedder that ship: whole, of use on pictures, and the same in both runtimes.
import { spawnSync } from 'node:child_process'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import t from 'tap'
import { probeRuntime } from '../src/inference/addon.js'
import { openModel, readWeights } from '../src/inference/manifest.js'
import { iouOf } from '../src/boxes.js'
import { Detector } from '../src/recognition/detector.js'
import { Embedder } from '../src/recognition/embedder.js'
import { readPicture } from '../src/recognition/picture.js'
import type { Box } from '../src/recognition/types.js'

const runtimes = (['openvino', 'onnxruntime'] as const).filter(name => probeRuntime(name).found)
const skip = runtimes.length > 0 ? false : 'no runtime is here'
const demo = (name: string) => join('deploy/demo/pictures', name)

/** Two packages of the demo's pictures on a plain counter, each with its box; 0..1 of 640 x 640. */
async function counter(): Promise<{ png: Buffer; boxes: Box[] }> {
  const side = 640
  const cut = async (file: string, [x0, y0, x1, y1]: Box, height: number) => {
    const { width, height: whole } = await sharp(demo(file)).metadata()
    const [left, top] = [Math.round(x0 * width), Math.round(y0 * whole)]
    return sharp(demo(file))
      .extract({
        left,
        top,
        width: Math.round(x1 * width) - left,
        height: Math.round(y1 * whole) - top,
      })
      .resize({ height })
      .toBuffer({ resolveWithObject: true })
  }
  const cream = await cut('29-arla-sour-cream.jpg', [0.11, 0.26, 0.73, 0.97], 220)
  const juice = await cut('10-god-morgon-orange-juice.jpg', [0.55, 0.02, 0.98, 0.85], 330)
  const placed = [
    { ...cream, left: 70, top: 330 },
    { ...juice, left: 400, top: 100 },
  ]
  const background = { r: 178, g: 174, b: 168 }
  const png = await sharp({ create: { width: side, height: side, channels: 3, background } })
    .composite(placed.map(({ data, left, top }) => ({ input: data, left, top })))
    .png()
    .toBuffer()
  const boxes = placed.map(
    ({ left, top, info }) =>
      [left, top, left + info.width, top + info.height].map(one => one / side) as Box,
  )
  return { png, boxes }
}

for (const name of ['grocery-detector', 'grocery-embedder']) {
  t.test(`${name} is what its model.json says`, async t => {
    const { folder, manifest } = openModel(name)
    for (const entry of manifest.weights) readWeights(folder, entry)
    t.same(
      manifest.weights.map(one => one.format),
      ['openvino-ir', 'onnx'],
    )
    const copy = join(t.testdir(), name)
    cpSync(folder, copy, { recursive: true })
    const file = join(copy, manifest.weights[1]!.file)
    const bytes = readFileSync(file)
    bytes[bytes.length >> 1]! ^= 1
    writeFileSync(file, bytes)
    t.throws(() => readWeights(copy, manifest.weights[1]!), { code: 'MODEL_HASH_MISMATCH' })
    t.notMatch(readFileSync(join(folder, 'CARD.md'), 'utf8'), /FILL/)
  })
}

t.test('the detector finds what lies on a counter, alike in both runtimes', { skip }, async t => {
  const { png, boxes } = await counter()
  const sure = openModel('grocery-detector').manifest.calibration.unknown
  const all = []
  for (const prefer of runtimes) {
    const detector = new Detector({
      model: 'grocery-detector',
      runtime: { prefer },
      precisionHint: 'f32',
    })
    await detector.start()
    const { detections } = await detector.detect(await readPicture(png, 'counter.png'))
    await detector.stop()
    const found = detections.filter(one => one.score >= sure)
    t.equal(found.length, boxes.length, `${prefer}: ${JSON.stringify(found)}`)
    for (const box of boxes)
      t.ok(
        found.some(one => iouOf(one.box, box) > 0.75),
        `${prefer}: ${JSON.stringify(found)} has ${box}`,
      )
    all.push(
      boxes.map(box => found.reduce((a, b) => (iouOf(b.box, box) > iouOf(a.box, box) ? b : a))),
    )
  }
  const [int8, float] = all
  if (!float) return
  // INT8 against float: the same boxes to a tenth, scores to a tenth.
  int8!.forEach((one, at) => {
    t.ok(iouOf(one.box, float[at]!.box) > 0.9, `boxes ${one.box} and ${float[at]!.box}`)
    t.ok(Math.abs(one.score - float[at]!.score) < 0.1, `${one.score}, ${float[at]!.score}`)
  })
})

t.test('the embedder: one thing is near itself, alike in both runtimes', { skip }, async t => {
  const files = ['01-banana.jpg', '05-lime.jpg', '10-god-morgon-orange-juice.jpg', '27-cabbage.jpg']
  // The same thing as another camera shows it: nearer, turned, darker, small.
  const again = (file: string) =>
    sharp(demo(file))
      .rotate(8)
      .resize(260, 260)
      .extract({ left: 26, top: 26, width: 208, height: 208 })
      .modulate({ brightness: 0.8 })
      .jpeg({ quality: 70 })
      .toBuffer()
  const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, one, d) => sum + one * b[d]!, 0)
  const { calibration, output } = openModel('grocery-embedder').manifest
  const all: Float32Array[][] = []
  for (const prefer of runtimes) {
    const embedder = new Embedder({
      model: 'grocery-embedder',
      runtime: { prefer },
      precisionHint: 'f32',
    })
    const { dims } = await embedder.start()
    t.equal(dims, output.dimension)
    const embed = async (bytes: Buffer, file: string) =>
      (await embedder.embed(await readPicture(bytes, file))).embedding
    const first: Float32Array[] = []
    const second: Float32Array[] = []
    for (const file of files) {
      first.push(await embed(readFileSync(demo(file)), file))
      second.push(await embed(await again(file), file))
    }
    await embedder.stop()
    first.forEach((one, at) => {
      const likeness = second.map(other => dot(one, other))
      const others = likeness.filter((_, k) => k !== at)
      t.ok(likeness[at]! > Math.max(...others) + 0.2, `${prefer} ${files[at]}: ${likeness}`)
      t.ok(1 - likeness[at]! < calibration.distance!, `${prefer} ${files[at]}: ${likeness[at]}`)
      t.ok(1 - Math.max(...others) > calibration.distance!, 'strangers are far')
    })
    all.push([...first, ...second])
  }
  const [int8, float] = all
  if (!float) return
  int8!.forEach((one, at) => {
    const likeness = dot(one, float[at]!)
    t.ok(likeness > 0.95, `INT8 and float: cosine ${likeness}`)
  })
})

t.test('detect and enrol take them without being told', { skip }, async t => {
  const dir = t.testdir()
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ['dist/main.js', ...args], { encoding: 'utf8' })
  writeFileSync(join(dir, 'counter.png'), (await counter()).png)
  const detected = run('detect', '--json', join(dir, 'counter.png'))
  t.ok(JSON.parse(detected.stdout).boxes.length >= 2, detected.stderr)
  const gallery = ['--gallery', join(dir, 'gallery')]
  for (const file of ['01-banana.jpg', '05-lime.jpg'])
    t.equal(run('enrol', ...gallery, '--sku', file, '--name', file, demo(file)).status, 0)
  const asked = run(
    'classify',
    '--model',
    'grocery-embedder',
    ...gallery,
    '--json',
    demo('05-lime.jpg'),
  )
  t.match(JSON.parse(asked.stdout), { decision: 'sure', candidates: [{ sku: '05-lime.jpg' }] })
})
