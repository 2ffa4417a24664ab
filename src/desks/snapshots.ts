// Answers the command snapshot: what a camera shows now, as vision cuts it out. Nothing of it is kept.
import { coded, GroceryError } from '../errors.js'
import type { CameraView } from '../observe/view.js'
import type { CameraStatus, Down, Up } from '../protocol.js'
import type { CommandPayload, CommandResult } from '../publish/command-messages.js'
import { expectCamera } from '../leading-camera.js'
import { connecting } from '../reasons.js'

const patienceMs = 2000

/** What they show is of now, be it ever so dark. */
const shows: ReadonlySet<CameraStatus> = new Set(['live', 'dark', 'covered', 'blurred', 'moved'])

export interface SnapshotsOptions {
  vision: { send(message: Down): void }
  cameras(): Pick<CameraView, 'id' | 'status' | 'reason'>[]
}

type Taken = Extract<Up, { type: 'snapshot' }>

export class Snapshots {
  readonly #options: SnapshotsOptions
  readonly #asked = new Map<number, { resolve(taken: Taken): void; reject(error: Error): void }>()
  #lastId = 0

  constructor(options: SnapshotsOptions) {
    this.#options = options
  }

  /** Throws CAMERA_UNKNOWN, what is wrong with a camera that shows nothing of now, COMMAND_INVALID, TIMED_OUT, IMAGE_*. */
  async take({ camera, box }: CommandPayload<'snapshot'>): Promise<CommandResult<'snapshot'>> {
    const { status, reason } = expectCamera(this.#options.cameras(), camera)
    if (!shows.has(status)) throw coded(reason ?? connecting(camera))
    const { jpeg, capturedAt, ...taken } = await this.#ask(camera, box ?? null)
    return {
      camera,
      capturedAt: new Date(capturedAt).toISOString(),
      box: taken.box,
      width: taken.width,
      height: taken.height,
      jpeg: Buffer.from(jpeg).toString('base64'),
    }
  }

  hear(message: Up): void {
    if (message.type === 'snapshot') this.#asked.get(message.id)?.resolve(message)
    else if (message.type === 'noSnapshot') this.#asked.get(message.id)?.reject(coded(message))
  }

  #ask(camera: string, box: Taken['box'] | null): Promise<Taken> {
    const id = ++this.#lastId
    let timer: NodeJS.Timeout | undefined
    return new Promise<Taken>((resolve, reject) => {
      const words = `Expected a picture of camera ${camera} within ${patienceMs} ms but none came`
      timer = setTimeout(() => reject(new GroceryError('TIMED_OUT', words)), patienceMs)
      this.#asked.set(id, { resolve, reject })
      this.#options.vision.send({ type: 'snapshot', id, camera, box })
    }).finally(() => {
      clearTimeout(timer)
      this.#asked.delete(id)
    })
  }
}
