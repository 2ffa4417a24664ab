// While TensorRT builds its engine the CPU answers, and the state says so: with stand-ins for what builds, since no GPU is here.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { EngineInput } from '../src/inference/addon.js'
import { probeRuntime } from '../src/inference/addon.js'
import { choicesOf } from '../src/inference/choices.js'
import { compiledFolder } from '../src/inference/compiled-cache.js'
import { openModel } from '../src/inference/manifest.js'
import type { Classification, ClassifierInfo } from '../src/recognition/classifier.js'
import { ColdBuild, standInFor } from '../src/recognition/cold-build.js'
import { compiledKey } from '../src/recognition/runner.js'
import { Listener, pictureFolder, startDaemon } from './helpers/daemon.js'
import { gpuMachine, skipStandIns } from './helpers/gpu-machine.js'

t.setTimeout(60_000)

const skipOnnx = probeRuntime('onnxruntime').found ? false : 'ONNX Runtime is not here'
const skipOpenvino = probeRuntime('openvino').found ? false : 'OpenVINO is not here'

t.test('only a cold device other than the CPU needs a stand-in', { skip: skipOnnx }, async t => {
  const cacheDir = t.testdir()
  const runtime = { device: 'TensorRT' }
  const model = openModel('grocery81')
  const choices = choicesOf(model, runtime)
  const standIn = standInFor({ runtime, cacheDir })
  t.equal(choices[standIn!]!.device, 'CPU')
  t.equal(standIn, choices.length - choices.filter(one => one.device === 'CPU').length)
  t.equal(standInFor({ runtime: { device: 'CPU' }, cacheDir }), null, 'the CPU compiles at once')
  t.equal(standInFor({ runtime }), null, 'nothing is kept, so every start would build')
  t.equal(standInFor({ runtime, cacheDir, attempt: 1 }), null, 'both did not fit')
  const first = choices[0]!
  const { sha256 } = first.weights
  const folder = compiledFolder(cacheDir, compiledKey(first, sha256!, model.manifest.input))!
  t.equal(standInFor({ runtime, cacheDir }), standIn, 'an empty folder holds no engine')
  writeFileSync(join(folder, 'engine.trt'), 'built')
  t.equal(standInFor({ runtime, cacheDir }), null)
})

/** Promise.withResolvers, which Node 20 does not have. */
function deferred<T>() {
  let resolve: (value: T) => void = () => {}
  let reject: (error: Error) => void = () => {}
  const promise = new Promise<T>((...both) => ([resolve, reject] = both))
  return { promise, resolve, reject }
}

/** A classifier whose start ends when it is told, and whose answers name it. */
function fake(device: string) {
  const started = deferred<ClassifierInfo>()
  const answer = { observation: device } as unknown as Classification
  return {
    ...started,
    isThere: () => started.resolve({ runtime: { name: 'fake', device } } as ClassifierInfo),
    stops: 0,
    start: () => started.promise,
    classify: (_: EngineInput) => Promise.resolve(answer),
    async stop() {
      this.stops++
    },
  }
}

function coldBuild() {
  const [wanted, standIn] = [fake('TensorRT'), fake('CPU')]
  const told = deferred<unknown>()
  let now = 0
  const cold = new ColdBuild({
    ...{ wanted, standIn, device: 'TensorRT', clock: { mono: () => now } },
    onBuilt: told.resolve,
    onFailed: told.resolve,
  })
  const answers = async () => (await cold.classify({} as EngineInput)).observation
  return { wanted, standIn, cold, told: told.promise, answers, at: (ms: number) => (now = ms) }
}

t.test('the stand-in answers until the wanted one is there, and is stopped then', async t => {
  const { wanted, standIn, cold, told, answers, at } = coldBuild()
  t.equal(cold.building, undefined)
  standIn.isThere()
  t.equal((await cold.start()).runtime.device, 'CPU')
  at(42_400)
  t.same(cold.building, { device: 'TensorRT', seconds: 42, runsOn: 'fake on CPU' })
  t.equal(await answers(), 'CPU')
  wanted.isThere()
  t.equal(((await told) as ClassifierInfo).runtime.device, 'TensorRT')
  t.equal(cold.building, undefined)
  t.equal(await answers(), 'TensorRT')
  t.equal(standIn.stops, 1)
  await cold.stop()
  t.ok(wanted.stops > 0)
})

t.test('what cannot be built is said, and the stand-in goes on', async t => {
  const { wanted, standIn, cold, told, answers } = coldBuild()
  standIn.isThere()
  await cold.start()
  wanted.reject(new Error('no kernel'))
  t.match(await told, { message: 'no kernel' })
  t.equal(cold.building, undefined)
  t.equal(await answers(), 'CPU')
  t.equal(standIn.stops, 0)
})

t.test('a stop while it builds says nothing more', async t => {
  const { wanted, standIn, cold, told } = coldBuild()
  standIn.isThere()
  await cold.start()
  await cold.stop()
  wanted.reject(new Error('stopped'))
  t.equal(await Promise.race([told, new Promise(setImmediate).then(() => 'nothing')]), 'nothing')
  t.same([wanted.stops, standIn.stops], [1, 1])
})

t.test(
  'a daemon whose TensorRT builds sells from the CPU, and /readyz says how long it has built',
  { skip: skipStandIns || skipOpenvino },
  async t => {
    const dir = t.testdir()
    const words = 'no kernel image for this GPU'
    const { env } = gpuMachine(t, '1.31.1', { STANDIN_BUILD_MS: '5000', STANDIN_ANSWER: words })
    mkdirSync(join(dir, 'kiosk'), { recursive: true })
    const pictures = pictureFolder(join(dir, 'pictures'), 'granny-smith')
    const config = {
      cameras: [{ id: 'counter', source: `dir:${pictures}?hold=1h`, fps: 10 }],
      counter: { needSession: false },
      runtime: { device: 'TensorRT' },
      memory: { gpuBytes: '4GiB' },
    }
    const daemon = await startDaemon(join(dir, 'kiosk'), config, env)
    t.teardown(() => daemon.process.kill('SIGKILL'))
    const till = new Listener(daemon.mqttUrl)
    t.teardown(() => till.stop())
    type State = { reasons: { code: string; message: string }[]; device: string }
    const states = () => till.heard.filter(one => one.topic === 'state').map(one => one.message)
    const stateWith = (code: string, text: RegExp) =>
      till.until(
        ({ topic, message }) =>
          topic === 'state' &&
          (message as State).reasons.some(one => one.code === code && text.test(one.message)),
        `${code} ${text}`,
      )
    const building = await stateWith('MODEL_LOADING', /builds/)
    const event = await till.until(one => one.topic === 'items', 'an item event')
    t.match(event.message.item.decision, /^(sure|ask)$/)
    t.equal(building.message.device, 'CPU')
    const response = await fetch(`http://127.0.0.1:${daemon.httpPort}/readyz`)
    t.equal(response.status, 503)
    const { reasons } = (await response.json()) as State
    t.match(
      reasons.map(one => one.message),
      [
        /^TensorRT builds its engine of grocery81, \d s so far; it runs in openvino on CPU meanwhile$/,
      ],
    )
    const failed = await stateWith('MODEL_INVALID', /instead$/)
    t.match(
      failed.message.reasons[0].message,
      /no kernel image for this GPU; it runs in openvino on CPU instead$/,
    )
    t.equal(states().at(-1)!.device, 'CPU')
    daemon.process.kill('SIGTERM')
    t.equal(await daemon.ended, 0)
  },
)
