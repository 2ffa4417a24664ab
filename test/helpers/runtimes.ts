// Whether a model can run here at all: why not, for tests that are skipped then.
import { probeRuntime } from '../../src/inference/addon.js'

export const noRuntime =
  probeRuntime('openvino').found || probeRuntime('onnxruntime').found
    ? false
    : 'no inference runtime is here'
