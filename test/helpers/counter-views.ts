// Counters as a fixed camera sees them, composed from photographs: with goods, hands, other light; and with a lens out of focus, covered or pushed.
import sharp from 'sharp'
import { hasTurboJpeg, jpegLuma } from '../../src/inference/addon.js'
import { viewSize } from '../../src/recognition/view/compare.js'

const width = 320
const height = 240
const size = { width, height, fit: 'cover' as const }

/** The same numbers at each run. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

export type Random = () => number

/** @param contrast 1: as the photograph is; 0.3: a plain counter */
export const sceneOf = (photograph: string, contrast: number): Promise<Buffer> =>
  sharp(photograph)
    .resize(size)
    .removeAlpha()
    .toColourspace('srgb')
    .linear(contrast, 128 * (1 - contrast))
    .raw()
    .toBuffer()

const raw = { raw: { width, height, channels: 3 as const } }

/** What the camera gives of a scene: other light, noise of the sensor, JPEG; as luma of viewSize. */
export async function seen(scene: Buffer, random: Random, light = 1): Promise<Float32Array> {
  const noisy = Buffer.from(
    scene.map(value => Math.max(0, Math.min(255, value * light + (random() - 0.5) * 6))),
  )
  if (!hasTurboJpeg()) throw new Error('libturbojpeg is wanted')
  return jpegLuma({ jpeg: await sharp(noisy, raw).jpeg({ quality: 80 }).toBuffer() }, viewSize)
}

const shaped = async (photograph: string, wide: number, high: number, shape: string) => {
  const svg = `<svg width="${wide}" height="${high}">${shape}</svg>`
  const cut = await sharp(photograph)
    .resize({ width: wide, height: high, fit: 'cover' })
    .ensureAlpha()
    .composite([{ input: Buffer.from(svg), blend: 'dest-in' }])
    .png()
    .toBuffer()
  return cut
}

/** Puts a thing of a photograph somewhere; it takes about `share` of the picture. */
export async function place(
  scene: Buffer,
  photograph: string,
  share: number,
  random: Random,
): Promise<Buffer> {
  const wide = Math.min(width, Math.round(width * Math.sqrt(share * 1.27)))
  const high = Math.min(height, Math.round(height * Math.sqrt(share * 1.27)))
  const thing = await shaped(
    photograph,
    wide,
    high,
    `<ellipse cx="${wide / 2}" cy="${high / 2}" rx="${wide / 2}" ry="${high / 2}" fill="#fff"/>`,
  )
  const left = Math.round(random() * (width - wide))
  const top = Math.round(random() * (height - high))
  return sharp(scene, raw)
    .composite([{ input: thing, left, top }])
    .removeAlpha()
    .raw()
    .toBuffer()
}

/** An arm from the edge, blurred by its movement. @param wide share of the width */
export async function reach(scene: Buffer, wide: number, random: Random): Promise<Buffer> {
  const x = random() * width
  const to = random() * width
  const arm = `<svg width="${width}" height="${height}"><line x1="${x}" y1="${height * 1.1}" x2="${to}" y2="${height * random() * 0.4}" stroke="#c09078" stroke-width="${wide * width}" stroke-linecap="round"/></svg>`
  const input = await sharp(Buffer.from(arm)).blur(2).png().toBuffer()
  return sharp(scene, raw).composite([{ input }]).removeAlpha().raw().toBuffer()
}

/** The shadow of somebody who bends over the counter. */
export async function shade(scene: Buffer, random: Random): Promise<Buffer> {
  const x = Math.round(random() * 100)
  const svg = `<svg width="${width}" height="${height}"><defs><linearGradient id="g" x1="${x}%" x2="${100 - x}%" y2="100%"><stop stop-color="#000" stop-opacity="0.5"/><stop offset="1" stop-opacity="0"/></linearGradient></defs><rect width="100%" height="100%" fill="url(#g)"/></svg>`
  return sharp(scene, raw)
    .composite([{ input: Buffer.from(svg) }])
    .removeAlpha()
    .raw()
    .toBuffer()
}

/** @param sigma of the blur in thousandths of the picture's width */
export const blurred = (scene: Buffer, sigma: number): Promise<Buffer> =>
  sharp(scene, raw)
    .blur((sigma / 1000) * width)
    .removeAlpha()
    .raw()
    .toBuffer()

/** Tape, a cloth or a hand over the lens: a colour that fades from one side to the other. */
export function covered(random: Random): Promise<Buffer> {
  const tone = 40 + Math.round(random() * 170)
  const other = Math.max(20, Math.min(235, tone + Math.round((random() - 0.5) * 30)))
  const svg = `<svg width="${width}" height="${height}"><defs><linearGradient id="g" x2="${Math.round(random() * 100)}%" y2="100%"><stop stop-color="rgb(${tone},${tone},${tone})"/><stop offset="1" stop-color="rgb(${other},${other},${other})"/></linearGradient></defs><rect width="100%" height="100%" fill="url(#g)"/></svg>`
  return sharp(Buffer.from(svg)).removeAlpha().raw().toBuffer()
}

/** The camera looks elsewhere: by shares of the picture, and by degrees; what was beyond the edge comes in from a wider photograph. */
export async function pushed(
  photograph: string,
  contrast: number,
  by: { x?: number; y?: number; degrees?: number },
): Promise<{ before: Buffer; after: Buffer }> {
  const wide = { width: width * 2, height: height * 2, fit: 'cover' as const }
  const whole = await sharp(photograph)
    .resize(wide)
    .removeAlpha()
    .linear(contrast, 128 * (1 - contrast))
    .png()
    .toBuffer()
  const cut = async (x: number, y: number, degrees: number) => {
    const turned = await sharp(whole).rotate(degrees).png().toBuffer({ resolveWithObject: true })
    const left = Math.round((turned.info.width - width) / 2 + x * width)
    const top = Math.round((turned.info.height - height) / 2 + y * height)
    return sharp(turned.data).extract({ left, top, width, height }).removeAlpha().raw().toBuffer()
  }
  const { x = 0, y = 0, degrees = 0 } = by
  return { before: await cut(0, 0, 0), after: await cut(x, y, degrees) }
}
