// The model desk with a stand-in for vision: when it waits, what it says, and when it takes a model back.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mock } from 'node:test'
import t, { type Test } from 'tap'
import { parseConfig } from '../src/config/load.js'
import type { GroceryError } from '../src/errors.js'
import { ModelDesk, type ModelDeskOptions } from '../src/desks/model-desk.js'
import type { Reason } from '../src/observe/health.js'
import type { Down, ModelChoice, Up } from '../src/protocol.js'
import type { ItemEvent } from '../src/publish/messages.js'
import { installBundle } from '../src/updates/install.js'
import { generateKey } from '../src/updates/minisign.js'
import type { Proof } from '../src/updates/prove.js'
import {
  installedFolder,
  modelsFolder,
  readActivation,
  writeActivation,
} from '../src/updates/records.js'
import { created, makeArchive, makeShop } from './helpers/bundles.js'
import { HandClock, item, quiet } from './helpers/kiosk-parts.js'

const proof = {
  attempt: 0,
  pictures: 1,
  wrong: [],
  latencyMs: 5,
  hostBytes: 1e8,
  modelBytes: 5e7,
  gpuBytes: 0,
} as unknown as Proof

const memory = (hostBytes: number | null, usedBytes: number): Up => ({
  ...{ type: 'metrics', rssBytes: 0, cameras: [], inferences: 0 },
  memory: { host: { budgetBytes: hostBytes, usedBytes, peakBytes: usedBytes }, gpu: null },
})
const ready = (change = 0) => ({ type: 'ready', change }) as Up
/** That of a message to vision. */
const changeOf = (message: Down) => ('change' in message ? message.change : 0)
const fault = (code: string, more = {}): Up => ({
  type: 'fault',
  code,
  message: 'it is so',
  fatal: true,
  ...more,
})

/** Versions 2 and 3 of `shop` are installed; `answer` is what vision says to a message. */
async function makeDesk(t: Test, over: Partial<ModelDeskOptions> = {}) {
  const dir = t.testdir({})
  const key = generateKey()
  const { folder, stateDir, options } = makeShop(dir, key)
  for (const version of [2, 3]) installBundle(await makeArchive(dir, key, version), options)
  const config = parseConfig(
    JSON.stringify({
      models: { classifier: folder, keys: [key.public.text] },
      outbox: { dir: stateDir },
    }),
    'test',
  )
  const heard: string[] = []
  const counts: string[] = []
  const state = { idle: true, reason: null as Reason | null }
  const clock = new HandClock(created.getTime())
  const shown = (choice: ModelChoice) =>
    /shop-(\d+)$/.exec(choice.models.classifier)?.[1] ?? 'configured'
  const vision = {
    attempt: 0,
    answer: (message: Down): Up | null => {
      if (message.type === 'prepare') return { type: 'prepared', change: message.change }
      return message.type === 'swap' ? ready(message.change) : null
    },
    send(message: Down) {
      heard.push(message.type === 'prepare' ? `prepare ${shown(message)}` : message.type)
      const said = this.answer(message)
      if (said) queueMicrotask(() => desk.hear(said))
    },
    use: (choice: ModelChoice) => void heard.push(`use ${shown(choice)}`),
    restartWith: (choice: ModelChoice, _why: string) => {
      heard.push(`restart with ${shown(choice)}`)
      desk.visionDown('MODEL_LOADING', 'planned')
      queueMicrotask(() => desk.hear(ready(choice.change)))
    },
  }
  const make = () =>
    new ModelDesk({
      config,
      vision,
      isIdle: () => state.idle,
      setReason: reason => (state.reason = reason),
      count: change => counts.push(change),
      clock,
      clockSynced: () => true,
      log: quiet,
      prove: async () => proof,
      ...over,
    })
  let desk = make()
  /** As after a crash, or after an end that somebody asked for. */
  const starts = (asked = false) => {
    if (asked) desk.stop()
    desk = make()
    heard.length = 0
    desk.start()
  }
  t.teardown(() => desk.stop())
  desk.start()
  desk.hear(ready())
  let asked = 0
  const ask = (action: 'activate' | 'rollback', version?: number) =>
    desk
      .command({ requestId: String(++asked), action, name: 'shop', ...(version && { version }) })
      .then(
        ({ version, status }) => `${version} ${status}`,
        (error: GroceryError) => `${error.code} ${error.message}`,
      )
  const record = () => readActivation(stateDir)
  const crash = () => desk.visionDown('VISION_CRASHED', 'the vision process ended with SIGSEGV')
  const place = (sure: number, of: number) => {
    for (let n = 0; n < of; n++) {
      const decision = n < sure ? 'sure' : 'ask'
      desk.placed({ action: 'placed', item: item({ decision }) } as ItemEvent)
    }
  }
  return {
    ask,
    crash,
    place,
    heard,
    counts,
    state,
    vision,
    shown,
    record,
    clock,
    stateDir,
    starts,
    config,
    desk: () => desk,
  }
}

