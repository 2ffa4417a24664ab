// A process or worker thread of its own for what a test cannot do to itself: end with work in
// flight, run without a library, lower its limits. The first argument says what; it answers by
// message.

import { readFileSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { describeError } from '../../src/errors.js'
import {
  decodeJpeg,
  Engine,
  type EngineOptions,
  fitLogistic,
  hasTurboJpeg,
  setDataLimit,
} from '../../src/inference/addon.js'
import { spec } from './input-spec.js'
import { asIr, asOnnx, diagonal } from './tiny-models.js'

const [task = '', runtime = 'openvino'] =
  (workerData as string[] | undefined) ?? process.argv.slice(2)

/** Resolves when the message is out: a large one is lost if the process ends at once. */
async function tell(message: unknown): Promise<void> {
  if (parentPort) parentPort.postMessage(message)
  else await new Promise(done => process.send?.(message, done))
}

/** About a second a request, so that the end comes in the middle of it. */
function slowEngine(): Engine {
  const model = { shape: [1, 3, 512, 512], matrix: diagonal(512, 1), layers: 60 }
  const files = runtime === 'openvino' ? asIr(model) : { model: asOnnx(model) }
  return new Engine({
    runtime: runtime as EngineOptions['runtime'],
    ...files,
    input: spec(512, 512),
    threads: 1,
    streams: 2,
  })
}

const tasks: Record<string, () => Promise<void>> = {
  async 'work in flight'() {
    const engine = slowEngine()
    await engine.start()
    const tensor = new Float32Array(3 * 512 * 512)
    for (let i = 0; i < 4; i++) void engine.infer({ tensor }).catch(() => {})
    await tell('in flight')
  },
  async 'exit with work in flight'() {
    await tasks['work in flight']!()
    process.exit(0)
  },
  async 'fit in flight'() {
    const labels = Int32Array.from({ length: 5000 }, (_, row) => row % 50)
    const features = Float32Array.from({ length: 5000 * 512 }, (_, at) => Math.sin(at * at))
    const endless = { l2: 1e-9, tolerance: 0, maxIterations: 1e6 }
    // More than there are threads: some wait.
    for (let fit = 0; fit < 8; fit++) {
      void fitLogistic({ features, dims: 512, labels, classes: 50, ...endless }).catch(() => {})
    }
    await tell('in flight')
  },
  async 'exit with a fit in flight'() {
    await tasks['fit in flight']!()
    process.exit(0)
  },
  async 'exit while loading'() {
    void slowEngine()
      .start()
      .catch(() => {})
    process.exit(0)
  },
  async 'throw with work in flight'() {
    await tasks['work in flight']!()
    throw new Error('on purpose')
  },
  async 'end without stopping'() {
    const engine = slowEngine()
    await engine.start()
  },
  async 'start without a runtime'() {
    await slowEngine()
      .start()
      .catch(error => tell({ ...describeError(error), details: error.details }))
  },
  async 'decode without libturbojpeg'() {
    const picture = await decodeJpeg(readFileSync(process.argv[3]!), { rotate: 90 })
    await tell({
      turbo: hasTurboJpeg(),
      ...picture,
      rgb: Buffer.from(picture.rgb).toString('base64'),
    })
  },
  async 'limit data'() {
    setDataLimit(3e9)
    await tell(/^Max data size +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1])
  },
}

await tasks[task]!()
if (process.send) process.disconnect()
