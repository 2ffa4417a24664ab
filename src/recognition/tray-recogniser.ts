// One camera's frames of a tray to observations: where things lie, and what each of them is. Every frame is decoded once.
import type { Frame } from '../cameras/camera.js'
import type { Clock } from '../clock.js'
import type { CameraConfig } from '../config/schema.js'
import { Crops, type Namer } from './crops.js'
import { decoded } from './decoded.js'
import { type GateSettings, MotionGate } from './gate.js'
import { blackOut, hiddenCells, hideCells } from './mask.js'
import { readPicture } from './picture.js'
import { gridSize, lumaGrid, type SceneSettings, SceneWatcher } from './scene.js'
import type { TrayDetector } from './tray-detector.js'
import type { FrameObservations, Observation, StagesMs } from './types.js'

/** A thing may be a sixth as long as the tray and is to fill most of a network's input; the decoder gives the nearest DCT scale above. */
const trayPixels = 1280
/** After so long a frame begins no more of its parts, ms: the next frame asks about them. */
const frameMs = 45

const noStages: StagesMs = { queue: 0, decode: 0, resize: 0, infer: 0 }

/** The things of a scene in no order, as votes. */
const votesOf = (observations: readonly Observation[]): string =>
  observations
    .map(({ decision, candidates }) => `${decision} ${candidates[0]?.sku}`)
    .sort()
    .join('\n')

const sameVotes = (a: readonly Observation[], b: readonly Observation[]): boolean =>
  votesOf(a) === votesOf(b)

function sumOf(stages: readonly StagesMs[]): StagesMs {
  const sum = { ...noStages }
  for (const one of stages) {
    sum.queue += one.queue
    sum.decode += one.decode
    sum.resize += one.resize
    sum.infer += one.infer
  }
  return sum
}

export class TrayRecogniser {
  readonly #camera: CameraConfig
  readonly #detector: Pick<TrayDetector, 'find'>
  readonly #clock: Clock
  readonly #watcher: SceneWatcher
  readonly #gate: MotionGate<readonly Observation[]>
  readonly #crops: Crops
  readonly #hidden: ReadonlySet<number>

  constructor(
    camera: CameraConfig,
    detector: Pick<TrayDetector, 'find'>,
    namer: Namer,
    settings: SceneSettings & GateSettings,
    clock: Clock,
  ) {
    this.#camera = camera
    this.#detector = detector
    this.#clock = clock
    this.#hidden = hiddenCells(camera, gridSize)
    this.#watcher = new SceneWatcher(settings)
    this.#gate = new MotionGate(settings, clock, sameVotes)
    this.#crops = new Crops(namer, settings, clock)
  }

  /** Somebody asks about what lies there now: the next answers are the models' own. */
  wake(): void {
    this.#gate.wake()
    this.#crops.forget()
  }

  /** Whether the last frame was exactly the one before. */
  get unchanged(): boolean {
    return this.#watcher.unchanged
  }

  /** Throws the IMAGE_* codes for a frame that is no picture, and the codes of the engine. */
  async recognise(frame: Frame): Promise<FrameObservations> {
    const { id, roi, rotate, mask } = this.#camera
    const until = this.#clock.mono() + frameMs
    const began = performance.now()
    const input = await readPicture(frame.bytes, `camera ${id} frame ${frame.number}`, rotate)
    const picture = await decoded(input, roi, trayPixels)
    const decode = performance.now() - began
    // The pixels are this frame's own. The models see no more than a person may.
    if (mask) blackOut(picture, mask)
    const grid = hideCells(lumaGrid(picture.rgb, picture.width, picture.height, roi), this.#hidden)
    const scene = this.#watcher.look(grid)
    // Small things on a wide tray have little contrast: whether it is empty the detector says. What a hand carries is
    // followed by what it is.
    const isStill = scene.view === 'object' || scene.view === 'empty'
    const known = isStill ? this.#gate.known(grid) : null
    if (!isStill) this.#gate.wake()
    if (scene.view === 'dark') this.#crops.forget()
    let observations: readonly Observation[] = known ?? []
    const stages: StagesMs[] = [{ ...noStages, decode }]
    if (!known && scene.view !== 'dark') {
      const { boxes, stagesMs } = await this.#detector.find({ ...picture, box: roi })
      const named = await this.#crops.name(picture, boxes, roi, until)
      observations = named.observations
      if (isStill && named.complete) this.#gate.answered(grid, observations)
      stages.push(stagesMs, ...named.asked.map(one => one.stagesMs))
    }
    return {
      camera: id,
      frame: frame.number,
      capturedAt: frame.capturedAt,
      ageMs: this.#clock.mono() - frame.capturedMono,
      scene,
      look: Uint8Array.from(grid, luma => Math.round(luma * 255)),
      observations: [...observations],
      repeated: known !== null,
      stagesMs: sumOf(stages),
    }
  }
}
