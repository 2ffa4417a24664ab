// What the shop sees of a model: priors, what is sold here, and twins that no picture tells apart; numbers worked by hand.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { CatalogueDesk, type CatalogueDeskOptions } from '../src/desks/catalogue-desk.js'
import { parseConfig } from '../src/config/load.js'
import type { GroceryError } from '../src/errors.js'
import { fetchRows } from '../src/desks/fetch-rows.js'
import { parseLabels } from '../src/inference/labels.js'
import { newestKept } from '../src/desks/kept-catalogue.js'
import type { Reason } from '../src/observe/health.js'
import {
  type Assortment,
  assortmentOf,
  beyondClasses,
  readAssortment,
} from '../src/recognition/assortment.js'
import { readCatalogue } from '../src/recognition/catalogue.js'
import { thresholdsOf } from '../src/recognition/decision.js'
import { readPriors, sharesAt, weightsOf } from '../src/recognition/priors.js'
import type { Observation } from '../src/recognition/types.js'
import { conclude, describe } from '../src/recognition/variants.js'
import { weigh } from '../src/recognition/weigh.js'
import { HandClock, quiet } from './helpers/kiosk-parts.js'

const labels = parseLabels(
  [
    'index,sku,name,plu,variantOf,group',
    '0,banana,Banana,4011,,loose',
    '1,gala,Gala,4173,,loose',
    '2,lemon,Lemon,4053,,loose',
    '3,lime,Lime,4048,,loose',
  ].join('\n'),
  'labels.csv',
)
const thresholds = { sure: 0.9, auto: 0.95, unknown: 0.3, margin: 0.2, autoAdd: true, top: 4 }

const close = (received: ArrayLike<number>, expected: number[]) =>
  received.length === expected.length &&
  expected.every((value, index) => Math.abs(received[index]! - value) < 1e-6)

/** A shop with a catalogue of these, all active. */
const sells = (...skus: string[]): Assortment =>
  assortmentOf(labels, new Map(skus.map(sku => [sku, { sku, active: true }])))

const observe = (scores: number[], assortment: Assortment, changes = {}): Observation => {
  const given = { ...thresholds, ...changes }
  const shop = weigh(Float32Array.from(scores), assortment)
  const conclusion = conclude(shop, assortment, given)
  return describe([0, 0, 1, 1], shop.scores, conclusion, assortment, given.top)
}

const inWords = ({ decision, askReason, auto, candidates, twins }: Observation) =>
  [
    [decision, askReason, auto && 'auto'].filter(Boolean).join(' '),
    candidates.map(({ sku, score }) => `${sku} ${score.toFixed(3)}`).join(', '),
    ...(twins ? [`twins ${twins.join(', ')}`] : []),
  ].join(' | ')

// ---- active

t.test(
  'a catalogue with the column active is the assortment; without it nothing is filtered',
  async t => {
    const dir = t.testdir({
      'all.csv': 'sku,name\nbanana,Ripe banana\n',
      'some.csv': 'sku,active\nbanana,yes\ngala,TRUE\nlime,no\nbread,1\n',
      'some.json':
        '[{"sku":"banana","active":true},{"sku":"gala","active":1},{"sku":"lime","active":"0"}]',
    })
    const scores = Float32Array.of(0.3, 0.3, 0.2, 0.2)
    const everything = readAssortment(labels, { catalogue: `${dir}/all.csv` })
    t.equal(everything.products[0]?.name, 'Ripe banana')
    t.equal(weigh(scores, everything).scores, scores, 'not even a copy')
    for (const file of ['some.csv', 'some.json']) {
      const some = readAssortment(labels, { catalogue: `${dir}/${file}` })
      const shop = weigh(Float32Array.of(0.48, 0.12, 0.3, 0.1), some)
      t.ok(close(shop.scores, [0.8, 0.2, 0, 0]), 'lemon has no row, lime is inactive')
      t.ok(Math.abs(shop.held - 0.6) < 1e-6)
      const seen = observe([0.588, 0.012, 0.3, 0.1], some)
      t.equal(
        inWords(seen),
        'sure auto | banana 0.980, gala 0.020',
        'only what is sold here is a candidate',
      )
    }
  },
)

