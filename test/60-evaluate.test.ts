// Evaluation: labelled pictures, figures against hand-made cases and brute force, the report, and bad pictures.
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { chromium } from 'playwright-core'
import sharp from 'sharp'
import t, { type Test } from 'tap'
import { evaluateCommand } from '../src/cli/evaluate.js'
import { GroceryError } from '../src/errors.js'
import { preprocess, readJpegHeader } from '../src/inference/addon.js'
import { calibrationError, coverageCurve, reliability } from '../src/learn/curves.js'
import { readDataset } from '../src/learn/dataset.js'
import { runEvaluation } from '../src/learn/evaluate.js'
import { clopperPearsonLower, wilson } from '../src/learn/intervals.js'
import { measure, type Outcome } from '../src/learn/metrics.js'
import { mistakesOf } from '../src/learn/mistakes.js'
import { renderReport } from '../src/learn/report.js'
import { summaryText } from '../src/learn/summary.js'
import type { Classification } from '../src/recognition/classifier.js'
import { readPicture } from '../src/recognition/picture.js'
import type { Decision, Product } from '../src/recognition/types.js'
import { codeOf } from './helpers/failure.js'
import { noRuntime } from './helpers/runtimes.js'

const product = (name: string, coarse: string | null, group: Product['group']): Product => ({
  sku: name.toLowerCase(),
  name,
  plu: null,
  gtin: null,
  unit: 'each',
  meanGrams: null,
  group,
  coarse,
  variantOf: null,
})

const shop = [
  product('Granny-Smith', 'Apple', 'loose'),
  product('Royal-Gala', 'Apple', 'loose'),
  product('Lemon', 'Citrus', 'loose'),
  product('Oat-Milk', 'Milk', 'packed'),
  product('Soy-Milk', 'Milk', 'packed'),
]

const outcome = (truth: number, scores: number[], decision: Decision = 'ask'): Outcome => ({
  file: `${truth}-${scores.join('-')}.jpg`,
  truth,
  scores: Float32Array.from(scores),
  decision,
})

const addonIsHere = codeOf(() => readJpegHeader(new Uint8Array()))[0] === 'IMAGE_EMPTY'
const noAddon = addonIsHere ? false : 'the native addon is not built'

// ---- figures

// Four pictures: right and sure; second best and sure; last; right but unknown.
const four = [
  outcome(0, [0.75, 0.125, 0.0625, 0.03125, 0.03125], 'sure'),
  outcome(1, [0.5, 0.25, 0.125, 0.0625, 0.0625], 'sure'),
  outcome(3, [0.125, 0.125, 0.5, 0, 0.25]),
  outcome(2, [0.2, 0.15, 0.25, 0.2, 0.2], 'unknown'),
]

t.test('the figures of four pictures are those made by hand', async t => {
  const figures = measure(four, shop)
  t.equal(figures.images, 4)
  t.equal(figures.top1, 2 / 4)
  t.equal(figures.top4, 3 / 4)
  t.equal(figures.top5, 1)
  // Class 0: precision 1/2, recall 1; class 1: 0, 0; class 2: 1/2, 1; class 3: 0, 0.
  t.equal(figures.macroPrecision, 1 / 4)
  t.equal(figures.macroRecall, 2 / 4)
  t.equal(figures.macroF1, (2 / 3 + 0 + 2 / 3 + 0) / 4)
  const loss = -(Math.log(0.75) + Math.log(0.25) + Math.log(1e-7) + Math.log(0.25)) / 4
  t.ok(Math.abs(figures.loss - loss) < 1e-12, 'a probability of 0 counts as 1e-7')
  t.equal(figures.coarseTop1, 3 / 4, 'the second is an apple after all')
  t.same(figures.sure, { coverage: 0.5, precision: 0.5, lowerBound: clopperPearsonLower(1, 2) })
  t.same(figures.groups, {
    loose: { images: 3, top1: 2 / 3, top4: 1 },
    packed: { images: 1, top1: 0, top4: 0 },
  })
  t.same(figures.perClass[0], {
    sku: 'granny-smith',
    name: 'Granny-Smith',
    support: 1,
    precision: 0.5,
    recall: 1,
    f1: 2 / 3,
  })
  t.equal(figures.perClass.length, 4, 'soy milk does not occur')
  t.same(figures.confusion, [
    { truth: 'granny-smith', predicted: 'granny-smith', count: 1 },
    { truth: 'royal-gala', predicted: 'granny-smith', count: 1 },
    { truth: 'lemon', predicted: 'lemon', count: 1 },
    { truth: 'oat-milk', predicted: 'lemon', count: 1 },
  ])
})

