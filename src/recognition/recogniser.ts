// One camera's frames to observations: a look at the scene, and the classifier where there is something to see.
import type { Frame } from '../cameras/camera.js'
import type { Clock } from '../clock.js'
import type { CameraConfig } from '../config/schema.js'
import { decodeJpeg, hasTurboJpeg, jpegLuma } from '../inference/addon.js'
import { blackedOut } from './black-out.js'
import type { Classification, PictureClassifier } from './classifier.js'
import { type GateSettings, MotionGate } from './gate.js'
import { hiddenCells, hideCells } from './mask.js'
import { type PictureInput, readPicture } from './picture.js'
import { gridSize, lumaGrid, type SceneSettings, SceneWatcher } from './scene.js'
import type { FrameObservations, StagesMs } from './types.js'
import type { ViewFault } from './view/compare.js'
import type { ViewWatch } from './view/watch.js'

/** Enough for the grid of the scene; the decoder gives the nearest DCT scale above. */
const scenePixels = 96

/** Enough for any model's input where a mask needs the pixels themselves, per side of the roi. */
const maskedPixels = 640

/** Whether two answers would be the same vote. */
const sameVote = (a: Classification, b: Classification): boolean =>
  a.observation.decision === b.observation.decision &&
  a.observation.candidates[0]?.sku === b.observation.candidates[0]?.sku

const noStages: StagesMs = { queue: 0, decode: 0, resize: 0, infer: 0 }

export class Recogniser {
  readonly #camera: CameraConfig
  readonly #classifier: Pick<PictureClassifier, 'classify'>
  readonly #clock: Clock
  readonly #watcher: SceneWatcher
  readonly #gate: MotionGate<Classification>
  readonly #hidden: ReadonlySet<number>
  readonly #view: Pick<ViewWatch, 'look'> | null
  /** What has been wrong with the view for long enough. */
  viewFault: ViewFault | null = null

  constructor(
    camera: CameraConfig,
    classifier: Pick<PictureClassifier, 'classify'>,
    settings: SceneSettings & GateSettings,
    clock: Clock,
    view: Pick<ViewWatch, 'look'> | null = null,
  ) {
    this.#view = view
    this.#camera = camera
    this.#hidden = hiddenCells(camera, gridSize)
    this.#classifier = classifier
    this.#clock = clock
    this.#watcher = new SceneWatcher(settings)
    this.#gate = new MotionGate(settings, clock, sameVote)
  }

  /** Somebody asks about what lies there now: the next answers are the model's own. */
  wake(): void {
    this.#gate.wake()
  }

  /** Whether the last frame was exactly the one before. */
  get unchanged(): boolean {
    return this.#watcher.unchanged
  }

  /** Throws the IMAGE_* codes for a frame that is no picture, and the codes of the engine. */
  async recognise(frame: Frame): Promise<FrameObservations> {
    const { id, roi, rotate, mode } = this.#camera
    const input = await readPicture(frame.bytes, `camera ${id} frame ${frame.number}`, rotate)
    const grid = hideCells(await this.#grid(input), this.#hidden)
    const scene = this.#watcher.look(grid)
    if (this.#view) this.viewFault = await this.#view.look(input, scene)
    // A scene that moves or is empty has no item to ask about; stream mode wants every frame.
    const worthALook = mode === 'stream' || scene.view === 'object'
    const known = worthALook && mode !== 'stream' ? this.#gate.known(grid) : null
    const asked =
      worthALook && !known
        ? await this.#classifier.classify({ ...(await this.#masked(input)), box: roi })
        : null
    if (asked) this.#gate.answered(grid, asked)
    if (!worthALook) this.#gate.wake()
    const observation = (asked ?? known)?.observation
    return {
      camera: id,
      frame: frame.number,
      capturedAt: frame.capturedAt,
      ageMs: this.#clock.mono() - frame.capturedMono,
      scene,
      look: Uint8Array.from(grid, luma => Math.round(luma * 255)),
      observations: observation ? [observation] : [],
      repeated: known !== null,
      stagesMs: asked?.stagesMs ?? noStages,
    }
  }

  /** The model sees no more than a person may. */
  async #masked(input: PictureInput): Promise<PictureInput> {
    const { mask, roi } = this.#camera
    if (!mask) return input
    return blackedOut(input, mask, maskedPixels / Math.min(roi[2] - roi[0], roi[3] - roi[1]))
  }

  async #grid(input: PictureInput): Promise<Float32Array> {
    const { roi } = this.#camera
    if (!('jpeg' in input)) return lumaGrid(input.rgb, input.width, input.height, roi)
    if (hasTurboJpeg()) return jpegLuma({ ...input, box: roi }, gridSize)
    const rotate = input.rotate ?? 0
    const { rgb, width, height } = await decodeJpeg(input.jpeg, { maxSide: scenePixels, rotate })
    return lumaGrid(rgb, width, height, roi)
  }
}
