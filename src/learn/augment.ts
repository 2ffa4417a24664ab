// Views of one picture as training sees them: cut out, mirrored, in other light. Pure, and the same for the same picture.
import type { UprightPicture } from '../inference/addon.js'
import { randomOf } from './random.js'

/** Goes up with every change here, so that cached embeddings of other views are not used. */
export const viewsVersion = 1

const between = (random: () => number, low: number, high: number) => low + (high - low) * random()

/** For each channel the grey level that each grey level becomes. */
function lightTables(random: () => number): Uint8Array[] {
  const gain = between(random, 0.7, 1.25)
  const contrast = between(random, 0.8, 1.2)
  return [0, 1, 2].map(() => {
    // A lamp's colour is a gain of its own for each channel.
    const own = gain * between(random, 0.93, 1.07)
    return Uint8Array.from({ length: 256 }, (_, grey) => {
      const value = (grey - 128) * contrast + 128
      return Math.max(0, Math.min(255, Math.round(value * own)))
    })
  })
}

/**
 * @param seed of the picture's content
 * @param view from 1 on; view 0 is the picture as it is, and needs no making
 * @returns a square of 45 to 95 % of the largest square's area; every second one mirrored
 */
export function makeView(picture: UprightPicture, seed: number, view: number): UprightPicture {
  const random = randomOf(seed + Math.imul(view, 0x9e3779b1))
  const { rgb, width, height } = picture
  const share = Math.sqrt(between(random, 0.45, 0.95))
  const side = Math.max(1, Math.round(share * Math.min(width, height)))
  const left = Math.floor(random() * (width - side + 1))
  const top = Math.floor(random() * (height - side + 1))
  const [red, green, blue] = lightTables(random) as [Uint8Array, Uint8Array, Uint8Array]
  const isMirrored = view % 2 === 1
  const made = new Uint8Array(side * side * 3)
  let at = 0
  for (let y = 0; y < side; y++) {
    const row = (top + y) * width + left
    for (let x = 0; x < side; x++) {
      const from = 3 * (row + (isMirrored ? side - 1 - x : x))
      made[at] = red[rgb[from]!]!
      made[at + 1] = green[rgb[from + 1]!]!
      made[at + 2] = blue[rgb[from + 2]!]!
      at += 3
    }
  }
  return { rgb: made, width: side, height: side }
}
