// A picture whose hidden shapes are black: decoded, or copied, since its pixels belong to somebody else.
import { decodeJpeg } from '../inference/addon.js'
import { blackOut, type Shape } from './mask.js'
import type { PictureInput } from './picture.js'

/** @param maxSide of what a JPEG is decoded to, pixels, as decodeJpeg takes it. Throws as decodeJpeg does. */
export async function blackedOut(
  input: PictureInput,
  shapes: readonly Shape[],
  maxSide: number,
): Promise<PictureInput> {
  const picture =
    'jpeg' in input
      ? await decodeJpeg(input.jpeg, { maxSide, rotate: input.rotate ?? 0 })
      : { ...input, rgb: input.rgb.slice() }
  blackOut(picture, shapes)
  return picture
}