t.test('where the model thinks of what is not sold here it is a question, or unknown', async t => {
  const two = sells('banana', 'gala')
  t.equal(
    inWords(observe([0.49, 0.005, 0.505, 0], two)),
    'ask confidence | banana 0.990, gala 0.010',
    '0.495 is held',
  )
  t.equal(
    inWords(observe([0.5, 0.005, 0.495, 0], two)),
    'sure auto | banana 0.990, gala 0.010',
    '0.505 is held',
  )
  t.equal(
    inWords(observe([0.005, 0.005, 0.99, 0], two, { unknown: 0.6 })),
    'unknown | banana 0.500, gala 0.500',
  )
  t.equal(
    inWords(observe([0, 0, 1, 0], two)),
    'unknown | banana 0.000, gala 0.000',
    'nothing held anything',
  )
})

t.test('a sigmoid keeps the sum that it had, and no score is above 1', async t => {
  const one = sells('banana', 'gala')
  t.ok(close(weigh(Float32Array.of(0.2, 0.2, 0.4, 0), one).scores, [0.4, 0.4, 0, 0]))
  t.ok(close(weigh(Float32Array.of(0.8, 0.1, 0.9, 0.9), one).scores, [1, 0.3, 0, 0]))
})

t.test('a catalogue that fits no class says so, and each wrong row what is wrong', async t => {
  const dir = t.testdir({
    'none.csv': 'sku,active\nbanana,no\nbread,yes\n',
    'other.csv': 'sku,name\nbread,Bread\nmilk,Milk\n',
    'empty.csv': 'sku,name\n',
    'word.csv': 'sku,active\nbanana,maybe\ngala,\n',
    'some.json': '[{"sku":"banana","active":true},{"sku":"gala"}]',
    'twin.csv': 'sku,variantOf\nbanana-organic,bananna\n',
    'later.csv': 'sku,restricted,confirm,picture\nbanana,1,1,b.jpg\n',
  })
  const wanted = 'Expected true, false, 1, 0, yes or no'
  const cases: [string, string][] = [
    ['none.csv', 'Expected an active product that the model knows but all 1 of them are inactive'],
    [
      'other.csv',
      'Expected products of the model but none of its 2 skus, such as "bread", is one of the model\'s 4, such as "banana"',
    ],
    [
      'empty.csv',
      'Expected products of the model but none of its 0 skus is one of the model\'s 4, such as "banana"',
    ],
    [
      'word.csv',
      `row 1: active: ${wanted} but received "maybe"; row 2: active: ${wanted} but received ""`,
    ],
    ['some.json', `sku "gala": active: ${wanted}, as the other rows have it`],
    [
      'twin.csv',
      'sku "banana-organic": Expected variantOf to be a sku of the catalogue or the model but received "bananna"; did you mean "banana"?',
    ],
  ]
  for (const [file, words] of cases) {
    t.throws(
      () => readAssortment(labels, { catalogue: `${dir}/${file}` }),
      { code: 'CATALOGUE_INVALID', message: `${dir}/${file}: ${words}` },
      file,
    )
  }
  t.equal(
    inWords(observe([0.97, 0.03, 0, 0], readAssortment(labels, { catalogue: `${dir}/later.csv` }))),
    'sure auto | banana 0.970, gala 0.030, lemon 0.000, lime 0.000',
    'columns of a later version do nothing',
  )
})

// ---- priors

