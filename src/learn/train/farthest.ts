// Farthest-point choice: rows that are as unlike each other as can be. Pure.

/**
 * Indices of `first`, then of whatever is least like all that are chosen, up to `most`; the first of equals.
 * @param likeness of two rows, larger for rows that are more alike
 */
export function farthest(
  rows: readonly Float32Array[],
  first: number,
  most: number,
  likeness: (row: Float32Array, other: Float32Array) => number,
): number[] {
  const chosen = [first]
  let near = rows.map(row => likeness(row, rows[first]!))
  while (chosen.length < Math.min(most, rows.length)) {
    const next = near.indexOf(Math.min(...near))
    chosen.push(next)
    near = near.map((value, index) => Math.max(value, likeness(rows[index]!, rows[next]!)))
  }
  return chosen
}
