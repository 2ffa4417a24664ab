// Evaluation beyond one model's figures: tests of difference, intervals, money, bad pictures, held-out predictions, members.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { chromium } from 'playwright-core'
import sharp from 'sharp'
import t, { type Test } from 'tap'
import { evaluateCommand } from '../src/cli/evaluate.js'
import { type EvaluateOptions, optionsOfBoth } from '../src/cli/evaluate/options.js'
import { openModel } from '../src/inference/manifest.js'
import { type Bootstrap, bootstrap } from '../src/learn/bootstrap.js'
import { compare } from '../src/learn/compare.js'
import { coverageCurve, thinned } from '../src/learn/curves.js'
import { degradations, degrade } from '../src/learn/degrade.js'
import { runEvaluation } from '../src/learn/evaluate.js'
import { joinLabels, renumber } from '../src/learn/label-space.js'
import { chiSquaredTail, mcnemar } from '../src/learn/mcnemar.js'
import { ensembleFigures } from '../src/learn/members.js'
import { measure, type Outcome, rankOfTruth } from '../src/learn/metrics.js'
import { reckon } from '../src/learn/money.js'
import { readOutOfFold } from '../src/learn/out-of-fold.js'
import { readPrices } from '../src/learn/prices.js'
import { seededRandom } from '../src/learn/random.js'
import { renderReport } from '../src/learn/report.js'
import { measureRobustness } from '../src/learn/robustness.js'
import { summaryText } from '../src/learn/summary.js'
import type { PictureInput } from '../src/recognition/picture.js'
import type { Decision, Product } from '../src/recognition/types.js'
import { codeOf } from './helpers/failure.js'
import { noRuntime } from './helpers/runtimes.js'

const product = (sku: string, group: Product['group'] = null): Product => ({
  sku,
  name: sku[0]!.toUpperCase() + sku.slice(1),
  plu: null,
  gtin: null,
  unit: 'each',
  meanGrams: null,
  group,
  coarse: null,
  variantOf: null,
})
const shop = [product('apple'), product('lemon'), product('milk')]

/** An outcome in which `said` comes first. */
const says = (truth: number, said: number, decision: Decision = 'ask', classes = 3): Outcome => ({
  file: `${truth}-${said}.jpg`,
  truth,
  scores: Float32Array.from({ length: classes }, (_, index) => (index === said ? 0.5 : 0.25)),
  decision,
})

const model = (name: string) => ({
  name,
  version: 1,
  sha256: 'a'.repeat(64),
  kind: 'classifier',
  classes: 3,
})

// ---- is the difference chance?

/** Twice the smaller tail of a fair coin, with whole numbers of any size. */
function coinSum(least: number, n: number): number {
  let choose = 1n
  let sum = 0n
  for (let heads = 0n; heads <= BigInt(least); heads++) {
    sum += choose
    choose = (choose * (BigInt(n) - heads)) / (heads + 1n)
  }
  const scale = 10n ** 15n
  return Math.min(1, Number((2n * sum * scale) / 2n ** BigInt(n)) / 1e15)
}

t.test('McNemar is the binomial sum below 25, and near it from there on', async t => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.nat(200), fc.nat(200), (one, other) => {
        const { p, test, statistic } = mcnemar(one, other)
        const sum = coinSum(Math.min(one, other), one + other)
        if (one + other < 25) {
          return test === 'exact binomial' && statistic === null && Math.abs(p - sum) < 1e-12
        }
        const plain = Math.max(0, Math.abs(one - other) - 1) ** 2 / (one + other)
        return statistic === plain && p > 0 && p <= 1 && Math.abs(p - sum) < 0.03
      }),
    ),
  )
  t.same(mcnemar(0, 0), {
    onlyFirst: 0,
    onlySecond: 0,
    test: 'exact binomial',
    statistic: null,
    p: 1,
  })
  t.equal(mcnemar(1, 9).p, (2 * 11) / 1024)
  t.equal(mcnemar(15, 15).p, 1)
  for (const [x, p] of [
    [0, 1],
    [0.4549364, 0.5],
    [3.8414588, 0.05],
    [6.6348966, 0.01],
    [7.8794386, 0.005],
    [8.0001, 0.0046775],
    [15.136705, 0.0001],
  ] as const) {
    t.ok(Math.abs(chiSquaredTail(x) / p - 1) < 1e-4, `chi-squared ${x}: ${chiSquaredTail(x)}`)
  }
})

