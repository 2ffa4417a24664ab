// Torture of one camera: absent, pulled, stalled, frozen, covered, other sizes, garbage; what is on the counter must stay true.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hasFfmpeg } from '../helpers/clip.js'
import { pictures } from '../helpers/fake-camera.js'
import { Lane, since, sleep } from '../helpers/lane.js'
import type { Outcome, Row } from './row.js'

const skip = () => (hasFfmpeg ? null : 'ffmpeg is not installed')

/** Two products in turn, so that each time something else may lie there. */
const goods = ['banana', 'lemon']

interface Found {
  /** From the fault to the state that says so, and from its end to the next ready. */
  seenMs: number[]
  recoverMs: number[]
}

/**
 * A row on a lane of its own: a product lies there at the beginning of each round, and `round` does the fault and
 * ends it. After it the books must be right.
 */
export const laneRow = (
  fault: string,
  counts: { short: number; full: number },
  round: (lane: Lane, found: Found, n: number) => Promise<void>,
  promise: { seenWithinMs?: number; recoverWithinMs?: number } = {},
): Row => ({
  fault,
  ...counts,
  skip,
  async run(times): Promise<Outcome> {
    const dir = mkdtempSync(join(tmpdir(), 'grocerd-lane-'))
    const lane = new Lane(dir)
    const found: Found = { seenMs: [], recoverMs: [] }
    try {
      await lane.start()
      for (let n = 0; n < times; n++) {
        await lane.lay(goods[n % 2]!)
        await lane.told()
        await round(lane, found, n)
        await lane.told()
      }
      await lane.lay(null)
      await lane.told()
    } finally {
      await lane.stop()
      rmSync(dir, { recursive: true, force: true })
    }
    const { seenMs, recoverMs } = found
    const { seenWithinMs = Infinity, recoverWithinMs = Infinity } = promise
    const late = seenMs.filter(ms => ms > seenWithinMs)
    const slow = recoverMs.filter(ms => ms > recoverWithinMs)
    if (late.length > 0) lane.wrong.push(`seen after ${late.join(', ')} ms`)
    if (slow.length > 0) lane.wrong.push(`recovered after ${slow.join(', ')} ms`)
    const seen = seenMs.length > 0 ? `seen within ${Math.max(...seenMs)} ms` : ''
    return { times, ...lane.account(), recoverMs, note: seen, wrong: lane.wrong }
  },
})

/** Ends the fault with another product on the counter, and waits until all is well. */
async function backWith(lane: Lane, found: Found, n: number): Promise<number> {
  await lane.lay(goods[(n + 1) % 2]!)
  const began = performance.now()
  found.recoverMs.push(await lane.well())
  return began
}

export const cameraRows: Row[] = [
  laneRow(
    'camera: its device is not there, and comes back with another product before it',
    { short: 1, full: 50 },
    async (lane, found, n) => {
      lane.camera.vanish()
      found.seenMs.push(await lane.complains('CAMERA_NOT_FOUND'))
      await lane.lay(goods[(n + 1) % 2]!)
      lane.camera.appear()
      await backWith(lane, found, n)
    },
    // The back-off may have come to ten seconds.
    { seenWithinMs: 4000, recoverWithinMs: 12_000 },
  ),
  laneRow(
    'camera: unplugged for a moment, the same product before and after',
    { short: 3, full: 100 },
    async (lane, found) => {
      lane.camera.unplug()
      found.seenMs.push(await lane.complains('CAMERA_LOST'))
      lane.camera.plug()
      found.recoverMs.push(await lane.well())
    },
    { seenWithinMs: 2000, recoverWithinMs: 5000 },
  ),
  laneRow(
    'camera: its ffmpeg is killed',
    { short: 3, full: 100 },
    async (lane, found, n) => {
      process.kill(lane.ffmpeg, 'SIGKILL')
      found.seenMs.push(await lane.complains('CAMERA_NOT_FOUND'))
      await backWith(lane, found, n)
    },
    { seenWithinMs: 2000, recoverWithinMs: 5000 },
  ),
  laneRow(
    'camera: open, and gives no picture',
    { short: 2, full: 50 },
    async (lane, found, n) => {
      lane.camera.show([])
      found.seenMs.push(await lane.complains('CAMERA_STALLED'))
      await backWith(lane, found, n)
    },
    { seenWithinMs: 4000, recoverWithinMs: 6000 },
  ),
  laneRow(
    'camera: frozen, and the till asks meanwhile',
    { short: 1, full: 20 },
    async (lane, found, n) => {
      lane.camera.show((await pictures({ of: goods[n % 2]! })).slice(0, 1))
      const began = performance.now()
      await lane.complains('CAMERA_FROZEN')
      found.seenMs.push(since(began))
      if (found.seenMs.at(-1)! < 9000) lane.wrong.push(`frozen after ${found.seenMs.at(-1)} ms`)
      const answer = await lane.till.ask('recognise', { reason: 'weight' })
      if (answer.error?.code !== 'TIMED_OUT')
        lane.wrong.push(`an old picture answered: ${JSON.stringify(answer)}`)
      await backWith(lane, found, n)
    },
    { seenWithinMs: 12_000, recoverWithinMs: 2000 },
  ),
  laneRow(
    'camera: covered, and another product before it when it sees again',
    { short: 2, full: 50 },
    async (lane, found, n) => {
      lane.camera.show(await pictures({ light: 0.01, noise: 2 }))
      found.seenMs.push(await lane.complains('CAMERA_DARK'))
      const metrics = await lane.get('/metrics')
      if (!metrics.includes('grocerd_camera_status{camera="counter",status="dark"} 1'))
        lane.wrong.push('no metric says dark')
      await backWith(lane, found, n)
    },
    { seenWithinMs: 4000, recoverWithinMs: 2000 },
  ),
  laneRow(
    'camera: other sizes and forms of JPEG in mid-stream',
    { short: 1, full: 50 },
    async lane => {
      const forms = [
        { width: 640, height: 480 },
        { progressive: true },
        { width: 240, height: 180 },
      ]
      for (const [n, form] of forms.entries()) {
        await lane.lay(goods[n % 2]!, form)
        await lane.told()
      }
    },
  ),
  laneRow(
    'camera: truncated pictures and garbage between good ones, then only garbage',
    { short: 1, full: 50 },
    async (lane, found, n) => {
      const good = await pictures({ of: goods[n % 2]! })
      const bad = good.flatMap((one, index) => [
        one.subarray(0, one.length >> 1),
        Buffer.from(`garbage ${index} `.repeat(500)),
        // Whole in form, and nonsense inside.
        Buffer.concat([
          one.subarray(0, one.length >> 1),
          Buffer.alloc(400, n),
          Buffer.from('ffd9', 'hex'),
        ]),
      ])
      lane.camera.show(good.flatMap((one, index) => [one, ...bad.slice(index * 3, index * 3 + 3)]))
      await sleep(2000)
      lane.camera.show(bad.filter((_, index) => index % 3 === 1))
      found.seenMs.push(await lane.complains('CAMERA_STALLED'))
      await backWith(lane, found, n)
    },
    { seenWithinMs: 5000, recoverWithinMs: 6000 },
  ),
]