t.test(
  'a model is proven, loaded beside the old one and exchanged; then it may go back',
  async t => {
    const kiosk = await makeDesk(t)
    t.equal(await kiosk.ask('activate'), '3 active', 'the newest, where no version is named')
    t.same(kiosk.heard, ['prepare 3', 'use 3', 'swap'])
    t.match(kiosk.record(), {
      name: 'shop',
      current: 3,
      previous: null,
      trial: { starts: 0 },
      watch: null,
      rolledBack: null,
    })
    t.equal(await kiosk.ask('activate', 3), '3 active', 'nothing is done twice')
    t.same(kiosk.counts, ['activated'])
    t.equal(await kiosk.ask('rollback'), 'null active')
    t.same(kiosk.heard.slice(3), ['prepare configured', 'use configured', 'swap'])
    t.match(kiosk.record(), { current: null, previous: null, trial: null })
    t.equal(
      await kiosk.ask('rollback'),
      'MODEL_NOT_ACTIVE Expected an activated model to go back from but shop is that of the configuration',
    )
    await kiosk.ask('activate', 2)
    await kiosk.ask('activate', 3)
    t.match(kiosk.record(), { current: 3, previous: 2 })
    t.equal(await kiosk.ask('rollback'), '2 active')
    t.equal(
      await kiosk.ask('activate', 4),
      'MODEL_NOT_INSTALLED Expected an installed version of shop (3, 2) but received 4',
    )
    kiosk.starts()
    t.same(kiosk.heard, ['use 2'], 'the next start begins with it')
  },
)

t.test(
  'a sale is not disturbed: it waits, says so, and one change is under way at a time',
  async t => {
    const kiosk = await makeDesk(t)
    kiosk.state.idle = false
    t.equal(await kiosk.ask('activate', 3), '3 waiting')
    t.same(kiosk.heard, [], 'not even loaded')
    t.equal(
      await kiosk.ask('activate', 2),
      'UPDATE_BUSY Expected one change of the model at a time',
    )
    // A customer comes while it is being loaded: loaded it stays, and the exchange waits.
    const { answer } = kiosk.vision
    const prepared = new Promise<void>(resolve => {
      kiosk.vision.answer = message => {
        if (message.type === 'prepare') {
          kiosk.state.idle = false
          resolve()
        }
        return answer(message)
      }
    })
    kiosk.state.idle = true
    await prepared
    await new Promise(resolve => setTimeout(resolve, 250))
    t.same(kiosk.heard, ['prepare 3'])
    t.equal(kiosk.record(), null)
    const swapped = new Promise<void>(resolve => {
      kiosk.vision.answer = message => {
        if (message.type === 'swap') resolve()
        return answer(message)
      }
    })
    kiosk.state.idle = true
    await swapped
    t.same(kiosk.heard, ['prepare 3', 'use 3', 'swap'])
    for (; kiosk.counts.length === 0;) await new Promise(resolve => setImmediate(resolve))
    t.match(kiosk.record(), { current: 3 })
  },
)

