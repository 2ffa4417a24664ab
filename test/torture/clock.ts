// Torture of the wall clock: it jumps an hour forth and back and to 1970, and nothing but what is written as time notices.
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Lane, sleep } from '../helpers/lane.js'
import { type Found, goods, laneRow } from './lane-row.js'
import type { Row } from './row.js'

const folder = '/usr/lib'
/** libfaketime, wherever this machine's architecture keeps it. */
const library = readdirSync(folder)
  .map(name => join(folder, name, 'faketime/libfaketimeMT.so.1'))
  .find(path => existsSync(path))

const clockFile = (dir: string) => join(dir, 'clock')

/** What the daemon and all its children take for the wall clock. */
const faked = (dir: string): Record<string, string> => {
  writeFileSync(clockFile(dir), '+0s')
  return {
    LD_PRELOAD: library!,
    FAKETIME_TIMESTAMP_FILE: clockFile(dir),
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  }
}

/** What the daemon believes: minutes ahead of this machine. */
async function minutesAhead(lane: Lane): Promise<number> {
  const { asOf } = JSON.parse(await lane.get('/api/v1/state'))
  return Math.round((Date.parse(asOf) - Date.now()) / 60_000)
}

/** Sets the clock while the counter gathers votes on the next product, and expects it told as fast as ever. */
async function jump(lane: Lane, found: Found, to: string, of: string): Promise<void> {
  const began = performance.now()
  await lane.lay(of)
  await sleep(250)
  writeFileSync(clockFile(lane.dir), to)
  await lane.told()
  found.seenMs.push(Math.round(performance.now() - began))
  await lane.well()
}

const skip = () => (library ? null : 'libfaketime is not installed (package faketime)')

const clockRow = (fault: string, full: number, to: string, isThere: (ahead: number) => boolean) =>
  laneRow({
    fault,
    short: 1,
    full,
    skip,
    env: faked,
    seenWithinMs: 5000,
    round: async (lane, found, n) => {
      const later = goods[(n + 1) % 2]!
      await jump(lane, found, to, later)
      const ahead = await minutesAhead(lane)
      if (!isThere(ahead)) lane.wrong.push(`the clock did not jump: ${ahead} min`)
      const { clockSynced, replayed, latencyMs } = lane.till.events().at(-1)!
      if (ahead < -1e6 && clockSynced) lane.wrong.push('a clock of 1970 counts as kept')
      if (replayed) lane.wrong.push('a new event was said to be replayed')
      if (latencyMs > 5000) lane.wrong.push(`latency by the wall clock: ${latencyMs} ms`)
      await jump(lane, found, '+0s', goods[n % 2]!)
      // A timer that runs by the wall clock takes a jump for a silence.
      const complaints = new Set(
        lane.till.heard
          .filter(one => one.topic === 'state' && one.message.readiness === 'degraded')
          .flatMap(one => one.message.reasons.map((reason: { code: string }) => reason.code)),
      )
      if (complaints.size > 0) lane.wrong.push(`complained of ${[...complaints].join(', ')}`)
      const { seq } = lane.till.events().at(-1)!
      if (seq !== lane.till.events().length) lane.wrong.push(`seq ${seq} has a gap`)
    },
  })

export const clockRows: Row[] = [
  clockRow('clock: an hour forth, and back', 5, '+3600s', ahead => ahead >= 59 && ahead <= 61),
  clockRow('clock: an hour back, and forth', 5, '-3600s', ahead => ahead >= -61 && ahead <= -59),
  clockRow('clock: 1970, and set right', 5, '@1970-01-02 00:00:00', ahead => ahead < -1e6),
]
