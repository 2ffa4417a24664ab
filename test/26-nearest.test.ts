// The search for the nearest vectors: as the plain way finds them, and fast enough to be asked at every item.
import { cpus } from 'node:os'
import t from 'tap'
import { NearestRows } from '../src/inference/addon.js'

function noise(count: number, seed: number): Float32Array {
  let state = seed
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return state / 0x7fffffff - 0.5
  })
}

/** Unit rows, thirty around each of several middles, as pictures of one product lie. */
function clusters(count: number, dims: number): Float32Array {
  const rows = noise(count * dims, 5)
  const middles = noise(Math.ceil(count / 30) * dims, 6)
  for (let row = 0; row < count; row++) {
    const one = rows.subarray(row * dims, (row + 1) * dims)
    const from = Math.floor(row / 30) * dims
    one.forEach((value, d) => (one[d] = value * 0.3 + middles[from + d]!))
    const length = Math.hypot(...one)
    one.forEach((value, d) => (one[d] = value / length))
  }
  return rows
}

t.test('the rows, their order and their scores are those of the plain way', async t => {
  const [count, dims] = [900, 96]
  const rows = clusters(count, dims)
  const index = new NearestRows(rows, dims)
  for (let query = 0; query < 20; query++) {
    const asked = rows.slice(query * 37 * dims, (query * 37 + 1) * dims)
    noise(dims, query + 1).forEach((value, d) => (asked[d]! += value * 0.05))
    const plain = Array.from({ length: count }, (_, row) => {
      let score = 0
      for (let d = 0; d < dims; d++) score += asked[d]! * rows[row * dims + d]!
      return { row, score: Math.fround(score) }
    })
    plain.sort((a, b) => b.score - a.score || a.row - b.row)
    const found = index.search(asked, 25)
    t.same(
      [...found.rows],
      plain.slice(0, 25).map(one => one.row),
    )
    t.same(
      [...found.scores],
      plain.slice(0, 25).map(one => one.score),
    )
  }
})

t.test('what does not fit is refused, and nothing is found where nothing is', async t => {
  t.throws(() => new NearestRows(Float32Array.of(1, 2, 3), 2), {
    name: 'TypeError',
    message: 'Expected rows of 1 to 65536 numbers but received 3 for rows of 2',
  })
  t.throws(() => new NearestRows(Float32Array.of(1, Number.NaN), 2), {
    message: 'Expected rows of finite numbers',
  })
  t.throws(() => new NearestRows(new Float32Array(2), 0), TypeError)
  const index = new NearestRows(Float32Array.of(1, 0, 0, 1), 2)
  t.throws(() => index.search(Float32Array.of(1), 1), {
    name: 'TypeError',
    message: 'Expected a query of 2 numbers but received 1',
  })
  t.equal(index.search(Float32Array.of(1, Number.NaN), 1).rows.length, 0)
  t.equal(index.search(Float32Array.of(1, 1), 9).rows.length, 2)
  t.equal(new NearestRows(new Float32Array(0), 8).search(new Float32Array(8), 3).rows.length, 0)
})

t.test('45,000 vectors of 256 numbers take about a millisecond', async t => {
  const [count, dims] = [45_000, 256]
  const rows = clusters(count, dims)
  const index = new NearestRows(rows, dims)
  const times: number[] = []
  for (let query = 0; query < 200; query++) {
    const asked = rows.slice(query * 211 * dims, (query * 211 + 1) * dims)
    const began = performance.now()
    index.search(asked, 20)
    times.push(performance.now() - began)
  }
  times.sort((a, b) => a - b)
  // The quickest quarter: how long it takes, not how long a busy machine lets it wait.
  t.comment(`${times[50]!.toFixed(2)} ms on ${cpus()[0]?.model}`)
  t.ok(times[50]! < 5, `${times[50]} ms`)
})