t.test('where the memory does not hold both, the old one goes first', async t => {
  const kiosk = await makeDesk(t)
  kiosk.desk().hear(memory(2e8, 1.6e8))
  t.equal(await kiosk.ask('activate', 2), '2 active')
  t.same(kiosk.heard, ['use 2', 'restart with 2'], 'it was known before')
  kiosk.heard.length = 0
  kiosk.desk().hear(memory(2e8, 1e8))
  kiosk.vision.answer = message => ({
    type: 'prepareFailed',
    change: changeOf(message),
    code: 'MEMORY_BUDGET_EXCEEDED',
    message: 'both',
  })
  t.equal(await kiosk.ask('activate', 3), '3 active')
  t.same(kiosk.heard, ['prepare 3', 'use 3', 'restart with 3'], 'vision found out')
})

t.test('where no model answers, another one mends it', async t => {
  const kiosk = await makeDesk(t)
  kiosk.desk().hear(fault('MODEL_HASH_MISMATCH'))
  kiosk.crash()
  t.equal(await kiosk.ask('activate', 2), '2 active')
  t.same(kiosk.heard, ['use 2', 'restart with 2'], 'there is nothing to load it beside')
})

t.test('what fails leaves the old model where it was', async t => {
  const kiosk = await makeDesk(t)
  kiosk.vision.answer = message => ({
    type: 'prepareFailed',
    change: changeOf(message),
    code: 'MODEL_INVALID',
    message: 'no such layer',
  })
  t.equal(await kiosk.ask('activate', 3), 'MODEL_INVALID no such layer')
  t.same(kiosk.heard, ['prepare 3', 'use configured'])
  // Vision dies while it loads it: what is started next loads the old one.
  kiosk.vision.answer = () => {
    queueMicrotask(kiosk.crash)
    return null
  }
  t.equal(await kiosk.ask('activate', 3), 'VISION_CRASHED the vision process ended with SIGSEGV')
  t.equal(kiosk.heard.at(-1), 'use configured')
  t.equal(kiosk.record(), null)
  t.equal(kiosk.state.reason, null, 'who asked was told')
  t.same(kiosk.counts, ['refused', 'refused'])
  kiosk.desk().hear(ready())
  kiosk.state.idle = false
  t.equal(await kiosk.ask('activate', 3), '3 waiting')
  kiosk.state.idle = true
  for (; kiosk.counts.length === 2;) await new Promise(resolve => setTimeout(resolve, 10))
  t.same(kiosk.state.reason, {
    code: 'MODEL_ROLLED_BACK',
    message:
      'shop 3 was not taken (VISION_CRASHED: the vision process ended with SIGSEGV); shop of the configuration goes on',
  })
  const failing = await makeDesk(t, {
    prove: () => Promise.reject(Object.assign(new Error('wrong'), { code: 'SELF_TEST_FAILED' })),
  })
  t.equal(await failing.ask('activate'), 'SELF_TEST_FAILED wrong')
  t.same(failing.heard, [], 'vision hears of nothing')
})

/** Lets go on what waits for nothing but its turn. */
const settle = () => new Promise<void>(resolve => setImmediate(resolve))

