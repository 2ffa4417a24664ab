// A process of its own for what test/12-memory.test.ts cannot do to itself: meet a limit,
// count threads, meet a stand-in. The first argument says what; it answers by message.

import { readdirSync, readFileSync } from 'node:fs'
import { describeError, type GroceryError } from '../../src/errors.js'
import { Engine, type EngineOptions, type RuntimeName } from '../../src/inference/addon.js'
import { MemoryBudget, type MemoryUse } from '../../src/inference/memory-budget.js'
import { Network } from '../../src/recognition/network.js'
import { asIr, asOnnx, diagonal } from './tiny-models.js'

export interface Answer {
  code: string
  message: string
  details: unknown
  use?: MemoryUse
  /** Private memory before anything was loaded. */
  startBytes?: number
}

const [task = '', ...args] = process.argv.slice(2)
const runtime = args[0] as RuntimeName

const tell = (message: unknown) => new Promise(done => process.send!(message, done))

/** What `work` came to, as a message. */
async function outcome(work: () => Promise<void>, budget?: MemoryBudget): Promise<Answer> {
  const answer: Answer = { code: 'ran', message: '', details: null }
  try {
    await work()
  } catch (error) {
    const { details = null } = error as GroceryError
    Object.assign(answer, describeError(error), { details })
  }
  return budget ? { ...answer, use: budget.use() } : answer
}

/** y = x W ... W with a side of 512: 1 MiB of weights, 3 MiB for each result. */
function wideEngine(more: Partial<EngineOptions> = {}): Engine {
  const model = { shape: [1, 3, 512, 512], matrix: diagonal(512, 1), layers: 20 }
  const files = runtime === 'openvino' ? asIr(model) : { model: asOnnx(model) }
  const square = { width: 512, height: 512, fit: 'fill', filter: 'area' } as const
  const input = { ...square, channels: 'rgb', layout: 'nchw', mean: [0], scale: [1] } as const
  return new Engine({ runtime, ...files, input: { ...input, mean: [0], scale: [1] }, ...more })
}

/** Time on a processor of each thread, ns, by its number. */
function threadTimes(): Map<string, number> {
  const times = new Map<string, number>()
  for (const thread of readdirSync('/proc/self/task')) {
    try {
      const text = readFileSync(`/proc/self/task/${thread}/schedstat`, 'utf8')
      times.set(thread, Number(text.split(' ')[0]))
    } catch {
      // It ended between the two.
    }
  }
  return times
}

const tasks: Record<string, () => Promise<void>> = {
  /** ONNX Runtime's own wall, with more room than the weights and less than the results. */
  async arena() {
    const engine = wideEngine({ hostMemoryBytes: Number(args[1]), threads: 1 })
    const work = async () => {
      await engine.start()
      await engine.infer({ tensor: new Float32Array(3 * 512 * 512) })
    }
    await tell(await outcome(work))
  },

  /** The kernel's wall alone. */
  async wall() {
    new MemoryBudget({ hostBytes: 64 * 1024 ** 2 }).capProcess(0)
    const work = async (bytes: number) => void Buffer.alloc(bytes, 1)
    const small = await outcome(() => work(8 * 1024 ** 2))
    await tell([small, await outcome(() => work(256 * 1024 ** 2))])
  },

  /** runtime, threads, streams: how many threads did a tenth of the work or more. */
  async threads() {
    const [threads, streams] = args.slice(1).map(Number) as [number, number]
    const engine = wideEngine({ threads, streams })
    await engine.start()
    const tensor = new Float32Array(3 * 512 * 512).fill(1)
    const run = (times: number) =>
      Promise.all(
        Array.from({ length: streams }, async () => {
          for (let i = 0; i < times; i++) await engine.infer({ tensor })
        }),
      )
    await run(2)
    const before = threadTimes()
    await run(12)
    const after = threadTimes()
    const spent = [...after]
      .filter(([thread]) => thread !== String(process.pid))
      .map(([thread, time]) => time - (before.get(thread) ?? 0))
    const all = spent.reduce((sum, time) => sum + time, 0)
    await tell(spent.filter(time => time > all / 10).length)
    await engine.stop()
  },

  /** device, and MemorySettings as JSON: the shipped model into the stand-in for ONNX Runtime. */
  async record() {
    const [device = '', settings = '{}', more = '{}'] = args
    const network = new Network({
      runtime: { prefer: 'onnxruntime', device, ...JSON.parse(more) },
      memory: JSON.parse(settings),
    })
    await tell(await outcome(async () => void (await network.start())))
  },

  /** What CUDA's cache folder and full precision become. */
  async 'record engine'() {
    const engine = wideEngine(JSON.parse(args[1]!) as Partial<EngineOptions>)
    await tell(await outcome(async () => void (await engine.start())))
  },

  /** MemorySettings as JSON: what the stand-in for NVML says before and after a load. */
  async gpu() {
    const budget = new MemoryBudget(JSON.parse(args[0]!))
    const load = {
      model: 'm',
      runtime: 'onnxruntime' as const,
      device: 'CUDA',
      sizes: { storedBytes: Number(args[1]), floatBytes: 2 * Number(args[1]) },
      fallbacks: 1,
    }
    const answers = [await outcome(async () => void budget.open(load), budget)]
    for (const used of args.slice(2)) {
      process.env.STANDIN_USED = used
      answers.push(await outcome(async () => void budget.settle(), budget))
    }
    await tell(answers)
  },
}

await tasks[task]!()
process.exit(0)
