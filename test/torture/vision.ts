// Torture of the vision process: it crashes, hangs and runs out of memory, and the counter neither loses nor invents anything.
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Lane, since, until } from '../helpers/lane.js'
import { type Found, goods, laneRow } from './lane-row.js'
import { isFull, type Row } from './row.js'

/** The promise is 5 s; a busy machine of CI gets more. */
const recoverWithinMs = isFull ? 5000 : 12_000

/** Another product is laid down while nobody sees; measured is from the fault until all is well again. */
async function recovers(lane: Lane, found: Found, n: number, code: string): Promise<void> {
  const began = performance.now()
  found.seenMs.push(await lane.complains(code))
  await lane.lay(goods[(n + 1) % 2]!)
  await lane.well()
  found.recoverMs.push(since(began))
}

const hasPrlimit = spawnSync('prlimit', ['--version']).status === 0

/** Bytes that RLIMIT_DATA counts. */
const dataBytes = (pid: number): number =>
  Number(/^VmData:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024

const hang = new URL('../helpers/hang-inference.mjs', import.meta.url).href

export const visionRows: Row[] = [
  laneRow({
    fault: 'vision: SIGSEGV',
    short: 2,
    full: 20,
    recoverWithinMs,
    roundsPerLane: 1,
    round: async (lane, found, n) => {
      process.kill(lane.vision, 'SIGSEGV')
      await recovers(lane, found, n, 'VISION_CRASHED')
    },
  }),
  laneRow({
    fault: 'vision: stopped as a whole (SIGSTOP)',
    short: 1,
    full: 10,
    recoverWithinMs,
    roundsPerLane: 1,
    round: async (lane, found, n) => {
      process.kill(lane.vision, 'SIGSTOP')
      await recovers(lane, found, n, 'VISION_HUNG')
    },
  }),
  laneRow({
    fault: 'vision: an inference that never ends',
    short: 1,
    full: 10,
    recoverWithinMs,
    roundsPerLane: 1,
    env: dir => ({ NODE_OPTIONS: `--import ${hang}`, HANG_FILE: join(dir, 'hang') }),
    round: async (lane, found, n) => {
      writeFileSync(lane.hangFile, '')
      await recovers(lane, found, n, 'VISION_CRASHED')
    },
  }),
  laneRow({
    fault: 'vision: no more memory (RLIMIT_DATA at what it has), and larger pictures',
    short: 1,
    full: 10,
    skip: () => (hasPrlimit ? null : 'prlimit is not installed'),
    recoverWithinMs: 20_000,
    roundsPerLane: 1,
    round: async (lane, found, n) => {
      const { vision } = lane
      const bytes = dataBytes(vision)
      spawnSync('prlimit', ['--pid', String(vision), `--data=${bytes}:${bytes}`])
      const began = performance.now()
      // It lives on with what it has, or ends where a larger picture needs more: both must do.
      await lane.lay(goods[(n + 1) % 2]!, { width: 1280, height: 960 })
      await lane.told(20_000)
      await lane.well()
      found.recoverMs.push(since(began))
    },
  }),
  laneRow({
    fault: 'vision: killed again as soon as it is back, four times in a row',
    short: 1,
    full: 3,
    recoverWithinMs: 15_000,
    roundsPerLane: 1,
    round: async (lane, found, n) => {
      for (let times = 0; times < 4; times++) {
        const { vision } = lane
        process.kill(vision, 'SIGKILL')
        // Looked at once: the old one may go between two looks.
        await until(() => ![undefined, vision].includes(lane.vision), 'a new process')
      }
      const began = performance.now()
      await lane.lay(goods[(n + 1) % 2]!)
      await lane.well()
      found.recoverMs.push(since(began))
    },
  }),
]