t.test('two models are matched by sku, and what one lacks is told', async t => {
  // The second model knows milk and apple in another order, has kiwi, and has no lemon.
  const other = [product('milk'), product('kiwi'), product('apple')]
  const { labels, ofSecond } = joinLabels(shop, other)
  t.same(
    labels.map(one => one.sku),
    ['apple', 'lemon', 'milk', 'kiwi'],
  )
  t.same(ofSecond, [2, 3, 0])
  const first = renumber([says(0, 0), says(0, 0), says(1, 1), says(2, 0), says(3, 0)], 4)
  // apple right, apple as milk, lemon as kiwi, milk right, kiwi right
  const second = renumber([says(0, 2), says(0, 0), says(1, 1), says(2, 0), says(3, 1)], 4, ofSecond)
  const found = compare(model('b'), first, second, labels, { first: shop, second: other })
  t.same(found.table, { both: 1, onlyFirst: 2, onlySecond: 2, neither: 0 })
  t.same(found.mcnemar, mcnemar(2, 2))
  t.equal(found.first.top1, 3 / 5)
  t.equal(found.second.top1, 3 / 5)
  t.same(found.missing, {
    first: { skus: ['kiwi'], images: 1 },
    second: { skus: ['lemon'], images: 1 },
  })
  t.same(
    found.moved.map(one => [one.sku, one.support, one.first, one.second]),
    [
      ['lemon', 1, 1, 0],
      ['milk', 1, 0, 1],
      ['kiwi', 1, 0, 1],
      ['apple', 2, 2, 1],
    ],
    'of equal changes the larger share of a class first',
  )
})

t.test('flags of bare files go to the model that is bare', async t => {
  const options = { precision: 'f32', labels: 'l.csv', scale: [1], streams: 2 } as EvaluateOptions
  const both = (first: string, second: string) =>
    optionsOfBoth({ ...options, model: first, against: second }).map(one => [
      one.model,
      one.labels,
      one.scale,
      one.streams,
    ])
  const engine = { device: undefined, runtime: undefined, threads: undefined, streams: 2 }
  t.same(optionsOfBoth({ ...options, model: 'a', against: 'b.xml' })[0], { model: 'a', ...engine })
  t.same(both('a', 'b.xml')[1], ['b.xml', 'l.csv', [1], 2])
  t.same(both('a.onnx', 'b'), [
    ['a.onnx', 'l.csv', [1], 2],
    ['b', undefined, undefined, 2],
  ])
  t.same(both('a.onnx', 'b.onnx')[1], ['b.onnx', 'l.csv', [1], 2])
  const shop = { catalogue: 'shop.csv', priors: 'p.csv', site: 'north' }
  for (const [model, against] of [
    ['a', 'b.xml'],
    ['a.xml', 'b'],
  ] as const) {
    const pair = optionsOfBoth({ ...options, ...shop, model, against })
    for (const one of pair) t.match(one, shop, `${model} against ${against}: one shop for both`)
  }
})

// ---- intervals and curves

t.test('a resample is measured as any set of pictures is', async t => {
  const outcomes = Array.from({ length: 40 }, (_, index) =>
    says(index % 3, (index * index) % 3, index % 4 === 0 ? 'sure' : 'ask'),
  )
  const random = seededRandom('bootstrap')
  const drawn = outcomes.map(() => outcomes[Math.floor((random() / 2 ** 32) * outcomes.length)]!)
  const figures = measure(drawn, shop)
  const one = bootstrap(outcomes, 3, 1)
  t.ok(Math.abs(one.macroF1[0] - figures.macroF1) < 1e-12)
  t.same(one.top1, [figures.top1, figures.top1])
  t.same(one.coverageOfSure, [figures.sure.coverage, figures.sure.coverage])
  t.same(bootstrap(outcomes, 3), bootstrap(outcomes, 3), 'the same in every run')
})

t.test('bootstrap intervals are as wide as theory says, and quick', async t => {
  const many = Array.from({ length: 2500 }, (_, index) =>
    says(index % 81, index % 5 === 0 ? (index + 1) % 81 : index % 81, 'ask', 81),
  )
  // Processor time: a busy machine must not fail it.
  const began = process.cpuUsage()
  const { top1, macroF1, coverageOfSure } = bootstrap(many, 81)
  const seconds = process.cpuUsage(began).user / 1e6
  t.ok(seconds < 1, `${seconds} s`)
  const half = 1.96 * Math.sqrt((0.8 * 0.2) / 2500)
  t.ok(Math.abs(top1[0] - (0.8 - half)) < 0.003, `from ${top1[0]}`)
  t.ok(Math.abs(top1[1] - (0.8 + half)) < 0.003, `to ${top1[1]}`)
  t.ok(
    macroF1[0] <
      measure(
        many,
        Array.from({ length: 81 }, (_, i) => product(`p${i}`)),
      ).macroF1,
  )
  t.same(coverageOfSure, [0, 0])
})

