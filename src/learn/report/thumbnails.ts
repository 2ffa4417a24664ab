// Small copies of pictures as data URIs, so that a report is one file that can be mailed.
import sharp from 'sharp'

const side = 224

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
      const jpeg = await sharp(path)
        .rotate()
        .resize(side, side, { fit: 'cover' })
        .flatten({ background: '#ffffff' })
        .jpeg({ quality: 72 })
        .toBuffer()
      thumbnails.set(file, `data:image/jpeg;base64,${jpeg.toString('base64')}`)
    } catch {
      // The report says what the model said of it either way; the picture is an illustration.
    }
  }
  return thumbnails
}
