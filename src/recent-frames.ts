// The frames from which items were recognised, encoded and few: what is taught later is what was seen then, not what lies there now.
import type { Down } from './protocol.js'
import type { Box } from './recognition/types.js'

/** Of each camera: longer than it takes from a frame to the word that an item was recognised from it. */
const mostRecent = 12
/** A frame may have 250 kB. */
const mostItems = 16

interface Frame {
  bytes: Uint8Array
  /** Wall clock, ms. */
  capturedAt: number
}

/** What an item was recognised from. */
export interface ItemFrame {
  camera: string
  frame: Frame
  box: Box
}

export class RecentFrames {
  readonly #recent = new Map<string, Frame[]>()
  readonly #items = new Map<string, ItemFrame>()

  /** A frame that shows something. */
  add(camera: string, frame: Frame): void {
    const frames = this.#recent.get(camera) ?? []
    this.#recent.set(camera, [...frames.slice(1 - mostRecent), frame])
  }

  /** Nothing where the frame, or any before it, is not there any more. */
  remember({ itemId, camera, capturedAt, box }: Extract<Down, { type: 'remember' }>): void {
    const frame = this.#recent.get(camera)?.findLast(one => one.capturedAt <= capturedAt)
    if (!frame) return
    this.#items.delete(itemId)
    this.#items.set(itemId, { camera, frame, box })
    if (this.#items.size > mostItems) this.#items.delete(this.#items.keys().next().value!)
  }

  /** null: it was recognised too long ago. */
  of(itemId: string): ItemFrame | null {
    return this.#items.get(itemId) ?? null
  }
}
