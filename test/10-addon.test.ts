// The native addon through its TypeScript front: both runtimes on tiny models made here, pictures
// made by sharp, the life of an engine, and the ends of processes and threads.

import { fork, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import t, { type Test } from 'tap'
import type { GroceryError } from '../src/errors.js'
import {
  Engine,
  type EngineInput,
  type EngineOptions,
  probeRuntime,
  sdNotify,
} from '../src/inference/addon.js'
import { graphWeights } from './helpers/graph-weights.js'
import { spec } from './helpers/input-spec.js'
import { asIr, asOnnx, diagonal, type TinyModel } from './helpers/tiny-models.js'

const child = fileURLToPath(new URL('./helpers/addon-child.ts', import.meta.url))
const openVino = probeRuntime('openvino')
const onnxRuntime = probeRuntime('onnxruntime')
const without = {
  openvino: openVino.found ? false : 'OpenVINO is not on this machine',
  onnxruntime: onnxRuntime.found ? false : 'ONNX Runtime is not on this machine',
}

const doubling: TinyModel = { shape: [1, 3, 4, 8], matrix: diagonal(8, 2), layers: 1 }
const slow: TinyModel = { shape: [1, 3, 512, 512], matrix: diagonal(512, 1), layers: 12 }

/** The three ways a model gets into an engine. */
const ways = [
  ['an IR in OpenVINO', 'openvino', asIr],
  ['ONNX in OpenVINO', 'openvino', (model: TinyModel) => ({ model: asOnnx(model) })],
  ['ONNX in ONNX Runtime', 'onnxruntime', (model: TinyModel) => ({ model: asOnnx(model) })],
] as const

async function started(t: Test, options: EngineOptions): Promise<Engine> {
  const engine = new Engine(options)
  t.teardown(() => engine.stop())
  await engine.start()
  return engine
}

t.test('tells which runtimes are here, where, and which devices they have', async t => {
  for (const probe of [openVino, onnxRuntime]) {
    if (!probe.found) continue
    t.match(probe.path, /^\/|^lib/, `${probe.runtime} has a path`)
    t.match(probe.version, /^\d+\.\d+/)
    t.ok(probe.devices.includes('CPU'))
  }
})

for (const [name, runtime, files] of ways) {
  t.test(name, { skip: without[runtime] }, async t => {
    await t.test('describes its tensors and gives exact numbers', async t => {
      const engine = new Engine({ runtime, ...files(doubling), input: spec(8, 4) })
      t.teardown(() => engine.stop())
      const info = await engine.start()
      const shape = [1, 3, 4, 8]
      t.same(info.inputs, [{ name: 'x', shape, type: 'f32' }])
      t.same(info.outputs, [{ name: 'y', shape, type: 'f32' }])
      t.match(info, { runtime, device: 'CPU', runtimeVersion: probeRuntime(runtime).version })
      t.equal(engine.start(), engine.start(), 'a second start is the first')
      const tensor = Float32Array.from({ length: 96 }, (_, i) => i - 48)
      const { outputs, stagesMs } = await engine.infer({ tensor })
      t.same(outputs, [{ name: 'y', shape, data: tensor.map(value => value * 2) }])
      t.match(stagesMs, { queue: Number, decode: 0, resize: 0, infer: Number })
    })

    await t.test('closes the sides that a model leaves open', async t => {
      const open = { ...doubling, shape: [-1, 3, -1, 8] }
      const engine = await started(t, { runtime, ...files(open), input: spec(8, 4) })
      const { outputs } = await engine.infer({ tensor: new Float32Array(96).fill(3) })
      t.same(outputs[0]?.shape, [1, 3, 4, 8])
      t.ok(outputs[0]?.data.every(value => value === 6))
    })

    await t.test('refuses a model that does not take the input it is told', async t => {
      const engine = new Engine({ runtime, ...files(doubling), input: spec(8, 5) })
      await t.rejects(engine.start(), {
        code: 'MODEL_SHAPE_MISMATCH',
        message:
          "Expected model input 'x' of shape 1x3x5x8 (from input.width, height and layout) but the model has 1x3x4x8",
      })
      const nhwc = new Engine({
        runtime,
        ...files(doubling),
        input: spec(8, 4, { layout: 'nhwc' }),
      })
      await t.rejects(nhwc.start(), { code: 'MODEL_SHAPE_MISMATCH' })
    })

    await t.test('refuses damaged models with the words of the runtime', async t => {
      const whole = files(doubling)
      for (const model of [
        whole.model.slice(0, whole.model.length >> 1),
        Buffer.from('not a model'),
      ]) {
        const engine = new Engine({ runtime, ...whole, model, input: spec(8, 4) })
        await t.rejects(engine.start(), {
          code: 'MODEL_INVALID',
          message: /cannot (read|load) the model: ./,
        })
        await engine.stop()
      }
      const empty = new Engine({ runtime, model: new Uint8Array(), input: spec(8, 4) })
      await t.rejects(empty.start(), {
        code: 'MODEL_INVALID',
        message: 'Expected a model but received 0 bytes',
      })
    })

    await t.test('takes every option, and refuses a device that is not here', async t => {
      const all = {
        threads: 1,
        streams: 2,
        cacheDir: t.testdir(),
        hostMemoryBytes: 2e8,
        gpuMemoryBytes: 1e8,
      }
      const engine = await started(t, {
        runtime,
        ...files(doubling),
        input: spec(8, 4),
        precisionHint: 'f32',
        ...all,
      })
      const { outputs } = await engine.infer({ tensor: new Float32Array(96).fill(1) })
      t.equal(outputs[0]?.data[95], 2)
      const options = { runtime, ...files(doubling), input: spec(8, 4), device: 'TPU' }
      const devices = probeRuntime(runtime).devices.join(', ')
      await t.rejects(new Engine(options).start(), {
        code: 'DEVICE_NOT_FOUND',
        message: `Expected device TPU for ${runtime} but this machine has ${devices}`,
      })
    })

    await t.test('does what it may in every state, and says why not in the others', async t => {
      const options = {
        runtime,
        ...files(slow),
        input: spec(512, 512),
        threads: 1,
        streams: 1,
        maxQueue: 1,
      }
      const input = { tensor: new Float32Array(3 * 512 * 512) }
      const idle = new Engine(options)
      await t.rejects(idle.infer(input), {
        code: 'ENGINE_STOPPED',
        message: 'The engine is not started: wait for start() first',
      })
      await idle.stop()
      await t.rejects(idle.start(), {
        code: 'ENGINE_STOPPED',
        message: 'The engine was stopped; make a new one',
      })

      const busy = await started(t, options)
      const running = [busy.infer(input), busy.infer(input)]
      await t.rejects(busy.infer(input), {
        code: 'ENGINE_BUSY',
        message: 'The engine has 1 requests running and its queue is full',
      })
      await Promise.all(running)
      await busy.infer(input)

      const cut = [busy.infer(input), busy.infer(input)]
      const stopping = busy.stop()
      t.equal(busy.stop(), stopping, 'a second stop is the first')
      await t.rejects(busy.infer(input), {
        code: 'ENGINE_STOPPED',
        message: 'The engine was stopped',
      })
      for (const result of await Promise.allSettled(cut)) {
        if (result.status === 'rejected') t.equal(result.reason.code, 'ENGINE_STOPPED')
      }
      await stopping
      await t.rejects(busy.infer(input), { code: 'ENGINE_STOPPED' })

      const loading = new Engine(options)
      const load = loading.start()
      load.catch(() => {})
      await loading.stop()
      await t.rejects(loading.infer(input), { code: 'ENGINE_STOPPED' })
    })

    await t.test('runs several requests at once, off the event loop and off libuv', async t => {
      // Long enough that a starved event loop still turns in the meantime.
      const long = { ...files({ ...slow, layers: 40 }), precisionHint: 'f32' } as const
      const engine = await started(t, {
        runtime,
        ...long,
        input: spec(512, 512),
        threads: 1,
        streams: 5,
      })
      let left = 5
      const all = Array.from({ length: left }, async () => {
        const { outputs } = await engine.infer({ tensor: new Float32Array(3 * 512 * 512).fill(1) })
        left--
        return outputs[0]?.data[7]
      })
      // libuv has four threads: were the five requests sitting on them, this read would come after
      // one.
      await readFile(child)
      for (let i = 0; i < 5; i++) await turn()
      t.equal(left, 5, 'a file was read and the event loop turned before the first result')
      t.same(new Set(await Promise.all(all)), new Set([1]))
    })

    await t.test('refuses tensors and pictures that do not fit, and goes on', async t => {
      const engine = await started(t, { runtime, ...files(doubling), input: spec(8, 4) })
      await t.rejects(engine.infer({ tensor: new Float32Array(95) }), {
        code: 'MODEL_SHAPE_MISMATCH',
        message: 'Expected a tensor of 96 floats (1x3x4x8) but received 95',
      })
      await t.rejects(engine.infer({ rgb: new Uint8Array(11), width: 2, height: 2 }), {
        code: 'IMAGE_UNREADABLE',
        message: 'Expected 12 bytes of RGB24 for 2x2 but received 11',
      })
      await t.rejects(engine.infer({ rgb: new Uint8Array(), width: 2, height: 2 }), {
        code: 'IMAGE_EMPTY',
      })
      const odd = {
        rgb: new Uint8Array(12),
        width: 2,
        height: 2,
        box: [0.5, 0, 0.5, 1],
      } as EngineInput
      await t.rejects(engine.infer(odd), { name: 'TypeError', message: /x0 < x1 and y0 < y1/ })
      const white = { rgb: new Uint8Array(12).fill(255), width: 2, height: 2 }
      t.ok(
        (await engine.infer(white)).outputs[0]?.data.every(value => Math.abs(value - 510) < 1e-3),
      )
    })
  })
}

t.test('lists every place it looked at when a runtime is missing', async t => {
  for (const [runtime, variable, name] of [
    ['openvino', 'GROCERD_OPENVINO_DIR', 'OpenVINO'],
    ['onnxruntime', 'GROCERD_ONNXRUNTIME_DIR', 'ONNX Runtime'],
  ] as const) {
    const answer = (await ask(t, ['start without a runtime', runtime], {
      [variable]: '/nowhere',
    })) as GroceryError
    t.equal(answer.code, 'RUNTIME_NOT_FOUND')
    t.match(answer.message, `Expected ${name} but none of these has it:\n  /nowhere`)
    t.match(answer.details, [{ path: /^\/nowhere/, reason: /^no lib.*\.so\* there$/ }])
  }
})

for (const runtime of ['openvino', 'onnxruntime'] as const) {
  t.test(`ends cleanly with work in flight in ${runtime}`, { skip: without[runtime] }, async t => {
    const ends = [
      ['exit with work in flight', 0],
      ['exit while loading', 0],
      ['throw with work in flight', 1],
      ['end without stopping', 0],
    ] as const
    await Promise.all(
      ends.map(async ([task, code]) => {
        const [exitCode, signal] = await once(
          fork(child, [task, runtime], { silent: true }),
          'exit',
        )
        t.same([exitCode, signal], [code, null], task)
      }),
    )
    const worker = new Worker(child, { workerData: ['work in flight', runtime] })
    t.same(await once(worker, 'message'), ['in flight'])
    await worker.terminate()
    const files = runtime === 'openvino' ? asIr(doubling) : { model: asOnnx(doubling) }
    const engine = await started(t, { runtime, ...files, input: spec(8, 4) })
    const { outputs } = await engine.infer({ tensor: new Float32Array(96).fill(1) })
    t.equal(outputs[0]?.data[0], 2, 'this thread goes on')
  })
}

t.test('lowers the memory limit of its process', async t => {
  t.equal(await ask(t, ['limit data']), '3000000000')
})

const noListener = spawnSync('python3', ['-V']).error ? 'python3 is not here to listen' : false

t.test('notifies systemd over a socket', { skip: noListener }, async t => {
  t.equal(sdNotify('READY=1'), false, 'nothing is sent without NOTIFY_SOCKET')
  const listener = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
print(s.recv(99).decode())`
  const path = join(t.testdir(), 'notify')
  const python = spawn('python3', ['-c', listener, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => python.kill())
  const lines = createInterface(python.stdout)[Symbol.asyncIterator]()
  t.match(await lines.next(), { value: 'bound' })
  process.env.NOTIFY_SOCKET = path
  t.teardown(() => delete process.env.NOTIFY_SOCKET)
  t.equal(sdNotify('READY=1\nSTATUS=here'), true)
  t.match(
    [await lines.next(), await lines.next()],
    [{ value: 'READY=1' }, { value: 'STATUS=here' }],
  )
})

const sharedGraph = join(
  process.env.GROCERD_SHARED ?? join(process.cwd(), '..', 'shared'),
  'data',
  'ir-v10',
  'saved_model.xml',
)
const noGraph =
  without.openvino ||
  (existsSync(sharedGraph) ? false : 'the IR v10 graph is not here (GROCERD_SHARED)')
const python = process.env.GROCERD_REFERENCE_PYTHON
const noPython = python
  ? false
  : 'GROCERD_REFERENCE_PYTHON names no Python with openvino and onnxruntime'

t.test('loads a real IR of version 10', { skip: noGraph }, async t => {
  const model = readFileSync(sharedGraph)
  const xml = model.toString()
  t.match(xml, /version="10"/)
  const weights = graphWeights(xml)
  const engine = await started(t, {
    runtime: 'openvino',
    model,
    weights,
    input: spec(224, 224),
    precisionHint: 'f32',
  })
  const tensor = Float32Array.from({ length: 3 * 224 * 224 }, (_, i) => ((i * 7919) % 255) / 255)
  const scores = (await engine.infer({ tensor })).outputs[0]!.data
  t.equal(scores.length, 60)
  t.ok(Math.abs(scores.reduce((sum, score) => sum + score, 0) - 1) < 1e-4, 'it ends in a softmax')

  await t.test('and gives the softmax that Python gives', { skip: noPython }, async t => {
    const folder = t.testdir()
    writeFileSync(join(folder, 'm.xml'), model)
    writeFileSync(join(folder, 'm.bin'), weights)
    const theirs = reference(folder, 'm.xml', tensor, [1, 3, 224, 224], 'openvino')
    t.ok(Math.max(...scores.map((score, i) => Math.abs(score - theirs[i]!))) < 1e-4)
  })
})

t.test('gives the numbers that Python gives for the same tensor', { skip: noPython }, async t => {
  const matrix = Float32Array.from({ length: 64 * 64 }, (_, i) => Math.sin(i) / 6)
  const model: TinyModel = { shape: [1, 3, 64, 64], matrix, layers: 4 }
  const tensor = Float32Array.from({ length: 3 * 64 * 64 }, (_, i) => Math.cos(i * 1.7))
  const folder = t.testdir()
  const { model: xml, weights } = asIr(model)
  writeFileSync(join(folder, 'm.xml'), xml)
  writeFileSync(join(folder, 'm.bin'), weights)
  writeFileSync(join(folder, 'm.onnx'), asOnnx(model))
  for (const [name, runtime, files] of ways) {
    if (without[runtime]) continue
    const engine = await started(t, {
      runtime,
      ...files(model),
      input: spec(64, 64),
      precisionHint: 'f32',
    })
    const ours = (await engine.infer({ tensor })).outputs[0]!.data
    const theirs = reference(
      folder,
      name.startsWith('an IR') ? 'm.xml' : 'm.onnx',
      tensor,
      model.shape,
      runtime,
    )
    const worst = Math.max(...ours.map((value, i) => Math.abs(value - theirs[i]!)))
    t.ok(worst < 1e-4, `${name}: ${worst}`)
  }
})

/** Runs a model file in Python's own runtime and returns its first output. */
function reference(
  folder: string,
  file: string,
  tensor: Float32Array,
  shape: number[],
  runtime: string,
): Float32Array {
  writeFileSync(join(folder, 'x.f32'), tensor)
  const code = `
import sys, numpy as np
folder, file, runtime = sys.argv[1:4]
x = np.fromfile(folder + '/x.f32', np.float32).reshape([int(s) for s in sys.argv[4].split(',')])
if runtime == 'openvino':
    import openvino as ov
    y = ov.Core().compile_model(folder + '/' + file, 'CPU', {'INFERENCE_PRECISION_HINT': 'f32'})([x])[0]
else:
    import onnxruntime as ort
    y = ort.InferenceSession(folder + '/' + file, providers=['CPUExecutionProvider']).run(None, {'x': x})[0]
np.asarray(y, np.float32).tofile(folder + '/y.f32')`
  const done = spawnSync(python!, ['-c', code, folder, file, runtime, shape.join(',')], {
    encoding: 'utf8',
  })
  if (done.status !== 0) throw new Error(done.stderr)
  return new Float32Array(new Uint8Array(readFileSync(join(folder, 'y.f32'))).buffer)
}

/** Runs a task of helpers/addon-child.ts and returns the first message it sends. */
async function ask(t: Test, args: string[], env: NodeJS.ProcessEnv = {}): Promise<unknown> {
  const answering = fork(child, args, { env: { ...process.env, ...env } })
  t.teardown(() => answering.kill())
  const [message] = await Promise.race([
    once(answering, 'message'),
    once(answering, 'exit').then(([code]) => [`ended with ${code} and no message`]),
  ])
  return message
}
