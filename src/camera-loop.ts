// One camera in the vision process: its frames to observations one after another, its health, and previews.
import { Camera } from './cameras/camera.js'
import { PictureHealth } from './cameras/picture-health.js'
import { systemClock } from './clock.js'
import type { CameraConfig } from './config/schema.js'
import { describeError } from './errors.js'
import { expectFresh, type Frame, framePixels, within } from './newest-frame.js'
import type { Down, Up } from './protocol.js'
import type { RecentFrames } from './recent-frames.js'
import { readPicture } from './recognition/picture.js'
import { previewOf } from './recognition/preview.js'
import type { Recogniser } from './recognition/recogniser.js'
import { snapshotOf } from './recognition/snapshot.js'
import type { Scene } from './recognition/types.js'
import type { ViewFault } from './recognition/view/compare.js'
import { ViewWatch } from './recognition/view/watch.js'

/** What makes observations of frames: of one thing, or of a tray. */
export type AnyRecogniser = Pick<Recogniser, 'recognise' | 'wake' | 'unchanged'>

/** An inference that takes longer is a hang, which only the end of this process cures. */
export const inferencePatienceMs = 3000
export const hangLookEveryMs = 250

export interface CameraLoopOptions {
  recogniser: AnyRecogniser
  /** Of the reference pictures; null: they are kept in memory only. */
  stateDir: string | null
  /** Takes what may be taught later; null: nothing may. */
  frames: RecentFrames | null
  send(message: Up): void
}

export class CameraLoop {
  readonly camera: Camera
  readonly #recogniser: AnyRecogniser
  readonly #send: (message: Up) => void
  readonly #camera: CameraConfig
  #done: Promise<void> = Promise.resolve()
  #newest: Frame | null = null
  #previewWanted = false
  readonly #pictures: PictureHealth
  readonly #view: ViewWatch | null
  readonly #frames: RecentFrames | null
  failed = 0
  recognised = 0
  #busy = false
  #checksWhileBusy = 0

  constructor(config: CameraConfig, { recogniser, stateDir, frames, send }: CameraLoopOptions) {
    this.#camera = config
    this.#recogniser = recogniser
    this.#frames = frames
    this.#send = send
    this.camera = new Camera(config, systemClock, (status, reason) =>
      this.#pictures.source(status, reason),
    )
    this.#pictures = new PictureHealth(this.camera, systemClock, (status, reason) =>
      send({ type: 'cameraHealth', camera: config.id, status, reason }),
    )
    // A recording shows one view after another on purpose.
    this.#view = this.camera.isLive ? new ViewWatch(config, stateDir, systemClock) : null
  }

  start(): void {
    this.camera.start()
    this.#done = this.#run()
  }

  async stop(): Promise<void> {
    await this.camera.stop()
    await this.#done
  }

  /** Answers with the newest frame; where none has come yet, the first is one answer for all who asked. */
  preview(): void {
    if (this.#newest) void this.#sendPreview(this.#newest)
    else this.#previewWanted = true
  }

  /** Answers with what it shows now, or with why it cannot: an old picture is never given for a new one. */
  async snapshot({ id, box }: Extract<Down, { type: 'snapshot' }>): Promise<void> {
    const config = this.#camera
    try {
      const part = within(box ?? config.roi, config.roi, 'box')
      const { bytes, capturedAt } = expectFresh(config, this.newest, systemClock.wall())
      const input = await readPicture(bytes, `camera ${config.id}`, config.rotate)
      const shown = await snapshotOf(input, config, part, framePixels)
      this.#send({ type: 'snapshot', id, capturedAt, box: part, ...shown })
    } catch (error) {
      this.#send({ type: 'noSnapshot', id, ...describeError(error) })
    }
  }

  /** What it sees, to be taught or sent; null before the first frame, and of a camera that gives old ones. */
  get newest(): Frame | null {
    return this.#pictures.isFrozen ? null : this.#newest
  }

  lookAnew(): void {
    this.#recogniser.wake()
  }

  /**
   * Whether the frame at hand has been pending for too long; to be asked every hangLookEveryMs.
   * The askings are counted, not the time: a pause of the whole process (swapping) is no hang.
   */
  hangs(): boolean {
    return this.#busy && ++this.#checksWhileBusy > inferencePatienceMs / hangLookEveryMs
  }

  async #run(): Promise<void> {
    for await (const frame of this.camera.newest()) {
      this.#busy = true
      this.#checksWhileBusy = 0
      this.#newest = frame
      if (this.#previewWanted) void this.#sendPreview(frame)
      this.#previewWanted = false
      try {
        const seen = await this.#recogniser.recognise(frame)
        this.#pictures.seen({
          dark: seen.scene.view === 'dark',
          unchanged: this.#recogniser.unchanged,
          view: await this.#viewFault(frame.bytes, seen.scene),
        })
        if (seen.observations.length > 0) this.#frames?.add(this.#camera.id, frame)
        // What an old picture shows may not lie there any more.
        if (!this.#pictures.isFrozen) this.#send({ type: 'observations', frame: seen })
        if (seen.observations.length > 0 && !seen.repeated) this.recognised++
      } catch (error) {
        this.failed++
        this.#pictures.failed(describeError(error))
        this.#tell(error)
      }
      this.#busy = false
    }
  }

  /** What is wrong with the view for long enough. */
  async #viewFault(bytes: Uint8Array, scene: Scene): Promise<ViewFault | null> {
    if (!this.#view) return null
    const { id, rotate } = this.#camera
    return this.#view.look(await readPicture(bytes, `camera ${id}`, rotate), scene)
  }

  async #sendPreview({
    bytes,
    capturedAt,
  }: {
    bytes: Uint8Array
    capturedAt: number
  }): Promise<void> {
    const camera = this.camera.id
    try {
      const input = await readPicture(bytes, `camera ${camera}`, this.#camera.rotate)
      this.#send({
        type: 'preview',
        camera,
        jpeg: await previewOf(input, this.#camera),
        capturedAt,
      })
    } catch (error) {
      this.#tell(error)
    }
  }

  #tell(error: unknown): void {
    if (this.#pictures.tells()) this.#send({ type: 'fault', ...describeError(error), fatal: false })
  }
}