t.test('priors weigh the scores by the shares of the site', async t => {
  const dir = t.testdir({
    'p.csv': '\ufeffsite,sku,share\n,banana,40\n,gala,20\nnorth,gala,80\n,bread,10\n',
    'plain.csv': 'sku,share\nbanana,0.4\nlime,0.1\n',
  })
  const priors = readPriors(`${dir}/p.csv`)
  t.same(
    [...sharesAt(priors, null, 'p')],
    [
      ['banana', 40],
      ['gala', 20],
      ['bread', 10],
    ],
  )
  t.same(
    [...sharesAt(priors, 'north', 'p')],
    [
      ['banana', 40],
      ['gala', 80],
      ['bread', 10],
    ],
  )
  // Lemon and lime have no row: 10, the smallest share listed. An even share of the four is 20.
  const sold = labels.map(({ sku }) => [sku])
  t.same([...weightsOf(sold, sharesAt(priors, null, 'p'), 1, 'p')], [2, 1, 0.5, 0.5])
  t.same(
    [...weightsOf(sold, sharesAt(priors, null, 'p'), 0.5, 'p')],
    [2, 1, 0.5, 0.5].map(Math.sqrt),
  )
  const files = { priors: `${dir}/p.csv`, site: 'south' }
  // 0.25 each: 0.5, 0.25, 0.125, 0.125.
  t.ok(
    close(
      weigh(Float32Array.of(0.25, 0.25, 0.25, 0.25), readAssortment(labels, files)).scores,
      [0.5, 0.25, 0.125, 0.125],
    ),
  )
  t.equal(readAssortment(labels, { ...files, priorWeight: 0 }).weights, null, 'of no weight')
  const { weights } = readAssortment(labels, { priors: `${dir}/plain.csv` })
  // 0.4, 0.1 and the smallest, 0.1, twice: an even share is 0.175.
  t.ok(close(weights!, [0.4 / 0.175, 0.1 / 0.175, 0.1 / 0.175, 0.1 / 0.175]))
})

t.test('a prior alone makes nothing sure, and one that turns the answer is a question', async t => {
  const weighed = { ...assortmentOf(labels, null), weights: Float64Array.of(9, 1, 1, 1) }
  // With the prior 0.947, without it 0.667.
  t.equal(
    inWords(observe([0.6667, 0.3333, 0, 0], weighed)),
    'ask confidence | banana 0.947, gala 0.053, lemon 0.000, lime 0.000',
  )
  t.equal(
    inWords(observe([0.93, 0.07, 0, 0], weighed)),
    'sure | banana 0.992, gala 0.008, lemon 0.000, lime 0.000',
    'auto wants 0.95 without the prior too',
  )
  t.equal(
    inWords(observe([0.96, 0.04, 0, 0], weighed)),
    'sure auto | banana 0.995, gala 0.005, lemon 0.000, lime 0.000',
  )
  t.equal(
    inWords(observe([0.08, 0.92, 0, 0], weighed, { sure: 0.5, margin: 0 })),
    'sure | gala 0.561, banana 0.439, lemon 0.000, lime 0.000',
  )
  t.equal(
    inWords(observe([0.15, 0.85, 0, 0], weighed, { sure: 0.5, margin: 0 })),
    'ask confidence | banana 0.614, gala 0.386, lemon 0.000, lime 0.000',
    'sure of gala without, of banana with it',
  )
  t.equal(
    inWords(observe([0.92, 0.08, 0, 0], { ...weighed, weights: Float64Array.of(1, 9, 1, 1) })),
    'ask confidence | banana 0.561, gala 0.439, lemon 0.000, lime 0.000',
    'a prior may take sureness away',
  )
})

