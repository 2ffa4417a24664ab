// Training on the kiosk: the exchange of heads, the folder of photographs, what is refused, and that nothing is half written.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import sharp from 'sharp'
import t, { type Test } from 'tap'
import { trainingJson, trainingText } from '../src/cli/train/summary.js'
import { GroceryError } from '../src/errors.js'
import { Engine, probeRuntime, type RuntimeName } from '../src/inference/addon.js'
import type { Head } from '../src/inference/head.js'
import { graftHead, readHead } from '../src/inference/head-exchange.js'
import { type Calibration, openModel, readWeights } from '../src/inference/manifest.js'
import { halfToFloat } from '../src/inference/numbers.js'
import { makeView } from '../src/learn/augment.js'
import { clopperPearsonLower } from '../src/learn/intervals.js'
import { handicap, handicapped, variedReplay } from '../src/learn/train/added.js'
import { fewestForSure, neverSure } from '../src/learn/train/advice.js'
import { openCache } from '../src/learn/train/cache.js'
import { viewsFor } from '../src/learn/train/embed.js'
import { groupsByLook, groupsPerClass } from '../src/learn/train/groups.js'
import { logitsOf } from '../src/learn/logits.js'
import { modelName } from '../src/learn/train/manifest.js'
import {
  makeReplay,
  readReplay,
  replayFiles,
  replayRows,
  spread,
} from '../src/learn/train/replay.js'
import { train, type TrainOptions } from '../src/learn/train/train.js'
import { Classifier } from '../src/recognition/classifier.js'
import { readPicture } from '../src/recognition/picture.js'
import {
  type IrForm,
  type OnnxForm,
  tinyHead,
  tinyInput,
  tinyIr,
  tinyOnnx,
  waves,
  writeTinyBase,
} from './helpers/tiny-classifier.js'

t.setTimeout(900_000)

const runtimes = (['openvino', 'onnxruntime'] as const).filter(name => probeRuntime(name).found)
const noRuntime = runtimes.length > 0 ? false : 'no inference runtime is here'
const names = { embedding: 'embedding', logits: 'logits' }

/** The error of a call as one text, so that words are compared whole. */
const errorOf = async (call: () => unknown): Promise<string> => {
  try {
    await call()
  } catch (error) {
    if (error instanceof GroceryError) return `${error.code}: ${error.message}`
    throw error
  }
  return 'none'
}

const furthest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0)

// ---- the exchange of heads

type Files = { model: Uint8Array; weights?: Uint8Array }

async function outputsOf(files: Files, runtime: RuntimeName, input: typeof tinyInput) {
  const spec = { ...input, mean: [...input.mean], scale: [...input.scale] }
  const engine = new Engine({ runtime, ...files, input: spec, precisionHint: 'f32' })
  await engine.start()
  const tensor = waves(3 * input.width * input.height, 9)
  const { outputs } = await engine.infer({ tensor })
  await engine.stop()
  return new Map(outputs.map(one => [one.name, one.data]))
}

async function holdsAgainstPlain(
  t: Test,
  format: 'onnx' | 'openvino-ir',
  files: Files,
  head: Head,
  input: typeof tinyInput,
): Promise<void> {
  const able = runtimes.filter(name => format === 'onnx' || name === 'openvino')
  for (const runtime of able) {
    const before = await outputsOf(files, runtime, input)
    const after = await outputsOf(graftHead(format, files, names, head), runtime, input)
    const row = after.get('embedding')!
    t.equal(furthest(row, before.get('embedding')!), 0, `${runtime}: the embedding is untouched`)
    const expected = logitsOf(head, row)
    t.equal(after.get('logits')!.length, head.classes)
    const size = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1)
    t.ok(furthest(after.get('logits')!, expected) < 1e-5 * size, `${runtime}: the new logits`)
  }
}