t.test('a thinned curve keeps its shape and its end', async t => {
  const outcomes = Array.from({ length: 1000 }, (_, index) => ({
    ...says(0, 0),
    scores: Float32Array.from([0.5 + index / 4000, 0, 0]),
  }))
  const thin = thinned(coverageCurve(outcomes))
  t.equal(thin.length, 50)
  t.same(
    thin.map(point => Math.round(point.coverage * 50)),
    Array.from({ length: 50 }, (_, index) => index + 1),
  )
  t.equal(thin.at(-1)!.coverage, 1)
  const few = coverageCurve(outcomes.slice(0, 3))
  t.same(thinned(few), few, 'a short one stays as it is')
})

// ---- money

t.test('a money example is as reckoned by hand', async t => {
  const file = join(
    t.testdir({
      'p.csv':
        'sku,name,price EUR,unit,meanGrams\napple,A,2.00,kg,150\nlemon,L,0.50,each,\nmilk,M,1.20,,\nkiwi,K,9,,\n',
    }),
    'p.csv',
  )
  const list = readPrices(file, shop)
  t.equal(list.currency, 'EUR')
  t.same(list.prices.get('apple'), { price: 2, unit: 'kg', meanGrams: 150 })
  // An apple of 150 g is 0.30. Sold as a lemon: +0.20, twice, once surely. As milk: +0.90.
  // A milk of unknown weight sold as an apple: 1 kg is 2.00, so +0.80. A lemon as milk: +0.70;
  // milk as a lemon: -0.70, surely.
  const outcomes = [
    says(0, 1, 'sure'),
    says(0, 1),
    says(0, 2),
    says(2, 0),
    says(1, 2),
    says(2, 1, 'sure'),
    says(0, 0, 'sure'),
    says(1, 1),
    says(2, 2),
    says(2, 2, 'sure'),
  ]
  const money = reckon(outcomes, shop, list)
  const near = (actual: number, expected: number, words: string) =>
    t.ok(Math.abs(actual - expected) < 1e-9, `${words}: ${actual}`)
  // Due: 4 apples 1.20, 2 lemons 1.00, 4 milks 4.80, that is 7.00 for 10 items.
  near(money.due, 700, 'due')
  near(money.first.overcharge, (0.2 * 2 + 0.9 + 0.8 + 0.7) * 100, 'overcharge')
  near(money.first.undercharge, 70, 'undercharge')
  t.equal(money.first.mistakes, 6)
  near(money.sure.overcharge, 20, 'sure overcharge')
  near(money.sure.undercharge, 70, 'sure undercharge')
  t.equal(money.sure.mistakes, 2)
  t.same(
    money.first.dearest.map(one => [one.truth, one.predicted, one.count, one.per1000.toFixed(2)]),
    [
      ['apple', 'milk', 1, '90.00'],
      ['milk', 'apple', 1, '80.00'],
      ['lemon', 'milk', 1, '70.00'],
      ['milk', 'lemon', 1, '-70.00'],
      ['apple', 'lemon', 2, '40.00'],
    ],
  )
  t.same(money.weightUnknown, ['milk'])
})

t.test('what is wrong with a price list is told all at once', async t => {
  const root = t.testdir({
    'bare.csv': 'apple,1.99,kg\nlemon,0.5\nmilk,1\n',
    'missing.csv': 'sku,price\nlemon,0.5\n',
    'rows.csv': 'sku,price,unit\napple,"1,99",kg\n,2\nlemon,0.5,g\nmilk,1\nmilk,2\n',
    'column.csv': 'sku,price,unti\napple,1,kg\n',
  })
  const at = (name: string) => join(root, name)
  const bare = readPrices(at('bare.csv'), shop)
  t.equal(bare.currency, null)
  t.same([...bare.prices.keys()], ['apple', 'lemon', 'milk'])
  const cases: [string, string][] = [
    [
      'missing.csv',
      `${at('missing.csv')}: Expected a price for each class but there is none for apple, milk`,
    ],
    [
      'rows.csv',
      [
        `4 errors in ${at('rows.csv')}`,
        `${at('rows.csv')}:2 price: Expected a price such as 1.99 but received "1,99"`,
        `${at('rows.csv')}:3 sku: Expected a sku but received ""`,
        `${at('rows.csv')}:4 unit: Expected unit each or kg but received "g"`,
        `${at('rows.csv')}:6 sku "milk" stands twice`,
      ].join('\n'),
    ],
    ['column.csv', `1 error in ${at('column.csv')}\nUnknown column "unti"; did you mean "unit"?`],
    ['gone.csv', `Expected a CSV file at ${at('gone.csv')} but reading it failed: ENOENT`],
  ]
  for (const [name, words] of cases) {
    t.same(
      codeOf(() => readPrices(at(name), shop)),
      ['PRICES_INVALID', words],
      name,
    )
  }
})