t.test('each wrong line of the priors is told with its place', async t => {
  const dir = t.testdir({
    'rows.csv': 'site,sku,share\n,banana,0\n\n,,1\nnorth,gala,x\n,lime,1\n,lime,2\n',
    'head.csv': 'site,sku,shares\n,banana,1\n',
    'short.csv': 'site,sku,share\n,banana\n',
    'none.csv': 'site,sku,share\n',
    'north.csv': 'site,sku,share\nnorth,gala,1\neast,gala,1\n',
    'other.csv': 'sku,share\nbread,1\n',
  })
  const why = 'a product without a row has the smallest share'
  const cases: [string, string | null, string][] = [
    [
      'rows.csv',
      null,
      [
        `rows.csv:2: Expected a share above 0 but received "0"; ${why}`,
        'rows.csv:4: Expected a sku',
        `rows.csv:5: Expected a share above 0 but received "x"; ${why}`,
        'rows.csv:7: sku "lime" stands in line 6 for the same site',
      ]
        .map(line => `${dir}/${line}`)
        .join('; '),
    ],
    [
      'head.csv',
      null,
      `${dir}/head.csv:1: Unknown column "shares"; did you mean "share"?; ${dir}/head.csv:1: Expected a column share`,
    ],
    [
      'short.csv',
      null,
      `${dir}/short.csv:2: Invalid Record Length: columns length is 3, got 2 on line 2`,
    ],
    ['none.csv', null, `${dir}/none.csv: it holds no share`],
    [
      'missing.csv',
      null,
      `${dir}/missing.csv: ENOENT: no such file or directory, open '${dir}/missing.csv'`,
    ],
    [
      'north.csv',
      null,
      `${dir}/north.csv: Expected rows for every site or for this one, but no site is set (kiosk.site, --site) and the rows are for north, east`,
    ],
    [
      'north.csv',
      'south',
      `${dir}/north.csv: Expected rows for every site or for this one, but this is site "south" and the rows are for north, east`,
    ],
    [
      'other.csv',
      null,
      `${dir}/other.csv: Expected a share for a product that the model knows and the shop sells, but none of 1 skus is one, such as "bread"`,
    ],
  ]
  for (const [file, site, message] of cases) {
    t.throws(
      () => readAssortment(labels, { priors: `${dir}/${file}`, site }),
      { code: 'PRIORS_INVALID', message },
      `${file} ${site}`,
    )
  }
})

// ---- what holds for any numbers

const anyScores = fc
  .array(fc.integer({ min: 0, max: 1000 }), { minLength: 4, maxLength: 4 })
  .filter(list => list.some(one => one > 0))
  .map(list => list.map(one => one / list.reduce((sum, other) => sum + other, 0)))
const anyActive = fc
  .array(fc.boolean(), { minLength: 4, maxLength: 4 })
  .filter(list => list.some(Boolean))
const anyWeights = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 4, maxLength: 4 })

const withActive = (active: boolean[]) =>
  assortmentOf(
    labels,
    new Map(labels.map(({ sku }, index) => [sku, { sku, active: active[index]! }])),
  )

t.test('scores sum up to 1 again, and a filter alone changes no order', async () => {
  fc.assert(
    fc.property(anyScores, anyActive, anyWeights, (scores, active, weights) => {
      const filtered = withActive(active)
      const isHeld = scores.some((score, index) => active[index] && score > 0)
      const { scores: shop } = weigh(Float32Array.from(scores), filtered)
      for (const one of [
        shop,
        weigh(Float32Array.from(scores), { ...filtered, weights: Float64Array.from(weights) })
          .scores,
      ]) {
        const sum = one.reduce((all, score) => all + score, 0)
        if (Math.abs(sum - (isHeld ? 1 : 0)) > 1e-5) return false
        if (one.some((score, index) => score > 0 && !active[index])) return false
      }
      return scores.every((a, i) =>
        scores.every((b, j) => !active[i] || !active[j] || a >= b || shop[i]! <= shop[j]!),
      )
    }),
  )
})

t.test('what is sure is sure without the priors, and auto stands only beside it', async () => {
  fc.assert(
    fc.property(anyScores, anyActive, anyWeights, (scores, active, weights) => {
      const filtered = withActive(active)
      const seen = observe(scores, { ...filtered, weights: Float64Array.from(weights) })
      const without = observe(scores, filtered)
      if (seen.auto && seen.decision !== 'sure') return false
      return (
        seen.decision !== 'sure' ||
        (without.candidates[0]?.sku === seen.candidates[0]?.sku && without.decision === 'sure')
      )
    }),
    { numRuns: 500 },
  )
})

// ---- twins

const apples = parseLabels(
  'index,sku,name,variantOf\n0,gala,Gala,\n1,gala-organic,Gala organic,gala\n2,lemon,Lemon,\n3,lime,Lime,\n',
  'labels.csv',
)

