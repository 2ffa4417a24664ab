// Learning a head: the native fit against plain loops, folds, calibration against brute force, and
// the choice of a head on sets whose answer is known.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import t from 'tap'
import { describeError } from '../src/errors.js'
import { fitLogistic, readJpegHeader } from '../src/inference/addon.js'
import type { LinearHead, LogisticOptions } from '../src/inference/types.js'
import { calibrateHead, crossEntropy, fitTemperature } from '../src/learn/calibrate.js'
import { alwaysTrained, assignFolds } from '../src/learn/folds.js'
import { type EmbeddingSet, trainHead } from '../src/learn/head.js'
import { clopperPearsonLower, lowerBoundReaches } from '../src/learn/intervals.js'

const addonIsHere = describeError(
  (() => {
    try {
      return readJpegHeader(new Uint8Array())
    } catch (error) {
      return error
    }
  })(),
).code
const noAddon = addonIsHere === 'IMAGE_EMPTY' ? false : 'the native addon is not built'
const child = fileURLToPath(new URL('./helpers/addon-child.ts', import.meta.url))

/** Numbers of about -2 to 2 that are the same in every run. */
function noise(count: number, seed: number): Float32Array {
  let state = seed
  const next = () => (state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff) / 2 ** 31
  return Float32Array.from({ length: count }, () => next() + next() + next() + next() - 2)
}

function logitsOf(head: LinearHead, row: Float32Array): number[] {
  return Array.from(head.bias, (bias, c) =>
    row.reduce((sum, value, d) => sum + value * head.weights[c * row.length + d]!, bias),
  )
}

/** The loss and its slope by every weight and bias, by plain loops. */
function slopesOf(options: LogisticOptions, head: LinearHead) {
  const { features, dims, labels, classes, l2 } = options
  const weights = options.rowWeights ?? new Float32Array(labels.length).fill(1)
  const total = weights.reduce((sum, weight) => sum + weight)
  const slopes = new Float64Array(classes * (dims + 1))
  let loss = 0
  for (const [i, label] of labels.entries()) {
    const row = features.subarray(i * dims, (i + 1) * dims)
    const logits = logitsOf(head, row)
    const most = Math.max(...logits)
    const sum = logits.reduce((so, logit) => so + Math.exp(logit - most), 0)
    loss += (weights[i]! / total) * (most + Math.log(sum) - logits[label]!)
    logits.forEach((logit, c) => {
      const slope = (weights[i]! / total) * (Math.exp(logit - most) / sum - (c === label ? 1 : 0))
      row.forEach((value, d) => (slopes[c * dims + d]! += slope * value))
      slopes[classes * dims + c]! += slope
    })
  }
  const frozen = options.frozen?.bias.length ?? 0
  for (let at = frozen * dims; at < classes * dims; at++) {
    loss += (l2 / 2) * head.weights[at]! ** 2
    slopes[at]! += l2 * head.weights[at]!
  }
  return { loss, slopes }
}

/** A problem with `rows` random rows; every class has one. */
function problem(rows: number, dims: number, classes: number, seed = 1): LogisticOptions {
  const labels = Int32Array.from({ length: rows }, (_, i) => i % classes)
  return { features: noise(rows * dims, seed), dims, labels, classes, l2: 0.01 }
}

// ---- the fit

t.test('a fit ends where plain loops find no slope', { skip: noAddon }, async t => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 4, max: 60 }),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 2, max: 15 }),
      fc.constantFrom(0.001, 0.03, 1),
      fc.boolean(),
      fc.integer({ min: 1, max: 1e6 }),
      async (rows, dims, classes, l2, weighted, seed) => {
        const rowWeights = weighted ? noise(rows, seed + 1).map(Math.abs) : undefined
        const options = { ...problem(rows, dims, classes, seed), l2, rowWeights }
        const fit = await fitLogistic(options)
        const { loss, slopes } = slopesOf(options, fit)
        const worst = Math.max(...slopes.map(Math.abs))
        if (!(worst <= 1e-4))
          throw new Error(`a slope of ${worst} after ${fit.iterations} iterations`)
        if (!(Math.abs(loss - fit.loss) <= 1e-5))
          throw new Error(`loss ${fit.loss}, by hand ${loss}`)
      },
    ),
    // The example's descent is smaller than the rounding of its loss: its slope was 1.1e-4.
    { numRuns: 60, examples: [[18, 6, 5, 1, true, 7]] },
  )
  const threads = await fitLogistic({ ...problem(3000, 64, 30), threads: 3 })
  const one = await fitLogistic(problem(3000, 64, 30))
  t.ok(Math.abs(threads.loss - one.loss) < 1e-6, 'threads share the rows of a large problem')
})

