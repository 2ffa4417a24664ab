// A picture for people: an upright JPEG of moderate size, without what its camera must not show.
import type { CameraConfig } from '../config/schema.js'
import { decodeJpeg } from '../inference/addon.js'
import { blackOut, hiddenShapes } from './mask.js'
import type { PictureInput } from './picture.js'

const longestSide = 960

/**
 * @returns an upright JPEG; EXIF and the camera's rotation are applied, and nothing else of the file is kept.
 * Mask and roi are black before a pixel is scaled: none of theirs is mixed into what remains.
 */
export async function previewOf(
  whole: PictureInput,
  camera: Pick<CameraConfig, 'mask' | 'roi'>,
): Promise<Uint8Array> {
  const { openPicture, sharp } = await import('../sharp.js')
  const shapes = hiddenShapes(camera)
  const input = shapes.length > 0 ? await blacked(whole, shapes) : whole
  const picture =
    'jpeg' in input
      ? openPicture(input.jpeg)
          .autoOrient()
          .rotate(input.rotate ?? 0)
      : sharp(input.rgb, { raw: { width: input.width, height: input.height, channels: 3 } })
  return picture
    .resize({ width: longestSide, height: longestSide, fit: 'inside', withoutEnlargement: true })
    .jpeg({ quality: 82 })
    .toBuffer()
}

async function blacked(
  input: PictureInput,
  shapes: ReturnType<typeof hiddenShapes>,
): Promise<PictureInput> {
  const picture =
    'jpeg' in input
      ? await decodeJpeg(input.jpeg, { maxSide: longestSide, rotate: input.rotate ?? 0 })
      : { ...input, rgb: input.rgb.slice() }
  blackOut(picture, shapes)
  return picture
}
