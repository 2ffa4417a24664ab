// Torture of the cable: cameras are pulled and plugged in again and again, and the vision process holds no more for it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hasFfmpeg } from '../helpers/clip.js'
import { Listener, startDaemon } from '../helpers/daemon.js'
import { FakeCamera, pictures } from '../helpers/fake-camera.js'
import { visionOf, type Probe, probe, probed, since, until } from '../helpers/lane.js'
import type { Outcome, Row } from './row.js'

/** Side by side, since most of a round is the back-off. */
const cameraCount = 5
/** Until caches and pools have their size. */
const warmUpRounds = 4
/** What V8 and libc keep in reserve may differ by so much; a leak of 1,000 openings is more. */
const slackMb = 5

function growth(before: Probe, after: Probe): string[] {
  const wrong: string[] = []
  for (const key of ['descriptors', 'threads', 'listeners'] as const) {
    if (after[key] > before[key]) wrong.push(`${key} grew from ${before[key]} to ${after[key]}`)
  }
  for (const key of ['heapMb', 'externalMb'] as const) {
    const grown = after[key] - before[key]
    if (grown > slackMb) wrong.push(`${key} grew by ${grown.toFixed(1)}`)
  }
  return wrong
}

async function run(times: number): Promise<Outcome> {
  const dir = mkdtempSync(join(tmpdir(), 'grocerd-replug-'))
  const cameras = Array.from(
    { length: cameraCount },
    (_, n) => new FakeCamera(join(dir, `fifo${n}`), 5),
  )
  const shown = await pictures({ of: 'banana', width: 160, height: 120 })
  for (const camera of cameras) {
    camera.start()
    camera.show(shown)
  }
  const daemon = await startDaemon(
    dir,
    {
      cameras: cameras.map(({ source }, n) => ({ id: `cam${n}`, source, fps: 5, mode: 'stream' })),
    },
    probed(dir),
  )
  const till = new Listener(daemon.mqttUrl)
  const wrong: string[] = []
  const recoverMs: number[] = []
  const is = (n: number, status: string) => () =>
    till.heard.findLast(one => one.topic === 'state')?.message.cameras[n].status === status
  const allLive = () => Promise.all(cameras.map((_, n) => until(is(n, 'live'), `cam${n} live`)))
  const rounds = (count: number) =>
    Promise.all(
      cameras.map(async (camera, n) => {
        for (let round = 0; round < count; round++) {
          camera.unplug()
          await until(is(n, 'lost'), `cam${n} lost`)
          camera.plug()
          const began = performance.now()
          await until(is(n, 'live'), `cam${n} live`)
          recoverMs.push(since(began))
        }
      }),
    )
  try {
    await allLive()
    const vision = visionOf(daemon)
    await rounds(warmUpRounds)
    const before = await probe(dir, vision)
    recoverMs.length = 0
    await rounds(Math.ceil(times / cameraCount))
    const after = await probe(dir, vision)
    wrong.push(...growth(before, after))
    if (visionOf(daemon) !== vision) wrong.push('vision was started again')
    if (recoverMs.some(ms => ms > 12_000)) wrong.push('a camera took more than 12 s to come back')
    const note = `descriptors ${before.descriptors} → ${after.descriptors}, threads ${before.threads} → ${after.threads}, heap ${before.heapMb.toFixed(1)} → ${after.heapMb.toFixed(1)} MB, resident ${before.rssMb.toFixed(0)} → ${after.rssMb.toFixed(0)} MB`
    return { times: recoverMs.length, lost: 0, duplicated: 0, recoverMs, note, wrong }
  } finally {
    daemon.process.kill('SIGTERM')
    await daemon.ended
    await till.stop()
    for (const camera of cameras) camera.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

export const replugRow: Row = {
  fault: 'camera: pulled and plugged in again, five at a time',
  short: 50,
  full: 1000,
  skip: () => (hasFfmpeg ? null : 'ffmpeg is not installed'),
  run,
}