t.test('what the labels do not know is null, not nought', async t => {
  const plain = [product('a', null, null), product('b', null, null)]
  const figures = measure([outcome(0, [0.25, 0.75])], plain)
  t.equal(figures.coarseTop1, null)
  t.equal(figures.intervals.coarseTop1, null)
  t.same(figures.groups, { loose: null, packed: null })
  t.same(figures.sure, { coverage: 0, precision: null, lowerBound: 0 })
  t.equal(figures.top4, 1, 'of two classes the truth is always among four')
})

t.test('the figures of any pictures are those of brute force', async t => {
  const classes = 6
  const labels = Array.from({ length: classes }, (_, index) =>
    product(`c${index}`, `k${index % 2}`, index < 3 ? 'loose' : 'packed'),
  )
  const anyOutcome = fc.record({
    truth: fc.nat(classes - 1),
    scores: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: classes, maxLength: classes }),
    sure: fc.boolean(),
  })
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.array(anyOutcome, { minLength: 1, maxLength: 40 }), list => {
        const outcomes = list.map(one => outcome(one.truth, one.scores, one.sure ? 'sure' : 'ask'))
        const figures = measure(outcomes, labels)
        // A stable sort of all classes is the slow and obvious way to a ranking.
        const orders = list.map(({ scores }) =>
          scores.map((_, index) => index).sort((a, b) => scores[b]! - scores[a]!),
        )
        const share = (k: number) =>
          list.filter(({ truth }, index) => orders[index]!.slice(0, k).includes(truth)).length /
          list.length
        const f1s = labels.flatMap((_, index) => {
          const own = list.filter(one => one.truth === index).length
          if (own === 0) return []
          const hits = list.filter(
            (one, at) => one.truth === index && orders[at]![0] === index,
          ).length
          const said = orders.filter(order => order[0] === index).length
          const precision = said === 0 ? 0 : hits / said
          const recall = hits / own
          return [hits === 0 ? 0 : (2 * precision * recall) / (precision + recall)]
        })
        const macroF1 = f1s.reduce((sum, f1) => sum + f1, 0) / f1s.length
        const cells = figures.confusion.reduce((sum, cell) => sum + cell.count, 0)
        return (
          figures.top1 === share(1) &&
          figures.top4 === share(4) &&
          figures.top5 === share(5) &&
          Math.abs(figures.macroF1 - macroF1) < 1e-9 &&
          cells === list.length
        )
      }),
    ),
  )
})

t.test('bounds are those of the books', async t => {
  const near = (actual: number, expected: number, words: string) =>
    t.ok(Math.abs(actual - expected) < 1e-4, `${words}: ${actual}`)
  near(clopperPearsonLower(8, 10), 0.4931, '8 of 10')
  near(clopperPearsonLower(10, 10), 0.05 ** 0.1, '10 of 10')
  near(clopperPearsonLower(149, 149), 0.9801, '149 without an error show 98 %')
  near(clopperPearsonLower(990, 1000), 0.9831, '990 of 1000')
  t.equal(clopperPearsonLower(0, 10), 0)
  t.equal(clopperPearsonLower(0, 0), 0)
  near(wilson(8, 10)[0], 0.4902, '8 of 10, from')
  near(wilson(8, 10)[1], 0.9433, '8 of 10, to')
  t.same(wilson(0, 0), [0, 1])
  t.equal(wilson(5, 5)[1], 1)
})

t.test('curves say what confidence is worth', async t => {
  const bins = reliability(four)
  t.same(
    bins.map(({ images, accuracy }) => [images, accuracy]),
    [
      [1, 1],
      [2, 0],
      [1, 1],
    ],
  )
  t.equal(calibrationError(bins), (0.75 + 0.5 * 2 + 0.25) / 4)
  t.same(coverageCurve(four), [
    { coverage: 0.25, error: 0, threshold: 0.75 },
    { coverage: 0.75, error: 2 / 3, threshold: 0.5 },
    { coverage: 1, error: 0.5, threshold: 0.25 },
  ])
})