t.test(
  'frozen classes keep their rows, and the others fit round them',
  { skip: noAddon },
  async t => {
    const frozen = { weights: noise(3 * 10, 5), bias: noise(3, 6) }
    const options = { ...problem(80, 10, 5), frozen }
    const fit = await fitLogistic(options)
    t.same(fit.weights.slice(0, 30), frozen.weights)
    t.same(fit.bias.slice(0, 3), frozen.bias)
    const { slopes, loss } = slopesOf(options, fit)
    const free = [...slopes.slice(30, 50), ...slopes.slice(53)]
    t.ok(Math.max(...free.map(Math.abs)) < 1e-4)
    t.ok(Math.max(...slopes.slice(0, 30).map(Math.abs)) > 1e-2, 'the frozen ones would move')
    t.ok(Math.abs(loss - fit.loss) < 1e-5)
    const again = await fitLogistic({ ...options, start: fit })
    t.ok(again.iterations <= 1, 'a fit that starts where it ended is done')
  },
)

t.test('what cannot be fitted is refused in words', { skip: noAddon }, async t => {
  const good = problem(6, 2, 3)
  const cases: [Partial<Record<keyof LogisticOptions, unknown>>, string][] = [
    [{ features: [1, 2] }, 'Expected a Float32Array for features'],
    [{ features: new Float32Array(11) }, 'Expected 12 values for features but received 11'],
    [
      { features: new Float32Array(12).fill(Number.NaN, 5) },
      'Expected finite numbers for features but received nan at 5',
    ],
    [{ labels: new Float32Array(6) }, 'Expected an Int32Array for labels'],
    [
      { labels: Int32Array.of(0, 1, 2, 0, 1, 3) },
      'Expected labels from 0 to 2 but received 3 for row 5',
    ],
    [{ labels: new Int32Array() }, 'Expected at least 1 row but received 0'],
    [{ dims: 0 }, 'Expected 1 to 65536 for dims but received 0'],
    [{ dims: 1.5 }, 'Expected 1 to 65536 for dims but received 0'],
    [{ classes: 1 }, 'Expected 2 to 65536 for classes but received 1'],
    [{ rowWeights: new Float32Array(5) }, 'Expected 6 values for rowWeights but received 5'],
    [
      { rowWeights: new Float32Array(6).fill(-1) },
      'Expected rowWeights of 0 or more but received -1',
    ],
    [{ rowWeights: new Float32Array(6) }, 'Expected a row with a weight above 0 but received none'],
    [{ l2: -0.5 }, 'Expected 0 to 1e+09 for l2 but received -0.5'],
    [{ l2: undefined }, 'Expected a number for l2'],
    [{ threads: 0 }, 'Expected 1 to 64 for threads but received 0'],
    [
      { frozen: { weights: new Float32Array(6), bias: new Float32Array(3) } },
      'Expected fewer than 3 frozen classes but received 3',
    ],
    [
      { start: { weights: new Float32Array(2), bias: new Float32Array(3) } },
      'Expected 6 values for start.weights but received 2',
    ],
  ]
  for (const [change, message] of cases) {
    const call = fitLogistic({ ...good, ...change } as LogisticOptions)
    await t.rejects(call, new TypeError(message), message)
  }
})

t.test(
  'the event loop turns while a fit runs, and what it reads may change',
  { skip: noAddon },
  async t => {
    const options = { ...problem(4000, 256, 40), tolerance: 0, maxIterations: 40 }
    const expected = await fitLogistic(options)
    let running = true
    const fits = [fitLogistic(options), fitLogistic(options)]
    options.features.fill(0)
    const both = Promise.all(fits).finally(() => (running = false))
    let turns = 0
    for (; running; turns++) await turn()
    t.ok(turns > 100, `${turns} turns`)
    for (const fit of await both) t.same(fit, expected)
  },
)

t.test('a process or a thread ends in the middle of a fit', { skip: noAddon }, async t => {
  const [code, signal] = await once(fork(child, ['exit with a fit in flight']), 'exit')
  t.same([code, signal], [0, null])
  const worker = new Worker(child, { workerData: ['fit in flight'] })
  t.same(await once(worker, 'message'), ['in flight'])
  await worker.terminate()
  t.ok((await fitLogistic(problem(20, 3, 2))).iterations > 0, 'this thread goes on')
})

// ---- folds

