// What has become of a camera's view since its reference picture: blurred, covered or moved, whatever goods lie in it. Pure.

/** Of the pictures that are compared. */
export const viewSize = { columns: 160, rows: 120 }
/** Cells of the coarse picture are so many pixels wide and high; no blur of a lens that matters is larger. */
const cell = 4
const across = viewSize.columns / cell
const down = viewSize.rows / cell
/** Blocks of so many cells are judged one by one: goods take some of them, the rest still tells. */
const blockCells = 5

/** Deviation of coarse luma (0..1) in a block of the reference that can be known again. */
const tellingDeviation = 0.02
/** With fewer such blocks nothing is said. */
export const fewestTelling = 6
/** Correlation from which a block shows what the reference shows there. */
const sameCorrelation = 0.8
/** Share of the reference's fine contrast below which a view is blurred. */
const blurredBelow = 0.6
/** Share of the reference's contrast below which a block shows nothing, and the share of such blocks. */
const blankBelow = 0.3
const coveredShare = 0.8
/** The reference is found again elsewhere: correlation of edges there, and what it is ahead of that in place by. */
const foundCorrelation = 0.5
const foundAhead = 0.25
/** Cells that the reference is looked for to each side, and at least away from its place. */
const reach = { x: 12, y: 9 }
const leastShift = 2
/** Share of telling blocks that must show what they did, or else the view is another one. */
const knownShare = 0.1

export type ViewFault = 'blurred' | 'covered' | 'moved'

/** `unknown`: nothing of the reference is there: goods lie everywhere, or it looks elsewhere; only time tells. */
export type ViewVerdict = ViewFault | 'unknown' | null

export interface ViewFigures {
  /** Blocks of the reference that can be known again. */
  telling: number
  /** Share of them that show the same, 0..1. */
  same: number
  /** Median fine contrast of these against the reference's, 1: as sharp; null: none shows the same. */
  sharpness: number | null
  /** Share of the telling blocks that show nothing. */
  blank: number
  /** Where the reference is found, as shares of the width and height; null: nowhere else. */
  shift: [x: number, y: number] | null
}

interface Coarse {
  luma: Float32Array
  edges: Float32Array
  /** How far each cell is from the mean of its neighbours: no light that fades makes any. */
  bend: Float32Array
  /** The same of the pixels, root mean square in each cell. */
  fine: Float32Array
}

/** Distance of a value from the mean of its four neighbours; 0 at the rim. */
function bendAt(values: Float32Array, x: number, y: number, width: number, height: number): number {
  if (x === 0 || y === 0 || x + 1 === width || y + 1 === height) return 0
  const at = y * width + x
  const around = values[at - 1]! + values[at + 1]! + values[at - width]! + values[at + width]!
  return values[at]! - around / 4
}

/** @param luma of viewSize, 0..1 */
function coarseOf(luma: Float32Array): Coarse {
  const { columns, rows } = viewSize
  const mean = new Float32Array(across * down)
  const fine = new Float32Array(across * down)
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const into = Math.floor(y / cell) * across + Math.floor(x / cell)
      mean[into]! += luma[y * columns + x]! / cell ** 2
      fine[into]! += bendAt(luma, x, y, columns, rows) ** 2 / cell ** 2
    }
  }
  const edges = new Float32Array(across * down)
  const bend = new Float32Array(across * down)
  for (let y = 0; y < down; y++) {
    for (let x = 0; x < across; x++) {
      const at = y * across + x
      bend[at] = Math.abs(bendAt(mean, x, y, across, down))
      if (x + 1 < across && y + 1 < down)
        edges[at] = Math.hypot(mean[at + 1]! - mean[at]!, mean[at + across]! - mean[at]!)
    }
  }
  return { luma: mean, edges, bend, fine: fine.map(Math.sqrt) }
}

const mean = (values: ArrayLike<number>): number => {
  let sum = 0
  for (let index = 0; index < values.length; index++) sum += values[index]!
  return values.length > 0 ? sum / values.length : 0
}

