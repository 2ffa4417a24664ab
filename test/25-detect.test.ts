// Detectors: each kind's outputs to boxes, suppression, the way back to the picture, and figures as COCO counts them.
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import t, { type Test } from 'tap'
import { Engine, probeRuntime } from '../src/inference/addon.js'
import { manifestSchema } from '../src/inference/manifest.js'
import { measureDetections } from '../src/learn/average-precision.js'
import { readCoco } from '../src/learn/coco.js'
import { fcos } from '../src/recognition/detect/fcos.js'
import { iouOf } from '../src/boxes.js'
import { nms } from '../src/recognition/detect/nms.js'
import { toPicture } from '../src/recognition/detect/place.js'
import { anchorSizes, retinanet } from '../src/recognition/detect/retinanet.js'
import { ssd } from '../src/recognition/detect/ssd.js'
import type { DetectorSpec, Found } from '../src/recognition/detect/types.js'
import { yolo } from '../src/recognition/detect/yolo.js'
import { Detector } from '../src/recognition/detector.js'
import type { Box } from '../src/recognition/types.js'
import { spec } from './helpers/input-spec.js'
import { onnxModel } from './helpers/onnx-writer.js'
import { asOnnx, diagonal } from './helpers/tiny-models.js'

const runtime = (['openvino', 'onnxruntime'] as const).find(name => probeRuntime(name).found)
const skip = runtime ? false : 'no runtime is here'

/** The same small generator everywhere: 0..1. */
function generator(seed: number) {
  let state = seed
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return state / 0x7fffffff
  }
}

const output = (name: string, shape: number[], data: number[]) => ({
  name,
  shape,
  data: Float32Array.from(data),
})

/** output of a model.json with the defaults of the schema. */
const told = (given: object): DetectorSpec =>
  manifestSchema.shape.output.parse({ boxes: 'ssd', ...given })

const rounded = ({ boxes, scores }: Found) => ({
  boxes: Array.from({ length: scores.length }, (_, at) =>
    [...boxes.subarray(4 * at, 4 * at + 4)].map(one => Math.round(1e4 * one) / 1e4),
  ),
  scores: [...scores].map(one => Math.round(1e4 * one) / 1e4),
})

const size = { width: 64, height: 32 }

t.test('of boxes that lie on one another the best stays: as the plain way says', async t => {
  const random = generator(11)
  /** The definition: again and again the best that is left, and all that it covers go. */
  const plain = ({ boxes, scores }: Found, minScore: number, iou: number) => {
    let left = [...scores.keys()].filter(at => scores[at]! >= minScore)
    const kept: number[] = []
    while (left.length > 0) {
      const best = left.reduce((a, b) => (scores[b]! > scores[a]! ? b : a))
      kept.push(best)
      left = left.filter(at => at !== best && iouOf(boxes, boxes, 4 * best, 4 * at) <= iou)
    }
    return kept
  }
  let suppressed = 0
  for (let round = 0; round < 200; round++) {
    const count = Math.floor(random() * 40)
    const boxes = new Float32Array(4 * count)
    // Few different scores, so that equal ones are met.
    const scores = Float32Array.from({ length: count }, () => Math.floor(random() * 20) / 20)
    for (let at = 0; at < count; at++) {
      const [x, y] = [random() * 0.6, random() * 0.6]
      boxes.set([x, y, x + 0.05 + random() * 0.35, y + 0.05 + random() * 0.35], 4 * at)
    }
    const kept = nms({ boxes, scores }, { minScore: 0.1, iou: 0.4, most: 100 })
    t.same(kept, plain({ boxes, scores }, 0.1, 0.4))
    suppressed += count - kept.length
  }
  t.ok(suppressed > 500, `${suppressed} were left out`)
  const two = { boxes: Float32Array.of(0, 0, 1, 1, 0, 0, 1, 1), scores: Float32Array.of(0.5, 0.9) }
  t.same(nms(two, { minScore: 0, iou: 1, most: 100 }), [1, 0], 'with 1 all stay')
  t.same(nms(two, { minScore: 0, iou: 1, most: 1 }), [1])
  two.scores[1] = Number.NaN
  t.same(nms(two, { minScore: 0, iou: 1, most: 9 }), [0], 'what is no number is no box')
  const [a, b] = [Float32Array.of(0, 0, 2, 2), Float32Array.of(1, 1, 3, 3)]
  t.equal(iouOf(a, b), 1 / 7)
  t.equal(iouOf(a, Float32Array.of(2, 0, 3, 2)), 0, 'touching is not overlapping')
})

