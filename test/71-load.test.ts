// The real daemon with three cameras at once: all are served, none is queued, and it still answers. The figures are bench/daemon.mjs's.
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { probeRuntime } from '../src/inference/addon.js'
import { pictureFolder, startDaemon } from './helpers/daemon.js'

t.setTimeout(120_000)

const skip =
  probeRuntime('openvino', { devices: false }).found ||
  probeRuntime('onnxruntime', { devices: false }).found
    ? false
    : 'no inference runtime is here'

const cameras = ['left', 'middle', 'right']

t.test('three cameras are served alike while the daemon answers', { skip }, async t => {
  const dir = t.testdir({})
  const frames = pictureFolder(`${dir}/frames`, 'banana', 'lime', 'avocado')
  const daemon = await startDaemon(dir, {
    cameras: cameras.map(id => ({
      id,
      source: `dir:${frames}?hold=100ms`,
      fps: 15,
      mode: 'stream',
    })),
  })
  t.teardown(() => daemon.process.kill('SIGKILL'))
  const get = async (path: string) =>
    (await fetch(`http://127.0.0.1:${daemon.httpPort}${path}`)).text()
  const results = async () => {
    const text = await get('/metrics')
    return cameras.map(camera =>
      [...text.matchAll(/^grocerd_frames_total\{camera="(\w+)",result="(\w+)"\} (\d+)$/gm)]
        .filter(([, id, result]) => id === camera && result !== 'dropped' && result !== 'failed')
        .reduce((sum, match) => sum + Number(match[3]), 0),
    )
  }
  let before = await results()
  for (; before.some(count => count < 3); before = await results()) await sleep(50)
  const began = performance.now()
  const waits: number[] = []
  let seen = [0]
  // Long enough for a hundred frames of each on a free machine, and for fewer on a busy one.
  for (let now = began; now < began + 7000 || Math.min(...seen) < 20; now = performance.now()) {
    await get('/healthz')
    waits.push(performance.now() - now)
    seen = (await results()).map((count, index) => count - before[index]!)
    await sleep(100)
  }
  const ratio = Math.max(...seen) / Math.min(...seen)
  t.comment(`results ${seen.join(', ')}; the longest wait ${Math.round(Math.max(...waits))} ms`)
  t.ok(ratio <= 1.35, `the most and the least served differ by ${ratio.toFixed(2)}`)
  const middle = waits.sort((a, b) => a - b)[waits.length >> 1]!
  t.ok(middle < 200, `/healthz answers in ${middle.toFixed(0)} ms`)
  daemon.process.kill('SIGTERM')
  t.equal(await daemon.ended, 0)
})
