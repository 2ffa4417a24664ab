// Composes a tray of the demo's photographs, 1280 x 720, as a camera with some noise shows it. The noise has a fixed seed.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { addNoise } from '../frames.mjs'

export const traySize = { width: 1280, height: 720 }
const side = 220

/** Where the nth of eight lies: 0..1 of the picture. */
export function placeOf(at) {
  const [left, top] = [50 + 310 * (at % 4), 90 + 320 * Math.floor(at / 4)]
  const { width, height } = traySize
  return [left / width, top / height, (left + side) / width, (top + side) / height]
}

/** @param which numbers of the pictures by name, up to eight; null leaves a place bare. @returns a JPEG */
export async function trayFrame(folder, which, seed = 1) {
  const names = readdirSync(folder)
    .filter(name => name.endsWith('.jpg'))
    .sort()
  const things = await Promise.all(
    which.flatMap((number, at) => {
      if (number === null) return []
      const [left, top] = placeOf(at)
      const input = sharp(join(folder, names[number]))
        .resize(side, side, { fit: 'cover' })
        .toBuffer()
      const { width, height } = traySize
      return [
        input.then(input => ({
          input,
          left: Math.round(left * width),
          top: Math.round(top * height),
        })),
      ]
    }),
  )
  const pixels = await sharp({ create: { ...traySize, channels: 3, background: '#8f8a84' } })
    .composite(things)
    .removeAlpha()
    .raw()
    .toBuffer()
  addNoise(pixels, seed)
  return sharp(pixels, { raw: { ...traySize, channels: 3 } })
    .jpeg({ quality: 90, chromaSubsampling: '4:2:0' })
    .toBuffer()
}