// ---- held-out predictions

const calibration = {
  norm: null,
  normClasses: null,
  temperature: 3,
  sure: 0.9,
  auto: null,
  unknown: 0.3,
  margin: 0.5,
  distance: null,
  sureDistance: null,
  measuredOn: null,
}

/** A row as models/training/out_of_fold.py writes it. */
function heldOutRow(file: string, truth: number, logits: readonly number[]): string {
  const order = logits.map((_, index) => index).sort((a, b) => logits[b]! - logits[a]!)
  const pairs = order.slice(0, 8).map(index => `${index}:${logits[index]!.toFixed(4)}`)
  const rest = order.slice(8).reduce((sum, index) => sum + Math.exp(logits[index]!), 0)
  return `${file},${truth},${[...pairs, `rest:${Math.log(rest).toFixed(4)}`].join(' ')}`
}

t.test('held-out predictions give the figures of all scores', async t => {
  const classes = 20
  const labels = Array.from({ length: classes }, (_, index) => product(`c${index}`))
  const random = seededRandom('held out')
  const unit = () => random() / 2 ** 32
  const all = Array.from({ length: 200 }, (_, index) => ({
    truth: index % classes,
    logits: Array.from(
      { length: classes },
      (_, at) => unit() * 6 + (at === index % classes ? 3 : 0),
    ),
  }))
  const rows = all.map(({ truth, logits }, index) => heldOutRow(`${index}.jpg`, truth, logits))
  const file = join(t.testdir({ 'o.csv': ['file,truth,scores', ...rows].join('\n') }), 'o.csv')
  const { outcomes, outside } = readOutOfFold(file, labels, calibration)
  t.equal(outcomes.length, 200)
  let lost = 0
  for (const [index, { truth, logits }] of all.entries()) {
    const sum = logits.reduce((total, logit) => total + Math.exp(logit), 0)
    const whole = {
      ...outcomes[index]!,
      scores: Float32Array.from(logits, one => Math.exp(one) / sum),
    }
    const total = outcomes[index]!.scores.reduce((one, other) => one + other, 0)
    if (Math.abs(total - 1) > 1e-5) t.fail(`row ${index} sums to ${total}`)
    const rank = rankOfTruth(whole)
    if (rank >= 8) {
      lost++
      if (rankOfTruth(outcomes[index]!) < 8) t.fail(`row ${index} is ranked too high`)
      continue
    }
    if (rankOfTruth(outcomes[index]!) !== rank) t.fail(`row ${index} is not ranked ${rank}`)
    const [kept, exact] = [outcomes[index]!.scores[truth]!, whole.scores[truth]!]
    if (Math.abs(kept - exact) > 1e-4) t.fail(`row ${index}: ${kept} for ${exact}`)
  }
  t.equal(outside, lost)
  t.ok(lost > 0, 'some truths are outside')
  for (const { scores, decision } of outcomes) {
    const [best, second] = [...scores].sort((a, b) => b - a) as [number, number]
    const sure = best >= 0.9 && best - second >= 0.5
    const expected = best < 0.3 ? 'unknown' : sure ? 'sure' : 'ask'
    if (decision !== expected) t.fail(`${decision} for ${best} before ${second}`)
  }
  t.ok(new Set(outcomes.map(one => one.decision)).size >= 2)
})

t.test('fewer classes than are kept leave nothing over; bad rows are told', async t => {
  const root = t.testdir({
    'few.csv': 'file,truth,scores\na.jpg,1,1:2 0:1 2:0 rest:-inf\nb.jpg,milk,2:1 rest:0.5\n',
    'bad.csv':
      'file,truth,scores\na.jpg,3,0:1 rest:0\nb.jpg,0,0:one rest:0\nc.jpg,0,7:1 rest:0\nd.jpg,0,0:1 rest:9\ne.jpg,0,\n',
    'head.csv': 'a.jpg,0,0:1 rest:0\n',
    'empty.csv': 'file,truth,scores\n',
  })
  const at = (name: string) => join(root, name)
  const { outcomes } = readOutOfFold(at('few.csv'), shop, calibration)
  const sum = Math.exp(2) + Math.exp(1) + 1
  const close = (actual: number, expected: number) => t.ok(Math.abs(actual - expected) < 1e-6)
  close(outcomes[0]!.scores[1]!, Math.exp(2) / sum)
  // Two classes share what is left of the second picture.
  close(outcomes[1]!.scores[0]!, Math.exp(0.5) / (Math.exp(1) + Math.exp(0.5)) / 2)
  t.equal(outcomes[1]!.truth, 2)
  const file = at('bad.csv')
  const cases: [string, string][] = [
    [
      'bad.csv',
      [
        `5 errors in ${file}`,
        `${file}:2 Expected a class index up to 2, a sku or a name but received "3"`,
        `${file}:3 Expected index:logit pairs but received "0:one"`,
        `${file}:4 Expected a class index up to 2 but received "7:1"`,
        `${file}:5 Expected the largest logits and the rest below them`,
        `${file}:6 Expected index:logit pairs but received ""`,
      ].join('\n'),
    ],
    [
      'head.csv',
      `1 error in ${at('head.csv')}\n${at('head.csv')}:1 Expected the header file,truth,scores but received "a.jpg,0,0:1 rest:0"`,
    ],
    ['empty.csv', `1 error in ${at('empty.csv')}\n${at('empty.csv')}:2 Expected rows`],
  ]
  for (const [name, words] of cases) {
    t.same(
      codeOf(() => readOutOfFold(at(name), shop, calibration)),
      ['PREDICTIONS_INVALID', words],
      name,
    )
  }
})

