// Vision's side of the gallery: loads the embedder, embeds what is to be taught, and takes in what the daemon keeps.
import type { CameraConfig } from './config/schema.js'
import { describeError, GroceryError } from './errors.js'
import { calledAnother, likeOthers } from './gallery/alike.js'
import { keepPicture, type KeptPicture } from './gallery/picture.js'
import type { MemoryBudget } from './inference/memory-budget.js'
import { expectFresh, type Frame, framePixels, within } from './newest-frame.js'
import type { Configure, Down, TaughtPicture, Up } from './protocol.js'
import { blackedOut } from './recognition/black-out.js'
import { Embedder } from './recognition/embedder.js'
import { hiddenShapes } from './recognition/mask.js'
import { readPicture } from './recognition/picture.js'
import { queueFor } from './recognition/tray-detector.js'
import type { RecentFrames } from './recent-frames.js'
import type { Box } from './recognition/types.js'
import type { WithGallery } from './recognition/with-gallery.js'

type Message<T extends Down['type']> = Extract<Down, { type: T }>

export interface TeacherOptions {
  configure: Configure
  answers: WithGallery
  budget: MemoryBudget
  /** The newest frame of a camera. */
  newest(camera: string): Frame | null
  /** What items were recognised from. */
  frames: Pick<RecentFrames, 'of'>
  /** The next frames must be answered anew. */
  lookAnew(): void
  send(message: Up): void
}

export class Teacher {
  readonly #options: TeacherOptions
  #embedder: Embedder | null = null

  constructor(options: TeacherOptions) {
    this.#options = options
  }

  /** Nothing without models.embedder. It never throws: without a gallery the trained classifier goes on. */
  async start(): Promise<void> {
    const { configure, answers, budget, send } = this.#options
    const { models, runtime, cacheDir, cameras } = configure
    if (models.embedder === null) return
    // Those of the cameras, one that is taught, and one of the kept ones.
    const maxQueue = queueFor(cameras) + 2
    const embedder = new Embedder({ model: models.embedder, runtime, budget, cacheDir, maxQueue })
    try {
      const info = await embedder.start()
      this.#embedder = embedder
      answers.with(embedder, info)
      send({ type: 'embedder', sha256: info.model.sha256, dims: info.dims })
    } catch (error) {
      send({ type: 'embedderFailed', ...describeError(error) })
    }
  }

  async stop(): Promise<void> {
    await this.#embedder?.stop()
  }

  use({ content, vectors }: Message<'gallery'>): void {
    this.#options.answers.use({ content, vectors })
    // What lies there now may be what was taught.
    this.#options.lookAnew()
  }

  /** Answers with `taught` or `notTaught`. */
  async teach({ id, sku, from }: Message<'teach'>): Promise<void> {
    const { answers, send } = this.#options
    try {
      const { jpeg, warnings }: KeptPicture =
        'kept' in from ? { jpeg: Buffer.from(from.kept), warnings: [] } : await this.#keep(from)
      const { embedding } = await this.#embedder!.embed({ jpeg })
      if (answers.gallery) warnings.push(...likeOthers(sku, embedding, answers.gallery))
      if (!('kept' in from)) {
        const { observation } = await answers.classifyTrained({ jpeg })
        warnings.push(...calledAnother(sku, observation))
      }
      send({ type: 'taught', id, jpeg, warnings, vector: embedding })
    } catch (error) {
      send({ type: 'notTaught', id, ...describeError(error) })
    }
  }

  /** Of a camera nothing is kept that its mask and roi leave out. */
  async #keep(from: TaughtPicture): Promise<KeptPicture> {
    if ('picture' in from) {
      const name = 'the picture of the command'
      return keepPicture(await readPicture(from.picture, name), name)
    }
    if ('itemId' in from) {
      const seen = this.#options.frames.of(from.itemId)
      if (seen) return this.#keepPart(seen.camera, seen.frame.bytes, seen.box)
      throw new GroceryError(
        'ITEM_GONE',
        `Expected the picture that item ${from.itemId} was recognised from but it is not kept any more`,
      )
    }
    const camera = this.#camera(from.camera)
    const frame = expectFresh(camera, this.#options.newest(camera.id), Date.now())
    return this.#keepPart(camera.id, frame.bytes, from.box ?? camera.roi)
  }

  #camera(id: string): CameraConfig {
    return this.#options.configure.cameras.find(one => one.id === id)!
  }

  async #keepPart(id: string, bytes: Uint8Array, box: Box): Promise<KeptPicture> {
    const camera = this.#camera(id)
    const name = `camera ${id}`
    const input = await readPicture(bytes, name, camera.rotate)
    const shapes = hiddenShapes(camera)
    const shown = shapes.length > 0 ? await blackedOut(input, shapes, framePixels) : input
    return keepPicture(shown, name, within(box, camera.roi, 'from.box'))
  }
}
