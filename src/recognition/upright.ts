// A picture as sharp takes it, upright: for previews, for what is kept, and for reports.
import type { Sharp } from '../sharp.js'
import type { PictureInput } from './picture.js'

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
