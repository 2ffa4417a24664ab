// What the brightness grid says of a place: bare counter, the thing as it lay there, or something over it. Pure.
import type { Box } from '../../recognition/types.js'
import type { Look } from '../state.js'
import { covered } from './geometry.js'
import type { Place, Track, TrayState } from './track.js'

/** The grid of a frame's `look` (recognition/scene.ts). */
const columns = 32
const rows = 24
/** A cell differs when it moved by more than this, of 255, beyond what the light did everywhere. */
const cellChange = 16
/** A place differs when more than this share of its cells does: the edges of a box are never sure. */
const placeChange = 0.25
/** What was not touched differs in fewer: another thing of the same brightness has another pattern. */
const untouchedChange = 0.08
/** How fast a bare cell follows what is seen there. */
const learning = 0.05
/** What lies over more than this share of a box hides it. */
const hides = 0.5

/** Cells whose middle lies in the box; at least the one in its middle. */
export function cellsOf(box: Box, roi: Box, margin = 0): number[] {
  const width = roi[2] - roi[0]
  const height = roi[3] - roi[1]
  const x = (value: number) => ((value - roi[0]) / width) * columns
  const y = (value: number) => ((value - roi[1]) / height) * rows
  const cells: number[] = []
  const [left, right] = [x(box[0]) - margin, x(box[2]) + margin]
  const [top, bottom] = [y(box[1]) - margin, y(box[3]) + margin]
  for (let row = Math.max(0, Math.ceil(top - 0.5)); row < rows && row + 0.5 < bottom; row++) {
    for (let at = Math.max(0, Math.ceil(left - 0.5)); at < columns && at + 0.5 < right; at++) {
      cells.push(row * columns + at)
    }
  }
  if (cells.length > 0) return cells
  const within = (value: number, most: number) => Math.max(0, Math.min(most - 1, Math.floor(value)))
  return [within((top + bottom) / 2, rows) * columns + within((left + right) / 2, columns)]
}

type Grid = ArrayLike<number>

/** What the light did everywhere: the median change, which neither goods nor a hand move. */
export function lightShift(now: Grid, then: Grid): number {
  const changes = new Float32Array(now.length)
  let known = 0
  for (let cell = 0; cell < now.length; cell++) {
    const change = now[cell]! - then[cell]!
    if (!Number.isNaN(change)) changes[known++] = change
  }
  return known === 0 ? 0 : changes.subarray(0, known).sort()[known >> 1]!
}

/** Share of the cells that differ, 0..1; null where one of the grids does not know most of them. */
export function changedShare(cells: readonly number[], now: Grid, then: Grid, shift: number) {
  let known = 0
  let changed = 0
  for (const cell of cells) {
    const change = now[cell]! - then[cell]! - shift
    if (Number.isNaN(change)) continue
    known++
    if (Math.abs(change) > cellChange) changed++
  }
  return known * 2 > cells.length ? changed / known : null
}

type Cells = readonly number[]

/** Whether cells look otherwise; null where nobody can tell. */
function cellsChanged(cells: Cells, now: Look, then: Grid | null): boolean | null {
  if (!now || !then || now.length !== columns * rows || then.length !== now.length) return null
  const share = changedShare(cells, now, then, lightShift(now, then))
  return share === null ? null : share > placeChange
}

/** Whether the cells of a box look otherwise; null where nobody can tell. */
export const looksChanged = (box: Box, now: Look, then: Grid | null, roi: Box): boolean | null =>
  cellsChanged(cellsOf(box, roi), now, then)

/** Whether hardly a cell of a box changed: nobody can have put another thing there. */
export function looksUntouched(box: Box, now: Look, then: Look, roi: Box): boolean {
  if (!now || !then || now.length !== then.length) return false
  const share = changedShare(cellsOf(box, roi), now, then, lightShift(now, then))
  return share !== null && share <= untouchedChange
}

/** What is seen around a thing that is not: boxes that may lie over it, and of things that lay there before it. */
export interface Around {
  over: Box[]
  under: Box[]
}

/** Why a thing is not seen in a still frame. */
export function placeOf(
  { box, look: own, disturbed, carried }: Track,
  { over, under }: Around,
  look: Look,
  background: Float32Array | null,
  roi: Box,
): Place {
  if (over.some(one => covered(box, one) > hides)) return 'goods'
  const cells = cellsOf(box, roi)
  const fromOwn = cellsChanged(cells, look, own)
  // What lay below and is seen again says as much as the bare counter.
  const laidBare = under.filter(one => covered(box, one) > 0)
  const below = new Set(laidBare.flatMap(one => cellsOf(one, roi)))
  const rest = cells.filter(cell => !below.has(cell))
  if (below.size > 0 && rest.length * 4 < cells.length) return fromOwn === true ? 'empty' : 'unsure'
  const fromBare = cellsChanged(rest, look, background)
  if (fromBare === null) return fromOwn === false ? 'same' : 'unsure'
  if (fromBare) return fromOwn === false ? 'same' : 'hand'
  // Like the bare counter, and nothing over it: a detector that sees nothing there is right. Only a thing that
  // looks like the counter itself, and that nobody came near, has the benefit of the doubt.
  return fromOwn === true || disturbed || carried ? 'empty' : 'unsure'
}

/** The bare counter, learnt where nothing is known to lie and nothing is seen. @param seen boxes of what is */
export function learnBackground(
  state: TrayState,
  look: Look,
  seen: readonly Box[],
  roi: Box,
): Float32Array | null {
  if (!look || look.length !== columns * rows) return state.background
  const background = Float32Array.from(
    state.background ?? new Float32Array(look.length).fill(Number.NaN),
  )
  const busy = new Uint8Array(look.length)
  for (const box of [...state.tracks.map(track => track.box), ...seen]) {
    for (const cell of cellsOf(box, roi, 1)) busy[cell] = 1
  }
  const shift = lightShift(look, background)
  for (let cell = 0; cell < look.length; cell++) {
    if (busy[cell]) continue
    const value = look[cell]! - shift
    const known = background[cell]!
    background[cell] = Number.isNaN(known) ? value : known + learning * (value - known)
  }
  return background
}
