// Counters with nothing on them: a colour, a slope of light and one texture (grain, wood, brushed metal, belt).
import { type Random, randomOf } from '../random.js'
import { pictureSize } from './size.js'

type Texture = (random: Random) => (x: number, y: number) => number

/** Values at whole steps, smooth in between. */
function smooth(random: Random, count: number): (at: number) => number {
  const values = Array.from({ length: count + 1 }, () => random.normal())
  return at => {
    const whole = Math.floor(at) % count
    const share = at - Math.floor(at)
    return values[whole]! * (1 - share) + values[whole + 1]! * share
  }
}

const textures: Record<string, Texture> = {
  grain(random) {
    const side = 97
    const rough = Float32Array.from({ length: side * side }, () => random.normal())
    const strength = random.between(3, 9)
    return (x, y) => rough[((y >> 1) % side) * side + ((x >> 1) % side)]! * strength
  },
  wood(random) {
    const lines = smooth(random, 61)
    const bend = smooth(random, 17)
    const strength = random.between(5, 12)
    return (x, y) => lines(y / 7 + 3 + bend(x / 160) * 1.5 + 3) * strength
  },
  metal(random) {
    const rows = Float32Array.from({ length: pictureSize.height }, () => random.normal())
    const strength = random.between(3, 8)
    return (_, y) => rows[y]! * strength
  },
  belt(random) {
    const step = random.whole(5, 12)
    const strength = random.between(4, 12)
    return (x, y) => ((Math.floor(x / step) + Math.floor(y / step)) % 2 ? 0.5 : -0.5) * strength
  },
}
export const textureNames = Object.keys(textures)

/** RGB24 of `pictureSize`. */
export function counterGround(seed: number): Uint8Array {
  const { width, height } = pictureSize
  const random = randomOf(seed)
  const texture = textures[textureNames[seed % textureNames.length]!]!(random)
  const grey = random.between(70, 190)
  const tint = [random.between(-10, 14), random.between(-6, 6), random.between(-14, 10)]
  const [across, down] = [random.between(-18, 18), random.between(-18, 18)]
  const ground = new Uint8Array(width * height * 3)
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const light = across * ((2 * x) / width - 1) + down * ((2 * y) / height - 1)
      const value = grey + light + texture(x, y)
      for (const shade of tint) ground[at++] = Math.max(0, Math.min(255, value + shade))
    }
  }
  return ground
}
