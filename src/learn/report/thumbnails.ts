// Small copies of pictures as data URIs, so that a report is one file that can be mailed.
import type { PictureInput } from '../../recognition/picture.js'
import { openPicture, type Sharp, sharp } from '../../sharp.js'

const thumbnailSide = 224
/** Mistakes that a report shows as pictures. */
const mostThumbnails = 24

async function dataUri(picture: Sharp, side: number): Promise<string> {
  const jpeg = await picture
    .rotate()
    .resize(side, side, { fit: 'cover' })
    .flatten({ background: '#ffffff' })
    .jpeg({ quality: 72 })
    .toBuffer()
  return `data:image/jpeg;base64,${jpeg.toString('base64')}`
}

/** The data URI of a picture that lies in memory, as a classifier takes it. */
export function thumbnailOf(picture: PictureInput, side = thumbnailSide): Promise<string> {
  if ('jpeg' in picture) return dataUri(openPicture(picture.jpeg), side)
  const { rgb, width, height } = picture
  return dataUri(sharp(rgb, { raw: { width, height, channels: 3 } }), side)
}

/**
 * The pictures of the worst mistakes.
 * @param pictures file names with their paths; one that cannot be read is left out
 * @returns data URIs by file name
 */
export async function makeThumbnails(
  mistakes: readonly { file: string }[],
  pictures: readonly { file: string; path: string }[],
): Promise<Map<string, string>> {
  const worst = new Set(mistakes.slice(0, mostThumbnails).map(mistake => mistake.file))
  const thumbnails = new Map<string, string>()
  for (const { file, path } of pictures.filter(one => worst.has(one.file))) {
    try {
      thumbnails.set(file, await dataUri(openPicture(path), thumbnailSide))
    } catch {
      // The report says what the model said of it either way; the picture is an illustration.
    }
  }
  return thumbnails
}
