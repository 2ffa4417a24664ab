// A detector: where things lie in a picture, without saying what they are.
import { GroceryError } from '../errors.js'
import { readJpegHeader } from '../inference/addon.js'
import type { Manifest } from '../inference/manifest.js'
import type { ModelState, RuntimeState } from '../protocol.js'
import { boxOf } from './classifier.js'
import { fcos } from './detect/fcos.js'
import { nms } from './detect/nms.js'
import { toPicture } from './detect/place.js'
import { retinanet } from './detect/retinanet.js'
import { ssd } from './detect/ssd.js'
import type { Decode, InputSize } from './detect/types.js'
import { yolo } from './detect/yolo.js'
import type { PictureInput } from './picture.js'
import { ModelRunner, type Outputs, type RunnerOptions } from './runner.js'
import type { Box, StagesMs } from './types.js'

export interface DetectorOptions extends RunnerOptions {
  /** Below it a box is nothing; default 0.01, for measurements. */
  minScore?: number | undefined
  /** Boxes a picture at most; default 100. */
  most?: number | undefined
}

/** Of a detector whose manifest has no calibration.unknown: the score from which a box is a thing. */
const usualScore = 0.5

export interface DetectorInfo {
  model: ModelState
  runtime: RuntimeState
  /** Below it a box is nothing, as it was calibrated; detections hold those down to minScore. */
  least: number
  loadMs: number
}

export interface Detection {
  /** Of the upright picture. */
  box: Box
  score: number
}

const kinds: Record<'ssd' | 'yolo' | 'fcos' | 'retinanet', Decode> = { ssd, yolo, fcos, retinanet }

/** How large the picture is once it is upright, pixels. */
function sizeOf(input: PictureInput): InputSize {
  if (!('jpeg' in input)) return { width: input.width, height: input.height }
  const { width, height, orientation } = readJpegHeader(input.jpeg)
  const lies = orientation > 4 !== ((input.rotate ?? 0) % 180 === 90)
  return lies ? { width: height, height: width } : { width, height }
}

export class Detector {
  readonly #options: DetectorOptions
  readonly #runner: ModelRunner
  #manifest: Manifest | null = null

  constructor(options: DetectorOptions) {
    this.#options = options
    this.#runner = new ModelRunner(options, 'detector')
  }

  /** Throws as ModelRunner.start does; MANIFEST_INVALID without output.boxes. */
  async start(): Promise<DetectorInfo> {
    const began = performance.now()
    const { model, runtime, directory } = await this.#runner.start(
      (outputs, { folder, manifest }) => {
        if (manifest.output.boxes === undefined) {
          const words = `${folder}: Expected output.boxes (ssd, yolo, fcos or retinanet) in model.json but it is missing`
          throw new GroceryError('MANIFEST_INVALID', words)
        }
        this.#find(outputs, manifest)
      },
    )
    this.#manifest = directory.manifest
    const least = this.#manifest.calibration.unknown || usualScore
    return { model, runtime, least, loadMs: performance.now() - began }
  }

  /** Best first. Throws the IMAGE_* and ENGINE_* codes, INFERENCE_FAILED. */
  async detect(input: PictureInput): Promise<{ detections: Detection[]; stagesMs: StagesMs }> {
    const { outputs, stagesMs } = await this.#runner.infer(input)
    const manifest = this.#manifest!
    const back = toPicture(manifest.input, sizeOf(input), boxOf(input))
    const detections = this.#find(outputs, manifest)
      .map(({ box, score }) => ({ box: back(box), score }))
      // What lies outside of the picture altogether, in the bars of a letterbox, is nothing.
      .filter(({ box: [x0, y0, x1, y1] }) => x1 > x0 && y1 > y0)
    return { detections, stagesMs }
  }

  stop(): Promise<void> {
    return this.#runner.stop()
  }

  /** Boxes of the model's input, best first. */
  #find(outputs: Outputs, { input, output }: Manifest): Detection[] {
    const found = kinds[output.boxes!](outputs, output, input)
    const { minScore = 0.01, most = 100 } = this.#options
    const iou = output.nms === 'inside' ? 1 : (output.nmsIou ?? 0.5)
    return nms(found, { minScore, iou, most }).map(at => ({
      box: [...found.boxes.subarray(4 * at, 4 * at + 4)] as Box,
      score: found.scores[at]!,
    }))
  }
}
