// A picture for people: an upright JPEG of moderate size, for the page, snapshots and explain.
import type { PictureInput } from './picture.js'

const longestSide = 960

/** @returns an upright JPEG; EXIF and the camera's rotation are applied. */
export async function previewOf(input: PictureInput): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp')
  const picture =
    'jpeg' in input
      ? sharp(input.jpeg)
          .autoOrient()
          .rotate(input.rotate ?? 0)
      : sharp(input.rgb, { raw: { width: input.width, height: input.height, channels: 3 } })
  return picture
    .resize({ width: longestSide, height: longestSide, fit: 'inside', withoutEnlargement: true })
    .jpeg({ quality: 82 })
    .toBuffer()
}