t.test('twins among the classes are one question where they are sure only together', async t => {
  const twins = assortmentOf(apples, null)
  t.same(twins.group, [0, 0, 2, 3])
  const words = (...scores: number[]) => inWords(observe(scores, twins))
  t.equal(
    words(0.5, 0.45, 0.05, 0),
    'ask variant | gala 0.500, gala-organic 0.450, lemon 0.050, lime 0.000 | twins gala, gala-organic',
  )
  t.equal(
    words(0.05, 0.88, 0.07, 0),
    'ask variant | gala-organic 0.880, gala 0.050, lemon 0.070, lime 0.000 | twins gala-organic, gala',
    'twins first',
  )
  t.equal(
    words(0.95, 0.03, 0.02, 0),
    'sure | gala 0.950, gala-organic 0.030, lemon 0.020, lime 0.000',
    'one alone is sure',
  )
  t.equal(
    words(0.45, 0.44, 0.11, 0),
    'ask confidence | gala 0.450, gala-organic 0.440, lemon 0.110, lime 0.000',
    'not even together',
  )
  t.equal(
    words(0.29, 0.1, 0.28, 0.28),
    'unknown | gala 0.290, lemon 0.280, lime 0.280, gala-organic 0.100',
  )
  const chain = assortmentOf(
    apples,
    new Map([
      ['gala', { sku: 'gala', variantOf: 'apple' }],
      ['lime', { sku: 'lime', variantOf: 'apple' }],
      ['apple', { sku: 'apple', active: undefined }],
    ]),
  )
  t.same(chain.group, [0, 0, 2, 0], 'a chain, and two of one kind, are one group')
  const ring = assortmentOf(apples, new Map([['gala', { sku: 'gala', variantOf: 'gala-organic' }]]))
  t.same(ring.group, [0, 0, 2, 3], 'two that name each other')
  const moved = assortmentOf(
    apples,
    new Map([['gala-organic', { sku: 'gala-organic', variantOf: 'lemon' }]]),
  )
  t.same(moved.group, [0, 1, 1, 3], 'the catalogue goes before the labels')
})

t.test('with priors and a filter a question of variant stays one', async t => {
  const twins = { ...assortmentOf(apples, null), weights: Float64Array.of(9, 1, 1, 1) }
  t.equal(
    inWords(observe([0.5, 0.45, 0.05, 0], twins)),
    'ask variant | gala 0.900, gala-organic 0.090, lemon 0.010, lime 0.000 | twins gala, gala-organic',
    'the prior would be sure of one; without it nobody is',
  )
  const oneSold = assortmentOf(
    apples,
    new Map(['gala', 'lemon'].map(sku => [sku, { sku, active: true }])),
  )
  t.equal(
    inWords(observe([0.5, 0.45, 0.05, 0], oneSold)),
    'sure | gala 0.909, lemon 0.091',
    'the twin is not sold here',
  )
})

t.test('a twin that only the catalogue has is asked about, whatever the picture shows', async t => {
  const dir = t.testdir({
    'organic.csv': 'sku,name,plu,variantOf\nbanana-organic,Banana organic,94011,banana\n',
    'sold.csv':
      'sku,active,variantOf\nbanana,0,\nbanana-organic,1,banana\nbanana-fair,1,banana\ngala,1,\n',
    'one.csv': 'sku,active,variantOf\nbanana,0,\nbanana-organic,1,banana\ngala,1,\n',
  })
  const organic = readAssortment(labels, { catalogue: `${dir}/organic.csv` })
  t.match(beyondClasses(organic), [
    { sku: 'banana-organic', name: 'Banana organic', plu: '94011', unit: 'g', group: 'loose' },
  ])
  const seen = observe([0.96, 0.03, 0.01, 0], organic)
  t.equal(
    inWords(seen),
    'ask variant | banana 0.480, banana-organic 0.480, gala 0.030, lemon 0.010 | twins banana, banana-organic',
    'never auto',
  )
  t.equal(
    inWords(observe([0.03, 0.96, 0.01, 0], organic)),
    'sure auto | gala 0.960, banana 0.015, banana-organic 0.015, lemon 0.010',
  )
  t.equal(
    inWords(observe([0.6, 0.4, 0, 0], organic)),
    'ask confidence | banana 0.300, banana-organic 0.300, gala 0.400, lemon 0.000 | twins banana, banana-organic',
    'right behind it here too',
  )
  const sold = readAssortment(labels, { catalogue: `${dir}/sold.csv` })
  t.equal(
    inWords(observe([0.96, 0.04, 0, 0], sold)),
    'ask variant | banana-organic 0.480, banana-fair 0.480, gala 0.040 | twins banana-organic, banana-fair',
    'the plain one is not sold here',
  )
  const one = readAssortment(labels, { catalogue: `${dir}/one.csv` })
  t.equal(
    inWords(observe([0.96, 0.04, 0, 0], one)),
    'sure auto | banana-organic 0.960, gala 0.040',
    'only the twin is sold here',
  )
  t.same(readCatalogue(`${dir}/one.csv`).get('banana-organic')?.variantOf, 'banana')
})

