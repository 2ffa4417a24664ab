// Recognition without a runtime: manifests, labels, ONNX walks, decisions, scenes, the catalogue.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { readIr } from '../src/inference/ir-file.js'
import { parseLabels } from '../src/inference/labels.js'
import { openModel, readWeights, shippedModels } from '../src/inference/manifest.js'
import { readOnnx } from '../src/inference/onnx-file.js'
import { productsOf, readCatalogue } from '../src/recognition/catalogue.js'
import { calibrate, decide, rank } from '../src/recognition/decision.js'
import { lumaGrid, SceneWatcher } from '../src/recognition/scene.js'
import type { Product } from '../src/recognition/types.js'

const sha256 = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex')

const product = (sku: string): Product => ({
  sku,
  name: sku,
  plu: null,
  gtin: null,
  unit: 'each',
  meanGrams: null,
  group: null,
  coarse: null,
  variantOf: null,
})

// ---- model directories

t.test('every model that ships is whole: manifest, labels, and the hash of every file', async t => {
  for (const name of readdirSync(shippedModels)) {
    if (name === 'training') continue
    const model = openModel(name)
    t.equal(model.manifest.name, name)
    t.equal(model.labels.length > 0, model.manifest.kind === 'classifier', 'labels')
    for (const entry of model.manifest.weights)
      t.ok(readWeights(model.folder, entry).sha256, entry.file)
  }
})

t.test('the 81 classes are named as in the data set, and a PLU is a PLU', async t => {
  const { labels } = openModel('grocery81')
  t.equal(labels.length, 81)
  t.equal(labels[0]?.name, 'Golden-Delicious')
  t.equal(labels.filter(label => label.group === 'packed').length, 31)
  for (const { plu } of labels) t.ok(plu === null || /^(9?[34]\d{3})$/.test(plu), `PLU ${plu}`)
})

const manifest = (changes: object = {}) => ({
  schema: 1,
  name: 'm',
  version: 1,
  kind: 'classifier',
  weights: [{ format: 'onnx', file: 'm.onnx', precision: 'fp32', sha256: sha256('x') }],
  input: { width: 8, height: 8 },
  output: { activation: 'softmax' },
  labels: 'labels.csv',
  licence: 'MIT',
  source: 'test',
  ...changes,
})

t.test('a model directory that is wrong is told with what is', async t => {
  const folder = (model: unknown, labels = 'a\nb\n') =>
    t.testdir({
      'model.json': typeof model === 'string' ? model : JSON.stringify(model),
      'labels.csv': labels,
      'm.onnx': 'y',
    })
  const cases: [string, () => unknown, string, string | RegExp][] = [
    [
      'no JSON',
      () => openModel(folder('{')),
      'MANIFEST_INVALID',
      /model\.json: Expected property name/,
    ],
    [
      'a wrong kind',
      () => openModel(folder(manifest({ kind: 'cat' }))),
      'MANIFEST_INVALID',
      /kind: Invalid option/,
    ],
    [
      'an unknown key',
      () => openModel(folder(manifest({ lables: 'x' }))),
      'MANIFEST_INVALID',
      /Unrecognized key: "lables"/,
    ],
    [
      'a file outside',
      () => openModel(folder(manifest({ labels: '../labels.csv' }))),
      'MANIFEST_INVALID',
      /labels: Expected a path inside the model directory/,
    ],
    [
      'an absolute file',
      () => openModel(folder(manifest({ labels: '/etc/passwd' }))),
      'MANIFEST_INVALID',
      /labels: Expected a path inside/,
    ],
    [
      'a threshold of 1.7',
      () => openModel(folder(manifest({ calibration: { sure: 1.7 } }))),
      'MANIFEST_INVALID',
      /calibration\.sure: Too big/,
    ],
    [
      'no model',
      () => openModel('grocery18'),
      'MODEL_NOT_FOUND',
      /Expected a model at .*grocery18 but nothing is there; did you mean "grocery81"\?$/,
    ],
    [
      'a picture as model',
      () => openModel('package.json'),
      'MODEL_NOT_FOUND',
      /Expected a folder, an \.xml or an \.onnx file but received/,
    ],
  ]
  for (const [name, run, code, message] of cases) t.throws(run, { code, message }, name)
})

