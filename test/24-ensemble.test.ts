// Several models that answer as one: votes worked by hand, real tiny models in a real vision process, members that do not fit.
import { fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { checkCommand } from '../src/cli/check.js'
import { classifyCommand } from '../src/cli/classify.js'
import { parseConfig } from '../src/config/load.js'
import type { EnsembleConfig } from '../src/config/schema.js'
import { GroceryError } from '../src/errors.js'
import { parseLabels } from '../src/inference/labels.js'
import type { Configure, Up } from '../src/protocol.js'
import { classifierFor } from '../src/recognition/choose.js'
import type { Classification } from '../src/recognition/classifier.js'
import { readPicture } from '../src/recognition/picture.js'
import { hardVote, orderOf, shares, softVote, withMajority } from '../src/recognition/vote.js'
import { colourModel, plainPicture } from './helpers/colour-models.js'
import { noRuntime } from './helpers/runtimes.js'

const close = (received: ArrayLike<number>, expected: number[], within = 1e-6) =>
  received.length === expected.length &&
  expected.every((value, index) => Math.abs(received[index]! - value) < within)

// ---- votes

const three = [
  Float32Array.of(0.6, 0.4, 0),
  Float32Array.of(0.1, 0.5, 0.4),
  Float32Array.of(0.3, 0.3, 0.4),
]

t.test(
  'soft is the weighted mean, hard the share of the weight, by the mean where it is the same',
  async t => {
    t.ok(close(softVote(three, [0.5, 0.25, 0.25]), [0.4, 0.4, 0.2]))
    const votes = shares(three, [0.5, 0.25, 0.25])
    t.same([...votes], [0.5, 0.25, 0.25])
    const hard = hardVote(votes, softVote(three, [0.5, 0.25, 0.25]))
    t.ok(close(hard, [0.9999 * 0.5 + 0.00004, 0.9999 * 0.25 + 0.00004, 0.9999 * 0.25 + 0.00002]))
    t.ok(hard[1]! > hard[2]!, 'the tie is broken')
    t.same([...shares([Float32Array.of(0, 0)], [1])], [0, 0], 'who knows nothing has no vote')
  },
)

t.test('hard scores sum up to 1, and keep the order of the votes', async () => {
  const score = fc.integer({ min: 0, max: 100 })
  const member = fc
    .array(score, { minLength: 3, maxLength: 3 })
    .filter(list => list.some(one => one > 0))
  fc.assert(
    fc.property(fc.array(member, { minLength: 2, maxLength: 6 }), lists => {
      const members = lists.map(list => {
        const sum = list.reduce((all, one) => all + one, 0)
        return Float32Array.from(list, one => one / sum)
      })
      const weights = members.map(() => 1 / members.length)
      const votes = shares(members, weights)
      const hard = hardVote(votes, softVote(members, weights))
      const sum = hard.reduce((all, one) => all + one, 0)
      return (
        Math.abs(sum - 1) < 1e-5 &&
        votes.every((a, i) => votes.every((b, j) => a <= b || hard[i]! > hard[j]!))
      )
    }),
  )
})

t.test('the mean is sure only with more than half of the weight behind it', async t => {
  const sure = { level: 'sure', auto: true, classes: [0] } as const
  const conclusion = { ...sure, classes: [...sure.classes] }
  t.same(withMajority(conclusion, Float64Array.of(0.51, 0.49)), conclusion)
  t.same(withMajority(conclusion, Float64Array.of(0.5, 0.5)), {
    level: 'ask',
    auto: false,
    classes: [0],
  })
  const variant = { level: 'variant', auto: false, classes: [0, 1] } as const
  t.same(
    withMajority({ ...variant, classes: [0, 1] }, Float64Array.of(0.3, 0.3, 0.4)),
    variant,
    'twins count together',
  )
})

t.test('members must know the same skus, in any order', async t => {
  const named = (name: string, ...skus: string[]) => ({
    name,
    labels: parseLabels(skus.join('\n'), name),
  })
  t.same(orderOf(named('a', 'x', 'y', 'z'), named('b', 'z', 'x', 'y')), [1, 2, 0])
  const cases: [string[], string][] = [
    [['x'], 'b lacks y'],
    [['x', 'y', 'q'], 'b has besides q'],
    [
      ['1', '2', '3', '4', '5', '6', '7', 'x'],
      'b lacks y and has besides 1, 2, 3, 4, 5 and 2 more',
    ],
  ]
  for (const [skus, words] of cases) {
    t.throws(() => orderOf(named('a', 'x', 'y'), named('b', ...skus)), {
      code: 'ENSEMBLE_MISMATCH',
      message: `Expected the skus of a in every member but ${words}`,
    })
  }
})

// ---- real models. On red: `first` says red 0.8, green 0.1, blue 0.1; `second`, whose labels stand in another
// order, says green 0.5, red 0.25, blue 0.25.

const first = {
  skus: ['red', 'green', 'blue'],
  weights: [Math.log(8), 0, 0] as [number, number, number],
}
const second = {
  skus: ['green', 'red', 'blue'],
  weights: [Math.log(2), 0, 0] as [number, number, number],
}
const measured = (sure: number | null, unknown: number) => ({ calibration: { sure, unknown } })

function modelsIn(t: Test) {
  const dir = t.testdir({})
  return {
    dir,
    a: colourModel(dir, 'a', { ...first, version: 2, ...measured(0.6, 0.1) }),
    b: colourModel(dir, 'b', { ...second, ...measured(0.5, 0.2) }),
    larger: colourModel(dir, 'larger', { ...second, size: 16, ...measured(0.5, 0.2) }),
    other: colourModel(dir, 'other', { ...second, skus: ['green', 'red', 'yellow'] }),
  }
}

async function onRed(
  t: Test,
  vote: EnsembleConfig['vote'],
  members: [string, number][],
  more = {},
) {
  const ensemble = { vote, members: members.map(([model, weight]) => ({ model, weight })) }
  const classifier = classifierFor({ ensemble, ...more })
  t.teardown(() => classifier.stop())
  const info = await classifier.start()
  const picture = await readPicture(await plainPicture('#f00'), 'red.png')
  return { info, seen: await classifier.classify(picture) }
}

const inWords = ({ observation: { decision, candidates } }: Classification) =>
  `${decision} ${candidates.map(({ sku, score }) => `${sku} ${score.toFixed(4)}`).join(', ')}`

t.test('two models with weights answer as one', { skip: noRuntime }, async t => {
  const { a, b, larger } = modelsIn(t)
  const { info, seen } = await onRed(t, 'soft', [
    [a, 2],
    [b, 1],
  ])
  t.equal(inWords(seen), 'sure red 0.6167, green 0.2333, blue 0.1500')
  t.ok(close(seen.scores, [1.85 / 3, 0.7 / 3, 0.45 / 3], 1e-5))
  t.ok(close(seen.members![0]!, [0.8, 0.1, 0.1], 1e-5))
  t.ok(close(seen.members![1]!, [0.25, 0.5, 0.25], 1e-5), "in the order of the first one's classes")
  const hashes = info.members!.map(({ model }) => model.sha256)
  const sha256 = createHash('sha256').update(`soft\n2 ${hashes[0]}\n1 ${hashes[1]}`).digest('hex')
  t.same(info.model, { name: 'ensemble(a+b)', version: 3, sha256, kind: 'classifier', classes: 3 })
  t.match(info.members, [
    { model: { name: 'a', version: 2 }, weight: 2 },
    { model: { name: 'b' }, weight: 1 },
  ])
  t.match(info.thresholds, { sure: 0.6, unknown: 0.2 }, 'the most cautious of both')
  const mixed = await onRed(t, 'soft', [
    [a, 2],
    [larger, 1],
  ])
  t.equal(inWords(mixed.seen), inWords(seen), 'another size of input, prepared for itself')
})

t.test(
  'a hard vote is sure only where the mean holds and the majority agrees',
  { skip: noRuntime },
  async t => {
    const { a, b } = modelsIn(t)
    const hard = (members: [string, number][], more = {}) => onRed(t, 'hard', members, more)
    t.equal(
      inWords(
        (
          await hard([
            [a, 2],
            [b, 1],
          ])
        ).seen,
      ),
      'sure red 0.6667, green 0.3333, blue 0.0000',
    )
    // The mean is 0.525 for red, above 0.5; of the votes each has half.
    const half = await hard(
      [
        [a, 1],
        [b, 1],
      ],
      { recognition: { sure: 0.5 } },
    )
    t.equal(
      inWords(half.seen),
      'ask red 0.5000, green 0.5000, blue 0.0000',
      'red first by the mean',
    )
    const modest = await hard(
      [
        [a, 2],
        [b, 1],
      ],
      { recognition: { unknown: 0.65 } },
    )
    t.equal(
      inWords(modest.seen),
      'unknown red 0.6667, green 0.3333, blue 0.0000',
      'thresholds are for the mean',
    )
  },
)

t.test('an ensemble sells what the catalogue says', { skip: noRuntime }, async t => {
  const { a, b, dir } = modelsIn(t)
  writeFileSync(join(dir, 'c.csv'), 'sku,active\ngreen,1\nblue,1\n')
  const { seen } = await onRed(
    t,
    'hard',
    [
      [a, 2],
      [b, 1],
    ],
    { catalogue: join(dir, 'c.csv') },
  )
  // Of the mean, 0.2333 and 0.15 are left: 0.6087 and 0.3913; a has a tie between them and votes for the first.
  t.equal(inWords(seen), 'ask green 1.0000, blue 0.0000', 'less than half of the mean was held')
  t.ok(close(seen.members![0]!, [0, 0.5, 0.5], 1e-5), 'members too')
})

t.test('a member that does not fit or load names itself', { skip: noRuntime }, async t => {
  const { a, other, dir } = modelsIn(t)
  await t.rejects(
    onRed(t, 'soft', [
      [a, 1],
      [other, 1],
    ]),
    {
      code: 'ENSEMBLE_MISMATCH',
      message: `Expected the skus of ${a} in every member but ${other} lacks blue and has besides yellow`,
    },
  )
  await t.rejects(
    onRed(t, 'soft', [
      [a, 1],
      [`${dir}/none`, 1],
    ]),
    {
      code: 'MODEL_NOT_FOUND',
      message: `ensemble member ${dir}/none: Expected a model at ${dir}/none but nothing is there`,
    },
  )
  const never = classifierFor({ ensemble: { vote: 'soft', members: [] } })
  await t.rejects(never.classify({ rgb: new Uint8Array(3), width: 1, height: 1 }), {
    code: 'ENGINE_STOPPED',
    message: 'Expected a started ensemble but it is not started',
  })
})

// ---- in the vision process

function startVision(t: Test, models: Configure['models'], source: string) {
  const child = fork(fileURLToPath(new URL('../src/vision.ts', import.meta.url)), [], {
    serialization: 'advanced',
    execArgv: process.execArgv,
  })
  t.teardown(() => child.kill('SIGKILL'))
  const ended = once(child, 'exit')
  const first = (type: Up['type']) =>
    new Promise<Up>((resolve, reject) => {
      child.on('message', (one: Up) => {
        if (one.type === type) resolve(one)
        else if (one.type === 'fault') reject(new GroceryError('INTERNAL', one.message))
      })
    })
  const config = parseConfig('{}', 'defaults')
  const camera = {
    id: 'c',
    source,
    fps: 50,
    roi: [0, 0, 1, 1],
    rotate: 0,
    mode: 'stream',
    mask: null,
  }
  child.send({
    ...{ type: 'configure', cameras: [camera], models, catalogue: null, site: null },
    ...{ runtime: config.runtime, memory: config.memory, recognition: config.recognition },
    ...{ counter: config.counter, logLevel: 'silent' },
  })
  return { child, ended, first }
}

t.test('run loads an ensemble in the place of the classifier', { skip: noRuntime }, async t => {
  const { dir, a, b } = modelsIn(t)
  mkdirSync(join(dir, 'pictures'))
  writeFileSync(join(dir, 'pictures/red.png'), await plainPicture('#f00'))
  const models = (...members: string[]): Configure['models'] => ({
    ...parseConfig('{}', 'defaults').models,
    classifier: join(dir, 'is-not-loaded'),
    ensemble: { vote: 'soft', members: members.map(model => ({ model, weight: 1 })) },
  })
  const vision = startVision(t, models(a, b), `dir:${dir}/pictures`)
  const [ready, seen] = await Promise.all([vision.first('ready'), vision.first('observations')])
  t.match(ready, {
    model: { name: 'ensemble(a+b)', version: 3, classes: 3 },
    products: { length: 3 },
  })
  const [observation] = seen.type === 'observations' ? seen.frame.observations : []
  t.match(observation, {
    decision: 'ask',
    candidates: [{ sku: 'red' }, { sku: 'green' }, { sku: 'blue' }],
  })
  t.ok(Math.abs(observation!.candidates[0]!.score - 0.525) < 1e-4)
  vision.child.send({ type: 'stop' })
  t.same(await vision.ended, [0, null])

  writeFileSync(join(b, 'm.onnx'), 'damaged')
  const damaged = startVision(t, models(a, b), `dir:${dir}/pictures`)
  const fault = await damaged.first('fault')
  t.match(fault, { type: 'fault', code: 'MODEL_HASH_MISMATCH', fatal: true })
  t.ok(
    fault.type === 'fault' &&
      fault.message.startsWith(`ensemble member ${b}: ${b}/m.onnx: Expected sha256`),
  )
  await damaged.ended
})

// ---- the options

async function classify(t: Test, ...args: string[]): Promise<string[]> {
  const lines: string[] = []
  t.intercept(console, 'log', { value: (text: string) => lines.push(text) })
  await classifyCommand().parseAsync(args, { from: 'user' })
  return lines
}

t.test('classify takes an ensemble, a catalogue and priors', { skip: noRuntime }, async t => {
  const { dir, a, b } = modelsIn(t)
  const red = join(dir, 'red.png')
  writeFileSync(red, await plainPicture('#f00'))
  writeFileSync(join(dir, 'c.csv'), 'sku,name,active\nred,Red thing,1\ngreen,Green thing,1\n')
  writeFileSync(join(dir, 'p.csv'), 'site,sku,share\nnorth,red,1\nnorth,green,9\n')
  const shop = ['--catalogue', `${dir}/c.csv`, '--priors', `${dir}/p.csv`, '--site', 'north']
  const [line] = await classify(
    t,
    '--json',
    '--ensemble',
    `${a}:2,${b}:1`,
    '--vote',
    'soft',
    ...shop,
    red,
  )
  const { decision, candidates } = JSON.parse(line!)
  // 1.85 x 1 and 0.7 x 9, of a sum of 8.15.
  t.match(
    { decision, candidates },
    { decision: 'ask', candidates: [{ sku: 'green', name: 'Green thing' }, { sku: 'red' }] },
  )
  t.ok(Math.abs(candidates[0].score - 6.3 / 8.15) < 1e-4)
  await t.rejects(classify(t, '--ensemble', `${a},${b}`, '--labels', `${dir}/c.csv`, red), {
    code: 'USAGE',
    message:
      '--labels: Expected only with a bare model file, since the folders of the ensemble have their own',
  })
  for (const list of ['a', 'a:0,b', 'a:x,b', 'a,,b', 'a:-1,b']) {
    await t.rejects(classify(t, '--ensemble', list, red), {
      code: 'USAGE',
      message: `Expected 2 to 8 models such as a:2,b:1 for --ensemble, weights above 0, but received "${list}"`,
    })
  }
})

async function check(t: Test, file: string): Promise<string[]> {
  const lines: string[] = []
  t.intercept(console, 'log', { value: (text: string) => lines.push(text) })
  t.intercept(process.stderr, 'write', { value: () => true })
  await checkCommand().parseAsync(['--config', file], { from: 'user' })
  return lines
}

t.test('check finds what run would, without a runtime', async t => {
  const { dir, a, b, other } = modelsIn(t)
  const file = join(dir, 'k.yaml')
  const configure = (members: string[], more: object) => {
    const ensemble = { members: members.map(model => ({ model })) }
    writeFileSync(file, JSON.stringify({ models: { ensemble }, ...more }))
  }
  writeFileSync(join(dir, 'c.csv'), 'sku,active\nred,0\n')
  writeFileSync(join(dir, 'p.csv'), 'site,sku,share\nnorth,red,1\n')
  configure([a, b], { kiosk: { site: 'north' }, recognition: { priors: 'p.csv' } })
  t.same(await check(t, file), [`${file}: right; cameras: none; model: ensemble(${a}+${b})`])
  configure([a, other], {})
  await t.rejects(check(t, file), {
    code: 'ENSEMBLE_MISMATCH',
    message: `Expected the skus of ${a} in every member but ${other} lacks blue and has besides yellow`,
  })
  configure([a, b], { catalogue: 'c.csv' })
  await t.rejects(check(t, file), {
    code: 'CATALOGUE_INVALID',
    message: `${dir}/c.csv: Expected an active product that the model knows but all 1 of them are inactive`,
    exitCode: 78,
  })
  configure([a, b], { kiosk: { site: 'south' }, recognition: { priors: 'p.csv' } })
  await t.rejects(check(t, file), {
    code: 'PRIORS_INVALID',
    message: `${dir}/p.csv: Expected rows for every site or for this one, but this is site "south" and the rows are for north`,
    exitCode: 78,
  })
})
