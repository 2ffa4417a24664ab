// A picture as it is kept: upright, of moderate size, and what speaks against enrolling it.
import { GroceryError } from '../errors.js'
import type { PictureInput } from '../recognition/picture.js'
import type { Box } from '../recognition/types.js'
import { openPart } from '../recognition/upright.js'

/** Enough for every embedder, and some 40 kB. */
const longestSide = 480
/** A product smaller than this has lost what tells it from others, pixels. */
const smallestSide = 64
/** Side of the picture that sharpness is measured on, so that the size of the file says nothing. */
const sharpnessSide = 160
/**
 * Standard deviation of the Laplacian, grey levels. Of 99 photographs of groceries none is below 10; blurred by a Gaussian of 3
 * pixels half are below this, of 5 pixels all.
 */
const leastSharpness = 8

export interface KeptPicture {
  jpeg: Buffer
  /** For people: why it is a poor picture; none of a good one. */
  warnings: string[]
}

/**
 * @param box the part that shows the product, 0..1 of the upright picture
 * @throws IMAGE_UNREADABLE
 */
export async function keepPicture(
  input: PictureInput,
  name: string,
  box: Box = [0, 0, 1, 1],
): Promise<KeptPicture> {
  try {
    const { picture, ...region } = await openPart(input, box)
    const jpeg = await picture
      .resize({ width: longestSide, height: longestSide, fit: 'inside', withoutEnlargement: true })
      .jpeg({ quality: 90 })
      .toBuffer()
    const warnings: string[] = []
    if (Math.min(region.width, region.height) < smallestSide) {
      warnings.push(
        `it is ${region.width} x ${region.height} pixels; at least ${smallestSide} x ${smallestSide} are wanted`,
      )
    }
    const sharpness = await sharpnessOf(jpeg)
    if (sharpness < leastSharpness) {
      warnings.push(
        `it is blurred or empty (sharpness ${sharpness.toFixed(1)}, wanted ${leastSharpness})`,
      )
    }
    return { jpeg, warnings }
  } catch (cause) {
    const words = `${name}: Expected a picture that can be kept but ${(cause as Error).message}`
    throw new GroceryError('IMAGE_UNREADABLE', words, { cause })
  }
}

/** Standard deviation of the Laplacian of the brightness, grey levels of a picture of a fixed size. */
export async function sharpnessOf(jpeg: Uint8Array): Promise<number> {
  const { sharp } = await import('../sharp.js')
  const side = sharpnessSide
  const grey = await sharp(jpeg).resize(side, side, { fit: 'fill' }).greyscale().raw().toBuffer()
  let [sum, squares, count] = [0, 0, 0]
  for (let y = 1; y < side - 1; y++) {
    for (let x = 1; x < side - 1; x++) {
      const at = y * side + x
      const value =
        4 * grey[at]! - grey[at - 1]! - grey[at + 1]! - grey[at - side]! - grey[at + side]!
      sum += value
      squares += value * value
      count++
    }
  }
  const mean = sum / count
  return Math.sqrt(squares / count - mean * mean)
}