t.test('what comes too late is no answer to the next attempt', async t => {
  const kiosk = await makeDesk(t)
  const until = async (word: string) => {
    for (; kiosk.heard.at(-1) !== word;) await settle()
  }
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const changes: number[] = []
  kiosk.vision.answer = message => {
    changes.push(changeOf(message))
    return null
  }
  const first = kiosk.ask('activate', 2)
  await until('prepare 2')
  mock.timers.tick(60_000)
  t.equal(await first, 'TIMED_OUT Expected the model to be loaded within 60000 ms but it is not')
  t.same(
    kiosk.heard,
    ['prepare 2', 'use configured', 'discard'],
    'vision need not keep it when it comes',
  )
  const second = kiosk.ask('activate', 3)
  await until('prepare 3')
  const late = changes[0]!
  const change = changes.at(-1)!
  kiosk.desk().hear({ type: 'prepared', change: late })
  await settle()
  t.equal(kiosk.heard.at(-1), 'prepare 3', 'of version 2')
  kiosk.desk().hear({ type: 'prepared', change })
  await until('swap')
  for (const other of [0, late]) kiosk.desk().hear(ready(other))
  await settle()
  t.equal(kiosk.record(), null, 'the old one may be ready anew, built for its device')
  kiosk.desk().hear(ready(change))
  t.equal(await second, '3 active')

  // The exchange itself takes no time: where it does, nobody knows which one answers.
  kiosk.heard.length = 0
  const third = kiosk.ask('activate', 2)
  await until('prepare 2')
  kiosk.desk().hear({ type: 'prepared', change: changes.at(-1)! })
  await until('swap')
  mock.timers.tick(10_000)
  t.equal(await third, 'TIMED_OUT Expected the model to be loaded within 10000 ms but it is not')
  t.same(kiosk.heard, ['prepare 2', 'use 2', 'swap', 'restart with 3'])
  t.match(kiosk.record(), { current: 3 })
})

t.test('where the new model alone takes too long to load, the old one is loaded again', async t => {
  const kiosk = await makeDesk(t)
  kiosk.config.runtime.device = 'GPU'
  kiosk.starts()
  kiosk.desk().hear(ready())
  kiosk.desk().hear(memory(2e8, 1.6e8))
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const why: string[] = []
  kiosk.vision.restartWith = (choice, words) => {
    kiosk.heard.push(`restart with ${kiosk.shown(choice)}`)
    why.push(words)
    kiosk.desk().visionDown('MODEL_LOADING', 'planned')
  }
  let answer = ''
  void kiosk.ask('activate', 2).then(words => (answer = words))
  for (; kiosk.heard.length < 2;) await settle()
  mock.timers.tick(1_799_999)
  await settle()
  t.same([answer, kiosk.heard], ['', ['use 2', 'restart with 2']], 'TensorRT takes minutes')
  mock.timers.tick(1)
  await settle()
  const late = 'Expected the model to be loaded within 1800000 ms but it is not'
  t.equal(answer, `TIMED_OUT ${late}`)
  t.same(kiosk.heard, ['use 2', 'restart with 2', 'restart with configured'])
  t.same(why, ['shop 2 is being loaded', `${late}; the one before is loaded again`])
})

t.test('three crashes within a minute of a change bring the old model back', async t => {
  const kiosk = await makeDesk(t)
  await kiosk.ask('activate', 2)
  kiosk.clock.advance(60_000)
  kiosk.desk().tick()
  t.equal(kiosk.record()?.trial, null, 'it has run for a minute')
  for (let n = 0; n < 5; n++) kiosk.crash()
  t.match(kiosk.record(), { current: 2 }, 'later crashes are not its fault')

  await kiosk.ask('activate', 3)
  kiosk.heard.length = 0
  kiosk.crash()
  kiosk.clock.advance(59_000)
  kiosk.crash()
  kiosk.clock.advance(2_000)
  kiosk.crash()
  t.match(kiosk.record(), { current: 3, trial: {} }, 'three in more than a minute')
  kiosk.crash()
  t.same(kiosk.heard, ['restart with 2'])
  const message =
    'shop 3 was taken back (vision ended 3 times within a minute, the last time because the vision process ended with SIGSEGV); shop 2 answers instead'
  t.match(kiosk.record(), { current: 2, previous: null, trial: null, rolledBack: message })
  t.same(kiosk.state.reason, { code: 'MODEL_ROLLED_BACK', message })
  t.same(kiosk.counts, ['activated', 'activated', 'rolledBack'])
  kiosk.starts()
  t.same(
    kiosk.state.reason,
    { code: 'MODEL_ROLLED_BACK', message },
    'it is still said after a start',
  )
  t.equal(await kiosk.ask('activate', 2), '2 active')
  t.equal(kiosk.state.reason, null, 'until somebody acts')
  t.equal(kiosk.record()?.rolledBack, null)
})

