// A picture that things, shadows, arms and light are laid on, pixel by pixel; and its JPEG.
import { sharp } from '../../../src/sharp.js'
import type { Box } from '../../../src/recognition/types.js'
import type { Random } from '../random.js'
import type { Cutout } from './cutout.js'
import { pictureSize } from './size.js'

const { width, height } = pictureSize
export type Colour = readonly [red: number, green: number, blue: number]

/** Pixels of a box, cut at the picture's edges. */
function pixelsOf([x0, y0, x1, y1]: Box) {
  return {
    left: Math.max(0, Math.floor(x0 * width)),
    top: Math.max(0, Math.floor(y0 * height)),
    right: Math.min(width, Math.ceil(x1 * width)),
    bottom: Math.min(height, Math.ceil(y1 * height)),
  }
}

/** A prime number of values, so that it never lines up with the rows. */
export const sensorNoise = (random: Random, deviation: number): Int8Array =>
  Int8Array.from({ length: 262_139 }, () => Math.round(random.normal() * deviation))

export class Canvas {
  readonly rgb: Uint8Array

  constructor(ground: Uint8Array) {
    this.rgb = Uint8Array.from(ground)
  }

  /** A soft dark oval below and beside a thing. */
  shade([x0, y0, x1, y1]: Box, strength: number): void {
    const [w, h] = [x1 - x0, y1 - y0]
    const box: Box = [x0 - 0.05 * w, y0 + 0.05 * h, x1 + 0.2 * w, y1 + 0.16 * h]
    this.#each(box, (at, u, v) => {
      const far = Math.hypot(2 * u - 1, 2 * v - 1)
      const dark = 1 - strength * Math.max(0, Math.min(1, (1 - far) * 2.5))
      for (let channel = 0; channel < 3; channel++) this.rgb[at + channel]! *= dark
    })
  }

  /** Stretched to the box; what lies outside of the picture is cut off. */
  lay({ rgba, width: across, height: down }: Cutout, box: Box, light = 1): void {
    this.#each(box, (at, u, v) => {
      // Between four pixels, so that an enlarged picture has no blocks.
      const x = Math.max(0, Math.min(across - 1.001, u * across - 0.5))
      const y = Math.max(0, Math.min(down - 1.001, v * down - 0.5))
      const [column, row] = [Math.floor(x), Math.floor(y)]
      const [right, low] = [x - column, y - row]
      const from = 4 * (row * across + column)
      const mix = (channel: number) =>
        (rgba[from + channel]! * (1 - right) + rgba[from + 4 + channel]! * right) * (1 - low) +
        (rgba[from + 4 * across + channel]! * (1 - right) +
          rgba[from + 4 * across + 4 + channel]! * right) *
          low
      this.#blend(at, [mix(0) * light, mix(1) * light, mix(2) * light], mix(3) / 255)
    })
  }

  /** A thick line with round ends, lit along its middle; `from`, `to` as fractions, `thick` of the width. */
  limb(from: [number, number], to: [number, number], thick: number, colour: Colour): void {
    const [ax, ay] = [from[0] * width, from[1] * height]
    const [bx, by] = [to[0] * width, to[1] * height]
    const radius = (thick * width) / 2
    const box: Box = [
      (Math.min(ax, bx) - radius) / width,
      (Math.min(ay, by) - radius) / height,
      (Math.max(ax, bx) + radius) / width,
      (Math.max(ay, by) + radius) / height,
    ]
    const [dx, dy] = [bx - ax, by - ay]
    const length = Math.max(1, dx * dx + dy * dy)
    const { left, top, right, bottom } = pixelsOf(box)
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) {
        const along = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / length))
        const far = Math.hypot(x - ax - along * dx, y - ay - along * dy) / radius
        if (far >= 1) continue
        const light = 1.05 - 0.45 * far * far
        const at = 3 * (y * width + x)
        this.#blend(at, [colour[0] * light, colour[1] * light, colour[2] * light], (1 - far) * 8)
      }
    }
  }

  /** Light on a part of the picture, its edge soft. */
  brighten(box: Box, gain: number): void {
    this.#each(box, (at, u, v) => {
      const edge = Math.min(u, 1 - u, v, 1 - v)
      const more = 1 + (gain - 1) * Math.min(1, edge * 12)
      for (let channel = 0; channel < 3; channel++)
        this.rgb[at + channel] = Math.min(255, this.rgb[at + channel]! * more)
    })
  }

  /** The lamp's gain and the sensor's noise, which begins elsewhere in each frame. */
  expose(gain: number, noise: Int8Array, from: number): void {
    const { rgb } = this
    for (let at = 0, next = from % noise.length; at < rgb.length; at++) {
      const value = rgb[at]! * gain + noise[next]!
      rgb[at] = value < 0 ? 0 : value > 255 ? 255 : value
      if (++next === noise.length) next = 0
    }
  }

  jpeg(quality: number): Promise<Buffer> {
    return sharp(this.rgb, { raw: { width, height, channels: 3 } })
      .jpeg({ quality })
      .toBuffer()
  }

  #blend(at: number, colour: Colour, share: number): void {
    const much = share > 1 ? 1 : share
    if (much <= 0.02) return
    for (let channel = 0; channel < 3; channel++) {
      const value = this.rgb[at + channel]! * (1 - much) + colour[channel]! * much
      this.rgb[at + channel] = value > 255 ? 255 : value
    }
  }

  /** Every pixel of a box by its offset, and where in the box it is, 0..1. */
  #each(box: Box, paint: (at: number, u: number, v: number) => void): void {
    const { left, top, right, bottom } = pixelsOf(box)
    const [x0, y0, x1, y1] = box
    for (let y = top; y < bottom; y++) {
      const v = ((y + 0.5) / height - y0) / (y1 - y0)
      if (v < 0 || v > 1) continue
      for (let x = left; x < right; x++) {
        const u = ((x + 0.5) / width - x0) / (x1 - x0)
        if (u >= 0 && u <= 1) paint(3 * (y * width + x), u, v)
      }
    }
  }
}