t.test('mistakes come most confident first, with the rank of the truth', async t => {
  const wrong = mistakesOf([...four, outcome(2, [0.9, 0.05, 0.05, 0, 0])], shop)
  t.same(
    wrong.map(({ truth, predicted, rank }) => [truth, predicted, rank]),
    [
      ['lemon', 'granny-smith', 3],
      ['royal-gala', 'granny-smith', 2],
      ['oat-milk', 'lemon', 5],
    ],
  )
})

// ---- labelled pictures

t.test('a folder per class is found by sku, name, other case and index', async t => {
  const root = t.testdir({
    'Granny-Smith': { 'b.jpg': '', 'a.JPEG': '', 'notes.txt': '' },
    'royal-gala': { 'c.png': '' },
    LEMON: { deep: { 'd.jpg': '' } },
    '3': { 'e.webp': '' },
    '.cache': { 'f.jpg': '' },
    elsewhere: {},
  })
  mkdirSync(join(root, '.other'))
  writeFileSync(join(root, '.other', 'g.jpg'), '')
  symlinkSync(join(root, '.other'), join(root, 'Soy-Milk'))
  t.same(
    readDataset(root, shop).map(({ file, truth }) => [file, truth]),
    [
      ['3/e.webp', 3],
      ['Granny-Smith/a.JPEG', 0],
      ['Granny-Smith/b.jpg', 0],
      ['LEMON/deep/d.jpg', 2],
      ['Soy-Milk/g.jpg', 4],
      ['royal-gala/c.png', 1],
    ],
  )
})

t.test('rows of path,label are read with quotes, blanks and absolute paths', async t => {
  const root = t.testdir({
    'list.csv': [
      '\ufeffa.jpg,Lemon',
      '"with, comma.jpg",oat-milk',
      '',
      'sub/ä.jpg, 4, 2',
      '/abs/x.jpg,GRANNY-SMITH\r',
      '"say ""cheese"".jpg",1',
    ].join('\n'),
  })
  t.same(readDataset(join(root, 'list.csv'), shop), [
    { file: 'a.jpg', path: join(root, 'a.jpg'), truth: 2 },
    { file: 'with, comma.jpg', path: join(root, 'with, comma.jpg'), truth: 3 },
    { file: 'sub/ä.jpg', path: join(root, 'sub/ä.jpg'), truth: 4 },
    { file: '/abs/x.jpg', path: '/abs/x.jpg', truth: 0 },
    { file: 'say "cheese".jpg', path: join(root, 'say "cheese".jpg'), truth: 1 },
  ])
  const digits = [{ ...shop[0]!, sku: '1' }, shop[1]!]
  writeFileSync(join(root, 'sku.csv'), 'a.jpg,1\n')
  t.equal(readDataset(join(root, 'sku.csv'), digits)[0]!.truth, 0, 'a sku goes before an index')
})

