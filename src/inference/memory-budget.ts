// The memory budget of one process: limits before a model's load, its real use after it. It is never overrun silently.
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

/** Bytes. */
export interface Use {
  /** null: no budget. */
  budgetBytes: number | null
  usedBytes: number
  /** The most that was seen since the first load began. */
  peakBytes: number
}

export interface MemoryUse {
  /** Memory of this process alone (RssAnon). */
  host: Use
  /** Where a GPU is used there is always a budget. */
  gpu: (Use & { device: string; budgetBytes: number }) | null
}

/** One model that is to be loaded. */
export interface Load {
  /** For people. */
  model: string
  runtime: RuntimeName
  device: string
  /** Of its weights, bytes: as they are stored, and with 16-bit numbers widened for a CPU. */
  sizes: { storedBytes: number; floatBytes: number }
  /** How many other ways are left to load it, where this one does not fit. */
  fallbacks: number
  /** What the loaded engine says of its device's memory. */
  statistics?: () => string
}

/** The runtime's own limits, as EngineOptions names them. */
export interface EngineLimits {
  hostMemoryBytes?: number
  gpuMemoryBytes?: number
  gpuWorkspaceBytes?: number
}

/** A load is short and its peak is high: it is looked at often. */
const sampleEveryMs = 5
/** Of Node, libuv and libvips, beside those of the runtime. */
const otherThreads = 16

/** What capProcess is to reckon with where one engine runs. */
export const threadsOf = (streams: number): number =>
  2 * availableParallelism() + streams + otherThreads

/** glibc's default: a thread's stack is mapped as a whole and hardly used. */
const stackBytes = 8 * 1024 ** 2

const size = (bytes: number): string =>
  bytes < 1024 ** 2 ? `${bytes} B` : `${(bytes / 1024 ** 2).toFixed(1)} MiB`

/** What stands in the details of MEMORY_BUDGET_EXCEEDED, bytes. */
export interface Exceeded extends Use {
  storedBytes: number
  floatBytes: number
  fallbacks: number
}

const exceeded = (words: string, use: Use, { sizes, fallbacks }: Load, cause?: unknown) => {
  const details: Exceeded = { ...use, ...sizes, fallbacks }
  return new GroceryError('MEMORY_BUDGET_EXCEEDED', words, { cause, details })
}

const figures = ({ usedBytes, peakBytes }: Use, weightBytes: number): string =>
  `${size(usedBytes)} are used, ${size(peakBytes)} at the peak; the weights are ${size(weightBytes)}`