t.test('the thresholds of several models are the most cautious of them', async t => {
  const calibration = {
    norm: null,
    normClasses: null,
    temperature: 1,
    sure: 0.9,
    auto: 0.99,
    unknown: 0.3,
    margin: 0.1,
    distance: null,
    measuredOn: null,
  }
  const other = { ...calibration, sure: 0.8, auto: null, unknown: 0.4, margin: 0.05 }
  t.same(thresholdsOf([calibration, other]), {
    sure: 0.9,
    auto: null,
    unknown: 0.4,
    margin: 0.1,
    autoAdd: false,
    top: 4,
  })
  t.equal(
    thresholdsOf([calibration, { ...other, sure: null }]).sure,
    null,
    'never where one never is',
  )
  t.match(thresholdsOf([calibration, other], { sure: 0.5, unknown: 0, top: 2 }), {
    sure: 0.5,
    unknown: 0,
    margin: 0.1,
    top: 2,
  })
})

// ---- what the back office sends

const failed = (error: GroceryError) => `${error.code} ${error.message}`

/** A desk over a fake of the model's exchange. */
function makeCatalogueDesk(stateDir: string, over: Partial<CatalogueDeskOptions> = {}) {
  const heard: string[] = []
  const state = { reason: null as Reason | null, restock: async (_: string) => {} }
  const config = parseConfig(JSON.stringify({ outbox: { dir: stateDir } }), 'test')
  const desk = new CatalogueDesk({
    config,
    kept: newestKept(stateDir, words => void heard.push(words)),
    labels: () => labels,
    restock: async path => {
      const done = state.restock(path)
      return { status: 'active', done }
    },
    changed: ({ version }) => void heard.push(`${version} holds`),
    setReason: reason => (state.reason = reason),
    clock: new HandClock(),
    log: quiet,
    ...over,
  })
  const send = (version: number, items: unknown) =>
    desk
      .command({ requestId: 'r', version, items: items as Record<string, unknown>[] })
      .then(({ products, recognisable, status }) => `${status} ${products} ${recognisable}`, failed)
  const files = () =>
    existsSync(join(stateDir, 'catalogue')) ? readdirSync(join(stateDir, 'catalogue')).sort() : []
  return { desk, send, heard, state, files }
}
const rows = (price = 199) => [
  { sku: 'banana', name: 'Ripe banana', unit: 'g', price, active: true, plu: 4011 },
  { sku: 'gala', active: false },
  { sku: 'bread', active: 'yes' },
]

