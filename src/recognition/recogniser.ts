// One camera's frames to observations: a look at the scene, and the classifier where there is something to see.
import type { Frame } from '../cameras/camera.js'
import type { Clock } from '../clock.js'
import type { CameraConfig } from '../config/schema.js'
import { decodeJpeg } from '../inference/addon.js'
import type { PictureClassifier } from './classifier.js'
import { type PictureInput, readPicture } from './picture.js'
import { lumaGrid, type SceneSettings, SceneWatcher } from './scene.js'
import type { FrameObservations, StagesMs } from './types.js'

/** Enough for the grid of the scene; the decoder gives the nearest DCT scale above. */
const scenePixels = 96

const noStages: StagesMs = { queue: 0, decode: 0, resize: 0, infer: 0 }

export class Recogniser {
  readonly #camera: CameraConfig
  readonly #classifier: Pick<PictureClassifier, 'classify'>
  readonly #clock: Clock
  readonly #watcher: SceneWatcher

  constructor(
    camera: CameraConfig,
    classifier: Pick<PictureClassifier, 'classify'>,
    settings: SceneSettings,
    clock: Clock,
  ) {
    this.#camera = camera
    this.#classifier = classifier
    this.#clock = clock
    this.#watcher = new SceneWatcher(settings)
  }

  /** Throws the IMAGE_* codes for a frame that is no picture, and the codes of the engine. */
  async recognise(frame: Frame): Promise<FrameObservations> {
    const { id, roi, rotate, mode } = this.#camera
    const input = await readPicture(frame.bytes, `camera ${id} frame ${frame.number}`, rotate)
    const grid = await this.#grid(input)
    const scene = this.#watcher.look(grid)
    // A scene that moves or is empty has no item to ask about; stream mode wants every frame.
    const worthALook = mode === 'stream' || scene.view === 'object'
    const classification = worthALook
      ? await this.#classifier.classify({ ...input, box: roi })
      : null
    return {
      camera: id,
      frame: frame.number,
      capturedAt: frame.capturedAt,
      ageMs: this.#clock.mono() - frame.capturedMono,
      scene,
      look: Uint8Array.from(grid, luma => Math.round(luma * 255)),
      observations: classification ? [classification.observation] : [],
      stagesMs: classification?.stagesMs ?? noStages,
    }
  }

  async #grid(input: PictureInput): Promise<Float32Array> {
    const { rgb, width, height } =
      'jpeg' in input
        ? await decodeJpeg(input.jpeg, { maxSide: scenePixels, rotate: input.rotate ?? 0 })
        : input
    return lumaGrid(rgb, width, height, this.#camera.roi)
  }
}
