// The memory budget of one model: its limits before the load, its real use after it. A budget is never overrun silently.
import { availableParallelism } from 'node:os'
import { describeError, GroceryError } from '../errors.js'
import { setDataLimit } from './addon.js'
import { type GpuGauge, gpuGauge } from './gpu-memory.js'
import { processMemory } from './process-memory.js'
import type { RuntimeName } from './types.js'

export interface MemorySettings {
  gpuFraction?: number | undefined
  gpuBytes?: number | null | undefined
  hostBytes?: number | null | undefined
}

export interface Use {
  /** null: no budget. */
  budgetBytes: number | null
  usedBytes: number
  /** The most that was seen since the load began. */
  peakBytes: number
}

export interface MemoryUse {
  /** Memory of this process alone (RssAnon). */
  host: Use
  gpu: (Use & { device: string }) | null
}

/** What a model's weights take, bytes: as they are stored, and as 32-bit numbers for a CPU. */
export interface WeightSizes {
  storedBytes: number
  floatBytes: number
}

/** The runtime's own limits, as EngineOptions names them. */
export interface EngineLimits {
  hostMemoryBytes?: number
  gpuMemoryBytes?: number
  gpuWorkspaceBytes?: number
}

export interface BudgetOptions {
  memory: MemorySettings | undefined
  runtime: RuntimeName
  device: string
  /** For people: which model. */
  model: string
  /** What the engine says of its device's memory; asked after the load. */
  statistics?: () => string
}

/** The load is short and its peak is high: it is looked at often. */
const sampleEveryMs = 5
/** glibc's default; each thread's is mapped as a whole and hardly used. */
const stackBytes = 8 * 1024 ** 2

const mib = (bytes: number): string =>
  bytes < 1024 ** 2 ? `${bytes} B` : `${(bytes / 1024 ** 2).toFixed(1)} MiB`

/** How a runtime says that memory ran out, by any of our walls. */
const outOfMemory =
  /bad_alloc|out of memory|cannot allocate|can't allocate|failed to allocate|smaller than requested bytes|OutOfMemory/i

/**
 * Lowers RLIMIT_DATA so that the kernel stops what grows past the budget between two looks. It counts
 * what is mapped, used or not: so what is mapped already and the stacks of threads to come are added.
 */
export function capProcess(hostBytes: number): void {
  const stacks = (2 * availableParallelism() + 8) * stackBytes
  setDataLimit(processMemory().mappedBytes + hostBytes + stacks)
}

/**
 * One budget of the GPU between CUDA's arena and TensorRT's workspace. TensorRT's engine holds the
 * weights outside both, and what it leaves to CUDA needs room too: the rest is halved.
 */
export function divideGpu(device: string, budget: number, weightBytes: number): EngineLimits {
  if (device !== 'TensorRT') return { gpuMemoryBytes: budget }
  const workspace = Math.max(1, Math.floor((budget - weightBytes) / 2))
  return { gpuMemoryBytes: budget - weightBytes - workspace, gpuWorkspaceBytes: workspace }
}

export class MemoryBudget {
  readonly #options: BudgetOptions
  #gauge: GpuGauge | null = null
  #gpuBudget: number | null = null
  #weights: WeightSizes = { storedBytes: 0, floatBytes: 0 }
  #sampler: NodeJS.Timeout | null = null
  #peak = { host: 0, gpu: 0 }

  /** Looks at nothing before open(). */
  constructor(options: BudgetOptions) {
    this.#options = options
  }