t.test('folds never split a group, and no class is missing from a training side', async t => {
  const pictures = fc.array(fc.tuple(fc.nat(4), fc.nat(12)), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(pictures, fc.integer({ min: 2, max: 6 }), fc.nat(), (drawn, folds, seed) => {
      const labels = Int32Array.from(drawn, ([label]) => label)
      const groups = Int32Array.from(drawn, ([, group]) => group)
      const found = assignFolds({ labels, groups, classes: 5, folds, seed })
      const foldOf = new Map<number, number>()
      for (const [picture, group] of groups.entries()) {
        if ((foldOf.get(group) ?? found[picture]) !== found[picture]) throw new Error('split')
        foldOf.set(group, found[picture]!)
      }
      for (const label of labels) {
        const own = new Set(found.filter((_, picture) => labels[picture] === label))
        if (own.size === 1 && !own.has(alwaysTrained)) throw new Error(`${label} is missing`)
      }
    }),
  )
  const labels = Int32Array.from({ length: 60 }, (_, i) => i % 3)
  const single = assignFolds({
    labels,
    groups: labels.map((_, i) => i),
    classes: 3,
    folds: 5,
    seed: 1,
  })
  for (let fold = 0; fold < 5; fold++) {
    for (let label = 0; label < 3; label++) {
      const count = labels.filter((own, i) => own === label && single[i] === fold).length
      t.equal(count, 4, `class ${label} in fold ${fold}`)
    }
  }
  const lone = assignFolds({
    labels: Int32Array.of(0, 0, 1, 1),
    groups: Int32Array.of(7, 7, 1, 2),
    classes: 2,
    folds: 5,
    seed: 1,
  })
  t.same([lone[0], lone[1]], [alwaysTrained, alwaysTrained], 'a class with one group')
  t.not(lone[2], lone[3])
})

// ---- calibration

t.test('a bound is reached where Clopper-Pearson says so', async t => {
  let reached = 0
  for (let trials = 1; trials <= 400; trials += 7) {
    for (let wrong = 0; wrong <= Math.min(trials, 12); wrong++) {
      for (const share of [0.5, 0.98, 0.995]) {
        const reaches = lowerBoundReaches(share, trials - wrong, trials)
        if (reaches) reached++
        if (reaches !== clopperPearsonLower(trials - wrong, trials) >= share) {
          t.fail(`${trials - wrong} of ${trials} at ${share}`)
        }
      }
    }
  }
  t.ok(reached > 100, `${reached} reached`)
})

t.test('thresholds are those of brute force', async t => {
  const [classes, pictures] = [4, 600]
  const labels = Int32Array.from({ length: pictures }, (_, i) => i % classes)
  // Half of the pictures are easy; every tenth score is one of few values, so that there are ties.
  const logits = noise(pictures * classes, 3).map((value, at) => {
    const picture = Math.floor(at / classes)
    const truth = labels[picture] === at % classes
    return (picture % 10 === 0 ? Math.round(value) : value) + (truth ? (picture % 2 ? 9 : 1) : 0)
  })
  const found = calibrateHead(logits, labels)

  const smoothed = (one: number) => crossEntropy(logits, labels, one, 1 / (pictures + 2))
  const temperatures = Array.from({ length: 601 }, (_, i) => Math.exp(-3 + i / 100))
  const scan = temperatures.reduce((best, one) => (smoothed(one) < smoothed(best) ? one : best))
  t.ok(Math.abs(Math.log(found.temperature / scan)) < 0.01, `temperature ${found.temperature}`)

  const best = Array.from(labels, (label, picture) => {
    const row = [...logits.subarray(picture * classes, (picture + 1) * classes)]
    const top = Math.max(...row)
    const powers = row.map(value => Math.exp((value - top) / found.temperature))
    const sum = powers.reduce((so, power) => so + power)
    const sorted = powers.map(power => power / sum).sort((a, b) => b - a)
    return { score: sorted[0]!, lead: sorted[0]! - sorted[1]!, right: row.indexOf(top) === label }
  })
  const smallest = (precision: number) => {
    const from = best
      .map(({ score }) => score)
      .filter(score => {
        const taken = best.filter(one => one.score >= score)
        return clopperPearsonLower(taken.filter(one => one.right).length, taken.length) >= precision
      })
    return from.length === 0 ? null : Math.min(...from)
  }
  t.type(found.sure, 'number')
  t.ok(Math.abs(found.sure! - smallest(0.98)!) < 1e-12, `sure ${found.sure}`)
  t.equal(found.auto, smallest(0.995), 'too few pictures for auto')
  const leads = best.filter(({ score }) => score >= found.sure!).map(({ lead }) => lead)
  t.ok(Math.abs(found.margin - Math.min(...leads)) < 1e-12, `margin ${found.margin}`)

  const upwards = [...best].sort((a, b) => a.score - b.score)
  let unknown = 0
  for (let from = 0; from + 50 <= pictures; from++) {
    const right = upwards.slice(from, from + 50).filter(one => one.right).length
    if (right < 25) unknown = upwards[from + 25]!.score
  }
  t.ok(unknown > 0)
  t.ok(Math.abs(found.unknown - unknown) < 1e-12, `unknown ${found.unknown}, by hand ${unknown}`)
})

