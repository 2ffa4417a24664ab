// A row on a lane of its own: a product lies there, a fault comes and goes, and the books must be right after it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hasFfmpeg } from '../helpers/clip.js'
import { Lane } from '../helpers/lane.js'
import type { Outcome, Row } from './row.js'

/** Two products in turn, so that each time something else may lie there. */
export const goods = ['banana', 'lemon']

export interface Found {
  /** From the fault to the state that says so, and from its end (or from itself) to the next ready. */
  seenMs: number[]
  recoverMs: number[]
}

interface LaneRow extends Omit<Row, 'run'> {
  seenWithinMs?: number
  recoverWithinMs?: number
  /** Then a daemon of its own begins: many crashes of one within a minute count as a crash loop and wait longer. */
  roundsPerLane?: number
  /** Of the daemon; given the folder of the lane. */
  env?: (dir: string) => Record<string, string>
  config?: object
  before?: (dir: string) => Promise<void>
  /** When the daemon has ended; what was wrong. */
  after?: () => string[]
  /** Does the fault and ends it. A product of `goods` lies there: the one of n. */
  round(lane: Lane, found: Found, n: number): Promise<void>
}

export const laneRow = ({
  seenWithinMs = Infinity,
  recoverWithinMs = Infinity,
  roundsPerLane = Infinity,
  env = () => ({}),
  config = {},
  before = async () => {},
  after = () => [],
  round,
  skip,
  ...row
}: LaneRow): Row => ({
  ...row,
  skip: () => (hasFfmpeg ? (skip?.() ?? null) : 'ffmpeg is not installed'),
  async run(times): Promise<Outcome> {
    const found: Found = { seenMs: [], recoverMs: [] }
    const wrong: string[] = []
    let [lost, duplicated] = [0, 0]
    for (let from = 0; from < times; from += roundsPerLane) {
      const dir = mkdtempSync(join(tmpdir(), 'grocerd-lane-'))
      const lane = new Lane(dir, config)
      try {
        await before(dir)
        await lane.start(env(dir))
        for (let n = from; n < Math.min(times, from + roundsPerLane); n++) {
          await lane.lay(goods[n % 2]!)
          await lane.told()
          await round(lane, found, n)
          await lane.told()
        }
        await lane.lay(null)
        await lane.told()
      } finally {
        await lane.stop()
        lane.wrong.push(...after())
        rmSync(dir, { recursive: true, force: true })
      }
      const account = lane.account()
      lost += account.lost
      duplicated += account.duplicated
      wrong.push(...lane.wrong)
    }
    const { seenMs, recoverMs } = found
    const late = seenMs.filter(ms => ms > seenWithinMs)
    const slow = recoverMs.filter(ms => ms > recoverWithinMs)
    if (late.length > 0) wrong.push(`seen after ${late.join(', ')} ms`)
    if (slow.length > 0) wrong.push(`recovered after ${slow.join(', ')} ms`)
    const note = seenMs.length > 0 ? `seen within ${Math.max(...seenMs)} ms` : ''
    return { times, lost, duplicated, recoverMs, note, wrong }
  },
})

/** Ends the fault with another product on the counter, and waits until all is well. */
export async function backWith(lane: Lane, found: Found, n: number): Promise<void> {
  await lane.lay(goods[(n + 1) % 2]!)
  found.recoverMs.push(await lane.well())
}
