// From the model's input back to the picture: the way of native/core/geometry.cc, the other way round. Pure.
import type { InputSpec } from '../../inference/addon.js'
import type { Box } from '../types.js'
import type { InputSize } from './types.js'

/** Takes a box of the model's input (0..1) to one of the upright picture (0..1), cut at its edges. */
export type ToPicture = (box: Box) => Box

const clamp = (value: number): number => Math.min(1, Math.max(0, value))

/**
 * @param picture upright, pixels
 * @param region the part of it that was shown to the model, 0..1
 */
export function toPicture(
  { fit, width, height }: Pick<InputSpec, 'fit' | 'width' | 'height'>,
  picture: InputSize,
  region: Box,
): ToPicture {
  const [x0, y0, x1, y1] = region
  const [wide, high] = [(x1 - x0) * picture.width, (y1 - y0) * picture.height]
  const [scaleX, scaleY] = [width / wide, height / high]
  // Which part of the region fills the whole input, in parts of the region.
  const scale = fit === 'crop' ? Math.max(scaleX, scaleY) : Math.min(scaleX, scaleY)
  const side = (length: number, pixels: number) => (fit === 'fill' ? 1 : length / scale / pixels)
  const [shareX, shareY] = [side(width, wide), side(height, high)]
  const x = (value: number) => clamp(x0 + (x1 - x0) * (0.5 + (value - 0.5) * shareX))
  const y = (value: number) => clamp(y0 + (y1 - y0) * (0.5 + (value - 0.5) * shareY))
  return box => [x(box[0]), y(box[1]), x(box[2]), y(box[3])]
}