t.test(
  'a catalogue that is sent is checked whole, kept, and newer than the one before',
  async t => {
    const stateDir = t.testdir({})
    const { desk, send, heard, files } = makeCatalogueDesk(stateDir)
    t.equal(desk.version, null)
    t.equal(await send(12, rows()), 'active 3 1')
    t.same([desk.version, heard.splice(0), files()], [12, ['12 holds'], ['12.json']])
    const { path } = newestKept(stateDir)!
    t.same(readCatalogue(path).get('banana'), {
      ...{ sku: 'banana', name: 'Ripe banana', plu: '4011', unit: 'g', price: 199, active: true },
    })
    t.match(JSON.parse(readFileSync(path, 'utf8')), { format: 1, version: 12 })

    t.equal(await send(12, rows()), 'active 3 1', 'the same again is no news')
    const old = 'CATALOGUE_OLD version: Expected more than 12 but received'
    t.equal(await send(12, rows(299)), `${old} 12 with other rows`)
    t.equal(await send(11, rows()), `${old} 11`)
    const wrong: [unknown[], string][] = [
      [
        [
          { sku: 'banana' },
          { sku: 'gala', unit: 'kg' },
          { sku: 'lime', price: 1.5, meanGrams: 'heavy' },
        ],
        'row 2: unit: Expected unit each or g but received "kg"; row 3: meanGrams: Expected positive grams but received "heavy"; row 3: price: Expected whole cents but received 1.5',
      ],
      [
        [{ sku: 'banana' }, { name: 'x'.repeat(80) }, { sku: 'banana' }],
        'row 2: sku: Invalid input: expected string, received undefined; row 3: sku "banana" stands twice',
      ],
      [[{ sku: 'banana', prize: 1 }], 'Unknown column "prize"; did you mean "price"?'],
      [
        [{ sku: 'banana', meanGrams: -1, name: 'n' }],
        'row 1: meanGrams: Expected positive grams but received -1',
      ],
      [
        [{ sku: 'bread' }],
        'Expected products of the model but none of its 1 skus, such as "bread", is one of the model\'s 4, such as "banana"',
      ],
      [
        Array.from({ length: 30 }, () => ({ sku: '' })),
        `${Array.from({ length: 20 }, (_, at) => `row ${at + 1}: sku: Expected a sku but received ""`).join('; ')}; and 10 more`,
      ],
    ]
    for (const [items, words] of wrong)
      t.equal(await send(13, items), `CATALOGUE_INVALID items: ${words}`)
    t.same([desk.version, heard, files()], [12, [], ['12.json']], 'nothing has changed')
    t.equal(await send(13, rows(299)), 'active 3 1')
    t.same([heard, files()], [['13 holds'], ['13.json']])
    t.equal(makeCatalogueDesk(stateDir).desk.version, 13, 'a restart begins with it')
  },
)

t.test(
  'a catalogue waits for the end of a sale, on disk, and the old one holds until then',
  async t => {
    const stateDir = t.testdir({})
    const first = makeCatalogueDesk(stateDir)
    await first.send(1, rows())
    let end = { resolve() {}, reject(_: Error) {} }
    const waiting = () => ({
      restock: async () => ({
        status: 'waiting' as const,
        done: new Promise<void>((resolve, reject) => (end = { resolve, reject })),
      }),
    })
    const settle = () => new Promise(resolve => setImmediate(resolve))
    const { desk, send, heard, state, files } = makeCatalogueDesk(stateDir, waiting())
    t.equal(await send(2, rows(250)), 'waiting 3 1')
    t.same([desk.version, heard, files()], [1, [], ['1.json', '2.json']])
    t.equal(await send(2, rows(250)), 'waiting 3 1', 'the same again')
    t.equal(await send(3, rows(260)), 'UPDATE_BUSY Expected catalogue 2 to hold first')
    t.equal(await send(1, rows()), 'CATALOGUE_OLD version: Expected more than 2 but received 1')
    end.resolve()
    await settle()
    t.same([desk.version, heard.splice(0), files()], [2, ['2 holds'], ['2.json']])

    t.equal(await send(3, rows(260)), 'waiting 3 1')
    end.reject(Object.assign(new Error('the model did not load'), { code: 'TIMED_OUT' }))
    await settle()
    t.same([desk.version, heard, files()], [2, [], ['2.json']])
    t.same(state.reason, {
      code: 'TIMED_OUT',
      message: 'catalogue 3 was not taken (the model did not load); the one before goes on',
    })
    const refusing = makeCatalogueDesk(stateDir)
    refusing.state.restock = () => Promise.reject(new Error('it does not fit'))
    t.match(await refusing.send(3, rows(260)), /it does not fit/)
    t.same([refusing.desk.version, files()], [2, ['2.json']], 'what is not taken is not kept')

    t.equal(await send(4, rows(270)), 'waiting 3 1')
    desk.stop()
    end.reject(new Error('stopped'))
    await settle()
    t.same(files(), ['2.json', '4.json'], 'the next start begins with what it said yes to')
    t.equal(newestKept(stateDir)?.version, 4)

    // What a crash cut off, and a file of a newer version.
    writeFileSync(join(stateDir, 'catalogue', '5.json.new'), '{"format": 1')
    writeFileSync(join(stateDir, 'catalogue', '6.json'), '{"format": 1')
    writeFileSync(join(stateDir, 'catalogue', '7.json'), '{"format": 2}')
    const after = makeCatalogueDesk(stateDir)
    t.equal(after.desk.version, 4)
    t.match(after.heard, [
      /7\.json: Expected format 1 but received 2, of a newer grocerd$/,
      /6\.json: Expected JSON but /,
    ])
  },
)