t.test('what is wrong with a data set is told with its place', async t => {
  const root = t.testdir({
    'bad.csv': 'a.jpg,Lemon\nb.jpg\nc.jpg,Lemmon\nd.jpg,5\n,Lemon\n',
    'header.csv': 'path,label\na.jpg,Lemon\n',
    'quote.csv': 'a.jpg,Lemon\n"b.jpg,Lemon\n',
    'empty.csv': '\n\n',
    classes: { Lemmon: { 'a.jpg': '', 'b.jpg': '' }, Lemon: { 'c.jpg': '' }, 'loose.jpg': '' },
    nothing: { Lemon: {} },
  })
  const at = (name: string) => join(root, name)
  const labels = 'Expected a sku, a name or a class index but received'
  const cases: [string, string][] = [
    [
      'bad.csv',
      [
        `4 errors in ${at('bad.csv')}`,
        `${at('bad.csv')}:2 Expected path,label but received "b.jpg"`,
        `${at('bad.csv')}:3 ${labels} "Lemmon"; did you mean "Lemon"?`,
        `${at('bad.csv')}:4 Expected a sku, a name or a class index up to 4 but received "5"`,
        `${at('bad.csv')}:5 Expected path,label but received ",Lemon"`,
      ].join('\n'),
    ],
    ['header.csv', `1 error in ${at('header.csv')}\n${at('header.csv')}:1 ${labels} "label"`],
    ['empty.csv', `Expected path,label rows in ${at('empty.csv')} but found none`],
    [
      'classes',
      [
        `2 errors in ${at('classes')}`,
        `${at('classes/Lemmon')}: ${labels} "Lemmon"; did you mean "Lemon"?`,
        `${at('classes/loose.jpg')}: Expected it in a folder named like its class`,
      ].join('\n'),
    ],
    [
      'nothing',
      `Expected pictures in folders named like their classes in ${at('nothing')} but found none`,
    ],
    ['gone', `Expected a folder or a CSV file at ${at('gone')} but reading it failed: ENOENT`],
  ]
  for (const [name, words] of cases) {
    t.same(
      codeOf(() => readDataset(at(name), shop)),
      ['DATASET_INVALID', words],
      name,
    )
  }
  const [code, words] = codeOf(() => readDataset(at('quote.csv'), shop))
  t.equal(code, 'DATASET_INVALID')
  t.match(words, `${at('quote.csv')}:2 Quote Not Closed`)
})

// ---- running

/** A classifier that answers when it is told to. */
class SlowClassifier {
  waiting: (() => void)[] = []
  most = 0
  constructor(private readonly failAt: number | null = null) {}
  calls = 0
  async classify(): Promise<Classification> {
    const call = this.calls++
    await new Promise<void>(resolve => {
      this.waiting.push(resolve)
      this.most = Math.max(this.most, this.waiting.length)
      // Newest first, so that answers come in another order than questions.
      setImmediate(() => this.waiting.pop()?.())
    })
    if (call === this.failAt) throw new GroceryError('INFERENCE_FAILED', 'the device is gone')
    const scores = Float32Array.from([1, 0, 0, 0, 0])
    const stagesMs = { queue: 0, decode: 0, resize: 0, infer: 0 }
    const box: [number, number, number, number] = [0, 0, 1, 1]
    const observation = {
      box,
      decision: 'ask' as const,
      auto: false,
      askReason: null,
      candidates: [],
    }
    return { scores, observation, stagesMs }
  }
}

t.test('several pictures are under way; unreadable ones are listed', { skip: noAddon }, async t => {
  const jpeg = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
    .jpeg()
    .toBuffer()
  const root = t.testdir({ 'good.jpg': jpeg, 'empty.jpg': '', 'text.jpg': 'hello' })
  const names = [
    'good.jpg',
    'empty.jpg',
    'good.jpg',
    'text.jpg',
    'gone.jpg',
    'good.jpg',
    'good.jpg',
  ]
  const pictures = names.map((file, truth) => ({ file, path: join(root, file), truth: truth % 5 }))
  const classifier = new SlowClassifier()
  const progress: string[] = []
  const { outcomes, unreadable } = await runEvaluation({
    classifier,
    pictures,
    inFlight: 3,
    onProgress: (done, total) => progress.push(`${done}/${total}`),
  })
  t.same(
    outcomes.map(one => one.truth),
    [0, 2, 0, 1],
    'in the order of the pictures',
  )
  t.ok(classifier.most <= 3, 'no more at a time than wanted')
  t.equal(progress.at(-1), '7/7')
  t.same(
    unreadable.map(({ file, code }) => [file, code]),
    [
      ['empty.jpg', 'IMAGE_EMPTY'],
      ['text.jpg', 'IMAGE_UNREADABLE'],
      ['gone.jpg', 'IMAGE_UNREADABLE'],
    ],
  )
  t.equal(unreadable[2]!.message, `gone.jpg: reading ${join(root, 'gone.jpg')} failed: ENOENT`)

  const failing = new SlowClassifier(1)
  await t.rejects(runEvaluation({ classifier: failing, pictures, inFlight: 2 }), {
    code: 'INFERENCE_FAILED',
  })
})

// ---- what people read

const facts = {
  model: { name: 'shop', version: 3, sha256: 'a'.repeat(64), kind: 'classifier', classes: 5 },
  runtime: { name: 'openvino', version: '2026.4.1-22982', device: 'CPU' },
  labels: shop,
  metrics: measure(four, shop),
  unreadable: [{ file: 'x.jpg', code: 'IMAGE_EMPTY', message: 'x.jpg: received 0 bytes' }],
  seconds: 1.25,
}