// ---- bad pictures

/** Squares of three greys, hard edges. */
const scene = (width: number, height: number) => {
  const greys = Buffer.alloc(width * height * 3)
  const square = (at: number) => Math.floor(at / 5)
  greys.forEach((_, at) => {
    const pixel = Math.floor(at / 3)
    greys[at] = 70 + 60 * ((square(pixel % width) + square(Math.floor(pixel / width))) % 3)
  })
  return sharp(greys, { raw: { width, height, channels: 3 } })
}

async function pixels(picture: PictureInput) {
  if ('rgb' in picture) return picture
  const { data, info } = await sharp(picture.jpeg).raw().toBuffer({ resolveWithObject: true })
  return { rgb: data as Uint8Array, width: info.width, height: info.height }
}
const meanOf = (values: Uint8Array) => values.reduce((sum, one) => sum + one, 0) / values.length

t.test('each degradation changes the picture, the same way in every run', async t => {
  const bytes = await scene(90, 60).jpeg({ quality: 95 }).toBuffer()
  const plain = await sharp(bytes).raw().toBuffer()
  t.equal(degradations.length, 8)
  for (const degradation of degradations) {
    const one = await pixels(await degrade(bytes, 'a.jpg', degradation))
    const again = await pixels(await degrade(bytes, 'a.jpg', degradation))
    t.same([one.width, one.height], [90, 60], `${degradation.name} keeps the size`)
    t.ok(Buffer.from(one.rgb).equals(again.rgb), `${degradation.name} is the same again`)
    const changed = one.rgb.reduce((sum, value, at) => sum + Math.abs(value - plain[at]!), 0)
    t.ok(changed / plain.length > 1, `${degradation.name} is to be seen`)
  }
  const by = (name: string) => degradations.find(one => one.name === name)!
  const of = async (name: string, file: string) =>
    (await pixels(await degrade(bytes, file, by(name)))).rgb
  t.ok(Math.abs(meanOf(await of('dim', 'a')) / meanOf(plain) - 0.33) < 0.01)
  const hidden = await of('occlusion', 'a')
  const grey = hidden.reduce((sum, value) => sum + (value === 128 ? 1 : 0), 0) / hidden.length
  t.ok(grey >= 0.5 && grey < 0.6, `${grey} is grey`)
  const noisy = await of('noise', 'a')
  // Where nothing is cut off at black or white, the noise has the deviation that it says.
  const inside = [...plain.keys()].filter(at => plain[at]! > 100 && plain[at]! < 156)
  const squares = inside.reduce((sum, at) => sum + (noisy[at]! - plain[at]!) ** 2, 0)
  const deviation = Math.sqrt(squares / inside.length)
  t.ok(deviation > 22 && deviation < 28, `deviation ${deviation} of ${inside.length}`)
  for (const name of ['noise', 'coloured', 'rotation', 'occlusion', 'glare']) {
    const looks = await Promise.all('abcdefgh'.split('').map(file => of(name, file)))
    const kinds = new Set(looks.map(look => Buffer.from(look).toString('base64')))
    t.ok(kinds.size > 1, `${name} differs between files`)
  }
  const turned = await sharp(bytes).withMetadata({ orientation: 6 }).jpeg().toBuffer()
  const upright = await degrade(turned, 'a', by('dim'))
  t.same(
    'width' in upright && [upright.width, upright.height],
    [60, 90],
    'upright as a viewer shows it',
  )
  const wide = await degrade(await scene(1280, 320).png().toBuffer(), 'a', by('blur'))
  t.same('width' in wide && [wide.width, wide.height], [640, 160], 'large ones are scaled down')
  await t.rejects(degrade(Buffer.from('no picture'), 'x.jpg', by('blur')), {
    code: 'IMAGE_UNREADABLE',
    message: /^x\.jpg: decoding it to degrade it \(blur\) failed: /,
  })
})