t.test('a head is read and exchanged in every form of both formats', async t => {
  const head = tinyHead(5, 12)
  const onnxForms: [OnnxForm, number][] = [
    ['gemm', 0],
    ['gemm fp16', 5e-4],
    ['matmul', 0],
  ]
  const irForms: [IrForm, number][] = [
    ['f32', 0],
    ['f16', 5e-4],
    ['int8', 1 / 254 + 1e-6],
  ]
  const cases = [
    ...onnxForms.map(([form, most]) => ({
      name: `ONNX ${form}`,
      format: 'onnx' as const,
      files: { model: tinyOnnx(head, form) } as Files,
      most,
    })),
    ...irForms.map(([form, most]) => ({
      name: `IR ${form}`,
      format: 'openvino-ir' as const,
      files: tinyIr(head, form) as Files,
      most,
    })),
  ]
  for (const { name, format, files, most } of cases) {
    const read = readHead(format, { ...files, sha256: '' }, names)
    t.same([read.classes, read.dims], [5, 12], name)
    t.ok(furthest(read.weights, head.weights) <= most, `${name}: weights`)
    t.equal(furthest(read.bias, head.bias), 0, `${name}: bias`)
    for (const classes of [2, 40]) {
      const other = tinyHead(classes, 12, 7)
      const made = graftHead(format, files, names, other)
      const back = readHead(format, { ...made, sha256: '' }, names)
      t.same(back, other, `${name}: ${classes} classes are read back`)
      const again = graftHead(format, made, names, other)
      t.same(again, made, `${name}: nothing of an old head is left to grow`)
      await holdsAgainstPlain(t, format, files, other, tinyInput)
    }
  }
  for (const [format, files] of [
    ['onnx', { model: tinyOnnx(head, 'none') }],
    ['openvino-ir', tinyIr(head, 'none')],
  ] as [(typeof cases)[0]['format'], Files][]) {
    await holdsAgainstPlain(t, format, files, tinyHead(3, 12), tinyInput)
  }
})

t.test('the shipped model takes another head in each of its files', async t => {
  const { folder, manifest } = openModel('grocery81')
  const { input, output } = manifest
  const given = { embedding: output.embedding!, logits: output.logits! }
  for (const entry of manifest.weights) {
    const files = readWeights(folder, entry)
    const old = readHead(entry.format, files, given)
    t.equal(old.classes, 81, entry.file)
    const head = tinyHead(7, old.dims)
    const made = graftHead(entry.format, files, given, head)
    t.same(readHead(entry.format, { ...made, sha256: '' }, given), head)
    await holdsAgainstPlain(t, entry.format, files, head, input as unknown as typeof tinyInput)
  }
})

t.test('a last layer of another form is refused in words', async t => {
  const head = tinyHead(5, 12)
  const read = (format: 'onnx' | 'openvino-ir', files: Files) =>
    errorOf(() => readHead(format, { ...files, sha256: '' }, names))
  t.equal(
    await read('onnx', { model: tinyOnnx(head, 'relu') }),
    'MODEL_HEAD_UNKNOWN: Expected the ONNX output "logits" to be Gemm, or MatMul and Add, of "embedding" and constants but it is made by Relu of sum',
  )
  t.equal(
    await read('openvino-ir', tinyIr(head, 'relu')),
    'MODEL_HEAD_UNKNOWN: Expected the IR output "logits" to be MatMul and Add of "embedding" and constants but it is made by ReLU "ReLU9"',
  )
  const wrong = { embedding: 'features', logits: 'logits' }
  t.equal(
    await errorOf(() => graftHead('onnx', { model: tinyOnnx(head, 'gemm') }, wrong, head)),
    'MODEL_HEAD_UNKNOWN: Expected an ONNX output "features" of shape [1, 12] but received the outputs logits, embedding',
  )
  t.equal(
    await errorOf(() => graftHead('openvino-ir', tinyIr(head, 'f32'), wrong, head)),
    'MODEL_HEAD_UNKNOWN: Expected an IR output "features" of shape [1, 12] but received none of that name',
  )
  const text = { model: new TextEncoder().encode('<html>'), weights: new Uint8Array() }
  t.equal(
    await read('openvino-ir', text),
    'MODEL_HEAD_UNKNOWN: Expected a flat OpenVINO IR but received a text without layers',
  )
  t.equal(halfToFloat(0x3c00), 1)
  t.equal(halfToFloat(0xc500), -5)
  t.equal(halfToFloat(0x0001), 2 ** -24)
})

// ---- views, groups, replay, cache