t.test('ssd: rows of seven, or boxes beside scores', async t => {
  const rows = output(
    'detections',
    [1, 1, 3, 7],
    [...[0, 1, 0.9, 0.1, 0.2, 0.3, 0.4], ...[0, 2, 0.5, 0.5, 0.5, 1, 1], ...[-1, 0, 0, 0, 0, 0, 0]],
  )
  t.same(rounded(ssd([rows], told({}), size)), {
    boxes: [
      [0.1, 0.2, 0.3, 0.4],
      [0.5, 0.5, 1, 1],
    ],
    scores: [0.9, 0.5],
  })
  const boxes = output('boxes', [1, 2, 4], [16, 8, 32, 16, 0, 0, 64, 32])
  const scores = output('scores', [1, 2], [0.7, 0.2])
  const pixels = { units: 'pixel' }
  const both = {
    boxes: [
      [0.25, 0.25, 0.5, 0.5],
      [0, 0, 1, 1],
    ],
    scores: [0.7, 0.2],
  }
  t.same(rounded(ssd([scores, boxes], told(pixels), size)), both)
  const labels = output('labels', [1, 2], [5, 6])
  const named = told({ ...pixels, scores: 'scores' })
  t.same(rounded(ssd([labels, boxes, scores], named, size)), both)
  // Background first: exp(2) of exp(1) + exp(2) + exp(0).
  const logits = output('scores', [1, 2, 3], [1, 2, 0, 9, 0, 0])
  const softmax = told({ ...pixels, activation: 'softmax' })
  t.same(rounded(ssd([boxes, logits], softmax, size)).scores, [0.6652, 0.0001])
  t.throws(() => ssd([scores], told({}), size), {
    code: 'MODEL_SHAPE_MISMATCH',
    message:
      'Expected rows of 7 values, or boxes of 4 values and as many scores, but the model has scores 1x2',
  })
})

t.test('yolo: of version 5, of version 8, and not decoded in the graph', async t => {
  const one = { boxes: [[0.125, 0.125, 0.375, 0.625]], scores: [0.4] }
  // Middle (16, 12), size 16 x 16 of 64 x 32; objectness 0.5 times the better class 0.8.
  const [x, y, w, h] = [16, 12, 16, 16]
  const rows = (row: number[]) => [...row, ...new Array(9 * row.length).fill(0)]
  const five = output('output', [1, 10, 7], rows([x, y, w, h, 0.5, 0.8, 0.1]))
  const first = (found: Found) => {
    const { boxes, scores } = rounded(found)
    return { boxes: boxes.slice(0, 1), scores: scores.slice(0, 1) }
  }
  t.same(first(yolo([five], told({}), size)), one)
  const columns = [x, y, w, h, 0.4, 0.1].flatMap(value => [value, ...new Array(9).fill(0)])
  const eight = output('output0', [1, 6, 10], columns)
  t.same(first(yolo([eight], told({}), size)), one)
  const fractions = [x / 64, y / 32, w / 64, h / 32, 0.4, 0.1]
  const small = output(
    'output0',
    [1, 6, 10],
    fractions.flatMap(value => [value, ...new Array(9).fill(0)]),
  )
  t.same(first(yolo([small], told({ units: 'fraction' }), size)), one)
  // Strides 16 and 32 on 64 x 32: 4 x 2 and 2 x 1 cells; the middle of cell (1, 0) moved by (0, 0.75).
  const empty = new Array(6).fill(0)
  const raw = [...empty, 0, 0.75, 0, 0, 0, Math.log(0.4 / 0.6)]
  const grid = output('output', [1, 10, 6], [...raw, ...new Array(8).fill(empty).flat()])
  const strides = told({ strides: [16, 32], objectness: false, activation: 'sigmoid' })
  const found = rounded(yolo([grid], strides, size))
  t.same([found.boxes[1], found.scores[1]], [one.boxes[0], 0.5])
  const cells = { strides: [16], objectness: false }
  t.throws(() => yolo([grid], told(cells), size), {
    message: 'Expected 8 boxes but the model has output 1x10x6',
  })
  t.throws(() => yolo([output('y', [1, 4, 10], new Array(40).fill(0))], told({}), size), {
    message: /^Expected one output of 1 x boxes x \(5 \+ classes\)/,
  })
  const alone = output('output', [1, 10, 5], rows([x, y, w, h, 0.3]))
  t.same(first(yolo([alone], told({}), size)).scores, [0.3], 'objectness may stand alone')
})

