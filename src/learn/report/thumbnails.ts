// Small copies of pictures as data URIs, so that a report is one file that can be mailed.
import sharp, { type Sharp } from 'sharp'
import type { PictureInput } from '../../recognition/picture.js'

const side = 224

async function dataUri(picture: Sharp): Promise<string> {
  const jpeg = await picture
    .rotate()
    .resize(side, side, { fit: 'cover' })
    .flatten({ background: '#ffffff' })
    .jpeg({ quality: 72 })
    .toBuffer()
  return `data:image/jpeg;base64,${jpeg.toString('base64')}`
}

/** The data URI of a picture that lies in memory, as a classifier takes it. */
export function thumbnailOf(picture: PictureInput): Promise<string> {
  if ('jpeg' in picture) return dataUri(sharp(picture.jpeg))
  const { rgb, width, height } = picture
  return dataUri(sharp(rgb, { raw: { width, height, channels: 3 } }))
}

/**
 * @param pictures file names with their paths; one that cannot be read is left out
 * @returns data URIs by file name
 */
export async function makeThumbnails(
  pictures: readonly { file: string; path: string }[],
): Promise<Map<string, string>> {
  const thumbnails = new Map<string, string>()
  for (const { file, path } of pictures) {
    try {
      thumbnails.set(file, await dataUri(sharp(path)))
    } catch {
      // The report says what the model said of it either way; the picture is an illustration.
    }
  }
  return thumbnails
}