t.test(
  'a catalogue is fetched from the hosts of the configuration and from nowhere else',
  async t => {
    const asked: string[] = []
    const server: Server = createServer((request, response) => {
      asked.push(request.url!)
      const path = request.url!.split('?')[0]
      if (path === '/c.json') response.end(JSON.stringify(rows()))
      else if (path === '/c.csv') response.end('\ufeffsku,name,active\nbanana,"Ripe, banana",yes\n')
      else if (path === '/away') response.writeHead(302, { location: '/c.json' }).end()
      else if (path === '/large') response.end(Buffer.alloc(1024 * 1024 + 1, 'x'))
      else if (path === '/page') response.end('{"error": "log in"}')
      else if (path !== '/slow') response.writeHead(404).end('not here')
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    t.teardown(() => (server.closeAllConnections(), server.close()))
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
    const fetched = (url: string, hosts = [host]) =>
      fetchRows(url, hosts, 300).then(
        ({ rows, name }) => `${name}: ${rows.length} ${JSON.stringify(rows[0])}`,
        failed,
      )
    const at = `http://${host}`
    t.equal(
      await fetched(`${at}/c.json?token=geheim`),
      `${at}/c.json: 3 ${JSON.stringify(rows()[0])}`,
    )
    t.equal(
      await fetched(`${at}/c.csv`),
      `${at}/c.csv: 1 {"sku":"banana","name":"Ripe, banana","active":"yes"}`,
    )
    const cases: [string, string | RegExp][] = [
      [
        `http://localhost:1/c.json`,
        `CATALOGUE_URL_REFUSED url: Expected one of the catalogueHosts (${host}) but received localhost:1`,
      ],
      [
        `http://till:geheim@${host}/c.json`,
        'CATALOGUE_URL_REFUSED url: Expected an address without user and password but received one with @',
      ],
      [
        'file:///etc/passwd',
        'CATALOGUE_URL_REFUSED url: Expected http:// or https:// but received another address',
      ],
      [
        'c.json',
        'CATALOGUE_URL_REFUSED url: Expected http:// or https:// but received another address',
      ],
      [
        `${at}/gone?token=geheim`,
        `CATALOGUE_NOT_FETCHED ${at}/gone: Expected a catalogue but received status 404`,
      ],
      [`${at}/away`, /^CATALOGUE_NOT_FETCHED .*\/away: Expected a catalogue but .*redirect/],
      [
        `${at}/large`,
        `CATALOGUE_NOT_FETCHED ${at}/large: Expected a catalogue but received more than 1048576 bytes`,
      ],
      [`${at}/slow`, /^CATALOGUE_NOT_FETCHED .*\/slow: Expected a catalogue but .*timeout/],
      [`${at}/page`, `CATALOGUE_INVALID ${at}/page: Expected a list of products`],
    ]
    for (const [url, words] of cases) {
      const said = await fetched(url)
      if (typeof words === 'string') t.equal(said, words)
      else t.match(said, words)
      t.notMatch(said, /geheim/, 'no secret of the address')
    }
    t.equal(asked.filter(path => path === '/c.json').length, 0, 'a redirect is not followed')
    asked.length = 0
    t.equal(
      await fetched(`${at}/c.json`, []),
      `CATALOGUE_URL_REFUSED url: Expected one of the catalogueHosts (none) but received ${host}`,
    )
    t.same(asked, [], 'where none is configured nobody is asked')
  },
)