t.test('fcos: all levels in one list, or a plane a level, with and without centreness', async t => {
  const strides = [16, 32]
  const given = told({ strides, activation: 'sigmoid' })
  // Cell 6 is (2, 1) of the finer level: its middle is (40, 24).
  const cells = 10
  const at = (cell: number, values: number[]) => {
    const all = new Array(cells * values.length).fill(0)
    values.forEach((value, k) => (all[cell * values.length + k] = value))
    return all
  }
  const distances = output('reg', [1, cells, 4], at(6, [0.5, 1, 0.25, 0.5]))
  const classes = output('cls', [1, cells, 2], at(6, [-9, Math.log(9)]))
  const centre = output('ctr', [1, cells, 1], at(6, [Math.log(4)]))
  const box = [0.5, 0.25, 0.6875, 1]
  const plain = rounded(fcos([classes, distances], given, size))
  t.same([plain.boxes[6], plain.scores[6]], [box, 0.9])
  const central = rounded(fcos([classes, distances, centre], given, size))
  t.same([central.boxes[6], central.scores[6]], [box, 0.8485], 'root of 0.9 x 0.8')

  /** The same as planes: [1, channels, rows, columns] a level. */
  const planes = (name: string, list: { data: Float32Array }, channels: number) =>
    [
      [0, 2, 4],
      [8, 1, 2],
    ].map(([from, rows, columns]) =>
      output(
        `${name}${from}`,
        [1, channels, rows!, columns!],
        Array.from({ length: channels * rows! * columns! }, (_, place) => {
          const channel = Math.floor(place / (rows! * columns!))
          return list.data[(from! + (place % (rows! * columns!))) * channels + channel]!
        }),
      ),
    )
  // One class and its centreness are equally wide: the class comes first in each level.
  const single = output('cls', [1, cells, 1], at(6, [Math.log(9)]))
  const [cls, reg, ctr] = [
    planes('cls', single, 1),
    planes('reg', distances, 4),
    planes('ctr', centre, 1),
  ]
  for (const order of [
    [...cls, ...reg, ...ctr],
    [cls[0]!, reg[0]!, ctr[0]!, cls[1]!, reg[1]!, ctr[1]!],
  ]) {
    const found = rounded(fcos(order, given, size))
    t.same([found.boxes[6], found.scores[6], found.boxes.length], [box, 0.8485, cells])
  }
  t.throws(() => fcos([classes, distances], told({ strides: [8] }), size), {
    message:
      'Expected 32 rows, one a cell of the strides, but the model has cls 1x10x2, reg 1x10x4',
  })
  t.throws(() => fcos([cls[0]!, reg[0]!], given, size), {
    message:
      'Expected outputs of 1 channels, one for each of the strides, but the model has cls0 1x1x2x4, reg0 1x4x2x4',
  })
  t.throws(() => fcos([classes, distances], told({}), size), { code: 'MODEL_SHAPE_MISMATCH' })
})

