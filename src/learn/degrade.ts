// Pictures as a bad day at the checkout makes them: eight degradations, the same for a file in every run.
import { GroceryError } from '../errors.js'
import type { PictureInput } from '../recognition/picture.js'
import { openPicture, type Sharp, sharp } from '../sharp.js'
import { fillEllipse, type Point, strokeCurve } from './draw.js'
import { seededRandom } from './random.js'

interface Pixels {
  rgb: Buffer
  width: number
  height: number
}

type Random = () => number

export interface Degradation {
  name: string
  /** What is done, with its strength. */
  words: string
  apply: (pixels: Pixels, random: Random) => Promise<PictureInput> | PictureInput
}

/** Larger pictures are scaled down to it first, so that a strength means the same for each camera. */
const mostSide = 640

const open = ({ rgb, width, height }: Pixels) => sharp(rgb, { raw: { width, height, channels: 3 } })

async function pixelsOf(image: Sharp): Promise<Pixels> {
  const { data, info } = await image.removeAlpha().raw().toBuffer({ resolveWithObject: true })
  return { rgb: data, width: info.width, height: info.height }
}

/** Each channel by its gain; too bright is white. */
function light({ rgb, ...size }: Pixels, gains: readonly [number, number, number]): Pixels {
  const tables = gains.map(gain =>
    Uint8Array.from({ length: 256 }, (_, value) => Math.min(255, Math.round(value * gain))),
  )
  const lit = Buffer.alloc(rgb.length)
  for (let i = 0; i < rgb.length; i++) lit[i] = tables[i % 3]![rgb[i]!]!
  return { rgb: lit, ...size }
}

function noise({ rgb, ...size }: Pixels, deviation: number, random: Random): Pixels {
  // The sum of four bytes is nearly normal: mean 510, standard deviation 147.8.
  const scale = deviation / 147.8
  const noisy = Buffer.alloc(rgb.length)
  for (let i = 0; i < rgb.length; i++) {
    const r = random()
    const sum = (r & 255) + ((r >>> 8) & 255) + ((r >>> 16) & 255) + (r >>> 24)
    noisy[i] = Math.max(0, Math.min(255, Math.round(rgb[i]! + (sum - 510) * scale)))
  }
  return { rgb: noisy, ...size }
}

/** One of the four halves behind grey, as behind a hand or a bag. */
function occlude({ rgb, width, height }: Pixels, random: Random): Pixels {
  const hidden = Buffer.from(rgb)
  const side = random() % 4
  const hides = [
    (x: number) => x < width / 2,
    (x: number) => x >= width / 2,
    (_: number, y: number) => y < height / 2,
    (_: number, y: number) => y >= height / 2,
  ][side]!
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (hides(x, y)) hidden.fill(128, (y * width + x) * 3, (y * width + x + 1) * 3)
    }
  }
  return { rgb: hidden, width, height }
}

/** Corners that come into view are grey. */
async function turn(pixels: Pixels, degrees: number): Promise<Pixels> {
  const { width, height } = pixels
  const turned = await pixelsOf(open(pixels).rotate(degrees, { background: '#808080' }))
  const left = Math.floor((turned.width - width) / 2)
  const top = Math.floor((turned.height - height) / 2)
  return pixelsOf(open(turned).extract({ left, top, width, height }))
}

const haze = 0.12
const patchLight = 0.85
const creaseLight = 0.7

/** A haze over all, bright patches, and soft creases where the foil catches the lamp. */
async function glare(pixels: Pixels, random: Random): Promise<Pixels> {
  const { width, height } = pixels
  const side = Math.min(width, height)
  const upTo = (most: number) => Math.round((random() / 2 ** 32) * most)
  const point = (): Point => [upTo(width), upTo(height)]
  const patches = new Uint8Array(width * height)
  for (let count = 0; count < 3; count++) {
    const radii: Point = [side * 0.06 + upTo(side * 0.1), side * 0.12 + upTo(side * 0.2)]
    fillEllipse(patches, width, point(), radii, upTo(180))
  }
  const creases = new Uint8Array(width * height)
  for (let count = 0; count < 4; count++) {
    const wide = side * 0.015 + upTo(side * 0.035)
    strokeCurve(creases, width, [point(), point(), point()], wide)
  }
  const soft = (mask: Uint8Array, share: number) =>
    sharp(mask, { raw: { width, height, channels: 1 } })
      .blur(Math.max(0.3, side * share))
      .toColourspace('b-w')
      .raw()
      .toBuffer()
  const [patch, crease] = [await soft(patches, 0.04), await soft(creases, 0.008)]
  const rgb = Buffer.from(pixels.rgb)
  for (let at = 0; at < patches.length; at++) {
    const kept =
      (1 - haze) * (1 - (patchLight * patch[at]!) / 255) * (1 - (creaseLight * crease[at]!) / 255)
    for (let c = 3 * at; c < 3 * at + 3; c++) rgb[c] = Math.round(255 - (255 - rgb[c]!) * kept)
  }
  return { ...pixels, rgb }
}

const either = <T>(random: Random, one: T, other: T): T => (random() & 1 ? one : other)

export const degradations: readonly Degradation[] = [
  {
    name: 'blur',
    words: 'out of focus: Gaussian, 1 % of the shorter side',
    apply: pixels =>
      pixelsOf(open(pixels).blur(Math.max(0.3, Math.min(pixels.width, pixels.height) / 100))),
  },
  {
    name: 'noise',
    words: 'a cheap sensor: standard deviation 25 of 255',
    apply: (pixels, random) => noise(pixels, 25, random),
  },
  {
    name: 'dim',
    words: 'a third of the light',
    apply: pixels => light(pixels, [0.33, 0.33, 0.33]),
  },
  {
    name: 'coloured',
    words: 'a warm or a cold lamp',
    apply: (pixels, random) => light(pixels, either(random, [1.15, 0.95, 0.6], [0.7, 0.95, 1.2])),
  },
  {
    name: 'jpeg40',
    words: 'JPEG of quality 40',
    apply: async pixels => ({ jpeg: await open(pixels).jpeg({ quality: 40 }).toBuffer() }),
  },
  {
    name: 'rotation',
    words: 'turned by 15 degrees, either way',
    apply: (pixels, random) => turn(pixels, either(random, 15, -15)),
  },
  {
    name: 'occlusion',
    words: 'one half hidden',
    apply: (pixels, random) => occlude(pixels, random),
  },
  {
    name: 'glare',
    words: 'in a plastic bag that shines',
    apply: (pixels, random) => glare(pixels, random),
  },
]

/**
 * @param bytes a JPEG or PNG; @param file its name: what is drawn at random depends on it alone
 * Throws IMAGE_UNREADABLE.
 */
export async function degrade(
  bytes: Uint8Array,
  file: string,
  { name, apply }: Degradation,
): Promise<PictureInput> {
  const random = seededRandom(`${name} ${file}`)
  try {
    const upright = openPicture(bytes)
      .autoOrient()
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .resize(mostSide, mostSide, { fit: 'inside', withoutEnlargement: true })
    return await apply(await pixelsOf(upright), random)
  } catch (cause) {
    const words = `${file}: decoding it to degrade it (${name}) failed: ${(cause as Error).message}`
    throw new GroceryError('IMAGE_UNREADABLE', words, { cause })
  }
}
