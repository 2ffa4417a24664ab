// npm run bench:daemon: the real daemon under load and at rest: fairness of its cameras, event loop, /healthz, start, idle CPU, memory.
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { connectAsync } from 'mqtt'
import { makeFrames } from './frames.mjs'
import { cpuSeconds, framesOf, metricsOf, processesOf, rssMb, startKiosk } from './lib/kiosk.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    write: { type: 'boolean', default: false },
  },
})
const windowMs = Number(options.seconds) * 1000
const folder = mkdtempSync(join(tmpdir(), 'grocerd-daemon-'))
/** The event loop's lag is sampled with a timer of this length, which the figure includes. */
const lagResolutionMs = 20

const rounded = value => Math.round(value * 100) / 100
const percentile = (values, share) =>
  [...values].sort((a, b) => a - b)[Math.max(0, Math.ceil(share * values.length) - 1)]

/** Polls /healthz until told to stop. @returns ms of each answer */
async function pollHealth(kiosk, goesOn) {
  const times = []
  while (goesOn()) {
    const began = performance.now()
    await (await fetch(`${kiosk.url}/healthz`)).text()
    times.push(performance.now() - began)
    await sleep(20)
  }
  return times
}

async function untilFrames(kiosk, cameras) {
  for (let tries = 0; tries < 400; tries++) {
    const seen = framesOf(await metricsOf(kiosk))
    if (cameras.every(({ id }) => (seen[id]?.seen ?? 0) > 3)) return
    await sleep(50)
  }
  throw new Error('Expected frames of every camera within 20 s')
}

/** Cameras of 15 frames a second in mode stream: every frame is inferred. */
async function underLoad(frames, count) {
  const cameras = Array.from({ length: count }, (_, index) => ({
    id: `cam${index}`,
    source: `dir:${frames}?hold=100ms`,
    fps: 15,
    mode: 'stream',
  }))
  const kiosk = await startKiosk(join(folder, `load-${count}`), cameras)
  try {
    await untilFrames(kiosk, cameras)
    const before = framesOf(await metricsOf(kiosk))
    const rssBefore = rssMb(processesOf(kiosk.pid))
    const until = performance.now() + windowMs
    const health = await pollHealth(kiosk, () => performance.now() < until)
    await sleep(1100) // dropped frames are told once a second
    const samples = await metricsOf(kiosk)
    const after = framesOf(samples)
    const results = cameras.map(({ id }) => after[id].seen - before[id].seen)
    return {
      cameras: count,
      results,
      mostToLeast: rounded(Math.max(...results) / Math.min(...results)),
      dropped: cameras.map(({ id }) => after[id].dropped - before[id].dropped),
      eventLoopLagP99Ms: rounded(samples.nodejs_eventloop_lag_p99_seconds * 1000 - lagResolutionMs),
      healthzP99Ms: rounded(percentile(health, 0.99)),
      rssMb: { before: rssBefore, after: rssMb(processesOf(kiosk.pid)) },
    }
  } finally {
    await kiosk.stop()
  }
}

/** One camera that looks at a counter where nothing happens. */
async function atRest(frame) {
  const still = join(folder, 'still')
  mkdirSync(still)
  cpSync(frame, join(still, 'frame.jpg'))
  const cameras = [{ id: 'top', source: `dir:${still}?hold=1h`, fps: 10 }]
  const kiosk = await startKiosk(join(folder, 'rest'), cameras)
  try {
    await untilFrames(kiosk, cameras)
    await sleep(4000) // the counter gathers its votes first
    const processes = processesOf(kiosk.pid)
    const before = { cpu: cpuSeconds(processes), samples: await metricsOf(kiosk) }
    const began = performance.now()
    await sleep(windowMs)
    const seconds = (performance.now() - began) / 1000
    const used = cpuSeconds(processes) - before.cpu
    const samples = await metricsOf(kiosk)
    const grown = name => samples[name] - before.samples[name]
    return {
      shareOfOneCore: rounded(used / seconds),
      frames: grown('grocerd_frames_total{camera="top",result="object"}'),
      inferences: grown('grocerd_inferences_total'),
      rssMb: rssMb(processes),
    }
  } finally {
    await kiosk.stop()
  }
}

/** From the start of the process to the first result on MQTT. */
async function startTime(name, frames) {
  const cameras = [{ id: 'top', source: `dir:${frames}`, fps: 30, mode: 'stream' }]
  const kiosk = await startKiosk(join(folder, name), cameras)
  try {
    const client = await connectAsync(kiosk.mqttUrl)
    const first = new Promise(resolve => client.once('message', resolve))
    await client.subscribeAsync('grocerd/bench/frames/#')
    await first
    const ms = performance.now() - kiosk.startedAt
    await client.endAsync(true)
    return Math.round(ms)
  } finally {
    await kiosk.stop()
  }
}

try {
  const frames = join(folder, 'frames')
  const paths = await makeFrames(join(root, 'deploy', 'demo', 'pictures'), frames)
  const result = {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores`,
    node: process.version,
    loadBefore: loadavg()[0],
    startMs: { cold: await startTime('start', frames), again: [] },
    rest: await atRest(paths[0]),
    three: await underLoad(frames, 3),
    eight: await underLoad(frames, 8),
  }
  for (let round = 0; round < 3; round++)
    result.startMs.again.push(await startTime('start', frames))
  console.log(JSON.stringify(result, null, 1))
  if (options.write) {
    const file = join(root, 'bench', 'daemon-results.json')
    writeFileSync(file, `${JSON.stringify(result, null, 1)}\n`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