t.test(
  'views are the same for the same picture, squares of it, and differ from each other',
  async t => {
    const picture = {
      rgb: new Uint8Array(60 * 40 * 3).map((_, i) => i % 251),
      width: 60,
      height: 40,
    }
    const views = [1, 2, 3, 4].map(view => makeView(picture, 77, view))
    t.same(views[2], makeView(picture, 77, 3))
    t.notSame(makeView(picture, 78, 3), views[2])
    for (const { rgb, width, height } of views) {
      t.equal(width, height)
      t.ok(width >= Math.sqrt(0.45) * 40 - 1 && width <= 40)
      t.equal(rgb.length, 3 * width * height)
    }
    t.equal(new Set(views.map(view => Buffer.from(view.rgb).toString('hex'))).size, 4)
    t.same([viewsFor(10_000), viewsFor(2640), viewsFor(160), viewsFor(100_000)], [1, 4, 8, 1])
  },
)

t.test('look-alikes share a group, and no group holds two classes', async t => {
  // Ten looks, five pictures each; in a class of ten looks at most groupsPerClass groups.
  const rows = Array.from({ length: 50 }, (_, i) =>
    waves(16, i % 10, 5).map((value, d) => value + 0.01 * Math.sin(i * d)),
  )
  const one = groupsByLook(rows, new Array(50).fill(0))
  for (let i = 10; i < 50; i++) t.equal(one[i], one[i % 10], `picture ${i} is with its sister`)
  t.equal(new Set(one).size, groupsPerClass)
  const labels = rows.map((_, i) => i % 2)
  const two = groupsByLook(rows, labels)
  const classes = new Map<number, Set<number>>()
  two.forEach((group, i) => classes.set(group, (classes.get(group) ?? new Set()).add(labels[i]!)))
  t.ok([...classes.values()].every(set => set.size === 1))
})

t.test('replay rows are spread, come back within half a step, and are checked', async t => {
  const rows = Array.from({ length: 30 }, (_, i) => waves(8, i % 3, 1 + i))
  t.equal(new Set(spread(rows, 3).map(index => index % 3)).size, 3, 'one of each direction')
  const replay = makeReplay(
    rows,
    rows.map((_, i) => (i < 12 ? 0 : 1)),
  )
  t.equal(replay.classes.filter(label => label === 0).length, 10)
  const folder = t.testdir()
  for (const [name, bytes] of replayFiles(replay)) writeFileSync(join(folder, name), bytes)
  const back = readReplay(folder, 8, 2)
  t.same(replayRows(back), replayRows(replay))
  const nearest = replayRows(back).subarray(0, 8)
  const steps = rows.slice(0, 12).map(row => furthest(row, nearest) / back.scale[0]!)
  t.ok(Math.min(...steps) <= 0.51)
  t.equal(
    await errorOf(() => readReplay(folder, 8, 3)),
    `REPLAY_INVALID: ${folder}: Expected replay.bin and replay.json of 3 classes and 8 dimensions but they have 2 classes`,
  )
  appendFileSync(join(folder, 'replay.bin'), 'x')
  t.match(
    await errorOf(() => readReplay(folder, 8, 2)),
    /their lengths differ: 161 bytes for 20 rows/,
  )
})

t.test('the cache survives a cut and a flipped bit, and forgets only that', async t => {
  const folder = join(t.testdir(), 'deep', 'cache')
  const keys = [1, 2, 3].map(value => Buffer.alloc(32, value))
  const first = openCache(folder, 'a'.repeat(64), 4)
  keys.forEach((key, i) => first.write(key, 2, Float32Array.of(i, 1, 2, 3)))
  t.equal(first.close(), null)
  appendFileSync(first.file, 'half a record')
  const bytes = readFileSync(first.file)
  bytes[60 + 50]! ^= 1
  writeFileSync(first.file, bytes)
  const second = openCache(folder, 'a'.repeat(64), 4)
  const row = new Float32Array(4)
  t.same(
    keys.map(key => second.read(key, 2, row)),
    [true, false, true],
  )
  t.same([...row], [2, 1, 2, 3])
  t.equal(second.read(keys[0]!, 1, row), false, 'another view')
  second.write(keys[1]!, 2, Float32Array.of(7, 7, 7, 7))
  second.close()
  const third = openCache(folder, 'a'.repeat(64), 4)
  t.ok(third.read(keys[1]!, 2, row))
  t.same([...row], [7, 7, 7, 7])
  third.close()
})