t.test('the summary fits a terminal', async t => {
  t.equal(
    summaryText(facts),
    `shop version 3, openvino 2026.4.1 on CPU: 4 pictures in 1.3 s

  top-1             50.0 %   95 %: 15.0 % to 85.0 %
  top-4             75.0 %   95 %: 30.1 % to 95.4 %
  top-5            100.0 %   95 %: 51.0 % to 100.0 %
  coarse top-1      75.0 %   95 %: 30.1 % to 95.4 %
  loose             66.7 %   of 3; top-4 100.0 %
  packed             0.0 %   of 1; top-4 0.0 %
  macro F1          33.3 %   over 4 classes
  macro precision   25.0 %
  macro recall      50.0 %
  sure              50.0 %   right 50.0 %, at least 2.5 % (95 %, one-sided)
  loss               4.795

confused most: Royal-Gala → Granny-Smith ×1, Oat-Milk → Lemon ×1

1 picture could not be read and is in no figure:
  IMAGE_EMPTY x.jpg: received 0 bytes`,
  )
})

const report = (labels: Product[], outcomes: Outcome[]) =>
  renderReport({
    ...facts,
    labels,
    outcomes,
    metrics: measure(outcomes, labels),
    dataset: 'pictures/',
    at: new Date(0),
    thumbnails: new Map(outcomes.map(one => [one.file, 'data:image/jpeg;base64,AA=='])),
  })

