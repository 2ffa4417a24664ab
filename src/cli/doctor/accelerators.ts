// Checks of GPUs and NPUs: whether their device files may be used, and whether a runtime can use what is there.
import type { RuntimeProbe } from '../../inference/addon.js'
import { type Finding, ok, warn } from './finding.js'
import type { Machine } from './machine.js'

function* checkFiles(machine: Machine): Generator<Finding> {
  const { name } = machine.user()
  for (const { path, driver, group, mayUse } of machine.acceleratorFiles()) {
    const words = `${path}, driver ${driver ?? 'unknown'}, group ${group}`
    const remedy = `sudo usermod -aG ${group} ${name}, then log in anew; for the service: SupplementaryGroups=${group} and DeviceAllow=${path} rw.`
    yield mayUse
      ? ok('accelerator', words)
      : warn('accelerator', `${words}: ${name} may not use it`, remedy)
  }
}

/** An accelerator that is built in but that no runtime can use is a driver that is missing. */
export function* checkAccelerators(machine: Machine, probes: RuntimeProbe[]): Generator<Finding> {
  yield* checkFiles(machine)
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