t.test('weights whose hash differs are refused before any runtime sees them', async t => {
  const dir = t.testdir({
    'model.json': JSON.stringify(manifest()),
    'labels.csv': 'a\nb',
    'm.onnx': 'y',
  })
  const model = openModel(dir)
  t.throws(() => readWeights(dir, model.manifest.weights[0]!), {
    code: 'MODEL_HASH_MISMATCH',
    message: `${dir}/m.onnx: Expected sha256 ${sha256('x')} but received ${sha256('y')} of 1 bytes`,
  })
})

t.test(
  'labels: one a line with a trailing comma, or the CSV; wrong ones are told with their line',
  async t => {
    t.same(
      parseLabels('apple,\nasparagus,\n\n', 'l').map(one => one.sku),
      ['apple', 'asparagus'],
    )
    t.match(parseLabels('index,sku,name,plu,group\n0,a,"A, red",4011,loose\n', 'l'), [
      { name: 'A, red', plu: '4011', gtin: null, group: 'loose' },
    ])
    const cases: [string, string][] = [
      ['', 'l: it holds no label'],
      ['a\n\nb', 'l:2 Expected a label but the line is empty'],
      ['a\na', 'l: classes 0 and 1 have the same sku "a"'],
      ['index,sku,name\n1,a,A', 'l:2 Expected index 0 but received "1"'],
      ['index,sku,name\n0,,A', 'l:2 Expected a sku and a name'],
      [
        'index,sku,name,group\n0,a,A,lose',
        'l:2 Expected group loose or packed but received "lose"',
      ],
    ]
    for (const [text, message] of cases)
      t.throws(() => parseLabels(text, 'l'), { code: 'LABELS_INVALID', message }, message)
  },
)

// ---- ONNX and IR files, read by hand

const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))]
const field = (number: number, content: Uint8Array | string | number): Buffer =>
  typeof content === 'number'
    ? Buffer.from([...varint(number * 8), ...varint(content)])
    : Buffer.concat([
        Buffer.from([...varint(number * 8 + 2), ...varint(content.length)]),
        Buffer.from(content as Uint8Array),
      ])
const node = (operator: string, output: string) =>
  field(1, Buffer.concat([field(2, output), field(4, operator)]))
const dims = (...sizes: number[]) =>
  field(2, Buffer.concat(sizes.map(size => field(1, field(1, size)))))
const input = (name: string, ...sizes: number[]) =>
  field(11, Buffer.concat([field(1, name), field(2, field(1, dims(...sizes)))]))
const onnx = (...parts: Buffer[]) => field(7, Buffer.concat(parts))

t.test(
  'an ONNX file tells its input, its last operators, its weights and what lies outside of it',
  async t => {
    const weights = field(5, Buffer.concat([field(8, 'w'), field(9, Buffer.alloc(40))]))
    const outside = field(
      5,
      Buffer.concat([
        field(8, 'v'),
        field(13, Buffer.concat([field(1, 'location'), field(2, '../secret')])),
      ]),
    )
    const facts = readOnnx(
      onnx(
        node('Conv', 'c'),
        node('Softmax', 'p'),
        weights,
        outside,
        input('x', 1, 3, 8, 9),
        input('w', 10),
        field(12, field(1, 'p')),
      ),
    )
    t.same(facts.inputs, [{ name: 'x', shape: [1, 3, 8, 9] }])
    t.same(facts.outputs, ['p'])
    t.same(facts.lastOperators, ['Softmax'])
    t.same(facts.externalData, ['../secret'])
    t.ok(facts.weightBytes >= 40 && facts.weightBytes < 60)
    const dir = t.testdir({ 'm.onnx': onnx(outside) })
    t.throws(
      () =>
        readWeights(dir, {
          format: 'onnx',
          file: 'm.onnx',
          precision: 'fp32',
          sha256: sha256(onnx(outside)),
        }),
      {
        code: 'MODEL_EXTERNAL_DATA',
        message: `${dir}/m.onnx: Expected all weights inside but it refers to ../secret`,
      },
    )
  },
)

