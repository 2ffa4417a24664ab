// Makes the frames of the benchmarks: the demo's photographs as a 1080p camera would show them.
// The noise has a fixed seed, so every machine measures the same pixels.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'

const [width, height] = [1920, 1080]
const itemSide = 980
/** Standard deviation of the sensor's noise, grey levels. */
const noise = 3

/** Even noise of a small generator (mulberry32), summed to something near a bell curve. */
export function addNoise(pixels, seed) {
  let state = seed
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) / 4294967296
  }
  for (let at = 0; at < pixels.length; at += 3) {
    const shift = (next() + next() + next() - 1.5) * 2 * noise
    for (let c = 0; c < 3; c++) pixels[at + c] = Math.min(255, Math.max(0, pixels[at + c] + shift))
  }
}

async function frameOf(picture, seed) {
  const item = await sharp(picture)
    .resize(itemSide, itemSide, { fit: 'cover', kernel: 'lanczos3' })
    .toBuffer()
  const scene = await sharp(picture)
    .resize(width, height, { fit: 'cover' })
    .blur(24)
    .composite([{ input: item }])
    .removeAlpha()
    .raw()
    .toBuffer()
  addNoise(scene, seed)
  return sharp(scene, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 90, chromaSubsampling: '4:2:0' })
    .toBuffer()
}

/** Writes one frame a picture, in name order. @returns their paths */
export async function makeFrames(pictures, folder) {
  mkdirSync(folder, { recursive: true })
  const names = readdirSync(pictures).filter(name => name.endsWith('.jpg'))
  const paths = []
  for (const [index, name] of names.sort().entries()) {
    const path = join(folder, name)
    writeFileSync(path, await frameOf(join(pictures, name), index + 1))
    paths.push(path)
  }
  return paths
}