t.test('retinanet: what is encoded against an anchor comes back', async t => {
  const strides = [16, 32]
  const anchors = { scales: [1, 2], ratios: [0.5, 1, 2] }
  const given = told({ strides, activation: 'sigmoid', anchors })
  t.same(
    anchorSizes(16, [1, 2], [0.5, 2]).map(pair => pair.map(Math.round)),
    [
      [91, 45],
      [181, 91],
      [45, 91],
      [91, 181],
    ],
  )
  const cells = 10
  const count = cells * 6
  // Anchor 3 (ratio 1, scale 2) of cell 5 = (1, 1): middle (24, 24), 128 x 128.
  const row = 5 * 6 + 3
  const box = [0.25, 0.125, 0.5, 0.75]
  const [left, top, right, bottom] = box.map((one, k) => one * (k % 2 ? 32 : 64)) as [
    number,
    number,
    number,
    number,
  ]
  const deltas = [
    ((left + right) / 2 - 24) / 128 / 0.1,
    ((top + bottom) / 2 - 24) / 128 / 0.1,
    Math.log((right - left) / 128) / 0.2,
    Math.log((bottom - top) / 128) / 0.2,
  ]
  const all = new Array(4 * count).fill(0)
  deltas.forEach((value, k) => (all[4 * row + k] = value))
  const scores = new Array(count).fill(-9)
  scores[row] = Math.log(9)
  const flat = [output('reg', [1, count, 4], all), output('cls', [1, count, 1], scores)]
  const found = rounded(retinanet(flat, given, size))
  t.same([found.boxes[row], found.scores[row], found.boxes.length], [box, 0.9, count])
  // As planes, the anchors of a cell one after the other.
  const planes = (name: string, list: number[], width: number) =>
    [
      [0, 2, 4],
      [8, 1, 2],
    ].map(([from, rows, columns]) =>
      output(
        name,
        [1, width, rows!, columns!],
        Array.from({ length: width * rows! * columns! }, (_, place) => {
          const channel = Math.floor(place / (rows! * columns!))
          return list[(from! + (place % (rows! * columns!))) * width + channel]!
        }),
      ),
    )
  const levels = [...planes('cls', scores, 6), ...planes('reg', all, 24)]
  const again = rounded(retinanet(levels, given, size))
  t.same([again.boxes[row], again.scores[row], again.boxes.length], [box, 0.9, count])
  t.throws(() => retinanet(flat, told({ strides, anchors: { scales: [1] } }), size), {
    message:
      'Expected 30 rows, one a cell of the strides, but the model has reg 1x60x4, cls 1x60x1',
  })
})

t.test('a box comes back to where the addon took it from', { skip }, async t => {
  const [width, height] = [40, 30]
  const engine = async (fit: 'fill' | 'crop' | 'letterbox', picture: object) => {
    const one = new Engine({
      runtime: runtime!,
      model: asOnnx({ shape: [1, 3, height, width], matrix: diagonal(width, 1), layers: 1 }),
      input: spec(width, height, { fit }),
    })
    await one.start()
    const { outputs } = await one.infer(picture as never)
    await one.stop()
    return outputs[0]!.data
  }
  const pictures = [
    { width: 160, height: 90 },
    { width: 80, height: 120 },
  ]
  const regions: Box[] = [
    [0, 0, 1, 1],
    [0.1, 0.2, 0.9, 0.7],
  ]
  for (const picture of pictures) {
    for (const region of regions) {
      // A bright patch in the middle of what is shown, that no fit cuts off.
      const middle = [(region[0] + region[2]) / 2, (region[1] + region[3]) / 2] as const
      const patch: Box = [middle[0] - 0.1, middle[1] - 0.1, middle[0] + 0.05, middle[1] + 0.08]
      const rgb = new Uint8Array(picture.width * picture.height * 3)
      const edges = patch.map((one, k) =>
        Math.round(one * (k % 2 ? picture.height : picture.width)),
      ) as Box
      for (let y = edges[1]; y < edges[3]; y++)
        rgb.fill(255, 3 * (y * picture.width + edges[0]), 3 * (y * picture.width + edges[2]))
      for (const fit of ['fill', 'crop', 'letterbox'] as const) {
        const tensor = await engine(fit, { rgb, ...picture, box: region })
        const bright: [number, number][] = []
        for (let y = 0; y < height; y++)
          for (let x = 0; x < width; x++) if (tensor[y * width + x]! > 127) bright.push([x, y])
        const xs = bright.map(([x]) => x)
        const ys = bright.map(([, y]) => y)
        const seen: Box = [
          Math.min(...xs) / width,
          Math.min(...ys) / height,
          (Math.max(...xs) + 1) / width,
          (Math.max(...ys) + 1) / height,
        ]
        const back = toPicture({ fit, width, height }, picture, region)(seen)
        const apart = back.map((one, k) =>
          Math.abs(one - edges[k]! / (k % 2 ? picture.height : picture.width)),
        )
        const name = `${fit} ${picture.width}x${picture.height} ${region}`
        // One pixel of the input, in parts of the picture.
        t.ok(Math.max(...apart) < 1.1 / Math.min(width, height), `${name}: ${apart}`)
      }
    }
  }
  const whole = toPicture({ fit: 'letterbox', width: 40, height: 30 }, pictures[1]!, [0, 0, 1, 1])
  t.same(whole([0, 0, 1, 1]), [0, 0, 1, 1], 'the bars belong to nothing')
})

