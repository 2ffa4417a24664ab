// A picture as sharp takes it, upright: for previews, for what is kept, and for reports.
import type { Sharp } from '../sharp.js'
import type { PictureInput } from './picture.js'
import type { Box } from './types.js'

/** EXIF and the camera's rotation are applied. sharp is opened here and not before: a kiosk may never need it, and it takes 25 MB. */
export async function openUpright(input: PictureInput): Promise<Sharp> {
  const { openPicture, sharp } = await import('../sharp.js')
  if (!('jpeg' in input)) {
    const { rgb, width, height } = input
    return sharp(rgb, { raw: { width, height, channels: 3 } })
  }
  return openPicture(input.jpeg)
    .autoOrient()
    .rotate(input.rotate ?? 0)
}

/** The part of the upright picture that a box shows, each pixel that it touches. Throws the words of sharp. */
export async function openPart(
  input: PictureInput,
  [x0, y0, x1, y1]: Box,
): Promise<{ picture: Sharp; width: number; height: number }> {
  const { sharp } = await import('../sharp.js')
  const upright = await openUpright(input)
  const { data, info } = await upright
    .toColourspace('srgb')
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  const left = Math.floor(x0 * info.width)
  const top = Math.floor(y0 * info.height)
  const width = Math.max(1, Math.ceil(x1 * info.width) - left)
  const height = Math.max(1, Math.ceil(y1 * info.height) - top)
  const channels = info.channels as 1 | 3
  const picture = sharp(data, { raw: { width: info.width, height: info.height, channels } })
  return { picture: picture.extract({ left, top, width, height }), width, height }
}