t.test('external data is found in a tensor inside a node inside a subgraph too', async t => {
  const tensor = field(13, Buffer.concat([field(1, 'location'), field(2, '/dev/zero')]))
  const subgraph = field(6, field(1, field(5, field(5, tensor))))
  t.same(readOnnx(onnx(field(1, field(5, subgraph)))).externalData, ['/dev/zero'])
})

t.test('a damaged ONNX file is refused at whatever byte it ends, and never hangs', async t => {
  const whole = readFileSync(
    `${shippedModels}/grocery81/${openModel('grocery81').manifest.weights.find(one => one.format === 'onnx')!.file}`,
  )
  t.equal(readOnnx(whole).externalData.length, 0)
  let refused = 0
  for (let cut = 1; cut < whole.length; cut += Math.ceil(whole.length / 200)) {
    try {
      readOnnx(whole.subarray(0, cut))
    } catch (error) {
      t.match(error, {
        code: 'MODEL_INVALID',
        message: /^Expected an ONNX file but .*; it is damaged or truncated$/,
      })
      refused++
    }
  }
  t.ok(refused >= 195, `${refused} of 200`)
  for (const bytes of [Buffer.alloc(0), Buffer.from('text'), Buffer.alloc(100, 0xff)]) {
    t.throws(() => readOnnx(bytes), { code: 'MODEL_INVALID' })
  }
})

t.test('an IR tells its shape and whether it ends in a softmax', async t => {
  const xml = (last: string) =>
    `<net name="n" version="10"><layers><layer id="0" type="Parameter"> <data shape="1, 3, 224, 192" element_type="f32"/></layer>
     <layer id="1" type="${last}"/><layer id="2" type="Result"/></layers>
     <edges><edge from-layer="0" from-port="0" to-layer="1" to-port="0"/><edge from-layer="1" from-port="1" to-layer="2" to-port="0"/></edges></net>`
  t.same(readIr(xml('SoftMax')), { version: 10, inputShape: [1, 3, 224, 192], endsInSoftmax: true })
  t.equal(readIr(xml('Add')).endsInSoftmax, false)
  t.same(readIr('not xml'), { version: 0, inputShape: [], endsInSoftmax: false })
})

// ---- decisions

const thresholds = { sure: 0.9, auto: 0.99, unknown: 0.3, margin: 0.2, autoAdd: true, top: 2 }

t.test('calibration: softmax with temperature, sigmoid, none; NaN is an error', async t => {
  const close = (a: Float32Array, b: number[]) =>
    b.every((value, index) => Math.abs(a[index]! - value) < 1e-6)
  t.ok(close(calibrate(Float32Array.of(Math.log(1), Math.log(3)), 'softmax', 1), [0.25, 0.75]))
  t.ok(close(calibrate(Float32Array.of(0, 2 * Math.log(3)), 'softmax', 2), [0.25, 0.75]))
  t.ok(close(calibrate(Float32Array.of(1000, 0), 'softmax', 1), [1, 0]), 'no overflow')
  t.ok(close(calibrate(Float32Array.of(0.25, 0.75), 'none', 1), [0.25, 0.75]))
  t.ok(
    close(calibrate(Float32Array.of(0.1, 0.9), 'none', 2), [0.25, 0.75]),
    'probabilities are tempered too',
  )
  t.ok(close(calibrate(Float32Array.of(0), 'sigmoid', 1), [0.5]))
  t.throws(() => calibrate(Float32Array.of(0, Number.NaN), 'softmax', 1), {
    code: 'INFERENCE_FAILED',
    message: 'Expected finite outputs but received NaN',
  })
})

t.test('decisions follow the thresholds and the margin', async t => {
  const of = (...scores: number[]) =>
    decide(
      rank(
        scores,
        scores.map((_, i) => product(`p${i}`)),
        5,
      ),
      thresholds,
    )
  t.same(of(0.95, 0.05), { decision: 'sure', auto: false })
  t.same(of(0.995, 0.005), { decision: 'sure', auto: true })
  t.same(of(0.89, 0.05), { decision: 'ask', auto: false })
  t.same(of(0.92, 0.8), { decision: 'ask', auto: false }, 'too close to the second')
  t.same(of(0.2, 0.1), { decision: 'unknown', auto: false })
  t.same(decide(rank([0.999], [product('a')], 1), { ...thresholds, sure: null }), {
    decision: 'ask',
    auto: false,
  })
  t.same(decide(rank([0.999], [product('a')], 1), { ...thresholds, autoAdd: false }), {
    decision: 'sure',
    auto: false,
  })
  t.same(decide([], thresholds), { decision: 'unknown', auto: false })
})