/** Says lemon of what is dark, apple of the rest; a member that always says apple. */
const byLight = {
  async classify(input: unknown) {
    const { rgb } = await pixels(input as PictureInput)
    const said = meanOf(rgb) < 90 ? 1 : 0
    const box: [number, number, number, number] = [0, 0, 1, 1]
    const observation = {
      box,
      decision: 'sure' as const,
      auto: false,
      askReason: null,
      candidates: [],
    }
    const stagesMs = { queue: 0, decode: 0, resize: 0, infer: 0 }
    const { scores } = says(0, said)
    return { scores, members: [scores, says(0, 0).scores], observation, stagesMs }
  },
}

t.test('robustness measures the same pictures under each degradation', async t => {
  const root = t.testdir({})
  const names = ['a.jpg', 'b.jpg', 'c.jpg']
  for (const name of names) {
    const light = { width: 40, height: 30, channels: 3 as const, background: '#c8c8c8' }
    await sharp({ create: light }).jpeg().toFile(join(root, name))
  }
  const pictures = names.map(file => ({ file, path: join(root, file), truth: 0 }))
  const { outcomes } = await runEvaluation({ classifier: byLight, pictures, inFlight: 2 })
  t.same(
    outcomes.map(one => one.members!.length),
    [2, 2, 2],
    'members are carried along',
  )
  const seen: string[] = []
  const rows = await measureRobustness(
    {
      classifier: byLight,
      pictures,
      inFlight: 2,
      onProgress: (name, done, total) => done === total && seen.push(name),
    },
    outcomes,
    shop,
    some => some,
  )
  const names8 = degradations.map(one => one.name)
  t.same(seen, names8)
  t.same(
    rows.map(({ name, images, top1 }) => [name, images, top1]),
    ['plain', ...names8].map(name => [name, 3, name === 'dim' ? 0 : 1]),
    'only the dim ones are taken for lemons',
  )
  const dim = rows.find(one => one.name === 'dim')!
  t.same([dim.top4, dim.sureCoverage, dim.surePrecision], [1, 1, 0])
})

// ---- ensembles

const members = [
  { model: model('one'), weight: 2 },
  { model: model('two'), weight: 1 },
]
/** The whole is right on all but the last; one on the first two, two on the last two. */
const voted: Outcome[] = [
  { ...says(0, 0), members: [says(0, 0), says(0, 1)].map(one => one.scores) },
  { ...says(1, 1), members: [says(1, 1), says(1, 0)].map(one => one.scores) },
  { ...says(2, 2), members: [says(2, 0), says(2, 2)].map(one => one.scores) },
  { ...says(2, 0), members: [says(2, 0), says(2, 2)].map(one => one.scores) },
]

t.test('members are measured alone, and the whole against the best of them', async t => {
  const found = ensembleFigures(voted, members, shop)!
  t.same(
    found.members.map(one => [one.model.name, one.weight, one.top1, one.top4]),
    [
      ['one', 2, 0.5, 1],
      ['two', 1, 0.5, 1],
    ],
  )
  const alone = voted.map(one => ({ ...one, scores: one.members![1]! }))
  t.equal(found.members[1]!.macroF1, measure(alone, shop).macroF1)
  t.equal(found.members[1]!.loss, measure(alone, shop).loss)
  t.same(found.best, { model: model('one'), ...mcnemar(1, 0) }, 'of equals the first')
  t.equal(ensembleFigures([says(0, 0)], [], shop), null, 'a single model has none')
  const wide = renumber(voted, 4)
  t.same(
    wide[0]!.members!.map(one => one.length),
    [4, 4],
  )
})

// ---- what people read

const judged = voted.map((one, index) => ({ ...one, file: `${index}.jpg` }))
const price = (price: number) => ({ price, unit: 'each' as const, meanGrams: null })
const prices = new Map([
  ['apple', price(0.25)],
  ['lemon', price(0.5)],
  ['milk', price(1.25)],
])
const rates = { images: 4, top1: 0.75, top4: 1, sureCoverage: 0, surePrecision: null }
const intervals: Bootstrap = { macroF1: [0.5, 1], top1: [0.25, 1], coverageOfSure: [0, 0] }
const facts = {
  model: model('new'),
  runtime: null,
  labels: shop,
  metrics: measure(judged, shop),
  outcomes: judged,
  unreadable: [],
  seconds: 0,
  ensemble: ensembleFigures(judged, members, shop)!,
  against: compare(model('old'), judged, [says(0, 0), says(1, 0), says(2, 0), says(2, 0)], shop, {
    first: shop,
    second: [shop[0]!, shop[1]!],
  }),
  money: reckon(judged, shop, { currency: 'EUR', prices }),
  robustness: [
    { name: 'plain', words: 'as they are', ...rates },
    { name: 'blur', words: 'out of focus', ...rates, top1: 0.25 },
  ],
  heldOut: { outside: 2 },
  bootstrap: intervals,
}

