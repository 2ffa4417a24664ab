// The memory budget: caps swept around the need, each wall alone, a GPU's figures from stand-ins, and the daemon that goes on.
import { type ChildProcess, fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { defaultConfig } from '../src/config/load.js'
import { probeRuntime, type RuntimeName } from '../src/inference/addon.js'
import { choicesOf } from '../src/inference/choices.js'
import { type GpuSources, gpuGauge, sumOfStatistics } from '../src/inference/gpu-memory.js'
import { openModel } from '../src/inference/manifest.js'
import { divideGpu } from '../src/inference/memory-budget.js'
import { processMemory } from '../src/inference/process-memory.js'
import { readOnnx } from '../src/inference/onnx-file.js'
import type { Configure, Up } from '../src/protocol.js'
import { Listener, pictureFolder, startDaemon } from './helpers/daemon.js'
import { gpuMachine, skipStandIns } from './helpers/gpu-machine.js'
import type { Answer } from './helpers/memory-child.js'
import { onnxModel } from './helpers/onnx-writer.js'

t.setTimeout(300_000)

const MiB = 1024 ** 2
const runtimes: RuntimeName[] = ['onnxruntime', 'openvino']

/** Runs a helper in a process of its own and gives its first message. */
async function answerOf<T>(file: string, args: (string | number)[], env = {}): Promise<T> {
  const path = fileURLToPath(new URL(`./helpers/${file}`, import.meta.url))
  const plain = file.endsWith('.mjs') ? { execArgv: [] } : {}
  const child = fork(path, args.map(String), { ...plain, env: { ...process.env, ...env } })
  const answers: T[] = []
  child.on('message', message => answers.push(message as T))
  const [code, signal] = await once(child, 'exit')
  if (answers.length === 0) throw new Error(`${args.join(' ')}: ended with ${signal ?? code}`)
  return answers[0]!
}

const ask = <T>(args: (string | number)[], env = {}) => answerOf<T>('memory-child.ts', args, env)
const load = (runtime: RuntimeName, hostBytes: number) =>
  answerOf<Answer>('load-child.mjs', [runtime, hostBytes])

for (const runtime of runtimes) {
  const skip = probeRuntime(runtime).found ? false : `${runtime} is not here`

  t.test(
    `every cap below what ${runtime} needs is our error, every one above runs`,
    {
      skip,
    },
    async t => {
      const free = await load(runtime, 0)
      t.equal(free.code, 'ran', free.message)
      const need = free.use!.host.peakBytes
      const start = free.startBytes!
      const growth = need - start
      // The peak differs by a tenth from run to run, so no cap lies nearer to it than it may reach.
      t.comment(`${runtime} on CPU: ${start} bytes, ${need} at the peak without a cap`)
      t.equal(free.use!.host.budgetBytes, null)

      const below = [1, MiB, start, start + 0.3 * growth, start + 0.6 * growth]
      for (const cap of below.map(Math.floor)) {
        const { code, message, details } = await load(runtime, cap)
        t.equal(code, 'MEMORY_BUDGET_EXCEEDED', `${cap} bytes: ${code} ${message}`)
        t.match(
          message,
          /^grocery81 in \w+ on CPU: Expected at most [\d.]+ (MiB|B) \(memory.hostBytes\) but /,
        )
        t.match(details, {
          budgetBytes: cap,
          usedBytes: Number,
          storedBytes: Number,
          fallbacks: Number,
        })
      }
      for (const cap of [need + 0.5 * growth, 2 * need].map(Math.floor)) {
        const { code, message, use } = await load(runtime, cap)
        t.equal(code, 'ran', `${cap} bytes: ${message}`)
        t.ok(use!.host.peakBytes <= cap && use!.host.budgetBytes === cap)
      }
    },
  )
}

t.test('the weights are summed before anything is loaded', async t => {
  const { code, message } = await load('onnxruntime', 1)
  t.equal(code, 'MEMORY_BUDGET_EXCEEDED')
  t.match(message, /are used before the load and the weights alone take \d+\.\d MiB$/)
  const shipped = openModel('grocery81')
  const onnx = shipped.manifest.weights.find(one => one.format === 'onnx')!
  const { weightBytes, floatBytes } = readOnnx(readFileSync(join(shipped.folder, onnx.file)))
  t.ok(onnx.precision !== 'fp16' || floatBytes > 1.9 * weightBytes, 'half floats count twice')
})

t.test("each wall holds without the others' help", async t => {
  await t.test('ONNX Runtime: its arena', async t => {
    const small = await ask<Answer>(['arena', 'onnxruntime', 2 * MiB])
    t.match(small.message, /smaller than requested bytes|Failed to allocate/)
    t.equal((await ask<Answer>(['arena', 'onnxruntime', 256 * MiB])).code, 'ran')
  })
  await t.test('the kernel: RLIMIT_DATA', async t => {
    const [small, large] = await ask<Answer[]>(['wall'])
    t.equal(small!.code, 'ran')
    t.match(large!.message, /allocation failed/i)
  })
})

t.test('as many threads work as were asked for', async t => {
  for (const runtime of runtimes) {
    if (!probeRuntime(runtime).found) t.comment(`${runtime} is not here`)
    else {
      for (const [threads, streams] of [
        [1, 1],
        [2, 1],
        [2, 2],
      ] as const) {
        const working = await ask<number>(['threads', runtime, threads, streams])
        const words = `${runtime}: ${working} of ${threads} threads in ${streams} streams`
        t.ok(working >= 1 && working <= threads, words)
      }
    }
  }
  if (probeRuntime('onnxruntime').found) {
    t.ok((await ask<number>(['threads', 'onnxruntime', 4, 1])) > 2, 'the count can be higher')
  }
})

// ---- a GPU that is not here

t.test('every value reaches the C API, of a TX2 as of today', { skip: skipStandIns }, async t => {
  const onnx = openModel('grocery81').manifest.weights.find(one => one.format === 'onnx')!
  const model = readFileSync(join(openModel('grocery81').folder, onnx.file))
  const { weightBytes } = readOnnx(model)
  const gpuTotal = 8 * 1024 * MiB
  const share = Math.floor(gpuTotal * 0.15)
  const common = ['GetApi 11', 'DisableTelemetryEvents']
  const load = `CreateSessionFromArray ${model.length}`
  const spinning = 'session.intra_op.allow_spinning 0'
  const cuda = (bytes: number) => [
    'arena_extend_strategy kSameAsRequested',
    'cudnn_conv_use_max_workspace 0',
    `gpu_mem_limit ${bytes}`,
    'AppendExecutionProvider_CUDA_V2',
  ]
  for (const version of ['1.11.0', '1.31.1']) {
    await t.test(version, async t => {
      const isNew = version !== '1.11.0'
      const run = async (name: string, args: string[]) => {
        const machine = gpuMachine(t, version)
        const answer = await ask<Answer>([name, ...args], machine.env)
        t.equal(answer.code, 'MODEL_INVALID', answer.message)
        t.match(answer.message, /it was written down$/)
        return machine.record()
      }
      const settings = (memory: object) => JSON.stringify({ gpuFraction: 0.15, ...memory })
      t.same(await run('record', ['CUDA', settings({})]), [
        ...common,
        'SetIntraOpNumThreads 0',
        spinning,
        ...cuda(share),
        load,
      ])
      t.same(
        await run('record', ['CUDA', settings({ gpuBytes: 5e8 }), '{"threads":3,"pinning":true}']),
        [
          ...common,
          'SetIntraOpNumThreads 3',
          'session.intra_op_thread_affinities 2;3',
          spinning,
          ...cuda(5e8),
          load,
        ],
      )
      const workspace = Math.floor((share - weightBytes) / 2)
      t.same(await run('record', ['TensorRT', settings({})]), [
        ...common,
        'SetIntraOpNumThreads 0',
        spinning,
        'trt_fp16_enable 1',
        `trt_max_workspace_size ${workspace}`,
        ...(isNew ? ['trt_context_memory_sharing_enable 1'] : []),
        'AppendExecutionProvider_TensorRT_V2',
        ...cuda(share - weightBytes - workspace),
        load,
      ])
      const engine = {
        device: 'TensorRT',
        cacheDir: '/cache',
        precisionHint: 'f32',
        threads: 2,
        streams: 2,
      }
      t.same((await run('record engine', ['onnxruntime', JSON.stringify(engine)])).slice(2, -1), [
        'SetIntraOpNumThreads 1',
        spinning,
        'trt_fp16_enable 0',
        'trt_engine_cache_enable 1',
        'trt_engine_cache_path /cache',
        ...(isNew ? ['trt_context_memory_sharing_enable 1', 'trt_timing_cache_enable 1'] : []),
        'AppendExecutionProvider_TensorRT_V2',
        'arena_extend_strategy kSameAsRequested',
        'cudnn_conv_use_max_workspace 0',
        'AppendExecutionProvider_CUDA_V2',
      ])
      const host = { device: 'CPU', hostMemoryBytes: 123456789, threads: 1 }
      t.same((await run('record engine', ['onnxruntime', JSON.stringify(host)])).slice(2, -1), [
        'SetIntraOpNumThreads 1',
        spinning,
        'arena max_mem 123456789',
        'arena arena_extend_strategy 1',
        'CreateCpuMemoryInfo 1 0',
        'CreateAndRegisterAllocator',
        'session.use_env_allocators 1',
      ])
    })
  }
  const old = gpuMachine(t, '1.10.0')
  const answer = await ask<Answer>(['record', 'CUDA', '{}'], old.env)
  t.equal(answer.code, 'RUNTIME_NOT_FOUND')
  t.match(answer.message, /it is version 1\.10\.0, which does not have API 11/)
  const full = gpuMachine(t, '1.31.1', { STANDIN_ANSWER: 'CUDA failure 2: out of memory' })
  const { code, message } = await ask<Answer>(
    ['record', 'CUDA', '{"gpuBytes":500000000}'],
    full.env,
  )
  t.equal(code, 'MEMORY_BUDGET_EXCEEDED')
  t.match(
    message,
    /Expected at most 476\.8 MiB \(memory\.gpuBytes\) but the runtime wants more \(.*out of memory\); 0 B are used/,
  )
})

t.test("NVML's figures are held against the budget", { skip: skipStandIns }, async t => {
  const settings = JSON.stringify({ gpuFraction: 0.05 })
  const budgetBytes = Math.floor(0.05 * 8 * 1024 * MiB)
  const key = 'memory.gpuFraction, 0.05 of 8192.0 MiB'
  for (const STANDIN_PROCESSES of ['v3', 'v1', 'none']) {
    const { env } = gpuMachine(t, '1.31.1', { STANDIN_PROCESSES })
    const [opened, within, over] = await ask<Answer[]>(
      ['gpu', settings, 7 * MiB, 300 * MiB, 500 * MiB],
      env,
    )
    t.match(opened!.use!.gpu, { device: 'CUDA', budgetBytes, usedBytes: 0, peakBytes: 0 })
    t.equal(within!.code, 'ran', within!.message)
    t.equal(within!.use!.gpu!.usedBytes, 300 * MiB, STANDIN_PROCESSES)
    t.match(over, {
      code: 'MEMORY_BUDGET_EXCEEDED',
      message: `m in onnxruntime on CUDA: Expected at most 409.6 MiB (${key}) but 500.0 MiB are used, 500.0 MiB at the peak; the weights are 7.0 MiB`,
      details: { budgetBytes, usedBytes: 500 * MiB, storedBytes: 7 * MiB, fallbacks: 1 },
    })
  }
  const { env } = gpuMachine(t, '1.31.1')
  const [refused] = await ask<Answer[]>(['gpu', settings, 410 * MiB], env)
  t.equal(
    refused!.message,
    `m in onnxruntime on CUDA: Expected at most 409.6 MiB (${key}) but 0 B are used before the load and the weights alone take 410.0 MiB`,
  )
  const [unknown] = await ask<Answer[]>(['gpu', settings, 1], { ...env, STANDIN_NO_GPU: '1' })
  t.equal(unknown!.code, 'GPU_MEMORY_UNKNOWN')
  t.match(unknown!.message, /libnvidia-ml\.so\.1 finds no GPU \(NVML error 6\)$/)
})

t.test('a Jetson and OpenVINO say what they have in their own ways', async t => {
  const files: Record<string, string> = {
    '/etc/nv_tegra_release': '# R32',
    '/proc/meminfo': 'MemTotal: 8000 kB\nMemAvailable: 6000 kB\n',
  }
  const sources: GpuSources = {
    read: path => files[path] ?? null,
    nvidia: () => ({ missing: 'no NVML on a Jetson' }),
    openVino: (device, key) => (device === 'GPU.1' && /TOTAL/.test(key) ? '4000000000' : ''),
  }
  const jetson = gpuGauge('onnxruntime', 'CUDA', () => '', sources)!
  t.equal(jetson.totalBytes, 8000 * 1024)
  files['/sys/kernel/debug/nvmap/iovmm/clients'] =
    `CLIENT PROCESS PID SIZE\nuser node ${process.pid} 1234K\nuser other 1 99K\n`
  t.equal(jetson.usedBytes(), 1234 * 1024)

  const words = 'cl_mem:0 usm_device:3000, usm_host: 500; usm_device_peak:9000'
  t.equal(sumOfStatistics(words), 3500)
  t.equal(sumOfStatistics(''), 0)
  const arc = gpuGauge('openvino', 'GPU.1', () => words, sources)!
  t.same([arc.totalBytes, arc.usedBytes()], [4e9, 3500])
  t.throws(() => gpuGauge('openvino', 'GPU.0', () => '', sources), {
    code: 'GPU_MEMORY_UNKNOWN',
    message: 'Expected OpenVINO to say GPU_DEVICE_TOTAL_MEM_SIZE of GPU.0 but it does not',
  })
  for (const device of ['CPU', 'NPU'])
    t.equal(
      gpuGauge('openvino', device, () => '', sources),
      null,
    )
  t.equal(
    gpuGauge('onnxruntime', 'CPU', () => '', sources),
    null,
  )
})

t.test("TensorRT's workspace and CUDA's arena share one budget", t => {
  t.same(divideGpu('CUDA', 1000, 100), { gpuMemoryBytes: 1000 })
  const { gpuMemoryBytes = 0, gpuWorkspaceBytes = 0 } = divideGpu('TensorRT', 1001, 100)
  t.equal(gpuMemoryBytes + gpuWorkspaceBytes + 100, 1001)
  t.end()
})

t.test('what a model falls back to', t => {
  const model = openModel('grocery81')
  const names = (wanted: object) =>
    choicesOf(model, wanted).map(one => `${one.weights.format} ${one.runtime} ${one.device}`)
  const here = runtimes.filter(name => probeRuntime(name).found)
  const all = names({})
  t.ok(all.every(one => one.endsWith('CPU')))
  if (here.length === 2) {
    t.same(all, ['openvino-ir openvino CPU', 'onnx onnxruntime CPU', 'onnx openvino CPU'])
    t.same(names({ device: 'CUDA' }), ['onnx onnxruntime CUDA', ...all])
    t.same(names({ device: 'GPU', prefer: 'openvino' }), [
      'openvino-ir openvino GPU',
      'onnx openvino GPU',
      'openvino-ir openvino CPU',
      'onnx openvino CPU',
    ])
  }
  t.end()
})

// ---- the daemon goes on

const banana = (dir: string) => pictureFolder(join(dir, 'pictures'), 'banana')
const get = async (port: number, path: string) => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`)
  return { status: response.status, text: await response.text() }
}

async function daemonWith(t: Test, dir: string, config: object) {
  const folder = banana(dir)
  const daemon = await startDaemon(join(dir, 'd'), {
    cameras: [{ id: 'counter', source: `dir:${folder}?hold=1h`, fps: 10 }],
    counter: { needSession: false },
    ...config,
  })
  t.teardown(() => daemon.process.kill('SIGKILL'))
  const till = new Listener(daemon.mqttUrl)
  t.teardown(() => till.stop())
  return { daemon, till }
}

/** What a state says of the memory. */
const reasonOf = ({ reasons }: { reasons: { code: string; message: string }[] }) =>
  reasons.find(one => one.code === 'MEMORY_BUDGET_EXCEEDED')?.message

t.test('a cap that nothing fits into: the daemon serves and says why', async t => {
  const { daemon, till } = await daemonWith(t, t.testdir(), {
    memory: { hostBytes: '20MiB' },
  })
  const refused = await till.until(
    ({ topic, message }) => topic === 'state' && reasonOf(message) !== undefined,
    'a state with the reason',
    { ms: 60_000 },
  )
  t.equal(refused.message.readiness, 'degraded')
  t.match(reasonOf(refused.message), /Expected at most 20\.0 MiB \(memory\.hostBytes\) but /)
  t.equal(refused.message.memory.budgetBytes, 20 * MiB)
  t.equal((await get(daemon.httpPort, '/healthz')).status, 200)
  t.equal((await get(daemon.httpPort, '/readyz')).status, 503)
  const { ok } = await till.ask('session', { op: 'open', session: 's1' })
  t.equal(ok, true, 'the till gets its answers')
  t.match(
    (await get(daemon.httpPort, '/metrics')).text,
    /^grocerd_memory_budget_exceeded_total [1-9]/m,
  )
})

t.test('where the first weights do not fit, the next ones run, and state says so', async t => {
  const dir = t.testdir()
  const folder = join(dir, 'fat')
  cpSync(openModel('grocery81').folder, folder, { recursive: true })
  const manifest = JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8'))
  // Protobuf joins what is written one after the other: the same model and 96 MiB that nobody uses.
  const onnx = manifest.weights.find((one: { format: string }) => one.format === 'onnx').file
  const weights = [{ name: 'unused', shape: [24, MiB], data: new Float32Array(24 * MiB) }]
  const unused = onnxModel({ inputs: [], outputs: [], nodes: [], weights })
  const fat = Buffer.concat([readFileSync(join(folder, onnx)), unused])
  writeFileSync(join(folder, 'fat.onnx'), fat)
  const sha256 = createHash('sha256').update(fat).digest('hex')
  manifest.weights.unshift({ format: 'onnx', file: 'fat.onnx', precision: 'fp32', sha256 })
  writeFileSync(join(folder, 'model.json'), JSON.stringify(manifest))

  const { daemon, till } = await daemonWith(t, dir, {
    models: { classifier: folder },
    memory: { hostBytes: '230MiB' },
  })
  await till.until(({ topic }) => topic === 'items', 'an item', { ms: 60_000 })
  const state = await till.until(
    ({ topic, message }) => topic === 'state' && /instead$/.test(reasonOf(message) ?? ''),
    'a state that names the stand-in',
  )
  t.equal(state.message.readiness, 'degraded')
  t.not(state.message.runtime, null)
  t.match(
    reasonOf(state.message),
    /^grocery81 in onnxruntime on CPU: Expected at most 230\.0 MiB .* the weights alone take 1\d\d\.\d MiB; it runs in \w+ on CPU instead$/,
  )
  // The first figures of the new process come within a second.
  let metrics = ''
  while (!metrics.includes('grocerd_memory_budget_bytes{kind="host"}')) {
    await setTimeout(100)
    metrics = (await get(daemon.httpPort, '/metrics')).text
  }
  t.match(metrics, /^grocerd_memory_budget_bytes\{kind="host"\} 241172480$/m)
  const used = Number(/^grocerd_memory_used_bytes\{kind="host"\} (\d+)$/m.exec(metrics)?.[1])
  t.ok(used > 20 * MiB && used <= 230 * MiB, `${used} bytes are used`)
})

t.test('what grows past its budget while it runs ends, with a word before', async t => {
  const { privateBytes } = processMemory()
  t.ok(privateBytes > 10 * MiB)
  const recogniser = new URL('../src/recognition/recogniser.js', import.meta.url).href
  // Ten MiB a frame, as a leak would, up to more than is allowed and less than the kernel's wall.
  const leak = `
    import { Recogniser } from ${JSON.stringify(recogniser)}
    const kept = []
    const { recognise } = Recogniser.prototype
    Recogniser.prototype.recognise = function (frame) {
      if (kept.length < 60) kept.push(Buffer.alloc(10 * ${MiB}, 1))
      return recognise.call(this, frame)
    }`
  const { models, runtime, recognition, counter } = defaultConfig()
  const message: Configure = {
    type: 'configure',
    cameras: [
      {
        id: 'cam',
        source: `dir:${banana(t.testdir())}?hold=1h`,
        fps: 20,
        roi: [0, 0, 1, 1],
        rotate: 0,
        mode: 'stream',
        mask: null,
      },
    ],
    models,
    catalogue: null,
    site: null,
    runtime,
    memory: { gpuFraction: 0.15, gpuBytes: null, hostBytes: 600 * MiB },
    cacheDir: null,
    stateDir: '.tap',
    attempt: 0,
    change: 0,
    recognition,
    counter,
    logLevel: 'silent',
  }
  const child: ChildProcess = fork(
    fileURLToPath(new URL('../src/vision.ts', import.meta.url)),
    [],
    {
      serialization: 'advanced',
      execArgv: [
        ...process.execArgv,
        '--import',
        `data:text/javascript,${encodeURIComponent(leak)}`,
      ],
    },
  )
  t.teardown(() => child.kill('SIGKILL'))
  const heard: Up[] = []
  child.on('message', one => heard.push(one as Up))
  child.send(message)
  const [, signal] = await once(child, 'exit')
  t.equal(signal, 'SIGKILL')
  // Between the two the kernel's wall may stop the leak, which is another fault.
  const faults = heard
    .filter(one => one.type === 'fault')
    .filter(one => one.code === 'MEMORY_BUDGET_EXCEEDED')
  t.same(
    faults.map(one => one.fatal),
    [false, true],
  )
  t.match(
    faults[0]!.message,
    /Expected at most 600\.0 MiB \(memory\.hostBytes\) but [\d.]+ MiB are used/,
  )
  t.ok(heard.some(one => one.type === 'metrics' && one.memory.host.usedBytes > 600 * MiB))
})