// ---- scenes

const flat = (luma: number) => new Uint8Array(64 * 48 * 3).fill(luma)
const checkers = (shift = 0) => {
  const rgb = flat(60)
  for (let y = 0; y < 48; y++)
    for (let x = 0; x < 64; x++)
      if (((x + shift) >> 3) % 2 === (y >> 3) % 2)
        rgb.fill(200, (y * 64 + x) * 3, (y * 64 + x) * 3 + 3)
  return rgb
}

t.test('a scene is dark, moving, empty or worth a look', async t => {
  const watcher = new SceneWatcher({ motion: 0.02, emptyContrast: 0.03, dark: 0.03 })
  const look = (rgb: Uint8Array) => watcher.look(lumaGrid(rgb, 64, 48, [0, 0, 1, 1])).view
  t.equal(look(checkers()), 'moving', 'the first frame decides nothing')
  t.equal(look(checkers()), 'object')
  t.equal(look(checkers(4)), 'moving')
  t.notOk(watcher.unchanged)
  t.equal(look(checkers(4)), 'object')
  t.ok(watcher.unchanged, 'exactly the same')
  t.equal(look(flat(128)), 'moving')
  t.notOk(watcher.unchanged)
  t.equal(look(flat(130)), 'empty', 'a little light more is no motion')
  t.equal(look(flat(2)), 'dark')
})

t.test('only the region of interest counts', async t => {
  const rgb = flat(128)
  rgb.fill(255, 0, 64 * 10 * 3)
  const lower = lumaGrid(rgb, 64, 48, [0, 0.5, 1, 1])
  t.ok(lower.every(value => Math.abs(value - 128 / 255) < 1e-6))
  t.ok(lumaGrid(rgb, 64, 48, [0, 0, 1, 0.1]).every(value => value === 1))
  t.equal(
    lumaGrid(flat(0).subarray(0, 3), 1, 1, [0, 0, 1, 1]).length,
    32 * 24,
    'one pixel is enough',
  )
})

// ---- the catalogue

t.test('what the catalogue says goes before the labels', async t => {
  const dir = t.testdir({
    'c.csv': 'sku,name,plu,unit,meanGrams\na,Apple red,4015,g,150\n',
    'c.json': '[{"sku":"a","plu":4015}]',
    'bad.csv': 'sku,unit,meanGrams\n,each,\nb,kg,-1\nb,each,\nb,each,\n',
    'text.json': '{}',
    'typo.csv': 'sku,nam,active\na,A,1\n',
  })
  const labels = parseLabels('index,sku,name,plu,group\n0,a,Apple,1,loose\n1,b,Bread,,packed', 'l')
  t.match(productsOf(labels, readCatalogue(`${dir}/c.csv`)), [
    { sku: 'a', name: 'Apple red', plu: '4015', unit: 'g', meanGrams: 150 },
    { sku: 'b', name: 'Bread', plu: null, unit: 'each', meanGrams: null },
  ])
  t.match(productsOf(labels, readCatalogue(`${dir}/c.json`))[0], { name: 'Apple', plu: '4015' })
  t.throws(() => readCatalogue(`${dir}/bad.csv`), {
    code: 'CATALOGUE_INVALID',
    message: `${dir}/bad.csv: row 1: sku: Expected a sku but received ""; row 2: unit: Expected unit each or g but received "kg"; row 2: meanGrams: Expected positive grams but received "-1"; row 4: sku "b" stands twice`,
  })
  t.throws(() => readCatalogue(`${dir}/typo.csv`), {
    code: 'CATALOGUE_INVALID',
    message: `${dir}/typo.csv: Unknown column "nam"; did you mean "name"?`,
  })
  t.throws(() => readCatalogue(`${dir}/text.json`), {
    code: 'CATALOGUE_INVALID',
    message: `${dir}/text.json: Expected a list of products`,
  })
})