/** Two boxes of which one covers the other, and a third; their scores times the picture's brightness, 0..1. */
const fixedBoxes: Box[] = [
  [0.1, 0.1, 0.5, 0.5],
  [0.12, 0.1, 0.5, 0.5],
  [0.6, 0.6, 0.9, 0.8],
]

function detectorFolder(folder: string, more: object = {}, json: object = {}): string {
  mkdirSync(folder, { recursive: true })
  const model = onnxModel({
    inputs: [{ name: 'x', shape: [1, 3, 8, 8] }],
    outputs: [
      { name: 'boxes', shape: [1, 1, 3, 4] },
      { name: 'scores', shape: [1, 1, 1, 3] },
    ],
    weights: [
      { name: 'zero', shape: [1], data: Float32Array.of(0) },
      { name: 'fixed', shape: [1, 3, 4], data: Float32Array.from(fixedBoxes.flat()) },
      { name: 'best', shape: [1, 3], data: Float32Array.of(0.9, 0.8, 0.7) },
    ],
    nodes: [
      { type: 'ReduceMean', from: ['x'], to: ['mean'], integers: { keepdims: 1 } },
      { type: 'Mul', from: ['mean', 'zero'], to: ['nothing'] },
      { type: 'Add', from: ['nothing', 'fixed'], to: ['boxes'] },
      { type: 'Mul', from: ['mean', 'best'], to: ['scores'] },
    ],
  })
  writeFileSync(join(folder, 'model.onnx'), model)
  const manifest = {
    schema: 1,
    name: 'tiny',
    version: 3,
    kind: 'detector',
    weights: [
      {
        format: 'onnx',
        file: 'model.onnx',
        precision: 'fp32',
        sha256: createHash('sha256').update(model).digest('hex'),
      },
    ],
    input: { width: 8, height: 8, scale: 255 },
    output: { boxes: 'ssd', ...more },
    licence: 'MIT',
    source: 'the test',
    ...json,
  }
  writeFileSync(join(folder, 'model.json'), JSON.stringify(manifest))
  return folder
}

const picture = (side: number, level: number) => {
  const background = { r: level, g: level, b: level }
  return sharp({ create: { width: side, height: side, channels: 3, background } })
    .png()
    .toBuffer()
}

const near = (t: Test, found: number[], wanted: number[], name: string) =>
  t.ok(
    found.every((one, k) => Math.abs(one - wanted[k]!) < 2e-3),
    `${name}: ${found}`,
  )

t.test('a detector from its folder to boxes of the picture', { skip }, async t => {
  const dir = t.testdir()
  const detector = new Detector({ model: detectorFolder(join(dir, 'model')) })
  await t.rejects(detector.detect({ rgb: new Uint8Array(3), width: 1, height: 1 }), {
    code: 'ENGINE_STOPPED',
    message: 'Expected a started detector but it is not started',
  })
  const { model } = await detector.start()
  t.match(model, { name: 'tiny', version: 3, kind: 'detector' })
  const white = { rgb: new Uint8Array(16 * 8 * 3).fill(255), width: 16, height: 8 }
  const { detections } = await detector.detect(white)
  t.same(
    detections.map(({ score }) => Math.round(score * 1000)),
    [900, 700],
    'the covered one is left out',
  )
  near(t, detections[0]!.box, fixedBoxes[0]!, 'fill keeps fractions')
  const part = await detector.detect({ ...white, box: [0.5, 0, 1, 0.5] })
  near(t, part.detections[0]!.box, [0.55, 0.05, 0.75, 0.25], 'of the region')
  await detector.stop()
  const black = new Detector({ model: join(dir, 'model'), minScore: 0.5 })
  await black.start()
  const grey = { ...white, rgb: new Uint8Array(16 * 8 * 3).fill(150) }
  t.same((await black.detect(grey)).detections.length, 1, '0.53 is above, 0.41 below')
  await black.stop()

  const failure = async (folder: string) => {
    const one = new Detector({ model: folder })
    return one.start().then(
      () => null,
      (error: { code: string; message: string }) => `${error.code} ${error.message}`,
    )
  }
  t.match(
    await failure(detectorFolder(join(dir, 'fcos'), { boxes: 'fcos', strides: [4] })),
    /^MODEL_SHAPE_MISMATCH Expected outputs of 1 channels/,
  )
  const none = detectorFolder(join(dir, 'none'), { boxes: undefined })
  t.equal(
    await failure(none),
    `MANIFEST_INVALID ${none}: Expected output.boxes (ssd, yolo, fcos or retinanet) in model.json but it is missing`,
  )
  t.match(
    await failure('grocery81'),
    /^MODEL_SHAPE_MISMATCH .*grocery81: Expected a model of kind detector but received classifier$/,
  )
})