t.test(
  'another catalogue comes as another model does: beside the old one, and between two sales',
  async t => {
    const proven: (string | null)[] = []
    const kiosk = await makeDesk(t, {
      prove: async (_, { shop }) => (proven.push(shop.catalogue ?? null), proof),
    })
    const said = (choice: ModelChoice) => `${kiosk.shown(choice)} by ${choice.catalogue}`
    kiosk.vision.use = choice => void kiosk.heard.push(`use ${said(choice)}`)
    const attempts: number[] = []
    kiosk.vision.answer = message => {
      if (message.type === 'swap') return ready(message.change)
      if (message.type !== 'prepare') return null
      attempts.push(message.attempt)
      const { change, catalogue } = message
      return catalogue === 'bad.json'
        ? { type: 'prepareFailed', change, code: 'CATALOGUE_INVALID', message: 'row 1' }
        : { type: 'prepared', change }
    }
    t.equal(kiosk.desk().labels().length, 3)
    kiosk.starts()
    kiosk.desk().hear(ready())
    kiosk.heard.length = 0
    kiosk.vision.attempt = 2
    const restock = async (file: string) => {
      const { status, done } = await kiosk.desk().restock(file)
      if (status === 'active') await done
      return { status, done }
    }
    t.equal((await restock('a.json')).status, 'active')
    t.same(kiosk.heard.splice(0), ['prepare configured', 'use configured by a.json', 'swap'])
    t.same(attempts, [2], 'as the model fitted into the memory before')
    kiosk.vision.attempt = 0

    await t.rejects(restock('bad.json'), { code: 'CATALOGUE_INVALID', message: 'row 1' })
    t.same(kiosk.heard.splice(0), ['prepare configured', 'use configured by a.json'])
    t.equal(await kiosk.ask('activate', 2), '2 active')
    t.same(proven, ['a.json'], 'a model is proven by the catalogue that holds')
    t.same(kiosk.heard.splice(0), ['prepare 2', 'use 2 by a.json', 'swap'])

    // A model that fails while the catalogue waits is not brought back by it.
    kiosk.state.idle = false
    const { status, done } = await restock('b.json')
    t.equal(status, 'waiting')
    t.match(await kiosk.ask('activate', 3), /^UPDATE_BUSY/)
    await t.rejects(restock('c.json'), { code: 'UPDATE_BUSY' })
    for (let n = 0; n < 3; n++) kiosk.crash()
    t.match(kiosk.record(), { current: null, rolledBack: /^shop 2 was taken back/ })
    kiosk.desk().hear(ready())
    kiosk.heard.length = 0
    kiosk.state.idle = true
    await done
    t.same(kiosk.heard.splice(0), ['prepare configured', 'use configured by b.json', 'swap'])
  },
)