  /**
   * To be called with the weights read and nothing loaded; watches the peak from here to settle().
   * @returns the limits for the runtime, its second wall
   * @throws MEMORY_BUDGET_EXCEEDED where the weights alone cannot fit, GPU_MEMORY_UNKNOWN
   */
  open(weights: WeightSizes): EngineLimits {
    const { memory, runtime, device, statistics = () => '' } = this.#options
    this.#weights = weights
    const wantsGpu = memory?.gpuBytes != null || memory?.gpuFraction !== undefined
    this.#gauge = wantsGpu ? gpuGauge(runtime, device, statistics) : null
    if (this.#gauge) {
      const share = Math.floor(this.#gauge.totalBytes * (memory?.gpuFraction ?? 1))
      this.#gpuBudget = memory?.gpuBytes ?? share
      if (weights.storedBytes > this.#gpuBudget) this.#refuse('gpu', 0, weights.storedBytes)
    }
    const { privateBytes } = processMemory()
    this.#peak = { host: privateBytes, gpu: 0 }
    const host = memory?.hostBytes ?? null
    const needed = this.#gauge ? 0 : weights.floatBytes
    if (host !== null && privateBytes + needed > host) this.#refuse('host', privateBytes, needed)
    this.#sampler = setInterval(() => this.use(), sampleEveryMs).unref()
    return {
      ...(host === null ? {} : { hostMemoryBytes: host - privateBytes }),
      ...(this.#gpuBudget === null
        ? {}
        : divideGpu(device, this.#gpuBudget, weights.storedBytes)),
    }
  }

  /**
   * To be called after the warm-up.
   * @throws MEMORY_BUDGET_EXCEEDED where the load or what stayed of it went over the budget
   */
  settle(): MemoryUse {
    this.close()
    const use = this.use()
    this.#require(use, 'peakBytes')
    return use
  }

  /** What is used now. */
  use(): MemoryUse {
    const { memory, device } = this.#options
    const host = processMemory().privateBytes
    const gpu = this.#gauge?.usedBytes() ?? 0
    this.#peak = { host: Math.max(this.#peak.host, host), gpu: Math.max(this.#peak.gpu, gpu) }
    return {
      host: {
        budgetBytes: memory?.hostBytes ?? null,
        usedBytes: host,
        peakBytes: this.#peak.host,
      },
      gpu: this.#gauge && {
        device,
        budgetBytes: this.#gpuBudget,
        usedBytes: gpu,
        peakBytes: this.#peak.gpu,
      },
    }
  }

  /** The same while it runs. @throws MEMORY_BUDGET_EXCEEDED where it uses more than the budget now. */
  check(): MemoryUse {
    const use = this.use()
    this.#require(use, 'usedBytes')
    return use
  }

  /** Ends the watch of the load. Idempotent. */
  close(): void {
    if (this.#sampler) clearInterval(this.#sampler)
    this.#sampler = null
  }

  /** A runtime that found no more memory under our limits says so in its own words and codes. */
  explain(error: unknown): unknown {
    const { message } = describeError(error)
    const { hostBytes } = this.#options.memory ?? {}
    const limited = hostBytes != null || this.#gpuBudget !== null
    const isOurs = error instanceof GroceryError && error.code === 'MEMORY_BUDGET_EXCEEDED'
    if (isOurs || !limited || !outOfMemory.test(message)) return error
    const { host, gpu } = this.use()
    const budget = gpu?.budgetBytes ?? host.budgetBytes ?? 0
    const key = gpu ? this.#gpuKey() : 'memory.hostBytes'
    return new GroceryError(
      'MEMORY_BUDGET_EXCEEDED',
      `${this.#what()}: Expected at most ${mib(budget)} (${key}) but the runtime wants more; ${this.#figures(gpu ?? host)}: ${message}`,
      { cause: error, details: { ...(gpu ?? host), ...this.#weights } },
    )
  }

  #require(use: MemoryUse, figure: 'usedBytes' | 'peakBytes'): void {
    for (const [one, key] of [
      [use.host, 'memory.hostBytes'],
      [use.gpu, this.#gpuKey()],
    ] as const) {
      if (!one || one.budgetBytes === null || one[figure] <= one.budgetBytes) continue
      throw new GroceryError(
        'MEMORY_BUDGET_EXCEEDED',
        `${this.#what()}: Expected at most ${mib(one.budgetBytes)} (${key}) but ${this.#figures(one)}`,
        { details: { ...one, ...this.#weights } },
      )
    }
  }

  #refuse(which: 'host' | 'gpu', usedBytes: number, weightBytes: number): never {
    const budgetBytes = which === 'gpu' ? this.#gpuBudget! : this.#options.memory!.hostBytes!
    const key = which === 'gpu' ? this.#gpuKey() : 'memory.hostBytes'
    throw new GroceryError(
      'MEMORY_BUDGET_EXCEEDED',
      `${this.#what()}: Expected at most ${mib(budgetBytes)} (${key}) but ${mib(usedBytes)} are used before the load and the weights alone take ${mib(weightBytes)}`,
      { details: { budgetBytes, usedBytes, peakBytes: usedBytes, ...this.#weights } },
    )
  }

  #figures({ usedBytes, peakBytes }: Use): string {
    const weights = this.#gauge ? this.#weights.storedBytes : this.#weights.floatBytes
    return `it uses ${mib(usedBytes)}, at its peak ${mib(peakBytes)}, with weights of ${mib(weights)}`
  }

  #what(): string {
    const { model, runtime, device } = this.#options
    return `${model} in ${runtime} on ${device}`
  }

  #gpuKey(): string {
    const { gpuBytes, gpuFraction } = this.#options.memory ?? {}
    if (gpuBytes != null) return 'memory.gpuBytes'
    return `memory.gpuFraction ${gpuFraction} of ${mib(this.#gauge?.totalBytes ?? 0)}`
  }
}