t.test('the figures are those of pycocotools for the same boxes', async t => {
  const random = generator(7)
  const pictures = Array.from({ length: 120 }, () => {
    const boxes: Box[] = []
    const crowd: boolean[] = []
    const detections: { box: Box; score: number }[] = []
    for (let count = Math.floor(random() * 7); count > 0; count--) {
      const [x, y] = [random() * 0.7, random() * 0.7]
      boxes.push([x, y, x + 0.05 + random() * 0.25, y + 0.05 + random() * 0.25])
      crowd.push(random() < 0.08)
    }
    const moved = () => (random() - 0.5) * 0.06
    const score = (least: number) => Math.round((least + (1 - least) * random()) * 1e6) / 1e6
    for (const [x0, y0, x1, y1] of boxes) {
      if (random() >= 0.85) continue
      const box: Box = [x0 + moved(), y0 + moved(), x1 + moved(), y1 + moved()]
      detections.push({ box, score: score(0.3) })
    }
    for (let count = Math.floor(random() * 4); count > 0; count--) {
      const [x, y] = [random() * 0.7, random() * 0.7]
      detections.push({ box: [x, y, x + 0.2, y + 0.2], score: score(0) })
    }
    return { boxes, crowd, detections: detections.sort((a, b) => b.score - a.score) }
  })
  const { ap, ap50, ap75, ...rest } = measureDetections(pictures)
  t.same({ images: rest.images, boxes: rest.boxes }, { images: 120, boxes: 307 })
  for (const [found, wanted] of [
    [ap, 0.1673786233400489],
    [ap50, 0.4896322135789578],
    [ap75, 0.06687654796008835],
  ] as const)
    t.ok(Math.abs(found - wanted) < 1e-9, `${found} is ${wanted}`)
})

t.test('recall at one false box a picture, counted by hand', async t => {
  const box = (x: number): Box => [x, 0, x + 0.1, 1]
  const found = (...list: [number, number][]) => list.map(([x, score]) => ({ box: box(x), score }))
  const pictures = [
    {
      boxes: [box(0), box(0.2)],
      crowd: [false, false],
      detections: found([0, 0.9], [0.5, 0.8], [0.7, 0.7]),
    },
    { boxes: [box(0)], crowd: [false], detections: found([0.6, 0.6], [0, 0.5]) },
  ]
  // In order: right, wrong, wrong, then a third wrong one is more than one a picture.
  const { recall, recallAt1fp, boxes, ap50 } = measureDetections(pictures)
  t.same([boxes, recall, recallAt1fp], [3, 2 / 3, 1 / 3])
  // Precision 1 up to a recall of 1/3 (34 of 101 points), 0.4 up to 2/3 (33 points), then nothing.
  t.ok(Math.abs(ap50 - (34 + 33 * 0.4) / 101) < 1e-12, String(ap50))
  t.same(measureDetections([{ boxes: [], crowd: [], detections: [] }]).ap, 0)
})

t.test('a COCO file that is wrong is told with its place', async t => {
  const dir = t.testdir({ 'text.json': 'text', 'none.json': '{"images":[],"annotations":[]}' })
  const image = { id: 1, file_name: 'a/b.png', width: 200, height: 100 }
  const write = (name: string, json: object) => {
    writeFileSync(join(dir, name), JSON.stringify(json))
    return join(dir, name)
  }
  const good = write('good.json', {
    images: [image, { ...image, id: 2, file_name: 'empty.png' }],
    annotations: [
      { image_id: 1, bbox: [20, 10, 40, 50] },
      { image_id: 1, bbox: [0, 0, 200, 100], iscrowd: 1 },
      { image_id: 1, bbox: [5, 5, 0, 9] },
    ],
  })
  t.same(readCoco(good), [
    {
      file: 'a/b.png',
      path: join(dir, 'a/b.png'),
      boxes: [
        [0.1, 0.1, 0.3, 0.6],
        [0, 0, 1, 1],
      ],
      crowd: [false, true],
    },
    { file: 'empty.png', path: join(dir, 'empty.png'), boxes: [], crowd: [] },
  ])
  const message = (file: string) => {
    try {
      return readCoco(file)
    } catch (error) {
      return (error as Error).message.replace(dir, '')
    }
  }
  t.match(
    message(join(dir, 'text.json')),
    /^\/text.json: Expected a COCO file but reading it failed: /,
  )
  t.match(message(join(dir, 'gone.json')), /ENOENT/)
  t.equal(message(join(dir, 'none.json')), '/none.json: Expected pictures but it has none')
  const stray = write('stray.json', {
    images: [image],
    annotations: [{ image_id: 9, bbox: [0, 0, 1, 1] }],
  })
  t.equal(message(stray), '/stray.json: Expected a picture with the id 9 of a box')
  const short = write('short.json', {
    images: [image],
    annotations: [{ image_id: 1, bbox: [0, 0, 1] }],
  })
  t.match(message(short), /^\/short.json: annotations.0.bbox/)
})

