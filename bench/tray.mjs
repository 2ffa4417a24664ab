// What a frame of a tray with eight things costs vision: decode, scene, detector and the parts' names, in one process.
// Run after build:js: node bench/tray.mjs [rounds]. The frames are composed of the demo's photographs with a sensor's noise.
import { availableParallelism, cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { configSchema } from '../dist/config/schema.js'
import { MemoryBudget } from '../dist/inference/memory-budget.js'
import { Classifier } from '../dist/recognition/classifier.js'
import { Embedder } from '../dist/recognition/embedder.js'
import { TrayDetector } from '../dist/recognition/tray-detector.js'
import { TrayRecogniser } from '../dist/recognition/tray-recogniser.js'
import { WithGallery } from '../dist/recognition/with-gallery.js'
import { trayFrame } from './lib/tray-frames.mjs'

const root = join(import.meta.dirname, '..')
const rounds = Number(process.argv[2] ?? 30)
const counter = { motion: 0.02, emptyContrast: 0.02, dark: 0.02, stable: 300, giveUp: 1500 }
const config = configSchema.parse({
  cameras: [{ id: 'tray', source: 'dir:none', mode: 'tray' }],
  catalogue: null,
})
const [camera] = config.cameras
const options = { ...config, cacheDir: null, attempt: 0 }
const maxQueue = 4

const quantile = (values, share) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))]

/** The benchmark turns the hands: no frame runs out of time, and what rests after two seconds rests at once. */
class HandClock {
  now = 0
  mono = () => this.now
}

async function load(withEmbedder) {
  const classifier = new Classifier({ maxQueue })
  const detector = new TrayDetector(options, new MemoryBudget())
  await classifier.start()
  await detector.start()
  const answers = new WithGallery(classifier, config.recognition)
  const embedder = withEmbedder ? new Embedder({ model: 'grocery-embedder', maxQueue }) : null
  if (embedder) answers.with(embedder, await embedder.start())
  /** Counts what is asked, as the frame's time depends on it. */
  let asked = 0
  const namer = {
    classify(input, wanted) {
      asked++
      return answers.classify(input, wanted)
    },
  }
  const askedSince = () => {
    const count = asked
    asked = 0
    return count
  }
  const stop = () => Promise.all([classifier.stop(), detector.stop(), embedder?.stop()])
  return { detector, namer, askedSince, stop }
}

/** ms of the frame, ms of processor time (of two cores there are twice as many), how many parts it asked about, how many it told of. */
async function timed(recogniser, clock, bytes, askedSince) {
  askedSince()
  clock.now += 100
  const before = process.cpuUsage()
  const began = performance.now()
  const frame = { bytes, number: 1, capturedAt: 0, capturedMono: clock.mono() }
  const { observations } = await recogniser.recognise(frame)
  const ms = performance.now() - began
  const { user, system } = process.cpuUsage(before)
  const cpuMs = (user + system) / 1000
  return { ms, cpuMs, asked: askedSince(), seen: observations.length }
}

const pictures = join(root, 'deploy/demo/pictures')
const eight = [0, 3, 6, 7, 14, 18, 19, 20]
const frames = await Promise.all([1, 2].map(seed => trayFrame(pictures, eight, seed)))
const seven = await Promise.all([1, 2].map(seed => trayFrame(pictures, eight.slice(0, 7), seed)))

console.log(`${cpus()[0].model}, ${availableParallelism()} cores, load ${loadavg()[0].toFixed(1)}`)
console.log('| embedder | frame | parts asked | seen | median ms | p95 ms | processor ms |')
console.log('| --- | --- | --- | --- | --- | --- | --- |')
for (const withEmbedder of [false, true]) {
  const { detector, namer, askedSince, stop } = await load(withEmbedder)
  const rows = { 'eight new at once': [], 'one new, seven known': [], 'nothing new': [] }
  for (let round = 0; round < rounds; round++) {
    const clock = new HandClock()
    const recogniser = new TrayRecogniser(camera, detector, namer, counter, clock)
    rows['eight new at once'].push(await timed(recogniser, clock, frames[0], askedSince))
    // Seven come to rest, then the eighth is put down.
    const rested = new TrayRecogniser(camera, detector, namer, counter, clock)
    for (let at = 0; at < 30; at++) await timed(rested, clock, seven[at % 2], askedSince)
    rows['one new, seven known'].push(await timed(rested, clock, frames[0], askedSince))
    for (let at = 0; at < 30; at++) await timed(rested, clock, frames[at % 2], askedSince)
    rows['nothing new'].push(await timed(rested, clock, frames[0], askedSince))
  }
  for (const [name, all] of Object.entries(rows)) {
    const of = key =>
      quantile(
        all.map(one => one[key]),
        0.5,
      )
    const times = all.map(({ ms }) => ms)
    console.log(
      `| ${withEmbedder ? 'yes' : 'no'} | ${name} | ${of('asked')} | ${of('seen')} | ${quantile(times, 0.5).toFixed(1)} | ${quantile(times, 0.95).toFixed(1)} | ${of('cpuMs').toFixed(1)} |`,
    )
  }
  await stop()
}
