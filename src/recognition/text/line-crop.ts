// A turned line of a picture as a level strip of the recogniser's size. Pure.
import type { Rectangle } from './types.js'

export interface RgbPicture {
  rgb: Uint8Array
  width: number
  height: number
}

/** Where the strip has no text: the grey that is zero to the recogniser. */
const grey = 128
/** Points that are averaged a side of a pixel at most, where the line is shown smaller than it is. */
const mostPoints = 4

/**
 * The line fills the height from the left; longer ones are squeezed to the width.
 * @param line in pixels of the picture
 */
export function cropLine(
  { rgb, width, height }: RgbPicture,
  { x, y, along, length, height: high }: Rectangle,
  size: { width: number; height: number },
): RgbPicture {
  const out = new Uint8Array(size.width * size.height * 3).fill(grey)
  const used = Math.max(1, Math.min(size.width, Math.ceil((size.height * length) / high)))
  const [stepA, stepB] = [length / used, high / size.height]
  const points = Math.min(mostPoints, Math.max(1, Math.round(Math.max(stepA, stepB))))
  const [ux, uy] = along
  const share = 1 / (points * points)
  for (let row = 0; row < size.height; row++)
    for (let column = 0; column < used; column++) {
      let [red, green, blue] = [0, 0, 0]
      for (let k = 0; k < points * points; k++) {
        const a = (column + ((k % points) + 0.5) / points) * stepA - length / 2
        const b = (row + (Math.floor(k / points) + 0.5) / points) * stepB - high / 2
        const px = Math.min(width - 1, Math.max(0, x + a * ux - b * uy))
        const py = Math.min(height - 1, Math.max(0, y + a * uy + b * ux))
        const [x0, y0] = [Math.floor(px), Math.floor(py)]
        const [fx, fy] = [px - x0, py - y0]
        const right = x0 + 1 < width ? 3 : 0
        const down = y0 + 1 < height ? 3 * width : 0
        const at = 3 * (y0 * width + x0)
        const [w0, w1] = [(1 - fx) * (1 - fy), fx * (1 - fy)]
        const [w2, w3] = [(1 - fx) * fy, fx * fy]
        const mix = (c: number) =>
          w0 * rgb[at + c]! + w1 * rgb[at + right + c]! + w2 * rgb[at + down + c]! + w3 * rgb[at + right + down + c]! // prettier-ignore
        red += mix(0)
        green += mix(1)
        blue += mix(2)
      }
      const to = 3 * (row * size.width + column)
      out[to] = Math.round(red * share)
      out[to + 1] = Math.round(green * share)
      out[to + 2] = Math.round(blue * share)
    }
  return { rgb: out, ...size }
}