t.test('detect and evaluate on the command line', { skip }, async t => {
  const dir = t.testdir()
  const model = detectorFolder(join(dir, 'model'))
  writeFileSync(join(dir, 'white.png'), await picture(20, 255))
  writeFileSync(join(dir, 'bad.png'), 'text')
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ['dist/main.js', ...args], { encoding: 'utf8' })
  const both = run(
    'detect',
    '--model',
    model,
    '--json',
    join(dir, 'white.png'),
    join(dir, 'bad.png'),
  )
  t.equal(both.status, 1)
  const [first, second] = both.stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  t.equal(first.file, join(dir, 'white.png'), 'as it was given')
  t.same(first.boxes, [
    { box: fixedBoxes[0], score: 0.9 },
    { box: fixedBoxes[2], score: 0.7 },
  ])
  t.type(first.latencyMs, 'number')
  t.equal(second.error.code, 'IMAGE_UNREADABLE')
  const words = execFileSync(
    process.execPath,
    ['dist/main.js', 'detect', '--model', model, join(dir, 'white.png')],
    { encoding: 'utf8' },
  )
  t.match(
    words,
    /white\.png: 2 found, [\d.]+ ms\n {2}0\.90 {2}10\.0 %, 10\.0 %, 50\.0 %, 50\.0 %\n/,
  )

  const coco = join(dir, 'coco.json')
  const image = { id: 1, file_name: 'white.png', width: 20, height: 20 }
  writeFileSync(
    coco,
    JSON.stringify({
      images: [image, { ...image, id: 2, file_name: 'bad.png' }],
      annotations: [
        { image_id: 1, bbox: [2, 2, 8, 8] },
        { image_id: 1, bbox: [0, 12, 4, 4] },
      ],
    }),
  )
  const judged = run('evaluate', '--model', model, '--images', coco, '--json', '-')
  const figures = JSON.parse(judged.stdout)
  t.match(figures, { images: 1, boxes: 2, recall: 0.5, recallAt1fp: 0.5, model: { name: 'tiny' } })
  // One of two is found, and first: precision 1 at the recalls up to 0.5.
  t.ok(Math.abs(figures.ap50 - 51 / 101) < 1e-9)
  t.ok(Math.abs(figures.ap - 51 / 101) < 1e-9)
  t.match(figures.unreadable, [{ file: 'bad.png', code: 'IMAGE_UNREADABLE' }])
  t.match(
    run('evaluate', '--model', model, '--images', coco).stdout,
    /^tiny version 3 in \w+ on CPU, 1 pictures with 2 boxes\n {2}AP50 50\.5 %, AP75 50\.5 %, AP 50\.5 %\n {2}recall 50\.0 %, with one false box a picture 50\.0 %\n {2}not read: bad\.png: IMAGE_UNREADABLE/,
  )
  const usage = (...args: string[]) => run('evaluate', '--model', model, ...args)
  const folder = usage('--images', dir)
  t.equal(folder.status, 2)
  t.match(
    folder.stderr,
    `USAGE: Expected a COCO file (.json) for --images of a detector but received ${dir}`,
  )
  t.match(
    usage('--images', coco, '--min-top1', '0.5', '--robustness').stderr,
    'USAGE: Expected --robustness, --min-top1 only with a classifier',
  )
  const wrong = run('classify', '--model', model, join(dir, 'white.png'))
  t.match(wrong.stderr, /Expected a model of kind classifier but received detector/)
})
