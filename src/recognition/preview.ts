// A picture for people: an upright JPEG of moderate size, without what its camera must not show.
import type { CameraConfig } from '../config/schema.js'
import { blackedOut } from './black-out.js'
import { hiddenShapes } from './mask.js'
import type { PictureInput } from './picture.js'
import { openUpright } from './upright.js'

/** Of the part that counts, pixels: all else is black, and costs next to nothing. */
const regionSide = 960

/**
 * @returns an upright JPEG; EXIF and the camera's rotation are applied, and nothing else of the file is kept.
 * Mask and roi are black before a pixel is scaled: none of theirs is mixed into what remains.
 */
export async function previewOf(
  whole: PictureInput,
  camera: Pick<CameraConfig, 'mask' | 'roi'>,
): Promise<Uint8Array> {
  const [x0, y0, x1, y1] = camera.roi
  const longestSide = Math.ceil(regionSide / Math.max(x1 - x0, y1 - y0))
  const shapes = hiddenShapes(camera)
  const input = shapes.length > 0 ? await blackedOut(whole, shapes, longestSide) : whole
  const picture = await openUpright(input)
  return picture
    .resize({ width: longestSide, height: longestSide, fit: 'inside', withoutEnlargement: true })
    .jpeg({ quality: 82 })
    .toBuffer()
}
