// One camera's region as brightness, from the picture that people are shown: without what roi and mask hide. And that picture with the region drawn on it.
import type { CameraConfig } from '../../config/schema.js'
import { hiddenCells } from '../../recognition/mask.js'
import { openPicture, sharp } from '../../sharp.js'
import { places } from './limits.js'

export type Camera = Pick<CameraConfig, 'id' | 'roi' | 'rotate' | 'mask'>

export interface Region {
  width: number
  height: number
  /** Brightness 0..255, row by row. */
  luma: Float32Array
  /** Whether a block of blockPixels counts: none that a mask touches, nor one beside it. Row by row. */
  counts: boolean[]
}

/** Pixels of the square blocks that are looked at or left out as one. */
export const blockPixels = 16
/** The encoder mixes what is black with what is beside it, this far from the edge of the roi. */
const rim = 8

export const blocksOf = ({ width, height }: Pick<Region, 'width' | 'height'>) => ({
  columns: Math.floor(width / blockPixels),
  rows: Math.floor(height / blockPixels),
})

function countsOf(camera: Camera, size: { width: number; height: number }): boolean[] {
  const grid = blocksOf(size)
  const hidden = hiddenCells(camera, grid)
  return Array.from({ length: grid.columns * grid.rows }, (_, at) => {
    const [x, y] = [at % grid.columns, Math.floor(at / grid.columns)]
    for (let row = y - 1; row <= y + 1; row++)
      for (let column = x - 1; column <= x + 1; column++)
        if (column >= 0 && column < grid.columns && hidden.has(row * grid.columns + column))
          return false
    return true
  })
}

/** @param jpeg of the daemon, upright. Throws the errors of libvips for what is no whole picture. */
export async function regionOf(jpeg: Uint8Array, camera: Camera): Promise<Region> {
  const picture = openPicture(jpeg)
  const { width, height } = await picture.metadata()
  const [x0, y0, x1, y1] = camera.roi
  const inset = (at: number, length: number, edge: number, to: 1 | -1) =>
    at === edge ? at * length : Math.round(at * length) + to * rim
  const [left, top] = [inset(x0, width, 0, 1), inset(y0, height, 0, 1)]
  const [right, bottom] = [inset(x1, width, 1, -1), inset(y1, height, 1, -1)]
  const size = { width: Math.max(1, right - left), height: Math.max(1, bottom - top) }
  const bytes = await picture
    .extract({ left, top, ...size })
    .greyscale()
    .raw()
    .toBuffer()
  return { ...size, luma: Float32Array.from(bytes), counts: countsOf(camera, size) }
}

/** The mean of several pictures of one region: less noise. */
export function meanOf(regions: readonly Region[]): Region {
  const luma = new Float32Array(regions[0]!.luma.length)
  for (const region of regions)
    for (let at = 0; at < luma.length; at++) luma[at]! += region.luma[at]! / regions.length
  return { ...regions[0]!, luma }
}

/** The picture with a line around the region and between the places in it. */
export async function drawn(jpeg: Uint8Array, { roi }: Pick<Camera, 'roi'>): Promise<Buffer> {
  const { data, info } = await openPicture(jpeg)
    .toColourspace('srgb')
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  const { width, height } = info
  const [x0, y0, x1, y1] = roi
  const thick = Math.max(2, Math.round(width / 320))
  const paint = (from: [number, number], to: [number, number], dotted: boolean) => {
    const [left, top] = [Math.max(0, Math.round(from[0])), Math.max(0, Math.round(from[1]))]
    for (let y = top; y < Math.min(height, to[1]); y++)
      for (let x = left; x < Math.min(width, to[0]); x++)
        if (!dotted || (y >> 3) % 2 === 0) data.set([255, 196, 0], (y * width + x) * 3)
  }
  const [left, top] = [x0 * width, y0 * height]
  const [right, bottom] = [x1 * width, y1 * height]
  paint([left, top], [right, top + thick], false)
  paint([left, bottom - thick], [right, bottom], false)
  paint([left, top], [left + thick, bottom], false)
  paint([right - thick, top], [right, bottom], false)
  for (let part = 1; part < places.length; part++) {
    const x = left + ((right - left) * part) / places.length
    paint([x, top], [x + thick, bottom], true)
  }
  return sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 82 })
    .toBuffer()
}
