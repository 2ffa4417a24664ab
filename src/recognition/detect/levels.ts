// Detectors with several scales: where each of their rows lies, and their outputs joined to one list of rows.
import { mismatch, type DetectorSpec, type InputSize } from './types.js'
import type { Outputs } from '../runner.js'

export interface Level {
  stride: number
  columns: number
  rows: number
}

/** The grids of a model's strides; without any there is nothing to decode with. */
export function levelsOf({ strides }: DetectorSpec, { width, height }: InputSize): Level[] {
  return (strides ?? []).map(stride => ({
    stride,
    columns: Math.ceil(width / stride),
    rows: Math.ceil(height / stride),
  }))
}

export const cellsOf = (levels: readonly Level[]): number =>
  levels.reduce((sum, { columns, rows }) => sum + columns * rows, 0)

/** Calls with each cell in the order of the rows: level by level, row by row, left to right. */
export function eachCell(
  levels: readonly Level[],
  visit: (index: number, level: Level, column: number, row: number) => void,
): void {
  let index = 0
  for (const level of levels)
    for (let row = 0; row < level.rows; row++)
      for (let column = 0; column < level.columns; column++) visit(index++, level, column, row)
}

/** "1x9x80x80" is a level of planes: its values stand by channel, not by cell. */
function toRows(data: Float32Array, channels: number): Float32Array {
  const cells = data.length / channels
  const rows = new Float32Array(data.length)
  for (let channel = 0; channel < channels; channel++)
    for (let cell = 0; cell < cells; cell++)
      rows[cell * channels + channel] = data[channel * cells + cell]!
  return rows
}

function joined(parts: Float32Array[]): Float32Array {
  const data = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    data.set(part, at)
    at += part.length
  }
  return data
}

/** Several values a cell, all levels one after the other. */
export interface Rows {
  data: Float32Array
  /** Values a cell. */
  width: number
}

/**
 * The outputs as lists of rows: each either has all levels already ([1, cells, values]), or there is one a level
 * ([1, values, rows, columns]), the levels of one list together and lists in the same order.
 * @param cells of all levels
 */
export function joinLevels(outputs: Outputs, levels: readonly Level[], cells: number): Rows[] {
  const isFlat = outputs.every(({ shape }) => shape.length === 3)
  if (isFlat) {
    return outputs.map(({ data, shape }) => {
      if (shape[1] === cells) return { data, width: shape[2]! }
      throw mismatch(`${cells} rows, one a cell of the strides,`, outputs)
    })
  }
  // One output a level: grouped by their number of channels, in the order in which these first come.
  const groups = new Map<number, Outputs>()
  for (const output of outputs) {
    const channels = output.shape[1]!
    groups.set(channels, [...(groups.get(channels) ?? []), output])
  }
  return [...groups].flatMap(([channels, group]) => {
    const lists = group.length / Math.max(1, levels.length)
    const bySize = [...group].sort((a, b) => b.data.length - a.data.length)
    const level = (at: number) => levels[Math.floor(at / lists)]!
    const fits =
      Number.isInteger(lists) &&
      bySize.every((one, at) => one.data.length === channels * cellsOf([level(at)]))
    if (!fits)
      throw mismatch(`outputs of ${channels} channels, one for each of the strides,`, outputs)
    // Several of one width, such as one class and its centreness: the first of each level belong together.
    return Array.from({ length: lists }, (_, list) => {
      const parts = bySize.filter((_, at) => at % lists === list)
      return { data: joined(parts.map(one => toRows(one.data, channels))), width: channels }
    })
  })
}
