// The running daemon as commissioning sees it: what it shows on its own HTTP, and nothing else of it.
import { setTimeout as sleep } from 'node:timers/promises'
import { fromHere } from '../../config/listen.js'
import { describeError, type ErrorCode, errorTable, GroceryError } from '../../errors.js'
import type { CameraView, FrameView, ProductView } from '../../observe/view.js'
import type { StateMessage } from '../../publish/messages.js'

const patienceMs = 5000
/** Twice as often as most cameras give a frame. */
const lookEveryMs = 50

export interface Picture {
  jpeg: Uint8Array
  /** Wall clock, ms. */
  capturedAt: number
}

/** @param listen http.listen */
export const urlOf = (listen: string): string => `http://${fromHere(listen)}`

export class Kiosk {
  readonly #url: string
  readonly #camera: string

  constructor(url: string, camera: string) {
    this.#url = url
    this.#camera = camera
  }

  /** Throws DAEMON_UNREACHABLE, and what the daemon answers; as all the others do. */
  async state(): Promise<StateMessage> {
    return (await this.#get('/api/v1/state')).json() as Promise<StateMessage>
  }

  async camera(): Promise<CameraView | undefined> {
    const { cameras } = (await (await this.#get('/api/v1/cameras')).json()) as {
      cameras: CameraView[]
    }
    return cameras.find(({ id }) => id === this.#camera)
  }

  async products(): Promise<ProductView[]> {
    const { products } = (await (await this.#get('/api/v1/products')).json()) as {
      products: ProductView[]
    }
    return products
  }

  /** The newest one, as people are shown it. */
  async picture(): Promise<Picture> {
    const answer = await this.#get(`/api/v1/cameras/${this.#camera}/frame.jpg`)
    const capturedAt = Date.parse(answer.headers.get('x-captured-at') ?? '')
    return { jpeg: new Uint8Array(await answer.arrayBuffer()), capturedAt }
  }

  /** Different pictures, until there are so many and this much time has gone by. @param ms at most ten times that is waited */
  async pictures(count: number, ms: number): Promise<Picture[]> {
    const since = performance.now()
    const found: Picture[] = []
    for (;;) {
      const gone = performance.now() - since
      if (found.length >= count && gone >= ms) return found
      if (gone > ms * 10 + patienceMs)
        throw new GroceryError(
          'TIMED_OUT',
          `Expected ${count} pictures of camera ${this.#camera} but received ${found.length}`,
        )
      const picture = await this.picture()
      if (picture.capturedAt !== found.at(-1)?.capturedAt) found.push(picture)
      await sleep(lookEveryMs)
    }
  }

  /** What is seen from now on, each frame once, until the signal says so. */
  async *frames(signal: AbortSignal): AsyncGenerator<FrameView> {
    let last = -1
    while (!signal.aborted) {
      const { frames } = (await (await this.#get('/api/v1/frames')).json()) as {
        frames: FrameView[]
      }
      const frame = frames.find(({ camera }) => camera === this.#camera)
      if (frame && frame.frame !== last && !signal.aborted) yield frame
      last = frame?.frame ?? last
      await sleep(lookEveryMs)
    }
  }

  async #get(path: string): Promise<Response> {
    const url = `${this.#url}${path}`
    let answer: Response
    try {
      answer = await fetch(url, { signal: AbortSignal.timeout(patienceMs) })
    } catch (cause) {
      const { message } = describeError((cause as Error).cause ?? cause)
      throw new GroceryError(
        'DAEMON_UNREACHABLE',
        `Expected the running daemon at ${this.#url} but received: ${message}`,
        { cause },
      )
    }
    if (answer.ok) return answer
    const said = (await answer.json().catch(() => ({}))) as { code?: string; message?: string }
    const { code = '', message = `HTTP ${answer.status}` } = said
    throw new GroceryError(
      code in errorTable ? (code as ErrorCode) : 'DAEMON_UNREACHABLE',
      code in errorTable ? message : `Expected grocerd at ${url} but received: ${message}`,
    )
  }
}
