// The one importer of sharp: libvips opens JPEG and PNG and nothing else, and no picture takes it longer than its time.
import type { Sharp, SharpOptions } from 'sharp'
import { maxPixels } from './inference/sharp-decode.js'

// SVG, PDF, TIFF and the like are parsers of their own, none of them needed here. libvips reads the variable when it
// starts, so it must stand before the import; the block holds also where somebody started it before.
process.env.VIPS_BLOCK_UNTRUSTED = '1'
export const { default: sharp } = await import('sharp')
sharp.block({ operation: ['VipsForeignLoad'] })
sharp.unblock({ operation: ['VipsForeignLoadJpeg', 'VipsForeignLoadPng'] })

export type { Sharp } from 'sharp'

/** Far above what twelve megapixels take on a slow board; sharp counts in whole seconds. */
const patienceSeconds = 3

/** A picture from outside, its bytes or its path, within the limits of size and time. Warnings are errors: part of it is missing then. */
export const openPicture = (picture: Uint8Array | string, options: SharpOptions = {}): Sharp =>
  sharp(picture, { limitInputPixels: maxPixels, failOn: 'warning', ...options }).timeout({
    seconds: patienceSeconds,
  })
