// A picture of what a camera shows for somebody far away: the part that was asked for, as large as a message has room for.
import type { CameraConfig } from '../config/schema.js'
import { blackedOut } from './black-out.js'
import { hiddenShapes } from './mask.js'
import type { PictureInput } from './picture.js'
import type { Box } from './types.js'
import { openPart } from './upright.js'

/** In base64 64,000 characters: with all that stands around it a reply is no larger than a command, 64 KiB. */
export const mostSnapshotBytes = 48_000
/** Tried in this order. What is all noise fits at the last one. */
const longestSides = [960, 720, 540, 400, 300, 200]

export interface Snapshot {
  jpeg: Uint8Array
  /** Pixels. */
  width: number
  height: number
}

/**
 * Upright, with nothing of the camera's file but its pixels. Mask and all outside the roi are black before a pixel is scaled.
 * @param box inside the roi @param decodePixels of the longer side, to which a large JPEG is decoded where it has hidden parts
 */
export async function snapshotOf(
  whole: PictureInput,
  camera: Pick<CameraConfig, 'mask' | 'roi'>,
  box: Box,
  decodePixels: number,
): Promise<Snapshot> {
  const shapes = hiddenShapes(camera)
  const input = shapes.length > 0 ? await blackedOut(whole, shapes, decodePixels) : whole
  const { picture } = await openPart(input, box)
  let last: Snapshot
  for (const side of longestSides) {
    const { data, info } = await picture
      .clone()
      .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
      .jpeg({ quality: 80 })
      .toBuffer({ resolveWithObject: true })
    last = { jpeg: data, width: info.width, height: info.height }
    if (data.length <= mostSnapshotBytes) break
  }
  return last!
}
