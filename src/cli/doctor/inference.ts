// Checks of what recognises: the addon, the runtimes and their devices, the JPEG decoder, the model.
import type { Config } from '../../config/schema.js'
import type { RuntimeName, RuntimeProbe } from '../../inference/addon.js'
import type { MemoryUse } from '../../inference/memory-budget.js'
import { type Finding, fail, failure, ok, warn } from './finding.js'
import type { Machine } from './machine.js'

interface Known {
  name: RuntimeName
  title: string
  remedy: string
}

const runtimes: Known[] = [
  {
    name: 'openvino',
    title: 'OpenVINO',
    remedy: 'Run `npm ci` with pip and network, or set GROCERD_OPENVINO_DIR to an installation.',
  },
  {
    name: 'onnxruntime',
    title: 'ONNX Runtime',
    remedy:
      'Run `npm ci` with optional packages, or set GROCERD_ONNXRUNTIME_DIR to an installation.',
  },
]

const places = (tried: { path: string; reason: string }[]): string =>
  tried.map(({ path, reason }) => `\n${path}: ${reason}`).join('')

function checkRuntime({ title, remedy }: Known, probe: RuntimeProbe, other: boolean): Finding {
  if (probe.found) {
    const devices = probe.devices.length > 0 ? probe.devices.join(', ') : 'none'
    return ok(title, `${probe.version ?? 'unknown version'}, devices ${devices}, at ${probe.path}`)
  }
  const found = `not found; looked at${places(probe.tried)}`
  return other ? warn(title, found, remedy) : fail(title, found, remedy)
}

/** An accelerator that is built in but that no runtime can use is a driver that is missing. */
function* checkAccelerators(machine: Machine, probes: RuntimeProbe[]): Generator<Finding> {
  const devices = probes.flatMap(probe => probe.devices)
  const usable = (pattern: RegExp) => devices.some(device => pattern.test(device))
  for (const kind of machine.accelerators()) {
    if (kind === 'intel-gpu' && !usable(/^GPU/)) {
      const remedy = 'For an Intel GPU: apt install intel-opencl-icd, and the group `render`.'
      yield warn('gpu', 'a render device is here, but OpenVINO has no device GPU', remedy)
    }
    if (kind === 'npu' && !usable(/^NPU/)) {
      const remedy =
        'Install the Intel NPU driver (intel-driver-compiler-npu, intel-level-zero-npu).'
      yield warn('npu', 'an accelerator is here, but OpenVINO has no device NPU', remedy)
    }
    if (kind === 'nvidia' && !usable(/CUDA|TensorRT/i)) {
      const remedy = 'Set GROCERD_ONNXRUNTIME_DIR to an ONNX Runtime built with CUDA or TensorRT.'
      yield warn('gpu', 'an NVIDIA GPU is here, but ONNX Runtime has no CUDA', remedy)
    }
  }
}

async function checkTurboJpeg(machine: Machine): Promise<Finding> {
  const { found, version, path } = await machine.probeTurboJpeg()
  const which = version ? `${version} at ${path}` : `${path}`
  return found
    ? ok('libturbojpeg', which)
    : warn(
        'libturbojpeg',
        'not found: sharp decodes, about twice as slow',
        'apt install libturbojpeg0 (Ubuntu: libturbojpeg).',
      )
}

const megabytes = (bytes: number) => `${Math.round(bytes / 1024 ** 2)} MiB`

/** What the load took, here in doctor's own process, and the budget that vision will have for it. */
function* checkBudgets({ host, gpu }: MemoryUse): Generator<Finding> {
  const used = `the load took ${megabytes(host.peakBytes)} at its peak`
  yield host.budgetBytes === null
    ? ok('memory budget', `no limit (memory.hostBytes); ${used}`)
    : ok('memory budget', `${used} of ${megabytes(host.budgetBytes)} (memory.hostBytes)`)
  if (!gpu) return
  const peak = `${megabytes(gpu.peakBytes)} at the peak of ${megabytes(gpu.budgetBytes)}`
  yield ok('gpu budget', `${gpu.device}: ${peak}`)
}

/** Last of all checks: it takes longest, and a runtime that crashes here has let the others be read. */
export async function* checkModel(machine: Machine, config: Config): AsyncGenerator<Finding> {
  try {
    const { model, runtime, loadMs, memory, members = [] } = await machine.tryModel(config)
    const words = `${model.name} version ${model.version}, ${model.classes} classes, hashes right`
    yield ok(
      'model',
      `${words}, loaded by ${runtime.name} on ${runtime.device} in ${Math.round(loadMs)} ms`,
    )
    if (memory) yield* checkBudgets(memory)
    for (const { model: member, weight } of members) {
      yield ok('member', `${member.name} version ${member.version}, weight ${weight}`)
    }
  } catch (error) {
    yield failure('model', error)
  }
}

export async function* checkInference(machine: Machine): AsyncGenerator<Finding> {
  try {
    await machine.loadAddon()
    yield ok('addon', 'built for this machine')
  } catch (error) {
    // Without it nothing else here can be looked at.
    yield failure('addon', error)
    return
  }
  const probes = await Promise.all(runtimes.map(({ name }) => machine.probeRuntime(name)))
  const anyFound = probes.some(probe => probe.found)
  for (const [index, known] of runtimes.entries()) {
    yield checkRuntime(known, probes[index]!, anyFound)
  }
  yield* checkAccelerators(machine, probes)
  yield await checkTurboJpeg(machine)
}
