// A picture as pixels, decoded once for all who look at it.
import { decodeJpeg, type UprightPicture } from '../inference/addon.js'
import type { PictureInput } from './picture.js'
import type { Box } from './types.js'

/** Enough for any model's input, per side of the part that it sees. */
export const networkPixels = 640

/**
 * Upright RGB24; what is pixels already stays as it is.
 * @param box the smallest part that somebody looks at
 * Throws as decodeJpeg does.
 */
export async function decoded(
  input: PictureInput,
  [x0, y0, x1, y1]: Readonly<Box>,
  pixels = networkPixels,
): Promise<UprightPicture> {
  if (!('jpeg' in input)) return input
  const maxSide = Math.ceil(pixels / Math.min(x1 - x0, y1 - y0))
  return decodeJpeg(input.jpeg, { maxSide, rotate: input.rotate ?? 0 })
}
