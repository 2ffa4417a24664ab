// Which work of the daemon must go on, and how one sees that it does: pictures, inference, and events to the disk.
import type { CameraConfig } from './config/schema.js'
import type { Progress } from './observe/watchdog.js'
import type { CameraStatus, Up } from './protocol.js'

/** Vision gives its figures once a second, and its own keepers get three seconds to end what hangs. */
const visionPatienceMs = 4000
/** A worn eMMC may take seconds for a write. */
const diskPatienceMs = 5000

/** In these a camera gives pictures; in all others it is known, and said, that and why it gives none. */
const gives = new Set<CameraStatus>(['live', 'dark', 'frozen', 'covered', 'blurred', 'moved'])

interface Writer {
  /** Writes that ended, well or not. */
  readonly attempts: number
  readonly isWriting: boolean
}

interface CameraSigns {
  status: CameraStatus
  frames: number
  /** Of these, those that went to the recogniser. */
  taken: number
}

export class LifeSigns {
  readonly #cameras: Map<string, CameraSigns>
  /** What must go on, for the watchdog. */
  readonly work: Progress[]

  constructor(cameras: Pick<CameraConfig, 'id' | 'fps'>[], writer: Writer) {
    this.#cameras = new Map(
      cameras.map(({ id }) => [id, { status: 'connecting', frames: 0, taken: 0 }]),
    )
    const all = [...this.#cameras.values()]
    const framePatienceMs = (fps: number) => Math.max(visionPatienceMs, 3000 / fps + 1000)
    this.work = [
      ...cameras.map(({ id, fps }): Progress => {
        const camera = this.#cameras.get(id)!
        return {
          name: `camera ${id}`,
          done: () => camera.frames,
          isExcused: () => !gives.has(camera.status),
          patienceMs: framePatienceMs(fps),
        }
      }),
      {
        name: 'inference',
        done: () => all.reduce((sum, one) => sum + one.taken, 0),
        isExcused: () => all.every(one => !gives.has(one.status)),
        patienceMs: framePatienceMs(Math.max(...cameras.map(({ fps }) => fps))),
      },
      {
        name: 'outbox',
        done: () => writer.attempts,
        isExcused: () => !writer.isWriting,
        patienceMs: diskPatienceMs,
      },
    ]
  }

  hear(message: Up): void {
    if (message.type === 'cameraHealth') {
      const camera = this.#cameras.get(message.camera)
      if (camera) camera.status = message.status
    } else if (message.type === 'metrics') {
      for (const { camera, frames, dropped } of message.cameras) {
        const signs = this.#cameras.get(camera)
        if (signs) Object.assign(signs, { frames, taken: frames - dropped })
      }
    }
  }

  /** Its keeper knows, and starts it again. */
  visionIsDown(): void {
    for (const camera of this.#cameras.values()) camera.status = 'connecting'
  }
}
