// The detector of all cameras that look at trays; nothing is loaded where none does.
import type { CameraConfig } from '../config/schema.js'
import type { MemoryBudget } from '../inference/memory-budget.js'
import type { Configure } from '../protocol.js'
import { cropsAtOnce } from './crops.js'
import { Detector } from './detector.js'
import type { PictureInput } from './picture.js'
import type { Box, StagesMs } from './types.js'

/** A detector looks at no more boxes a frame: many more than a tray holds. */
const most = 40

const isTray = ({ mode }: Pick<CameraConfig, 'mode'>): boolean => mode === 'tray'

/** How many pictures all cameras together have with one model at a time. */
export const queueFor = (cameras: readonly Pick<CameraConfig, 'mode'>[]): number =>
  cameras.reduce((sum, camera) => sum + (isTray(camera) ? cropsAtOnce : 1), 0)

type Options = Pick<Configure, 'cameras' | 'models' | 'runtime' | 'cacheDir' | 'attempt'>

export class TrayDetector {
  readonly #options: Options
  readonly #budget: MemoryBudget
  #detector: Detector | null = null
  #least = 1

  constructor(options: Options, budget: MemoryBudget) {
    this.#options = options
    this.#budget = budget
  }

  /** Throws as Detector.start does. */
  async start(): Promise<void> {
    const { cameras, models, runtime, cacheDir, attempt } = this.#options
    const trays = cameras.filter(isTray).length
    if (trays === 0) return
    this.#detector = new Detector({
      model: models.detector,
      runtime,
      budget: this.#budget,
      cacheDir,
      attempt,
      maxQueue: trays + 1,
      most,
    })
    const { least } = await this.#detector.start()
    this.#least = least
  }

  /** Boxes of the upright picture that are things by the detector's calibration, best first. Throws as Detector.detect does. */
  async find(input: PictureInput): Promise<{ boxes: Box[]; stagesMs: StagesMs }> {
    const { detections, stagesMs } = await this.#detector!.detect(input)
    const things = detections.filter(({ score }) => score >= this.#least)
    return { boxes: things.map(({ box }) => box), stagesMs }
  }

  async stop(): Promise<void> {
    await this.#detector?.stop()
  }
}
