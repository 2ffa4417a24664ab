// Torture of one camera: absent, pulled, stalled, frozen, covered, other sizes, garbage; what is on the counter must stay true.
import { pictures } from '../helpers/fake-camera.js'
import { since, sleep } from '../helpers/lane.js'
import { backWith, goods, laneRow } from './lane-row.js'
import type { Row } from './row.js'

export const cameraRows: Row[] = [
  laneRow({
    fault: 'camera: its device is not there, and comes back with another product before it',
    short: 1,
    full: 20,
    // The back-off may have come to ten seconds.
    seenWithinMs: 4000,
    recoverWithinMs: 12_000,
    round: async (lane, found, n) => {
      lane.camera.vanish()
      found.seenMs.push(await lane.complains('CAMERA_NOT_FOUND'))
      await lane.lay(goods[(n + 1) % 2]!)
      lane.camera.appear()
      await backWith(lane, found, n)
    },
  }),
  laneRow({
    fault: 'camera: unplugged for a moment, the same product before and after',
    short: 3,
    full: 100,
    seenWithinMs: 2000,
    recoverWithinMs: 5000,
    round: async (lane, found) => {
      lane.camera.unplug()
      found.seenMs.push(await lane.complains('CAMERA_LOST'))
      lane.camera.plug()
      found.recoverMs.push(await lane.well())
    },
  }),
  laneRow({
    fault: 'camera: its ffmpeg is killed',
    short: 3,
    full: 50,
    seenWithinMs: 2000,
    recoverWithinMs: 5000,
    round: async (lane, found, n) => {
      process.kill(lane.ffmpeg, 'SIGKILL')
      found.seenMs.push(await lane.complains('CAMERA_NOT_FOUND'))
      await backWith(lane, found, n)
    },
  }),
  laneRow({
    fault: 'camera: open, and gives no picture',
    short: 2,
    full: 30,
    seenWithinMs: 4000,
    recoverWithinMs: 6000,
    round: async (lane, found, n) => {
      lane.camera.show([])
      found.seenMs.push(await lane.complains('CAMERA_STALLED'))
      await backWith(lane, found, n)
    },
  }),
  laneRow({
    fault: 'camera: frozen, and the till asks meanwhile',
    short: 1,
    full: 10,
    seenWithinMs: 12_000,
    recoverWithinMs: 2000,
    round: async (lane, found, n) => {
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
  }),
  laneRow({
    fault: 'camera: covered, and another product before it when it sees again',
    short: 2,
    full: 30,
    seenWithinMs: 4000,
    recoverWithinMs: 2000,
    round: async (lane, found, n) => {
      lane.camera.show(await pictures({ light: 0.01, noise: 2 }))
      found.seenMs.push(await lane.complains('CAMERA_DARK'))
      const metrics = await lane.get('/metrics')
      if (!metrics.includes('grocerd_camera_status{camera="counter",status="dark"} 1'))
        lane.wrong.push('no metric says dark')
      await backWith(lane, found, n)
    },
  }),
  laneRow({
    fault: 'camera: other sizes and forms of JPEG in mid-stream',
    short: 1,
    full: 20,
    round: async lane => {
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
  }),
  laneRow({
    fault: 'camera: truncated pictures and garbage between good ones, then only garbage',
    short: 1,
    full: 20,
    seenWithinMs: 5000,
    recoverWithinMs: 6000,
    round: async (lane, found, n) => {
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
      lane.camera.show(bad.filter((_, index) => index % 3 === 2))
      await lane.complains('IMAGE_TRUNCATED')
      await backWith(lane, found, n)
    },
  }),
]
