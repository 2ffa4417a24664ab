// From the bytes of a picture file to what an engine takes: JPEG as it is, PNG by sharp, all else refused.
import { GroceryError } from '../errors.js'
import { type EngineInput, type Rotation, readJpegHeader } from '../inference/addon.js'
import { maxPixels } from '../inference/sharp-decode.js'

/** An EngineInput that is a picture. */
export type PictureInput = Exclude<EngineInput, { tensor: Float32Array }>

const isJpeg = (bytes: Uint8Array) => bytes[0] === 0xff && bytes[1] === 0xd8
const isPng = (bytes: Uint8Array) =>
  Buffer.from(bytes.subarray(0, 8)).toString('latin1') === '\x89PNG\r\n\x1a\n'

/** Kinds that people do send, told apart from what is no picture at all. */
const otherKinds: [RegExp, string][] = [
  [/^GIF8/, 'GIF'],
  [/^RIFF....WEBP/s, 'WebP'],
  [/^(II\*\0|MM\0\*)/, 'TIFF'],
  [/^BM/, 'BMP'],
  [/^%PDF/, 'PDF'],
  [/^....ftyp(avif|heic|mif1)/s, 'HEIF'],
  [/^\s*(<\?xml[^>]*>\s*)?<svg/i, 'SVG'],
]

async function readPng(bytes: Uint8Array, name: string, rotate: Rotation): Promise<PictureInput> {
  // Width, height and depth stand in the first chunk: read before any pixel is.
  const header = Buffer.from(bytes.subarray(0, 33))
  if (header.length < 33)
    throw new GroceryError('IMAGE_TRUNCATED', `${name}: Expected a PNG but it ends in its header`)
  const pixels = header.readUInt32BE(16) * header.readUInt32BE(20)
  if (pixels > maxPixels) {
    throw new GroceryError(
      'IMAGE_TOO_LARGE',
      `${name}: Expected at most ${maxPixels / 2 ** 20} megapixels but received ${Math.round(pixels / 2 ** 20)}`,
    )
  }
  if (header[24] === 16) {
    throw new GroceryError(
      'IMAGE_UNSUPPORTED',
      `${name}: Expected 8 bits a channel but received 16`,
    )
  }
  // A kiosk whose camera gives JPEG never needs it, and it takes 25 MB.
  const { openPicture } = await import('../sharp.js')
  try {
    const { data, info } = await openPicture(bytes)
      .autoOrient()
      .rotate(rotate)
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true })
    return { rgb: data, width: info.width, height: info.height }
  } catch (cause) {
    const words = (cause as Error).message
    // libpng's words do not tell the two apart; a whole file ends with its end chunk.
    const whole = Buffer.from(bytes.subarray(-12)).includes('IEND')
    const code = whole ? 'IMAGE_UNREADABLE' : 'IMAGE_TRUNCATED'
    throw new GroceryError(code, `${name}: Expected a whole PNG but decoding failed: ${words}`, {
      cause,
    })
  }
}

/**
 * What an engine takes of a picture file.
 * @param name the file as the user gave it, for messages
 * @param rotate clockwise degrees by which the camera is mounted askew
 * Throws IMAGE_EMPTY, IMAGE_UNREADABLE, IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE, IMAGE_TRUNCATED.
 */
export async function readPicture(
  bytes: Uint8Array,
  name: string,
  rotate: Rotation = 0,
): Promise<PictureInput> {
  if (bytes.length === 0) {
    throw new GroceryError(
      'IMAGE_EMPTY',
      `${name}: Expected a JPEG or PNG picture but received 0 bytes`,
    )
  }
  if (isPng(bytes)) return readPng(bytes, name, rotate)
  if (isJpeg(bytes)) {
    try {
      readJpegHeader(bytes)
    } catch (error) {
      throw named(error, name)
    }
    return { jpeg: bytes, rotate }
  }
  const start = Buffer.from(bytes.subarray(0, 256)).toString('latin1')
  const kind = otherKinds.find(([pattern]) => pattern.test(start))?.[1]
  if (kind)
    throw new GroceryError(
      'IMAGE_UNSUPPORTED',
      `${name}: Expected a JPEG or PNG picture but received ${kind}`,
    )
  throw new GroceryError(
    'IMAGE_UNREADABLE',
    `${name}: Expected a JPEG or PNG picture but the first bytes are of neither`,
  )
}

/** The same error with the picture's name before its words. */
export function named(error: unknown, name: string): unknown {
  if (!(error instanceof GroceryError) || error.message.startsWith(`${name}: `)) return error
  return new GroceryError(error.code, `${name}: ${error.message}`, { cause: error })
}