t.test('a change that waits for the end of a sale takes no protection away', async t => {
  const kiosk = await makeDesk(t)
  await kiosk.ask('activate', 2)
  kiosk.state.idle = false
  t.equal(await kiosk.ask('activate', 3), '3 waiting')
  kiosk.heard.length = 0
  for (let n = 0; n < 3; n++) kiosk.crash()
  t.same(kiosk.heard, ['restart with configured'], 'crashes are counted')
  t.match(kiosk.record(), { current: null, rolledBack: /^shop 2 was taken back/ })
  kiosk.state.idle = true
  for (; kiosk.counts.at(-1) !== 'activated' || kiosk.counts.length < 3;) await settle()
  t.same(kiosk.heard.slice(1), ['prepare 3', 'use 3', 'swap'])
  t.match(kiosk.record(), { current: 3, previous: null }, 'version 2 is not what it goes back to')

  // What is waited for is what follows the one that fails.
  await kiosk.ask('activate', 2)
  kiosk.state.idle = false
  t.equal(await kiosk.ask('activate', 3), '3 waiting')
  for (let n = 0; n < 3; n++) kiosk.crash()
  t.match(kiosk.record(), { current: 3, rolledBack: /^shop 2 was taken back/ })
  kiosk.counts.length = 0
  kiosk.state.idle = true
  for (; kiosk.counts.length < 1;) await settle()
  t.match(kiosk.record(), { current: 3, previous: null, rolledBack: null })

  // A customer comes while it is being loaded beside the old one.
  const next = await makeDesk(t)
  await next.ask('activate', 2)
  const { answer } = next.vision
  next.vision.answer = message => {
    if (message.type === 'prepare') next.state.idle = false
    return answer(message)
  }
  t.equal(await next.ask('activate', 3), '3 waiting')
  next.clock.advance(60_000)
  next.desk().tick()
  t.equal(next.record()?.trial, null, 'a minute ends the trial of what answers')
  next.heard.length = 0
  next.desk().hear(fault('MODEL_INVALID'))
  next.crash()
  next.desk().hear(ready())
  t.same(next.heard, ['use configured'], 'what fails is followed by the one before')
  t.match(next.state.reason?.message, /^shop 2 cannot be used \(MODEL_INVALID: it is so\); shop of/)
  next.state.idle = true
  for (; next.record()?.current !== 3;) await settle()
  t.same(next.heard.slice(1), ['use 3', 'restart with 3'], 'what was prepared went with it')
})

t.test('a daemon that never runs for long with a new model goes back too', async t => {
  const kiosk = await makeDesk(t)
  await kiosk.ask('activate', 2)
  await kiosk.ask('activate', 3)
  for (const expected of [1, 2, 3]) {
    kiosk.starts()
    t.same(kiosk.heard, ['use 3'])
    t.equal(kiosk.record()?.trial?.starts, expected)
  }
  kiosk.starts(true)
  t.same(
    [kiosk.heard, kiosk.record()?.trial?.starts],
    [['use 3'], 3],
    'an end that was asked for does not count',
  )
  kiosk.starts()
  t.same(kiosk.heard, ['use 2'])
  t.match(kiosk.record(), { current: 2, trial: null })
  t.match(
    kiosk.state.reason?.message,
    'shop 3 was taken back (grocerd began 3 times with shop 3 and never ran for long); shop 2 answers instead',
  )
})

t.test('a drop of the sure-rate brings the old model back, and chance does not', async t => {
  const kiosk = await makeDesk(t)
  kiosk.place(45, 50)
  await kiosk.ask('activate', 3)
  t.same(kiosk.record()?.watch, { items: 50, sure: 45 })
  kiosk.heard.length = 0
  kiosk.place(26, 29)
  kiosk.place(0, 6)
  t.same(kiosk.heard, [], 'a few items more that it asks about')
  kiosk.desk().placed({
    action: 'placed',
    item: item({ decision: 'ask', askReason: 'presentAtOpen' }),
  } as ItemEvent)
  kiosk.state.idle = false
  kiosk.place(0, 20)
  t.same(kiosk.heard, [], 'a sale goes on')
  kiosk.state.idle = true
  for (; kiosk.counts.length < 2;) await new Promise(resolve => setTimeout(resolve, 10))
  t.same(kiosk.heard, ['prepare configured', 'use configured', 'swap'])
  t.match(
    kiosk.state.reason?.message,
    /^shop 3 was taken back \(26 of \d+ items sure \(\d\d %\) after 45 of 50 items sure \(90 %\)\); shop of the configuration answers instead$/,
  )
  t.match(kiosk.record(), { current: null, watch: null, rolledBack: /^shop 3 was taken back/ })

  const well = await makeDesk(t)
  well.place(45, 50)
  await well.ask('activate', 3)
  well.place(270, 300)
  t.equal(well.record()?.watch, null, 'after three hundred items it has shown what it can')
})

