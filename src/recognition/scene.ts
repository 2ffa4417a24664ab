// How a picture looks before anybody asks what is in it: moving, empty, dark, or worth a look. Pure but for the frame before.
import type { Box, Scene } from './types.js'

export interface SceneSettings {
  /** Share of the picture that must change to call it moving, 0..1. */
  motion: number
  /** Standard deviation of luma below which there is nothing to see, 0..1. */
  emptyContrast: number
  /** Mean luma below which it is dark, 0..1. */
  dark: number
}

/** Of the grid of the whole scene. */
export const gridSize = { columns: 32, rows: 24 }
/** A cell has changed when its luma moved by more than this; sensor noise stays below. */
const cellChange = 12 / 255

/** Mean luma 0..1 of a grid over the box of an RGB24 picture, row by row. */
export function lumaGrid(
  rgb: Uint8Array,
  width: number,
  height: number,
  box: Readonly<Box>,
  { columns, rows } = gridSize,
): Float32Array {
  const grid = new Float32Array(columns * rows)
  const left = Math.floor(box[0] * width)
  const top = Math.floor(box[1] * height)
  const across = Math.max(1, Math.floor((box[2] - box[0]) * width))
  const down = Math.max(1, Math.floor((box[3] - box[1]) * height))
  for (let row = 0; row < rows; row++) {
    const y0 = top + Math.floor((row * down) / rows)
    const y1 = Math.max(y0 + 1, top + Math.floor(((row + 1) * down) / rows))
    for (let column = 0; column < columns; column++) {
      const x0 = left + Math.floor((column * across) / columns)
      const x1 = Math.max(x0 + 1, left + Math.floor(((column + 1) * across) / columns))
      let sum = 0
      for (let y = y0; y < y1; y++) {
        for (let at = (y * width + x0) * 3, end = (y * width + x1) * 3; at < end; at += 3) {
          sum += 0.299 * rgb[at]! + 0.587 * rgb[at + 1]! + 0.114 * rgb[at + 2]!
        }
      }
      grid[row * columns + column] = sum / ((x1 - x0) * (y1 - y0) * 255)
    }
  }
  return grid
}

export class SceneWatcher {
  readonly #settings: SceneSettings
  #before: Float32Array | null = null
  /** Whether the last frame had exactly the brightness of the one before: the noise of a sensor never lets that be. */
  unchanged = false

  constructor(settings: SceneSettings) {
    this.#settings = settings
  }

  /** @param grid of lumaGrid, of the frame that follows the one before. */
  look(grid: Float32Array): Scene {
    let changed = 0
    let sum = 0
    let squares = 0
    this.unchanged = this.#before !== null
    for (let index = 0; index < grid.length; index++) {
      const value = grid[index]!
      sum += value
      squares += value * value
      if (this.#before && value !== this.#before[index]) this.unchanged = false
      if (this.#before && Math.abs(value - this.#before[index]!) > cellChange) changed++
    }
    // The first frame has nothing to be compared with: it moves, so that nothing is decided on it.
    const motion = this.#before ? changed / grid.length : 1
    this.#before = grid
    const brightness = sum / grid.length
    const contrast = Math.sqrt(Math.max(0, squares / grid.length - brightness * brightness))
    const { motion: most, emptyContrast, dark } = this.#settings
    const view =
      brightness < dark
        ? 'dark'
        : motion > most
          ? 'moving'
          : contrast < emptyContrast
            ? 'empty'
            : 'object'
    return { view, motion, contrast, brightness }
  }
}