t.test('a new class stands behind old ones, and their rows vary as its own do', async t => {
  const set = {
    rows: Float32Array.of(1, 0, 3, 0, 0, 4, 0, 8),
    dims: 2,
    picture: Int32Array.of(0, 1, 2, 3),
    labels: Int32Array.of(1, 1, 2, 2),
    groups: Int32Array.of(0, 1, 2, 3),
    classes: 3,
  }
  const replay = { rows: Float32Array.of(10, 20), labels: Int32Array.of(0) }
  const { rows, labels } = variedReplay(replay, set, 1)
  t.same([...labels], [0, 0, 0, 0, 0])
  t.same([...rows.subarray(0, 2)], [10, 20])
  const allowed = ['11,20', '9,20', '10,18', '10,22']
  for (let copy = 1; copy < 5; copy++) {
    t.ok(allowed.includes(rows.subarray(2 * copy, 2 * copy + 2).join()), `copy ${copy}`)
  }
  const trained = {
    weights: new Float32Array(6),
    bias: Float32Array.of(1, 2, 3),
    heldOut: Float32Array.of(0, 5, 0, Number.NaN, Number.NaN, Number.NaN, 0, 0, 5, 4, 0, 5),
    calibration: {
      norm: null,
      normClasses: null,
      temperature: 1,
      sure: null,
      auto: null,
      unknown: 0,
      margin: 0,
    },
    tried: [],
    l2: 1,
  }
  const after = handicapped(trained, set, 1, 2)
  t.same([...after.bias], [1, 2 - handicap, 3 - handicap])
  t.same([...after.heldOut.subarray(9)], [4, -handicap, 5 - handicap])
  t.equal(after.calibration.temperature, 2, 'the temperature of the model that they join')
})

// ---- whole trainings on made pictures

const colours: Record<string, [number, number, number]> = {
  red: [200, 40, 40],
  green: [40, 190, 60],
  blue: [40, 60, 200],
  grey: [120, 120, 120],
}

/** A JPEG of one colour with grain that no other picture has. */
async function photo(colour: string, seed: number): Promise<Buffer> {
  const width = 40
  const grain = waves(width * width * 3, seed * 3.1, 40)
  const base = colours[colour]!
  const rgb = Buffer.from(grain.map((value, i) => Math.max(0, Math.min(255, base[i % 3]! + value))))
  return sharp(rgb, { raw: { width, height: width, channels: 3 } })
    .jpeg()
    .toBuffer()
}

async function photographs(root: string, classes: Record<string, string>, count = 12) {
  for (const [at, [name, colour]] of Object.entries(classes).entries()) {
    mkdirSync(join(root, name), { recursive: true })
    for (let i = 0; i < count; i++) {
      writeFileSync(join(root, name, `${i}.jpg`), await photo(colour, 100 * at + i))
    }
  }
}

const base = (folder: string): string => {
  const path = join(folder, 'base')
  writeTinyBase(path, tinyHead(2, 12), ['old one', 'old two'])
  return path
}

const optionsOf = (folder: string, more: Partial<TrainOptions> = {}): TrainOptions => ({
  images: join(folder, 'photos'),
  out: join(folder, 'model'),
  base: join(folder, 'base'),
  add: false,
  force: false,
  cache: null,
  seed: 1,
  runtime: { prefer: 'auto', device: 'CPU', threads: 1, streams: 1 },
  ...more,
})

const hiddenIn = (folder: string) => readdirSync(folder).filter(name => name.startsWith('.'))

const grocerd = (...args: string[]) =>
  spawnSync(process.execPath, ['dist/main.js', ...args], { encoding: 'utf8' })

