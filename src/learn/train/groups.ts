// Groups the pictures of a class by look, so that look-alikes never stand on both sides of a fold. Pure.
//
// On the Grocery Store photographs, with a backbone that never saw them, folds of single pictures say 96 % where
// 76 % of new ones are right: most photographs have a sister of the same pile. Grouping copies (dot 0.98) changes
// nothing there. Five folds of these groups say 78 %.
import { dot, lengthOf } from '../../vectors.js'
import { farthest } from './farthest.js'

/** Of each class; five folds then hold out one or two. */
export const groupsPerClass = 6
const mostRounds = 20

/** Every row less the mean of all, at length 1: what all pictures share says nothing of likeness. */
export function centred(rows: Float32Array[]): Float32Array[] {
  const mean = new Float64Array(rows[0]?.length ?? 0)
  for (const row of rows) row.forEach((value, i) => (mean[i]! += value / rows.length))
  return rows.map(row => unit(row.map((value, i) => value - mean[i]!)))
}

function unit(row: Float32Array): Float32Array {
  const length = lengthOf(row)
  return length > 0 ? row.map(value => value / length) : row
}

function nearest(row: Float32Array, centres: readonly Float32Array[]): number {
  let [best, most] = [0, Number.NEGATIVE_INFINITY]
  centres.forEach((centre, index) => {
    const likeness = dot(row, centre)
    if (likeness > most) [best, most] = [index, likeness]
  })
  return best
}

/** @returns a number from 0 on for each row: its cluster, by k-means on the sphere. */
function clusters(rows: Float32Array[], count: number): number[] {
  let centres = farthest(rows, 0, count, dot).map(index => rows[index]!)
  let found = rows.map(row => nearest(row, centres))
  for (let round = 0; round < mostRounds; round++) {
    centres = centres.map((centre, index) => {
      const sum = new Float32Array(centre.length)
      rows.forEach((row, at) => {
        if (found[at] === index) row.forEach((value, i) => (sum[i]! += value))
      })
      return sum.some(value => value !== 0) ? unit(sum) : centre
    })
    const before = found
    found = rows.map(row => nearest(row, centres))
    if (found.every((value, index) => value === before[index])) break
  }
  return found
}

/**
 * @param rows the plain embedding of each picture
 * @param labels by picture
 * @returns the group of each picture; a group never holds two classes
 */
export function groupsByLook(rows: Float32Array[], labels: ArrayLike<number>): Int32Array {
  const groups = new Int32Array(rows.length)
  const looks = centred(rows)
  for (const label of new Set(Array.from(labels))) {
    const own = looks.flatMap((_, index) => (labels[index] === label ? [index] : []))
    const found = clusters(
      own.map(index => looks[index]!),
      groupsPerClass,
    )
    own.forEach((index, at) => (groups[index] = label * groupsPerClass + found[at]!))
  }
  return groups
}
