// Loads a model that was just written and holds its scores against the head that was trained.
import type { Calibration } from '../calibrate.js'
import { GroceryError } from '../../errors.js'
import { probeRuntime, type RuntimeName } from '../../inference/addon.js'
import type { Head } from '../../inference/head.js'
import type { Weights } from '../../inference/manifest.js'
import { Classifier, type ClassifierInfo } from '../../recognition/classifier.js'
import { calibrate } from '../../recognition/decision.js'
import type { PictureInput } from '../../recognition/picture.js'
import { type RuntimeChoice, startEmbedder } from './embedder.js'
import { logitsOf } from '../logits.js'

export interface TestPicture {
  file: string
  input: PictureInput
}

interface SelfTest {
  folder: string
  /** What the files of a format should hold. */
  headOf: (format: Weights['format']) => Head
  calibration: Calibration
  pictures: readonly TestPicture[]
  runtime: RuntimeChoice
}

/** Room for a GPU's half precision; a wrong row of the head is off by far more. */
const mostDifference = 0.01

async function testRuntime(test: SelfTest, prefer: RuntimeName): Promise<ClassifierInfo> {
  const { folder, headOf, calibration, pictures } = test
  const { temperature } = calibration
  const runtime = { ...test.runtime, prefer }
  const embedder = await startEmbedder(folder, runtime)
  const classifier = new Classifier({ model: folder, runtime, precisionHint: 'f32' })
  try {
    const info = await classifier.start()
    for (const { file, input } of pictures) {
      const logits = logitsOf(headOf(embedder.weights.format), await embedder.embed(input))
      const expected = calibrate(logits, 'softmax', temperature, calibration)
      const { scores } = await classifier.classify(input)
      const wrong = expected.findIndex(
        (score, i) => !(Math.abs(score - scores[i]!) <= mostDifference),
      )
      if (wrong < 0) continue
      throw new GroceryError(
        'SELF_TEST_FAILED',
        `${file}: Expected a score of ${expected[wrong]!.toFixed(4)} for class ${wrong} but ${prefer} gives ${scores[wrong]!.toFixed(4)}`,
      )
    }
    return info
  } finally {
    await classifier.stop()
    await embedder.stop()
  }
}

/**
 * Tests every format for which a runtime is here, and returns what the preferred one says.
 * Throws SELF_TEST_FAILED and the MODEL_* codes.
 */
export async function selfTest(
  test: SelfTest & { formats: Weights['format'][] },
): Promise<ClassifierInfo> {
  const preferred = test.runtime.prefer as RuntimeName
  const other: RuntimeName = preferred === 'openvino' ? 'onnxruntime' : 'openvino'
  const reads = (name: RuntimeName) =>
    test.formats.includes('onnx') || (name === 'openvino' && test.formats.includes('openvino-ir'))
  if (reads(other) && probeRuntime(other).found) {
    await testRuntime({ ...test, runtime: { ...test.runtime, device: 'CPU' } }, other)
  }
  return testRuntime(test, preferred)
}