t.test(
  'a folder becomes a model that classify and evaluate take, with any names',
  { skip: noRuntime },
  async t => {
    const folder = t.testdir()
    const photos = join(folder, 'photos')
    base(folder)
    const wild = ['Äpfel, "rote"', '寿司', "l'eau"]
    await photographs(photos, { [wild[0]!]: 'red', [wild[1]!]: 'green', [wild[2]!]: 'blue' })
    mkdirSync(join(photos, wild[1]!, 'deeper'))
    writeFileSync(
      join(photos, wild[1]!, 'deeper', 'x.png'),
      await sharp(await photo('green', 55))
        .png()
        .toBuffer(),
    )
    copyFileSync(join(photos, wild[0]!, '0.jpg'), join(photos, wild[0]!, 'copy.jpg'))
    writeFileSync(join(photos, wild[2]!, 'empty.jpg'), '')
    writeFileSync(join(photos, wild[2]!, 'cut.jpg'), (await photo('blue', 900)).subarray(0, 600))
    writeFileSync(join(photos, wild[2]!, 'notes.txt'), 'not a picture by its name')
    const cache = join(folder, 'cache')
    const seen: string[] = []
    const out = join(folder, 'Mittag 1')
    const training = await train(
      optionsOf(folder, {
        out,
        cache,
        onProgress: (stage, share) => seen.push(`${stage} ${share}`),
      }),
    )
    t.equal(training.pictures, 37)
    t.same(
      training.classes.map(one => [one.name, one.pictures]),
      [...wild].sort().map(name => [name, name === wild[1] ? 13 : 12]),
    )
    t.same(
      training.unreadable.map(one => [one.file, one.code]),
      [
        [`${wild[2]}/cut.jpg`, 'IMAGE_TRUNCATED'],
        [`${wild[2]}/empty.jpg`, 'IMAGE_EMPTY'],
      ],
    )
    t.same(training.copies, [{ file: `${wild[0]}/copy.jpg`, of: `${wild[0]}/0.jpg` }])
    t.equal(training.metrics.top1, 1, 'colours are told apart')
    t.equal(training.calibration.sure, null)
    t.equal(
      neverSure(training.outcomes),
      `never sure yet: it takes 149 pictures that are all right to show at least 98 % right with 95 % confidence, so at least ${149 - 37} more`,
    )
    t.equal(fewestForSure, 149)
    t.ok(clopperPearsonLower(149, 149) >= 0.98 && clopperPearsonLower(148, 148) < 0.98)
    for (const step of ['reading 1', 'embedding 1', 'fitting 1', 'writing 1'])
      t.ok(seen.includes(step), step)

    t.same(readdirSync(out).sort(), [
      'LICENSE',
      'Mittag-1.bin',
      'Mittag-1.onnx',
      'Mittag-1.xml',
      'labels.csv',
      'model.json',
      'replay.bin',
      'replay.json',
      'report.html',
    ])
    t.same(hiddenIn(folder), [])
    t.same(
      openModel(out).labels.map(label => [label.sku, label.name]),
      [...wild].sort().map(name => [name, name]),
    )
    const { name, version, calibration, metrics } = openModel(out).manifest
    t.same([name, version], ['Mittag-1', 1])
    t.match(calibration.measuredOn, /^37 photographs of 3 classes, each by a head fitted without/)
    t.match(metrics, { heldOut: { images: 37, top1: 1 } })
    const text = trainingText(training, out)
    t.match(
      text,
      /2 files could not be read and were left out:\n {2}IMAGE_TRUNCATED l'eau\/cut\.jpg: /,
    )
    t.match(text, /1 copy counted once:\n {2}Äpfel, "rote"\/copy\.jpg is Äpfel, "rote"\/0\.jpg/)
    t.ok(text.includes(`grocerd evaluate --model '${out}' --images NEW_PHOTOGRAPHS`))
    t.match(trainingJson(training), { pictures: 37, heldOut: { top1: 1 }, kept: null })

    rmSync(join(photos, wild[2]!, 'empty.jpg'))
    rmSync(join(photos, wild[2]!, 'cut.jpg'))
    const json = join(folder, 'evaluation.json')
    const judged = grocerd('evaluate', '--model', out, '--images', photos, '--json', json)
    t.equal(judged.status, 0, judged.stderr)
    const figures = JSON.parse(readFileSync(json, 'utf8'))
    t.equal(figures.top1, 1)
    t.same(
      figures.perClass.map((one: { name: string }) => one.name),
      [...wild].sort(),
    )
    const said = grocerd('classify', '--json', '--model', out, join(photos, wild[0]!, '3.jpg'))
    t.equal(JSON.parse(said.stdout).candidates[0].name, wild[0])

    t.equal(
      await errorOf(() => train(optionsOf(folder, { out }))),
      `MODEL_EXISTS: Expected no ${out} yet but it is there; --force replaces a model`,
    )
    const again = await train(optionsOf(folder, { out, cache, force: true }))
    t.equal(again.cached, again.pictures * again.views, 'everything came from the cache')
    t.equal(again.model.sha256, training.model.sha256, 'and the same pictures give the same model')
    t.same(hiddenIn(folder), [])
  },
)

