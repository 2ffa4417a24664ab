// A machine with a GPU that is not here: stand-ins for ONNX Runtime and NVML that write down what they are asked.
import { spawnSync } from 'node:child_process'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Test } from 'tap'

const standIns = resolve('native/test/build/standins')
const noStandIns = spawnSync('make', ['-C', 'native/test', 'stand-ins']).status !== 0
export const skipStandIns = noStandIns && 'make or g++ is not here to build the stand-ins'

/** A folder that looks like an ONNX Runtime with both providers, and the environment that leads there. */
export function gpuMachine(t: Test, version: string, more: Record<string, string> = {}) {
  const dir = t.testdir({
    'libonnxruntime_providers_cuda.so': '',
    'libonnxruntime_providers_tensorrt.so': '',
  })
  for (const name of ['libonnxruntime.so', 'libnvidia-ml.so.1'])
    copyFileSync(join(standIns, name), join(dir, name))
  const file = join(dir, 'record')
  writeFileSync(file, '')
  const env = { GROCERD_ONNXRUNTIME_DIR: dir, GROCERD_NVML_DIR: dir }
  return {
    env: { ...env, STANDIN_VERSION: version, STANDIN_RECORD: file, ...more },
    record: () => readFileSync(file, 'utf8').trim().split('\n'),
  }
}
