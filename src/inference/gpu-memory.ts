// How much memory a GPU has and how much of it is ours: from NVIDIA's driver, a Jetson's kernel or OpenVINO.
import { readFileSync } from 'node:fs'
import { GroceryError } from '../errors.js'
import { nvidiaMemory, openVinoProperty } from './addon.js'
import { kernelBytes, processMemory } from './process-memory.js'
import type { RuntimeName } from './types.js'

export interface GpuGauge {
  totalBytes: number
  /** Whether usedBytes is of the whole process, not of one loaded model. */
  isOfProcess: boolean
  /** What this process holds there now, bytes. */
  usedBytes(): number
}

/** What is asked of the machine; tests put others in its place. */
export interface GpuSources {
  /** The text of a file, or null where it cannot be read. */
  read(path: string): string | null
  nvidia: typeof nvidiaMemory
  openVino: typeof openVinoProperty
}

const thisMachine: GpuSources = {
  read(path) {
    try {
      return readFileSync(path, 'utf8')
    } catch {
      return null
    }
  },
  nvidia: nvidiaMemory,
  openVino: openVinoProperty,
}

const isJetson = ({ read }: GpuSources): boolean =>
  read('/etc/nv_tegra_release') !== null ||
  /jetson|tegra/i.test(read('/proc/device-tree/model') ?? '')

/** "usm_device:1024 usm_host_peak:99" of any punctuation -> 1024: the sum of all that is no peak. */
export function sumOfStatistics(words: string): number {
  let sum = 0
  for (const [, name, bytes] of words.matchAll(/([A-Za-z_]\w*)[^\w]+(\d+)/g)) {
    if (!/peak/i.test(name!)) sum += Number(bytes)
  }
  return sum
}

/**
 * A Jetson's GPU has no memory of its own. Its kernel lists what each process took (root only); else
 * what the machine has less since the start, without this process's ordinary memory, is taken for it.
 */
function jetsonGauge({ read }: GpuSources): GpuGauge {
  const machine = () => read('/proc/meminfo') ?? ''
  const total = kernelBytes(machine(), 'MemTotal')
  const elsewhere = () =>
    total - kernelBytes(machine(), 'MemAvailable') - processMemory().privateBytes
  const before = elsewhere()
  return {
    totalBytes: total,
    isOfProcess: true,
    usedBytes() {
      const clients = read('/sys/kernel/debug/nvmap/iovmm/clients')
      const ours = new RegExp(`^\\S+\\s+\\S+\\s+${process.pid}\\s+(\\d+)K`, 'm').exec(clients ?? '')
      return ours ? 1024 * Number(ours[1]) : Math.max(0, elsewhere() - before)
    },
  }
}

function nvidiaGauge({ nvidia }: GpuSources): GpuGauge {
  const first = nvidia()
  if ('missing' in first) {
    throw new GroceryError(
      'GPU_MEMORY_UNKNOWN',
      `Expected NVML to say the GPU's memory but it does not: ${first.missing}`,
    )
  }
  const before = first.usedBytes
  return {
    totalBytes: first.totalBytes,
    isOfProcess: true,
    usedBytes() {
      const now = nvidia()
      if ('missing' in now) return 0
      // In a container the driver knows this process by another number: what the GPU has more then.
      return now.processBytes ?? Math.max(0, now.usedBytes - before)
    },
  }
}

/**
 * The gauge of a device's memory, or null for one that has none of its own (CPU, NPU).
 * @param statistics what the loaded engine says of its device (OpenVINO's GPU_MEMORY_STATISTICS)
 * @throws GPU_MEMORY_UNKNOWN
 */
export function gpuGauge(
  runtime: RuntimeName,
  device: string,
  statistics: () => string,
  sources: GpuSources = thisMachine,
): GpuGauge | null {
  if (runtime === 'onnxruntime') {
    if (device === 'CPU') return null
    return isJetson(sources) ? jetsonGauge(sources) : nvidiaGauge(sources)
  }
  const gpu = /\bGPU(\.\d+)?/.exec(device)?.[0]
  if (gpu === undefined) return null
  const total = Number(sources.openVino(gpu, 'GPU_DEVICE_TOTAL_MEM_SIZE'))
  if (!(total > 0)) {
    throw new GroceryError(
      'GPU_MEMORY_UNKNOWN',
      `Expected OpenVINO to say GPU_DEVICE_TOTAL_MEM_SIZE of ${gpu} but it does not`,
    )
  }
  return {
    totalBytes: total,
    isOfProcess: false,
    usedBytes: () => sumOfStatistics(statistics()),
  }
}