/** Deviations of both and their correlation. */
function relate(a: number[], b: number[]) {
  const [meanA, meanB] = [mean(a), mean(b)]
  let [both, squaresA, squaresB] = [0, 0, 0]
  for (let index = 0; index < a.length; index++) {
    both += (a[index]! - meanA) * (b[index]! - meanB)
    squaresA += (a[index]! - meanA) ** 2
    squaresB += (b[index]! - meanB) ** 2
  }
  const deviation = (squares: number) => Math.sqrt(squares / a.length)
  const correlation = squaresA > 0 && squaresB > 0 ? both / Math.sqrt(squaresA * squaresB) : 0
  return { a: deviation(squaresA), b: deviation(squaresB), correlation }
}

const median = (values: number[]): number | null =>
  values.length === 0 ? null : [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!

/** Correlation of the edges where the picture lies (dx, dy) cells from the reference, over what both have. */
function edgesAt(reference: Coarse, now: Coarse, dx: number, dy: number): number {
  let [count, a, b, ab, aa, bb] = [0, 0, 0, 0, 0, 0]
  for (let y = Math.max(0, dy); y < Math.min(down, down + dy); y++) {
    for (let x = Math.max(0, dx); x < Math.min(across, across + dx); x++) {
      const before = reference.edges[(y - dy) * across + x - dx]!
      const after = now.edges[y * across + x]!
      count++
      a += before
      b += after
      ab += before * after
      aa += before * before
      bb += after * after
    }
  }
  const spread = (aa - (a * a) / count) * (bb - (b * b) / count)
  return spread > 0 ? (ab - (a * b) / count) / Math.sqrt(spread) : 0
}

function findShift(reference: Coarse, now: Coarse): [number, number] | null {
  const inPlace = edgesAt(reference, now, 0, 0)
  let best = { correlation: -1, dx: 0, dy: 0 }
  for (let dy = -reach.y; dy <= reach.y; dy++) {
    for (let dx = -reach.x; dx <= reach.x; dx++) {
      const correlation = edgesAt(reference, now, dx, dy)
      if (correlation > best.correlation) best = { correlation, dx, dy }
    }
  }
  const { correlation, dx, dy } = best
  const isAway = Math.max(Math.abs(dx), Math.abs(dy)) >= leastShift
  const isFound = correlation >= foundCorrelation && correlation - inPlace >= foundAhead
  return isAway && isFound ? [dx / across, dy / down] : null
}

/** @param reference, @param picture luma 0..1 of viewSize */
export function compareViews(reference: Float32Array, picture: Float32Array): ViewFigures {
  const [before, now] = [coarseOf(reference), coarseOf(picture)]
  const sharpness: number[] = []
  let [telling, same, blank] = [0, 0, 0]
  for (let top = 0; top < down; top += blockCells) {
    for (let left = 0; left < across; left += blockCells) {
      const cells: number[] = []
      for (let y = top; y < top + blockCells; y++)
        for (let x = left; x < left + blockCells; x++) cells.push(y * across + x)
      const of = (values: Float32Array) => cells.map(at => values[at]!)
      const { a, b, correlation } = relate(of(before.luma), of(now.luma))
      if (a < tellingDeviation) continue
      telling++
      const against = (key: 'fine' | 'bend') =>
        mean(of(now[key])) / Math.max(1e-6, mean(of(before[key])))
      if (against('bend') < blankBelow) blank++
      if (correlation < sameCorrelation) continue
      same++
      // Less light lowers all contrast; only what is lost beyond that is blur.
      sharpness.push(against('fine') / Math.max(1e-6, b / a))
    }
  }
  const share = (count: number) => (telling > 0 ? count / telling : 0)
  const known = { telling, same: share(same), blank: share(blank), sharpness: median(sharpness) }
  return { ...known, shift: telling < fewestTelling ? null : findShift(before, now) }
}

/** What the figures mean; null: as it was, or too little to say. */
export function judgeView({ telling, same, sharpness, blank, shift }: ViewFigures): ViewVerdict {
  if (telling < fewestTelling) return null
  if (blank >= coveredShare) return 'covered'
  if (shift) return 'moved'
  if (same < knownShare) return 'unknown'
  return sharpness !== null && sharpness < blurredBelow ? 'blurred' : null
}