t.test('calibration of nothing, of one picture and of thousands', async t => {
  const none = {
    norm: null,
    normClasses: null,
    temperature: 1,
    sure: null,
    auto: null,
    unknown: 0,
    margin: 0,
  }
  t.same(calibrateHead(new Float32Array(), new Int32Array()), none)
  const one = calibrateHead(Float32Array.of(3, 1), Int32Array.of(0))
  t.match(one, { sure: null, auto: null, unknown: 0, margin: 0 })
  const pictures = 5000
  const labels = Int32Array.from({ length: pictures }, (_, i) => i % 2)
  const sharp = Float32Array.from({ length: 2 * pictures }, (_, at) =>
    at % 2 === labels[at >> 1] ? 2 + (at % 7) : 0,
  )
  const began = process.cpuUsage()
  const found = calibrateHead(sharp, labels)
  const { user } = process.cpuUsage(began)
  t.ok(user < 2e6, `${user / 1e3} ms for ${pictures} pictures`)
  t.ok(found.sure !== null && found.auto !== null, 'all right: even auto is shown')
  // Always right, and yet not certain: of 40 pictures one in 42 is taken to be wrong.
  const few = fitTemperature(sharp.slice(0, 80), labels.slice(0, 40))
  const plain = crossEntropy(sharp.slice(0, 80), labels.slice(0, 40), few)
  t.ok(plain > 0.01 && plain < 0.05, `a loss of ${plain} at temperature ${few}`)
})

// ---- the head

/** `spread` apart centres, `each` pictures a class, three views of each. */
function toySet(classes: number, each: number, dims: number, spread: number): EmbeddingSet {
  const pictures = classes * each
  const labels = Int32Array.from({ length: pictures }, (_, i) => i % classes)
  const picture = Int32Array.from({ length: 3 * pictures }, (_, view) => Math.floor(view / 3))
  const own = noise(pictures * dims, 11)
  const shake = noise(3 * pictures * dims, 12)
  const rows = Float32Array.from({ length: 3 * pictures * dims }, (_, at) => {
    const [view, d] = [Math.floor(at / dims), at % dims]
    const truth = labels[picture[view]!]! % dims === d ? spread : 0
    return 5 + (d + 1) * (truth + own[picture[view]! * dims + d]! + 0.1 * shake[at]!)
  })
  return { rows, dims, picture, labels, groups: labels.map((_, i) => i), classes }
}

const rightOf = (head: LinearHead, set: EmbeddingSet) =>
  [...set.picture.entries()].filter(([view, picture]) => {
    const row = set.rows.subarray(view * set.dims, (view + 1) * set.dims)
    const logits = logitsOf(head, row)
    return logits.indexOf(Math.max(...logits)) === set.labels[picture]
  }).length

t.test('a separable set gives a head that is right and sure', { skip: noAddon }, async t => {
  const set = toySet(3, 80, 6, 6)
  const shares: number[] = []
  const head = await trainHead(set, { onProgress: share => shares.push(share) })
  t.equal(rightOf(head, set), set.picture.length, 'on raw embeddings')
  t.equal(head.heldOut.length, 240 * 3)
  t.equal(head.tried.find(({ l2 }) => l2 === head.l2)?.top1, 1)
  t.ok(head.calibration.sure !== null, '240 of 240 show 98 %')
  t.equal(head.calibration.auto, null, 'and cannot show 99.5 %')
  t.same(
    shares,
    [...shares].sort((a, b) => a - b),
  )
  t.equal(shares.at(-1), 1)
  t.same(await trainHead(set), head, 'the same set gives the same head')
})

t.test('a hopeless set is never sure', { skip: noAddon }, async t => {
  const set = toySet(4, 30, 6, 0)
  const head = await trainHead(set)
  const { top1 } = head.tried.find(({ l2 }) => l2 === head.l2)!
  t.ok(top1 < 0.45, `right on ${top1}, by chance on 0.25`)
  t.match(head.calibration, { sure: null, auto: null, margin: 0 })
  t.ok(head.calibration.unknown > 0, 'and most of it is unknown')
})