t.test('the summary says all that was asked for, aligned', async t => {
  const text = summaryText(facts)
  t.match(text, '  macro F1          77.8 %   95 %: 50.0 % to 100.0 %; over 3 classes\n')
  t.equal(
    text.slice(text.indexOf('\nEach picture')),
    `
Each picture was judged by a model that was trained without it. The truth of 2 is not among the scores that were kept: scores that were not kept share their sum evenly, so the loss is approximate there.

members, each alone
                  weight    top-1     top-4   macro F1    loss
  one version 1        2   50.0 %   100.0 %     50.0 %   1.040
  two version 1        1   50.0 %   100.0 %     33.3 %   1.040
  the whole                75.0 %   100.0 %     77.8 %   0.866
  the whole against one version 1: McNemar (exact binomial, 1 differ): p = 1.000; the difference may be chance

A new version 1 against B old version 1
                          A         B
  top-1              75.0 %    25.0 %
  top-4             100.0 %   100.0 %
  coarse top-1            –         –
  macro F1           77.8 %    13.3 %
  sure                0.0 %     0.0 %
  right when sure         –         –
  loss                0.866     1.213
  both right 1, only A 2, only B 0, neither 1
  McNemar (exact binomial, 2 differ): p = 0.500; the difference may be chance
  B has no class for milk: 2 pictures count as wrong for it.
moved most (right answers)
          A   B
  Lemon   1   0   of 1
  Milk    1   0   of 2

for 1,000 items that should bring 812.50 EUR
                       mistakes   overcharge   undercharge
  first answer sold           1     0.00 EUR    250.00 EUR
  only the sure ones          0     0.00 EUR      0.00 EUR
dearest
  Milk → Apple ×1   -250.00 EUR

the same pictures, degraded
           top-1     top-4    sure   right when sure
  plain   75.0 %   100.0 %   0.0 %                 –
  blur    25.0 %   100.0 %   0.0 %                 –`,
  )
})

const pixel = 'data:image/jpeg;base64,AA=='
const page = (more: Partial<Parameters<typeof renderReport>[0]> = {}) =>
  renderReport({
    ...facts,
    dataset: 'p/',
    at: new Date(0),
    thumbnails: new Map(),
    examples: new Map([['blur', pixel]]),
    views: [{ file: 'x/<b>.jpg', pictures: [pixel, pixel] }],
    ...more,
  })