t.test('the report is one file that loads nothing and escapes everything', async t => {
  const evil = `</script><img src=x onerror="alert('1')">&`
  const labels = shop.map((label, index) => (index === 1 ? { ...label, name: evil } : label))
  const page = report(labels, four)
  t.notMatch(page, /<img src=x/, 'a name cannot become an element')
  t.notMatch(page, /(src|href)="(?!data:|#)/, 'nothing is loaded')
  t.notMatch(page, /url\(|@import|https?:/, 'nor by the style')
  t.equal(page.match(/<script>/g)?.length, 1)
  t.match(page, '&lt;/script&gt;')
  for (const words of ['Top-1', 'What is taken for what', 'Worst mistakes', 'Every class']) {
    t.match(page, words)
  }
  t.match(page, 'Granny-Smith → Granny-Smith: 1 of 1 (100\u202f%)')
  t.equal(page.match(/class="wrong"/g)?.length, 2, 'one cell for each confusion')
  t.equal(page.match(/class="card"/g)?.length, 2, 'one card for each mistake')
  t.notMatch(page, /NaN|undefined|Infinity/)
})

t.test('the report of a perfect, a tiny and an unlabelled model holds together', async t => {
  const plain = [product('a', null, null), product('b', null, null)]
  for (const [labels, outcomes] of [
    [plain, [outcome(0, [1, 0])]],
    [plain, [outcome(0, [0, 1])]],
    [shop, [outcome(0, [1, 0, 0, 0, 0], 'sure'), outcome(4, [0, 0, 0, 0, 1], 'sure')]],
  ] as [Product[], Outcome[]][]) {
    t.notMatch(report(labels, outcomes), /NaN|undefined|Infinity/)
  }
})

const executablePath = '/usr/bin/chromium'
const noChromium = existsSync(executablePath) ? false : `${executablePath} is not here`

t.test(
  'in a browser a cell can be read, mistakes stand alone and the table sorts',
  { skip: noChromium },
  async t => {
    const file = join(t.testdir({ 'r.html': report(shop, four) }), 'r.html')
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
    t.teardown(() => browser.close())
    const page = await browser.newPage({ viewport: { width: 390, height: 800 } })
    const problems: string[] = []
    page.on('pageerror', error => problems.push(error.message))
    page.on('console', message => problems.push(message.text()))
    page.on('request', request => {
      if (!/^(file|data):/.test(request.url())) problems.push(request.url())
    })
    await page.goto(`file://${file}`)
    t.equal(await page.evaluate('document.documentElement.scrollWidth'), 390, 'fits a phone')
    await page.setViewportSize({ width: 1280, height: 900 })
    await page.hover('.cells .wrong >> nth=0')
    t.equal(await page.textContent('.readout'), 'Royal-Gala → Granny-Smith: 1 of 1 (100\u202f%)')
    t.equal(await page.textContent('.rows .on'), 'Royal-Gala')
    await page.check('#mistakes-only')
    t.notOk(await page.isVisible('.cells .right >> nth=0'))
    const first = () => page.textContent('.sortable tbody tr:first-child td')
    t.equal(await first(), 'Royal-Gala', 'worst first')
    await page.click('.sortable th button:has-text("Class")')
    t.equal(await first(), 'Granny-Smith', 'by name')
    await page.click('.sortable th button:has-text("Recall")')
    t.match(await first(), /Royal-Gala|Oat-Milk/, 'by number')
    t.same(problems, [])
  },
)

// ---- pictures that are wrong, and pictures that only look so

const scene = (width: number, height: number) => {
  const pixels = Buffer.alloc(width * height * 3)
  for (let i = 0; i < pixels.length; i++)
    pixels[i] = (i * 7 + Math.floor(i / (width * 3)) * 3) % 256
  return sharp(pixels, { raw: { width, height, channels: 3 } }).blur(3)
}

t.test('each bad picture has its code', { skip: noAddon }, async t => {
  const jpeg = await scene(200, 150).jpeg().toBuffer()
  const flat = { width: 16_000, height: 16_000, channels: 3 as const, background: 'white' }
  const huge = sharp({ create: flat, limitInputPixels: false }).png({ compressionLevel: 1 })
  const deep = sharp(await scene(40, 30).png().toBuffer()).toColourspace('rgb16')
  const cases: [name: string, bytes: Uint8Array, code: string][] = [
    ['empty.jpg', Buffer.alloc(0), 'IMAGE_EMPTY'],
    ['text.jpg', Buffer.from('this is no picture'), 'IMAGE_UNREADABLE'],
    ['start.jpg', Buffer.from([0xff, 0xd8, 0xff]), 'IMAGE_TRUNCATED'],
    ['cut.jpg', jpeg.subarray(0, jpeg.length / 2), 'IMAGE_TRUNCATED'],
    ['cut.png', (await scene(200, 150).png().toBuffer()).subarray(0, 3000), 'IMAGE_TRUNCATED'],
    ['cmyk.jpg', await scene(40, 30).toColourspace('cmyk').jpeg().toBuffer(), 'IMAGE_UNSUPPORTED'],
    ['deep.png', await deep.png().toBuffer(), 'IMAGE_UNSUPPORTED'],
    ['huge.png', await huge.toBuffer(), 'IMAGE_TOO_LARGE'],
    ['picture.webp', await scene(40, 30).webp().toBuffer(), 'IMAGE_UNSUPPORTED'],
    ['picture.gif', await scene(40, 30).gif().toBuffer(), 'IMAGE_UNSUPPORTED'],
  ]
  for (const [name, bytes, code] of cases) {
    // Headers are judged when a picture is read, its data when it is decoded.
    const judged = readPicture(bytes, name).then(input => preprocess(input, small))
    await t.rejects(judged, { code }, name)
  }
})

const small = {
  width: 32,
  height: 32,
  channels: 'rgb' as const,
  layout: 'nhwc' as const,
  mean: [0],
  scale: [1],
  fit: 'fill' as const,
  filter: 'area' as const,
}

/** Mean difference in grey levels of what a model would see of two pictures. */
async function difference(a: Uint8Array, b: Uint8Array): Promise<number> {
  const [one, other] = await Promise.all(
    [a, b].map(async bytes => (await preprocess(await readPicture(bytes, 'x'), small)).tensor),
  )
  return one!.reduce((sum, value, index) => sum + Math.abs(value - other![index]!), 0) / one!.length
}

t.test(
  'grey, alpha, rotated and progressive pictures are read as they look',
  { skip: noAddon },
  async t => {
    const upright = await scene(120, 90).png().toBuffer()
    const quality = { quality: 97, chromaSubsampling: '4:4:4' }
    const jpeg = await sharp(upright).jpeg(quality).toBuffer()
    t.ok((await difference(upright, jpeg)) < 2, 'JPEG as PNG')
    const progressive = await sharp(upright)
      .jpeg({ ...quality, progressive: true })
      .toBuffer()
    t.ok((await difference(upright, progressive)) < 2, 'progressive JPEG')
    const grey = await sharp(upright).greyscale().png().toBuffer()
    const asColour = await sharp(grey).toColourspace('srgb').png({ palette: false }).toBuffer()
    t.ok((await difference(grey, asColour)) < 1, 'grey PNG')
    t.ok((await difference(asColour, await sharp(grey).jpeg(quality).toBuffer())) < 2, 'grey JPEG')
    const clear = { r: 0, g: 0, b: 0, alpha: 0 }
    const padded = await sharp(upright).extend({ right: 60, background: clear }).png().toBuffer()
    const onWhite = await sharp(upright).extend({ right: 60, background: 'white' }).png().toBuffer()
    t.ok((await difference(padded, onWhite)) < 1, 'clear parts are white')
    for (const orientation of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const stored = await sharp(jpeg).withMetadata({ orientation }).jpeg(quality).toBuffer()
      const shown = await sharp(stored).rotate().png().toBuffer()
      t.ok((await difference(stored, shown)) < 2, `EXIF orientation ${orientation}`)
    }
  },
)

// ---- the command

async function run(t: Test, args: string[]): Promise<string> {
  const lines: string[] = []
  t.intercept(console, 'log', { value: (text: string) => lines.push(text) })
  await evaluateCommand().parseAsync(args, { from: 'user' })
  return lines.join('\n')
}

t.test('evaluate writes summary, figures and report', { skip: noRuntime }, async t => {
  const root = t.testdir({ Banana: {}, Lemon: {} })
  await scene(60, 60).jpeg().toFile(join(root, 'Banana/a.jpg'))
  await scene(50, 70).png().toFile(join(root, 'Lemon/b.png'))
  writeFileSync(join(root, 'Lemon/c.jpg'), '')
  const [json, html] = [join(root, 'r.json'), join(root, 'r.html')]
  const printed = await run(t, ['--images', root, '--json', json, '--html', html])
  t.match(printed, /^grocery81 version \d+, (openvino|onnxruntime) [\d.]+ on CPU: 2 pictures in/)
  t.match(printed, 'IMAGE_EMPTY Lemon/c.jpg: Expected a JPEG or PNG picture but received 0 bytes')
  const figures = JSON.parse(readFileSync(json, 'utf8'))
  for (const key of [
    ...['images', 'top1', 'top4', 'top5', 'macroF1', 'macroPrecision', 'macroRecall', 'loss'],
    ...['coarseTop1', 'sure', 'groups', 'perClass', 'confusion', 'unreadable', 'mistakes'],
  ]) {
    t.ok(key in figures, `the JSON has ${key}`)
  }
  t.same(Object.keys(figures.sure), ['coverage', 'precision', 'lowerBound'])
  t.equal(figures.images, 2)
  t.match(readFileSync(html, 'utf8'), 'Pictures that could not be read')

  writeFileSync(join(root, 'bad.csv'), 'Lemon/c.jpg,Lemon\n')
  await t.rejects(run(t, ['--images', join(root, 'bad.csv')]), {
    code: 'DATASET_INVALID',
    message: `Expected pictures in ${join(root, 'bad.csv')} but none of 1 can be read; the first: IMAGE_EMPTY Lemon/c.jpg: Expected a JPEG or PNG picture but received 0 bytes`,
  })
  await t.rejects(run(t, ['--images', root, '--min-top1', '1.5']), {
    code: 'USAGE',
    message: 'Expected a number from 0 to 1 for --min-top1',
  })
  const nowhere = join(root, 'no/where.json')
  await t.rejects(run(t, ['--images', root, '--json', nowhere]), {
    code: 'USAGE',
    message: `Expected a folder that can be written for ${nowhere} but ${join(root, 'no')} gives ENOENT`,
  })
  writeFileSync(join(root, 'wrong.csv'), 'Banana/a.jpg,Lemon\nBanana/a.jpg,Lime\n')
  await t.rejects(run(t, ['--images', join(root, 'wrong.csv'), '--min-top1', '1']), {
    code: 'BELOW_MINIMUM',
  })
})
