// With which weights, in which runtime and on which device a model can be loaded here, the best first.
import { GroceryError } from '../errors.js'
import { probeRuntime } from './addon.js'
import type { ModelDirectory, Weights } from './manifest.js'
import type { RuntimeName } from './types.js'

export interface Choice {
  weights: Weights
  runtime: RuntimeName
  device: string
}

/** What a configuration says of it, all of it optional. */
export interface Wanted {
  prefer?: 'auto' | RuntimeName | undefined
  device?: string | undefined
}

/** CUDA and TensorRT are ONNX Runtime's names, all others but CPU are OpenVINO's. */
const hasDevice = (runtime: RuntimeName, device: string): boolean =>
  device === 'CPU' || /^(CUDA|TensorRT)$/.test(device) === (runtime === 'onnxruntime')

/**
 * All of them, in the order of the manifest's weights: the first is used, the others are for when it does
 * not fit into its memory. The CPU comes last where another device is wanted. ONNX runs in either runtime.
 * @throws RUNTIME_NOT_FOUND where there is none at all
 */
export function choicesOf(
  model: ModelDirectory,
  { prefer, device = 'CPU' }: Wanted = {},
): Choice[] {
  const wanted: RuntimeName[] =
    prefer === undefined || prefer === 'auto' ? ['openvino', 'onnxruntime'] : [prefer]
  const probes = new Map(wanted.map(name => [name, probeRuntime(name, { devices: false })]))
  const able = (weights: Weights): RuntimeName[] =>
    (weights.format === 'openvino-ir'
      ? (['openvino'] as const)
      : (['onnxruntime', 'openvino'] as const)
    ).filter(name => probes.get(name)?.found)
  const pairs = model.manifest.weights.flatMap(weights =>
    able(weights).map(runtime => ({ weights, runtime })),
  )
  if (pairs.length > 0) {
    const devices = device === 'CPU' ? ['CPU'] : [device, 'CPU']
    return devices.flatMap(one => {
      const fitting = pairs.filter(({ runtime }) => hasDevice(runtime, one))
      // Where no runtime has it, the first says so.
      return (fitting.length > 0 ? fitting : pairs).map(pair => ({ ...pair, device: one }))
    })
  }
  const formats = model.manifest.weights.map(one => one.format).join(', ')
  const tried = [...probes.values()].flatMap(probe =>
    probe.found
      ? [`  ${probe.runtime}: found at ${probe.path}, but it does not read ${formats}`]
      : probe.tried.map(place => `  ${probe.runtime}: ${place.path}: ${place.reason}`),
  )
  throw new GroceryError(
    'RUNTIME_NOT_FOUND',
    `Expected a runtime for ${model.manifest.name} (${formats}) but found none; looked for\n${tried.join('\n')}`,
  )
}
