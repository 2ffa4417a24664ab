// The plainest way for a picture into a model: stretched, RGB, pixels 0 to 255 as they are.
import type { InputSpec } from '../../src/inference/addon.js'

export const spec = (width: number, height: number, more: Partial<InputSpec> = {}): InputSpec => ({
  width,
  height,
  channels: 'rgb',
  layout: 'nchw',
  mean: [0],
  scale: [1],
  fit: 'fill',
  filter: 'area',
  ...more,
})