t.test('the report has a section for all that was asked for, and no other', async t => {
  const whole = page()
  for (const id of ['members', 'against', 'money', 'robustness', 'views']) {
    t.match(whole, `<section id="${id}">`)
    t.match(whole, `href="#${id}"`)
  }
  t.match(whole, 'x/&lt;b&gt;.jpg')
  t.match(whole, 'held-out predictions')
  t.notMatch(whole, /Weights/, 'nothing was run, so no weights are named')
  t.notMatch(whole, /NaN|undefined|Infinity|\[object/)
  t.match(whole, 'For 1,000, EUR')
  t.match(whole, '−250.00')
  const nothing = { ensemble: undefined, against: undefined, money: undefined }
  const plain = page({ ...nothing, robustness: undefined, heldOut: undefined, views: [] })
  t.equal(plain.match(/<section/g)!.length, 5)
  t.match(plain, /Macro F1[\s\S]*?95 %: 50\.0/, 'macro F1 has its interval')
})

const executablePath = '/usr/bin/chromium'
const noChromium = existsSync(executablePath) ? false : `${executablePath} is not here`

t.test('the new sections fit a phone', { skip: noChromium }, async t => {
  const file = join(t.testdir({ 'r.html': page() }), 'r.html')
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  t.teardown(() => browser.close())
  const tab = await browser.newPage({ viewport: { width: 390, height: 800 } })
  await tab.goto(`file://${file}`)
  t.equal(await tab.evaluate('document.documentElement.scrollWidth'), 390)
  for (const id of ['members', 'against', 'money', 'robustness']) {
    const wide = `[...document.querySelectorAll('#${id} .scroll')].filter(one => one.scrollWidth > one.clientWidth).length`
    t.equal(await tab.evaluate(wide), 0, `${id} need not be scrolled sideways`)
  }
})

// ---- the command

async function run(t: Test, args: string[]): Promise<string> {
  const lines: string[] = []
  t.intercept(console, 'log', { value: (text: string) => lines.push(text) })
  await evaluateCommand().parseAsync(args, { from: 'user' })
  return lines.join('\n')
}

t.test('options that do not go together are refused at once', async t => {
  const cases: [string[], string][] = [
    [[], 'Expected --images or --out-of-fold'],
    [['--images', 'x', '--pictures', 'y'], 'Expected --pictures only beside --out-of-fold'],
    [
      ['--out-of-fold', 'x', '--images', 'y', '--robustness'],
      'Expected --out-of-fold without --images, --robustness, since no model is run with it',
    ],
    [
      ['--out-of-fold', 'x', '--pictures', '/nowhere'],
      'Expected a folder for --pictures but received /nowhere',
    ],
  ]
  for (const [args, message] of cases) {
    await t.rejects(run(t, args), { code: 'USAGE', message }, args.join(' '))
  }
})

t.test('held-out predictions of the shipped model need no runtime', async t => {
  const { labels } = openModel('grocery81')
  const rows = labels.map((_, index) => {
    const logits = labels.map((_, at) => (at === index ? 9 : -at / 100))
    return heldOutRow(`${index}.jpg`, index === 0 ? 1 : index, logits)
  })
  const root = t.testdir({ 'o.csv': ['file,truth,scores', ...rows].join('\n') })
  await scene(60, 60).jpeg().toFile(join(root, '0.jpg'))
  const at = (name: string) => join(root, name)
  writeFileSync(at('p.csv'), labels.map(({ sku }, index) => `${sku},${index + 1}`).join('\n'))
  const args = ['--out-of-fold', at('o.csv'), '--pictures', root, '--prices', at('p.csv')]
  const text = await run(t, [...args, '--json', at('o.json'), '--html', at('o.html')])
  t.match(text, /^grocery81 version \d+, held-out predictions: 81 pictures in/)
  const figures = JSON.parse(readFileSync(at('o.json'), 'utf8'))
  t.equal(figures.top1, 80 / 81)
  t.equal(figures.runtime, null)
  t.same(figures.heldOut, { outside: 0 })
  t.equal(figures.money.first.mistakes, 1)
  t.equal(figures.money.first.dearest[0].perItem, -1, 'the second class is sold as the first')
  t.match(readFileSync(at('o.html'), 'utf8'), '<figure class="card">', 'the mistake is shown')
  const lost = labels.slice(1).map(one => one.sku)
  writeFileSync(at('p.csv'), `${labels[0]!.sku},1\n`)
  await t.rejects(run(t, args), {
    code: 'PRICES_INVALID',
    message: `${at('p.csv')}: Expected a price for each class but there is none for ${lost.join(', ')}`,
  })
})

t.test('one run compares, reckons and degrades', { skip: noRuntime }, async t => {
  const root = t.testdir({ Banana: {}, Lemon: {} })
  await scene(60, 60).jpeg().toFile(join(root, 'Banana/a.jpg'))
  await scene(50, 70).png().toFile(join(root, 'Lemon/b.png'))
  writeFileSync(join(root, 'Lemon/c.jpg'), '')
  const at = (name: string) => join(root, name)
  const { labels } = openModel('grocery81')
  writeFileSync(at('p.csv'), labels.map(({ sku }) => `${sku},1`).join('\n'))
  const text = await run(t, [
    ...['--images', root, '--against', 'grocery81', '--prices', at('p.csv'), '--robustness'],
    ...['--json', at('r.json'), '--html', at('r.html')],
  ])
  t.match(text, 'the same pictures, degraded')
  const figures = JSON.parse(readFileSync(at('r.json'), 'utf8'))
  t.equal(figures.against.mcnemar.p, 1, 'a model differs from itself nowhere')
  t.equal(figures.against.table.both + figures.against.table.neither, 2)
  t.same(
    figures.robustness.map((one: { name: string }) => one.name),
    ['plain', ...degradations.map(one => one.name)],
  )
  t.equal(figures.robustness[1].images, 2)
  t.same([figures.money.due, figures.money.currency], [1000, null])
  t.same(Object.keys(figures.bootstrap), ['macroF1', 'top1', 'coverageOfSure'])
  t.same(Object.keys(figures.coverage[0]), ['coverage', 'error', 'threshold'])
  t.ok(figures.reliability.length > 0 && figures.calibrationError >= 0)
  t.equal(figures.members, undefined, 'one model has no members')
  t.equal(readFileSync(at('r.html'), 'utf8').match(/alt="Example: /g)?.length, 8)
})
