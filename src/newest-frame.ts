// The newest frame of a camera where somebody wants a picture of now, and the part of it that may be shown. Pure.
import type { CameraConfig } from './config/schema.js'
import { GroceryError } from './errors.js'
import type { Box } from './recognition/types.js'

/** Three frames' time, and this at least: what an older frame shows may not lie there any more. */
const freshMs = 2000
/** A frame is decoded to no less than this before a part of it is cut out, pixels. */
export const framePixels = 1920

export interface Frame {
  bytes: Uint8Array
  /** Wall clock, ms. */
  capturedAt: number
}

/** Throws TIMED_OUT where there is none of now. @param now wall clock, ms */
export function expectFresh(
  { id, fps }: Pick<CameraConfig, 'id' | 'fps'>,
  frame: Frame | null,
  now: number,
): Frame {
  const patienceMs = Math.max(freshMs, 3000 / fps)
  if (frame && now - frame.capturedAt <= patienceMs) return frame
  throw new GroceryError(
    'TIMED_OUT',
    `Expected a picture of camera ${id} of the last ${patienceMs} ms but none came`,
  )
}

/** The part of a box that lies in the region that counts. Throws COMMAND_INVALID where there is none. @param name of the field */
export function within([x0, y0, x1, y1]: Box, roi: Box, name: string): Box {
  const box: Box = [
    Math.max(x0, roi[0]),
    Math.max(y0, roi[1]),
    Math.min(x1, roi[2]),
    Math.min(y1, roi[3]),
  ]
  if (box[0] < box[2] && box[1] < box[3]) return box
  throw new GroceryError(
    'COMMAND_INVALID',
    `${name}: Expected a box in the roi [${roi.join(', ')}] but received [${[x0, y0, x1, y1].join(', ')}]`,
  )
}