t.test('a rare class counts as much as a common one', { skip: noAddon }, async t => {
  const set = toySet(2, 60, 4, 1)
  // Of the second class only each tenth picture stays.
  const kept = [...set.labels.keys()].filter(i => set.labels[i] === 0 || i % 20 === 1)
  const rows = kept.flatMap(i => [...set.rows.subarray(3 * i * 4, (3 * i + 1) * 4)])
  const head = await trainHead({
    ...set,
    rows: Float32Array.from(rows),
    picture: Int32Array.from(kept.keys()),
    labels: Int32Array.from(kept, i => set.labels[i]!),
    groups: Int32Array.from(kept),
  })
  const said = [...set.labels.keys()].filter(i => {
    const [first, second] = logitsOf(head, set.rows.subarray(3 * i * 4, (3 * i + 1) * 4))
    return second! > first!
  }).length
  t.ok(said > 40 && said < 80, `says the rare class of ${said} of 120 pictures, 60 are of it`)
})

t.test('a class with one group has no held-out figure', { skip: noAddon }, async t => {
  const set = toySet(3, 20, 6, 6)
  set.groups.forEach((_, i) => (set.groups[i] = set.labels[i] === 2 ? 0 : i + 1))
  const { heldOut, calibration } = await trainHead(set)
  const measured = set.labels.map((_, i) => Number(!Number.isNaN(heldOut[3 * i]!)))
  t.same(
    measured,
    set.labels.map(label => Number(label !== 2)),
  )
  t.ok(Number.isFinite(calibration.temperature))
  const alone = await trainHead({ ...set, groups: set.groups.fill(0) })
  t.match(alone, { tried: [], l2: 0.01, calibration: { sure: null, unknown: 0 } })
  t.ok(alone.heldOut.every(Number.isNaN))
  t.equal(rightOf(alone, set), set.picture.length)
})

t.test('new classes join frozen ones, which keep their pictures', { skip: noAddon }, async t => {
  const all = toySet(5, 40, 6, 6)
  const part = (isIn: (label: number) => boolean, classes: number): EmbeddingSet => {
    const pictures = [...all.labels.keys()].filter(i => isIn(all.labels[i]!))
    return {
      rows: Float32Array.from(
        pictures.flatMap(i => [...all.rows.subarray(3 * i * 6, (3 * i + 3) * 6)]),
      ),
      dims: 6,
      picture: Int32Array.from({ length: 3 * pictures.length }, (_, view) => Math.floor(view / 3)),
      labels: Int32Array.from(pictures, i => all.labels[i]!),
      groups: Int32Array.from(pictures),
      classes,
    }
  }
  const old = part(label => label < 3, 3)
  const frozen = await trainHead(old)
  // The first ten plain views of each old class are kept.
  const rows = Array.from({ length: 30 }, (_, i) => [...old.rows.subarray(i * 18, i * 18 + 6)])
  const replay = { rows: Float32Array.from(rows.flat()), labels: old.labels.slice(0, 30) }
  const joined = await trainHead(
    part(label => label >= 3, 5),
    { frozen, replay },
  )
  t.same(joined.weights.slice(0, 18), frozen.weights)
  t.same(joined.bias.slice(0, 3), frozen.bias)
  t.equal(joined.heldOut.length, 80 * 5, 'the new pictures, all classes')
  t.ok(rightOf(joined, all) > 0.99 * all.picture.length, 'old and new are told apart')
})

t.test('a set that does not fit together is refused in words', { skip: noAddon }, async t => {
  const set = toySet(2, 3, 2, 1)
  const frozen = { weights: new Float32Array(2), bias: new Float32Array(1) }
  const cases: [Partial<EmbeddingSet>, Parameters<typeof trainHead>[1], string][] = [
    [{ rows: set.rows.slice(1) }, {}, 'Expected 36 values for rows but received 35'],
    [{ groups: new Int32Array(5) }, {}, 'Expected 6 values for groups but received 5'],
    [{ picture: set.picture.map(() => 6) }, {}, 'Expected pictures from 0 to 5 but received 6'],
    [
      { picture: set.picture.map(() => 1) },
      {},
      'Expected a view of every picture but received none of picture 0',
    ],
    [{ classes: 3 }, {}, 'Expected a picture of every class but received none of class 2'],
    [{}, { frozen }, 'Expected labels from 1 to 1 but received 0'],
    [
      { labels: set.labels.map(() => 1) },
      { frozen, replay: { rows: new Float32Array(2), labels: Int32Array.of(1) } },
      'Expected replay.labels from 0 to 0 but received 1',
    ],
  ]
  for (const [change, options, message] of cases) {
    await t.rejects(trainHead({ ...set, ...change }, options), new TypeError(message), message)
  }
})