t.test('every problem of a folder is named at once', { skip: noRuntime }, async t => {
  const folder = t.testdir()
  const photos = join(folder, 'photos')
  base(folder)
  await photographs(photos, { apple: 'red', pear: 'green' }, 4)
  await photographs(photos, { single: 'blue' }, 1)
  copyFileSync(join(photos, 'single', '0.jpg'), join(photos, 'single', 'same.jpg'))
  for (const name of ['0.jpg', '1.jpg']) {
    copyFileSync(join(photos, 'apple', name), join(photos, 'pear', `from-${name}`))
  }
  mkdirSync(join(photos, 'nothing'))
  mkdirSync(join(photos, 'Apple'))
  copyFileSync(join(photos, 'apple', '3.jpg'), join(photos, 'loose.jpg'))
  writeFileSync(join(photos, 'Apple', 'a.jpg'), await photo('grey', 1))
  writeFileSync(join(photos, 'Apple', 'b.jpg'), await photo('grey', 2))
  mkdirSync(join(photos, ' '))
  mkdirSync(join(photos, 'two\nlines'))
  mkdirSync(join(photos, 'Müsli'.normalize('NFC')))
  mkdirSync(join(photos, 'Müsli'.normalize('NFD')))
  for (const form of ['NFC', 'NFD']) {
    for (const i of [1, 2]) {
      writeFileSync(
        join(photos, 'Müsli'.normalize(form), `${i}.jpg`),
        await photo('grey', i + 10 * form.charCodeAt(2)),
      )
    }
  }
  const said = await errorOf(() => train(optionsOf(folder)))
  t.same(
    said.normalize('NFC').split('\n'),
    [
      `DATASET_INVALID: 8 errors in ${photos}`,
      '" ": Expected a class name but received blanks only',
      'loose.jpg: Expected it in a folder named like its class',
      '"nothing": Expected pictures but the folder holds none',
      '"two\\nlines": Expected a class name of printable characters in UTF-8',
      '"Müsli" and "Müsli": Expected names that differ in more than case, blanks or Unicode form',
      '"Apple" and "apple": Expected names that differ in more than case, blanks or Unicode form',
      '"single": Expected at least 2 different pictures that can be read, better 20 or more, but received 1',
      '"apple" and "pear": Expected different pictures but 2 are in both: apple/0.jpg = pear/from-0.jpg, apple/1.jpg = pear/from-1.jpg',
    ].sort((a, b) => said.normalize('NFC').indexOf(a) - said.normalize('NFC').indexOf(b)),
  )
  t.notOk(existsSync(join(folder, 'model')))
  t.same(hiddenIn(folder), [])
})

