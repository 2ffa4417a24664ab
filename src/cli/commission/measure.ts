// Focus, light, flicker and glare of a region, from its brightness. Pure.
import { blackUpTo, clippedFrom } from './limits.js'
import { blockPixels, blocksOf, type Region } from './region.js'

/** Brightness between the dark and the bright side of what counts as an edge, of 255. */
const edgeContrast = 60
/** Fields that glare is looked for in, across and down. */
const fields = 3
/** Bands of rows that flicker is looked for in: a rolling shutter shows it as stripes. */
const bands = 24

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!

/** The top left corner of each block that counts. */
function* cornersOf(region: Region): Generator<[x: number, y: number]> {
  const { columns, rows } = blocksOf(region)
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      if (region.counts[row * columns + column]) yield [column * blockPixels, row * blockPixels]
}

/** Contrast of a block over its steepest slope: so many pixels wide is the sharpest edge in it; null: it has none. */
function edgeIn({ luma, width }: Region, left: number, top: number): number | null {
  let [least, most, steepest] = [255, 0, 0]
  const last = blockPixels - 1
  for (let y = top + 1; y < top + last; y++) {
    for (let x = left + 1; x < left + last; x++) {
      const here = y * width + x
      const value = luma[here]!
      least = Math.min(least, value)
      most = Math.max(most, value)
      // Three in a row along the edge: noise has no such slopes.
      let [across, down] = [0, 0]
      for (let step = -1; step <= 1; step++) {
        across += luma[here + 1 + step * width]! - luma[here + step * width]!
        down += luma[here + width + step]! - luma[here + step]!
      }
      steepest = Math.max(steepest, Math.abs(across) / 3, Math.abs(down) / 3)
    }
  }
  return most - least < edgeContrast ? null : (most - least) / steepest
}

/**
 * How sharp the sharpest quarter of all edges is: what is round or far away is never as sharp as print.
 * @returns edges: blocks that have one; edgeWidth: thousandths of the region's longer side, null without any
 */
export function focusOf(region: Region): { edges: number; edgeWidth: number | null } {
  const widths = [...cornersOf(region)]
    .map(([x, y]) => edgeIn(region, x, y))
    .filter(one => one !== null)
    .sort((a, b) => a - b)
  const longer = Math.max(region.width, region.height)
  const edgeWidth = widths.length === 0 ? null : (at(widths, 0.25) / longer) * 1000
  return { edges: widths.length, edgeWidth }
}

/** Shares of the pixels that count, in percent; of a part of the region where one is given, null: nothing counts there. */
function share(
  region: Region,
  fits: (luma: number) => boolean,
  part: (x: number, y: number) => boolean = () => true,
): number | null {
  let [all, found] = [0, 0]
  for (const [left, top] of cornersOf(region)) {
    if (!part((left + blockPixels / 2) / region.width, (top + blockPixels / 2) / region.height))
      continue
    for (let y = top; y < top + blockPixels; y++)
      for (let x = left; x < left + blockPixels; x++) {
        all++
        if (fits(region.luma[y * region.width + x]!)) found++
      }
  }
  return all === 0 ? null : (found / all) * 100
}

/** @returns percent of full scale, and of the pixels */
export function lightOf(region: Region): { brightness: number | null; black: number | null } {
  let [sum, count] = [0, 0]
  for (const [left, top] of cornersOf(region))
    for (let y = top; y < top + blockPixels; y++)
      for (let x = left; x < left + blockPixels; x++) {
        sum += region.luma[y * region.width + x]!
        count++
      }
  const brightness = count === 0 ? null : (sum / count / 255) * 100
  return { brightness, black: share(region, luma => luma <= blackUpTo) }
}

/** Mean brightness of each band of rows, 0..255. */
export function bandsOf(region: Region): number[] {
  const found = Array.from({ length: bands }, () => ({ sum: 0, count: 0 }))
  for (const [left, top] of cornersOf(region))
    for (let y = top; y < top + blockPixels; y++) {
      const band = found[Math.floor((y / region.height) * bands)]!
      for (let x = left; x < left + blockPixels; x++) band.sum += region.luma[y * region.width + x]!
      band.count += blockPixels
    }
  return found.map(({ sum, count }) => (count === 0 ? 0 : sum / count))
}

/** How far the brightness of any band goes up and down, of 255. @param pictures bandsOf each, two at least */
export function flickerOf(pictures: readonly number[][]): number {
  const spans = pictures[0]!.map((_, band) => {
    const values = pictures.map(picture => picture[band]!)
    return Math.max(...values) - Math.min(...values)
  })
  return Math.max(...spans)
}

/** @returns percent; where: of the worst field, as one who looks at the picture says it */
export function glareOf(region: Region): {
  glare: number | null
  glareSpot: number | null
  where: string
} {
  const isClipped = (luma: number) => luma >= clippedFrom
  let worst = { glareSpot: null as number | null, where: '' }
  for (let row = 0; row < fields; row++) {
    for (let column = 0; column < fields; column++) {
      const found = share(
        region,
        isClipped,
        (x, y) => Math.floor(x * fields) === column && Math.floor(y * fields) === row,
      )
      if (found === null || found <= (worst.glareSpot ?? -1)) continue
      const where = `${['top', 'middle', 'bottom'][row]} ${['left', 'centre', 'right'][column]}`
      worst = { glareSpot: found, where }
    }
  }
  return { glare: share(region, isClipped), ...worst }
}
