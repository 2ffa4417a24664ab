// A thing to lay on a counter: a studio picture whose white ground is flooded away from its edges.
import { readFileSync } from 'node:fs'
import { sharp } from '../../../src/sharp.js'

/** Pixels of a cut-out, trimmed to what is not ground. */
export interface Cutout {
  /** RGBA, row by row. */
  rgba: Uint8Array
  width: number
  height: number
}

/** A pixel is ground when no channel is further from white, and it is joined to the edge. */
const nearWhite = 7

/** 255 where the ground is, flooded from the four edges. */
function groundOf(rgb: Uint8Array, width: number, height: number): Uint8Array {
  const ground = new Uint8Array(width * height)
  const isPale = (at: number) =>
    Math.min(rgb[3 * at]!, rgb[3 * at + 1]!, rgb[3 * at + 2]!) >= 255 - nearWhite
  const open: number[] = []
  const reach = (at: number) => {
    if (ground[at] || !isPale(at)) return
    ground[at] = 255
    open.push(at)
  }
  for (let x = 0; x < width; x++) [x, x + (height - 1) * width].forEach(reach)
  for (let y = 0; y < height; y++) [y * width, y * width + width - 1].forEach(reach)
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const x = at % width
    if (x > 0) reach(at - 1)
    if (x < width - 1) reach(at + 1)
    if (at >= width) reach(at - width)
    if (at < ground.length - width) reach(at + width)
  }
  return ground
}

/** Throws where the picture is nothing but ground. */
export async function cutOut(file: string): Promise<Cutout> {
  const { data: rgb, info } = await sharp(readFileSync(file))
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true })
  const { width, height } = info
  // The edge loses a pixel and is soft: what is left of the white ground there would shine.
  const { data: soft } = await sharp(groundOf(rgb, width, height), {
    raw: { width, height, channels: 1 },
  })
    .blur(1)
    .raw()
    .toBuffer({ resolveWithObject: true })
  const channels = soft.length / (width * height)
  const alpha = Uint8Array.from({ length: width * height }, (_, at) =>
    Math.max(0, 255 - 2 * soft[at * channels]!),
  )
  let [left, top, right, bottom] = [width, height, -1, -1]
  alpha.forEach((value, at) => {
    if (value < 128) return
    const [x, y] = [at % width, Math.floor(at / width)]
    left = Math.min(left, x)
    right = Math.max(right, x)
    top = Math.min(top, y)
    bottom = Math.max(bottom, y)
  })
  if (right < 0) throw new Error(`${file} holds nothing but ground`)
  const [across, down] = [right - left + 1, bottom - top + 1]
  const rgba = new Uint8Array(across * down * 4)
  for (let y = 0; y < down; y++) {
    for (let x = 0; x < across; x++) {
      const from = (top + y) * width + left + x
      rgba.set(
        [rgb[3 * from]!, rgb[3 * from + 1]!, rgb[3 * from + 2]!, alpha[from]!],
        4 * (y * across + x),
      )
    }
  }
  return { rgba, width: across, height: down }
}