t.test(
  'no class, one class, wrong places and unreadable classes are refused',
  { skip: noRuntime },
  async t => {
    const folder = t.testdir()
    const photos = join(folder, 'photos')
    base(folder)
    t.equal(
      await errorOf(() => train(optionsOf(folder))),
      `DATASET_INVALID: Expected a folder with a folder per class at ${photos} but reading it failed: ENOENT`,
    )
    mkdirSync(photos)
    t.equal(
      await errorOf(() => train(optionsOf(folder))),
      `DATASET_INVALID: 1 error in ${photos}\nExpected a folder for each class but found none`,
    )
    await photographs(photos, { apple: 'red' }, 3)
    t.equal(
      await errorOf(() => train(optionsOf(folder))),
      `DATASET_INVALID: 1 error in ${photos}\nExpected at least two classes but found one: "apple"`,
    )
    await photographs(photos, { pear: 'green' }, 1)
    writeFileSync(join(photos, 'pear', 'bad.jpg'), 'no picture')
    t.equal(
      await errorOf(() => train(optionsOf(folder))),
      `DATASET_INVALID: 2 errors in ${photos}\n` +
        '"pear": Expected at least 2 different pictures that can be read, better 20 or more, but received 1\n' +
        'IMAGE_UNREADABLE pear/bad.jpg: Expected a JPEG or PNG picture but the first bytes are of neither',
    )
    const inside = join(photos, 'model')
    t.equal(
      await errorOf(() => train(optionsOf(folder, { out: inside }))),
      `USAGE: Expected --out and --images apart from each other but received ${inside} and ${photos}`,
    )
    const other = join(folder, 'other')
    mkdirSync(other)
    writeFileSync(join(other, 'precious.jpg'), 'x')
    t.equal(
      await errorOf(() => train(optionsOf(folder, { out: other, force: true }))),
      `MODEL_EXISTS: Expected a model to replace at ${other} but it has no model.json; --force replaces models only`,
    )
    t.ok(existsSync(join(other, 'precious.jpg')))
    writeFileSync(join(folder, 'file'), '')
    t.equal(
      await errorOf(() => train(optionsOf(folder, { out: join(folder, 'file', 'model') }))),
      `MODEL_UNWRITABLE: Expected to write the model to ${join(folder, 'file', 'model')} but ENOTDIR; nothing was left behind`,
    )
    t.equal(modelName('Früchte & Gemüse'), 'Fruchte-Gemuse')
    t.equal(modelName('寿司'), 'trained')
  },
)

t.test(
  'classes are added, and the old ones keep their scores among themselves',
  { skip: noRuntime },
  async t => {
    const folder = t.testdir()
    const photos = join(folder, 'photos')
    base(folder)
    await photographs(photos, { red: 'red', green: 'green' })
    const first = join(folder, 'first')
    await train(optionsOf(folder, { out: first }))
    const more = join(folder, 'more')
    await photographs(more, { blue: 'blue' })
    const added = await train(optionsOf(folder, { images: more, base: first, add: true }))
    t.same(added.model.version, 2)
    t.same(
      openModel(join(folder, 'model')).labels.map(label => label.sku),
      ['green', 'red', 'blue'],
    )
    t.same([added.kept?.rows, added.kept?.before, added.kept?.after], [20, 1, 1])
    const [before, after] = [openModel(first), openModel(join(folder, 'model'))].map(
      model => model.manifest.calibration,
    ) as [Calibration, Calibration]
    t.ok(after.temperature >= before.temperature, 'scores are at least as modest')
    t.same([after.sure, after.unknown >= before.unknown], [null, true])
    t.match(trainingText(added, 'x'), /old classes {5}100\.0 % of 20 embeddings/)

    const input = await readPicture(await photo('grey', 4), 'grey')
    const ratios: number[] = []
    for (const model of [first, join(folder, 'model')]) {
      const classifier = new Classifier({ model, precisionHint: 'f32' })
      await classifier.start()
      const { scores } = await classifier.classify(input)
      const { temperature } = openModel(model).manifest.calibration
      ratios.push(temperature * Math.log(scores[0]! / scores[1]!))
      await classifier.stop()
    }
    t.ok(Math.abs(ratios[0]! - ratios[1]!) < 1e-3 * Math.abs(ratios[0]!), `${ratios.join(' and ')}`)

    await photographs(more, { RED: 'red' }, 2)
    t.equal(
      await errorOf(() =>
        train(optionsOf(folder, { images: more, base: first, add: true, force: true })),
      ),
      `DATASET_INVALID: 1 error in ${more}\n"RED": Expected a new class but the base has "red"; to give a class more pictures, train all classes anew`,
    )
    const plain = join(folder, 'base')
    t.equal(
      await errorOf(() =>
        train(optionsOf(folder, { base: plain, add: true, out: join(folder, 'y') })),
      ),
      `REPLAY_INVALID: ${plain}: Expected replay.bin and replay.json of 2 classes and 12 dimensions but reading them failed: ENOENT`,
    )
  },
)

// ---- what ends a training in the middle