/** How the runtimes say that memory ran out at one of our walls. */
const outOfMemory =
  /bad_alloc|out ?of ?memory|(can't|cannot|failed to) allocate|smaller than requested bytes/i

/**
 * One budget of the GPU between CUDA's arena and TensorRT's workspace. TensorRT's engine holds the
 * weights outside of both, and what it leaves to CUDA needs room too: the rest is halved.
 */
export function divideGpu(device: string, budget: number, weightBytes: number): EngineLimits {
  if (device !== 'TensorRT') return { gpuMemoryBytes: Math.max(1, budget) }
  const workspace = Math.max(1, Math.floor((budget - weightBytes) / 2))
  return {
    gpuMemoryBytes: Math.max(1, budget - weightBytes - workspace),
    gpuWorkspaceBytes: workspace,
  }
}

export class MemoryBudget {
  readonly #settings: MemorySettings
  #gpu: { device: string; budgetBytes: number; totalBytes: number; gauges: GpuGauge[] } | null =
    null
  #last: Load | null = null
  #sampler: NodeJS.Timeout | null = null
  #peak = { host: 0, gpu: 0 }

  /** Keeps the settings; looks at nothing before the first open(). */
  constructor(settings: MemorySettings = {}) {
    this.#settings = settings
  }

  /**
   * Lowers RLIMIT_DATA, the kernel's wall against what grows past memory.hostBytes between two looks.
   * It counts what is mapped, used or not, so what is mapped already and the stacks of `threads` to
   * come are added. For the process that does nothing else but recognise.
   */
  capProcess(threads: number): void {
    const { hostBytes = null } = this.#settings
    if (hostBytes === null) return
    setDataLimit(processMemory().mappedBytes + hostBytes + threads * stackBytes)
  }

  /**
   * To be called with the weights read and nothing loaded; the peak is watched from here to settle().
   * @returns the limits for the runtime, its second wall
   * @throws MEMORY_BUDGET_EXCEEDED where the weights alone cannot fit, GPU_MEMORY_UNKNOWN
   */
  open(load: Load): EngineLimits {
    const { hostBytes = null } = this.#settings
    this.#last = load
    this.#openGpu(load)
    const { host, gpu } = this.use()
    if (gpu) this.#fit(load, gpu, this.#gpuKey(), load.sizes.storedBytes)
    if (hostBytes !== null)
      this.#fit(load, host, 'memory.hostBytes', gpu ? 0 : load.sizes.floatBytes)
    this.#sampler ??= setInterval(() => this.use(), sampleEveryMs).unref()
    return {
      ...(hostBytes !== null && { hostMemoryBytes: Math.max(1, hostBytes - host.usedBytes) }),
      ...(gpu && divideGpu(load.device, gpu.budgetBytes - gpu.usedBytes, load.sizes.storedBytes)),
    }
  }

  /** To be called after the warm-up. @throws MEMORY_BUDGET_EXCEEDED for what is used, or was at the peak */
  settle(): MemoryUse {
    this.close()
    return this.#keep('peakBytes')
  }

  /** The same while it runs. @throws MEMORY_BUDGET_EXCEEDED for what is used now */
  check(): MemoryUse {
    return this.#keep('usedBytes')
  }

  /** Ends the watch of a load that failed. Idempotent. */
  close(): void {
    if (this.#sampler) clearInterval(this.#sampler)
    this.#sampler = null
  }

  /** What is used now, without a verdict. */
  use(): MemoryUse {
    const host = processMemory().privateBytes
    const held = this.#gpu?.gauges.map(gauge => gauge.usedBytes()) ?? []
    const gpu = this.#gpu?.gauges[0]?.isOfProcess
      ? held[0]!
      : held.reduce((sum, bytes) => sum + bytes, 0)
    this.#peak = { host: Math.max(this.#peak.host, host), gpu: Math.max(this.#peak.gpu, gpu) }
    return {
      host: {
        budgetBytes: this.#settings.hostBytes ?? null,
        usedBytes: host,
        peakBytes: this.#peak.host,
      },
      gpu: this.#gpu && {
        device: this.#gpu.device,
        budgetBytes: this.#gpu.budgetBytes,
        usedBytes: gpu,
        peakBytes: this.#peak.gpu,
      },
    }
  }

  /** A runtime that met one of our walls says so in words of its own: they become our error. */
  explain(error: unknown): unknown {
    const { code, message } = describeError(error)
    if (code === 'MEMORY_BUDGET_EXCEEDED' || !this.#last || !outOfMemory.test(message)) return error
    const { host, gpu } = this.use()
    const one = gpu ?? host
    if (one.budgetBytes === null) return error
    const words = `${this.#expected(this.#last, one, gpu ? this.#gpuKey() : 'memory.hostBytes')} but the runtime wants more (${message}); ${figures(one, this.#weightBytes(this.#last))}`
    return exceeded(words, one, this.#last, error)
  }

  #openGpu({ runtime, device, statistics = () => '' }: Load): void {
    const { gpuBytes = null, gpuFraction } = this.#settings
    if (gpuBytes === null && gpuFraction === undefined) return
    const gauge = gpuGauge(runtime, device, statistics)
    if (!gauge) return
    const { totalBytes } = gauge
    const budgetBytes = gpuBytes ?? Math.floor(totalBytes * gpuFraction!)
    this.#gpu ??= { device, totalBytes, budgetBytes, gauges: [] }
    this.#gpu.gauges.push(gauge)
  }

  #fit(load: Load, use: Use, key: string, weightBytes: number): void {
    if (use.usedBytes + weightBytes <= use.budgetBytes!) return
    const words = `${this.#expected(load, use, key)} but ${size(use.usedBytes)} are used before the load and the weights alone take ${size(weightBytes)}`
    throw exceeded(words, use, load)
  }

  #keep(figure: 'usedBytes' | 'peakBytes'): MemoryUse {
    const use = this.use()
    const load = this.#last!
    for (const [one, key] of [
      [use.host, 'memory.hostBytes'],
      [use.gpu, this.#gpuKey()],
    ] as const) {
      if (!one || one.budgetBytes === null || one[figure] <= one.budgetBytes) continue
      const words = `${this.#expected(load, one, key)} but ${figures(one, this.#weightBytes(load))}`
      throw exceeded(words, one, load)
    }
    return use
  }

  #expected({ model, runtime, device }: Load, { budgetBytes }: Use, key: string): string {
    return `${model} in ${runtime} on ${device}: Expected at most ${size(budgetBytes!)} (${key})`
  }

  #weightBytes({ sizes }: Load): number {
    return this.#gpu ? sizes.storedBytes : sizes.floatBytes
  }

  #gpuKey(): string {
    const { gpuBytes = null, gpuFraction } = this.#settings
    if (gpuBytes !== null || !this.#gpu) return 'memory.gpuBytes'
    return `memory.gpuFraction, ${gpuFraction} of ${size(this.#gpu.totalBytes)}`
  }
}
