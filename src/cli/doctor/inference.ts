// Checks of what recognises: the addon, the runtimes and their devices, the JPEG decoder.
import type { RuntimeName, RuntimeProbe } from '../../inference/addon.js'
import { checkAccelerators } from './accelerators.js'
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