t.test(
  'a signal in the middle leaves nothing, kill -9 nothing that counts',
  { skip: noRuntime },
  async t => {
    const folder = t.testdir()
    const photos = join(folder, 'photos')
    base(folder)
    await photographs(photos, { red: 'red', green: 'green' }, 60)
    const places = ['--images', photos, '--out', join(folder, 'model')]
    const command = ['train', ...places, '--base', join(folder, 'base'), '--no-cache']
    for (const signal of ['SIGINT', 'SIGKILL'] as const) {
      const child = spawn(process.execPath, ['dist/main.js', ...command])
      let said = ''
      for await (const chunk of child.stderr) {
        said += chunk
        if (said.includes('looking at pictures')) break
      }
      t.equal(hiddenIn(folder).length, 1, 'it is under way')
      child.kill(signal)
      const [code, by] =
        child.exitCode === null && child.signalCode === null
          ? await once(child, 'exit')
          : [child.exitCode, child.signalCode]
      if (signal === 'SIGINT') t.equal(code, 130)
      else t.equal(by, 'SIGKILL')
      t.notOk(existsSync(join(folder, 'model')), `${signal}: no model`)
      t.equal(hiddenIn(folder).length, signal === 'SIGINT' ? 0 : 1)
    }
    const done = grocerd(...command, '--json')
    t.equal(done.status, 0, done.stderr)
    t.equal(JSON.parse(done.stdout).pictures, 120)
    t.same(hiddenIn(folder), [], 'and the next training removes what kill -9 left')
  },
)

t.test('a full disk is said, and nothing half written stays', async t => {
  const folder = t.testdir()
  // Not in the test's own folder, which is removed before anything is unmounted.
  const small = mkdtempSync(join(tmpdir(), 'grocerd-small-'))
  t.teardown(() => {
    spawnSync('umount', [small])
    rmSync(small, { recursive: true, force: true })
  })
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', small])
  if (mounted.status !== 0) return t.pass('a small disk needs root: mounting a tmpfs failed')
  if (noRuntime) return t.pass(noRuntime)
  base(folder)
  await photographs(join(folder, 'photos'), { red: 'red', green: 'green' }, 3)
  const out = join(small, 'model')
  t.equal(
    await errorOf(() => train(optionsOf(folder, { out }))),
    `MODEL_UNWRITABLE: Expected to write the model to ${out} but the disk is full (ENOSPC); nothing was left behind`,
  )
  t.same(readdirSync(small), [])
  writeFileSync(join(small, 'other'), Buffer.alloc(12 * 1024))
  const kept = await train(optionsOf(folder, { cache: small }))
  t.ok(kept.warnings.includes('the cache of embeddings could not be written: ENOSPC'))
})

// ---- real photographs

const store = join(process.env.GROCERD_SHARED ?? resolve('..', 'shared'), 'data', 'grocery-store')
const skip = existsSync(join(store, 'train.txt'))
  ? noRuntime
  : 'the Grocery Store photographs are not here (GROCERD_SHARED)'

t.test('two classes of 80 photographs each, and 160 unseen ones', { skip }, async t => {
  const folder = t.testdir({ photos: { Milk: {}, Yoghurt: {} }, unseen: { Milk: {}, Yoghurt: {} } })
  for (const name of ['Milk', 'Yoghurt']) {
    const below = join(store, 'train', 'Packages', name)
    const files = readdirSync(below)
      .flatMap(kind => readdirSync(join(below, kind)).map(file => join(below, kind, file)))
      .filter(file => statSync(file).isFile())
    files.forEach((file, i) => {
      const part = i % 2 === 0 ? 'photos' : 'unseen'
      if (i < 160) symlinkSync(file, join(folder, part, name, `${i}.jpg`))
    })
  }
  const training = await train(optionsOf(folder, { base: 'grocery81' }))
  t.equal(training.pictures, 160)
  const json = join(folder, 'unseen.json')
  const judged = grocerd(
    'evaluate',
    '--model',
    training.folder,
    '--images',
    join(folder, 'unseen'),
    '--json',
    json,
  )
  t.equal(judged.status, 0, judged.stderr)
  const { top1, images } = JSON.parse(readFileSync(json, 'utf8'))
  t.comment(`${training.seconds.whole.toFixed(1)} s, top-1 ${top1} of ${images} unseen`)
  t.ok(top1 >= 0.95, `top-1 ${top1} of ${images} photographs`)
})