t.test('a start with a broken model uses the one before, and says so', async t => {
  const kiosk = await makeDesk(t)
  await kiosk.ask('activate', 2)
  await kiosk.ask('activate', 3)
  kiosk.clock.advance(60_000)
  kiosk.desk().tick()
  kiosk.starts()
  // It is whole, and no runtime loads it.
  kiosk.desk().hear(fault('MODEL_INVALID'))
  t.same(kiosk.heard, ['use 3', 'use 2'])
  t.same(kiosk.state.reason, {
    code: 'MODEL_ROLLED_BACK',
    message: 'shop 3 cannot be used (MODEL_INVALID: it is so); shop 2 answers instead',
  })
  kiosk.desk().hear(fault('MODEL_INVALID'))
  t.equal(kiosk.heard.at(-1), 'use configured')
  kiosk.desk().hear(fault('MODEL_INVALID'))
  t.equal(kiosk.heard.length, 3, 'beyond that of the configuration there is none')
  t.match(kiosk.record(), { current: 3, previous: 2 }, 'the next start tries it again')

  kiosk.starts()
  kiosk.desk().hear(fault('MEMORY_BUDGET_EXCEEDED', { fallbacks: 1 }))
  kiosk.desk().hear(fault('MEMORY_BUDGET_EXCEEDED'))
  t.same(kiosk.heard, ['use 3'], 'there are other ways to load it, or it went over while it ran')
  kiosk.desk().hear(fault('MEMORY_BUDGET_EXCEEDED', { fallbacks: 0 }))
  t.same(kiosk.heard, ['use 3', 'use 2'])

  const weights = join(installedFolder(kiosk.stateDir, 'shop', 3), 'm.onnx')
  const bytes = readFileSync(weights)
  bytes[50]! ^= 1
  writeFileSync(weights, bytes)
  kiosk.starts()
  t.same(kiosk.heard, ['use 2'])
  t.match(
    kiosk.state.reason?.message,
    /^shop 3 cannot be used \(BUNDLE_INVALID: .*m.onnx.*\); shop 2 answers instead$/,
  )
  t.equal(await kiosk.ask('rollback'), '2 active')
  t.match(kiosk.record(), { current: 2, previous: null, rolledBack: null })
  t.equal(kiosk.state.reason, null)
  rmSync(modelsFolder(kiosk.stateDir), { recursive: true })
  kiosk.starts()
  t.same(kiosk.heard, [])
})

t.test('a record of a newer grocerd is left as it is', async t => {
  const kiosk = await makeDesk(t)
  const file = join(modelsFolder(kiosk.stateDir), 'activation.json')
  const text = '{"format": 2, "current": 3}'
  writeFileSync(file, text)
  kiosk.starts()
  const message = `${file}: Expected format 1 but received 2, of a newer grocerd`
  t.same(kiosk.heard, [], 'the model of the configuration answers')
  t.same(kiosk.state.reason, { code: 'ACTIVATION_INVALID', message })
  t.equal(await kiosk.ask('activate', 3), `ACTIVATION_INVALID ${message}`)
  t.equal(readFileSync(file, 'utf8'), text)
  writeActivation(kiosk.stateDir, {
    name: 'pears',
    current: 9,
    previous: null,
    at: '',
    trial: null,
    watch: null,
    rolledBack: null,
  })
  kiosk.starts()
  t.same(kiosk.heard, [], 'a record of another model does not hold')
})

t.test('a record that cannot be read keeps no kiosk from coming up', async t => {
  const kiosk = await makeDesk(t)
  // As a file that root wrote would be for the daemon's user; tests may be root, who reads everything but a folder.
  const file = join(modelsFolder(kiosk.stateDir), 'activation.json')
  mkdirSync(file)
  kiosk.starts()
  const message = `${file}: Expected a file that this user can read but received EISDIR`
  t.same(kiosk.heard, [], 'the model of the configuration answers')
  t.same(kiosk.state.reason, { code: 'ACTIVATION_INVALID', message })
  t.equal(await kiosk.ask('activate', 3), `ACTIVATION_INVALID ${message}`)
})
