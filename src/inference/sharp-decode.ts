// Decodes JPEG by sharp where libturbojpeg is missing: slower, the same pixels within two grey
// levels.

import { GroceryError } from '../errors.js'
import type { JpegHeader, Rotation, UprightPicture } from './types.js'

/** As kMaxPixels in native/image/turbojpeg.h: twelve megapixels, with room for a phone's 4032 x 3024. */
export const maxPixels = 12 * 1024 * 1024

/**
 * @param header of the same bytes, already read
 * @throws IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE, IMAGE_TRUNCATED, IMAGE_UNREADABLE
 */
export async function decodeWithSharp(
  jpeg: Uint8Array,
  header: JpegHeader,
  options: { maxSide?: number; rotate?: Rotation },
): Promise<UprightPicture> {
  // Only where it is needed: it takes longer to load than all the rest.
  const { openPicture } = await import('../sharp.js')
  refuse(header)
  // libturbojpeg ignores colour profiles as well.
  let picture = openPicture(jpeg, { ignoreIcc: true })
    .autoOrient()
    .rotate(options.rotate ?? 0)
    .toColourspace('srgb')
  const divisor = shrinkOf(Math.max(header.width, header.height), options.maxSide)
  if (divisor > 1) {
    const longer = Math.ceil(Math.max(header.width, header.height) / divisor)
    picture = picture.resize({ width: longer, height: longer, fit: 'inside' })
  }
  try {
    const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true })
    return {
      rgb: info.channels === 1 ? greyToRgb(data) : data,
      width: info.width,
      height: info.height,
    }
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error)
    if (/premature|truncated|corrupt/i.test(words)) {
      const text = `Expected a whole JPEG but part of it is missing: ${words}`
      throw new GroceryError('IMAGE_TRUNCATED', text, { cause: error })
    }
    throw new GroceryError('IMAGE_UNREADABLE', `The JPEG cannot be decoded: ${words}`, {
      cause: error,
    })
  }
}

function refuse({ width, height, components }: JpegHeader): void {
  if (components !== 1 && components !== 3) {
    const kind = components === 4 ? ' (CMYK)' : ''
    const text = `Expected a grey or RGB JPEG but it has ${components} components${kind}`
    throw new GroceryError('IMAGE_UNSUPPORTED', text)
  }
  if (width * height > maxPixels) {
    const text = `Expected at most ${maxPixels} pixels but the picture has ${width}x${height}`
    throw new GroceryError('IMAGE_TOO_LARGE', text)
  }
}

function shrinkOf(longer: number, maxSide = Number.POSITIVE_INFINITY): number {
  let divisor = 1
  while (divisor < 8 && Math.ceil(longer / (divisor * 2)) >= maxSide) divisor *= 2
  return divisor
}

function greyToRgb(grey: Uint8Array): Uint8Array {
  const rgb = new Uint8Array(grey.length * 3)
  for (let i = 0; i < grey.length; i++) rgb.fill(grey[i]!, 3 * i, 3 * i + 3)
  return rgb
}
