// The cheapest way to give each row a column of its own, or none (Hungarian method, shortest augmenting paths). Pure.

/**
 * @param costs rows x columns; Infinity where a pair is impossible
 * @param alone what a row without a column costs: no pair dearer than that is ever made
 * @returns for each row its column, or -1; the sum is the least there is. O(rows^2 x (rows + columns)).
 */
export function assign(costs: readonly (readonly number[])[], alone: number): number[] {
  const rows = costs.length
  const columns = costs[0]?.length ?? 0
  // Each row has a way out at the price of being alone: a column that only it may take.
  const wide = columns + rows
  const never = 1e9
  const cost = (row: number, column: number): number => {
    if (column >= columns) return column - columns === row ? alone : never
    const pair = costs[row]![column]!
    return pair < alone ? pair : never
  }
  const rowPrice = new Float64Array(rows + 1)
  const columnPrice = new Float64Array(wide + 1)
  // Row + 1 that holds a column + 1; 0: nobody. Column 0 holds the row that looks for a place.
  const holder = new Int32Array(wide + 1)
  for (let row = 1; row <= rows; row++) {
    const least = new Float64Array(wide + 1).fill(Number.POSITIVE_INFINITY)
    const cameFrom = new Int32Array(wide + 1)
    const visited = new Uint8Array(wide + 1)
    holder[0] = row
    let at = 0
    do {
      visited[at] = 1
      const from = holder[at]!
      let step = Number.POSITIVE_INFINITY
      let next = 0
      for (let column = 1; column <= wide; column++) {
        if (visited[column]) continue
        const reduced = cost(from - 1, column - 1) - rowPrice[from]! - columnPrice[column]!
        if (reduced < least[column]!) {
          least[column] = reduced
          cameFrom[column] = at
        }
        if (least[column]! < step) {
          step = least[column]!
          next = column
        }
      }
      for (let column = 0; column <= wide; column++) {
        if (visited[column]) {
          rowPrice[holder[column]!]! += step
          columnPrice[column]! -= step
        } else least[column]! -= step
      }
      at = next
    } while (holder[at] !== 0)
    while (at !== 0) {
      holder[at] = holder[cameFrom[at]!]!
      at = cameFrom[at]!
    }
  }
  const found = new Array<number>(rows).fill(-1)
  for (let column = 1; column <= columns; column++) {
    if (holder[column]! > 0) found[holder[column]! - 1] = column - 1
  }
  return found
}
