// grocerd bench: frames a second and milliseconds a frame, from encoded picture to PUBACK; --events: from decision to PUBACK.
import { writeFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import type { Config } from '../config/schema.js'
import { GroceryError } from '../errors.js'
import type { Figures } from './bench/loop.js'
import { addModelOptions, makeClassifier, type ModelOptions } from './model-options.js'

interface Options extends ModelOptions {
  frames: string
  seconds: number
  json?: string
  inFlight?: number
  events?: boolean
  f32?: boolean
}

const demoPictures = fileURLToPath(new URL('../../deploy/demo/pictures', import.meta.url))
const warmUpSeconds = 1

function machine() {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryMb: Math.round(totalmem() / 1024 ** 2),
    arch: process.arch,
    node: process.version,
  }
}

const rssMb = () => Math.round(process.memoryUsage.rss() / 1024 ** 2)

/** The broker of GROCERD_MQTT_URL, else our own; a kiosk id of its own, so that no real kiosk is disturbed. */
async function benchConfig(): Promise<Config> {
  const { defaultConfig } = await import('../config/load.js')
  const config = defaultConfig(process.env)
  const { GROCERD_KIOSK_ID, GROCERD_MQTT_URL } = process.env
  return {
    ...config,
    kiosk: { ...config.kiosk, id: GROCERD_KIOSK_ID ? config.kiosk.id : 'bench' },
    mqtt: { ...config.mqtt, url: GROCERD_MQTT_URL ? config.mqtt.url : 'embedded' },
  }
}

function summary(what: string, figures: Figures<string>): string {
  const { count, seconds, perSecond, latencyMs, stagesMs } = figures
  const stages = Object.entries(stagesMs).map(([name, ms]) => `${name} ${ms.toFixed(2)}`)
  return [
    `${count} ${what} in ${seconds.toFixed(1)} s: ${perSecond.toFixed(1)} a second`,
    `latency  p50 ${latencyMs.p50.toFixed(2)} ms, p99 ${latencyMs.p99.toFixed(2)} ms`,
    `stages   ${stages.join(', ')} (mean ms)`,
  ].join('\n')
}

function report(options: Options, what: string, figures: Figures<string>, facts: object): void {
  const { count, seconds, perSecond, latencyMs, stagesMs } = figures
  const memory = rssMb()
  const json = {
    [what]: count,
    ...(what === 'frames' ? { fps: perSecond } : { eventsPerSecond: perSecond }),
    latencyMs,
    stagesMs,
    rssMb: memory,
    seconds,
    machine: machine(),
    ...facts,
  }
  if (options.json !== '-') console.log(`${summary(what, figures)}\nmemory   ${memory} MiB`)
  if (options.json === '-') console.log(JSON.stringify(json, null, 1))
  else if (options.json) writeFileSync(options.json, `${JSON.stringify(json, null, 1)}\n`)
}

function checkOptions({ seconds, inFlight, streams }: Options): void {
  if (!(seconds > 0)) throw new GroceryError('USAGE', 'Expected a positive number for --seconds')
  for (const [name, value] of Object.entries({ 'in-flight': inFlight, streams })) {
    if (value === undefined || (Number.isInteger(value) && value >= 1 && value <= 64)) continue
    throw new GroceryError('USAGE', `Expected a whole number from 1 to 64 for --${name}`)
  }
}

async function bench(options: Options): Promise<void> {
  checkOptions(options)
  const { TillLink } = await import('./bench/till-link.js')
  const { withoutSecrets } = await import('../publish/connection-problem.js')
  const config = await benchConfig()
  const { url, version } = config.mqtt
  const broker = { url: withoutSecrets(url), version }
  const { seconds } = options
  const link = new TillLink(config)
  try {
    await link.start()
    if (options.events) {
      const { measureEvents } = await import('./bench/events.js')
      // One item at a time is what a till sees.
      const inFlight = options.inFlight ?? 1
      const figures = await measureEvents({ link, seconds, warmUpSeconds, inFlight })
      report(options, 'events', figures, { inFlight, broker })
      return
    }
    const { measureFrames, readFrames } = await import('./bench/frames.js')
    const frames = readFrames(options.frames)
    const streams = options.streams ?? 1
    // So many that no stream waits for the event loop while both cores are busy.
    const inFlight = options.inFlight ?? 3 * streams
    const precision = options.f32 ? ({ precisionHint: 'f32' } as const) : {}
    const classifier = await makeClassifier(options, { ...precision, maxQueue: inFlight })
    try {
      const { model, runtime } = await classifier.start()
      const { publisher } = link
      const loop = { seconds, warmUpSeconds, inFlight }
      const figures = await measureFrames({ frames, classifier, publisher, ...loop })
      report(options, 'frames', figures, { streams, inFlight, model, runtime, broker })
    } finally {
      await classifier.stop()
    }
  } finally {
    await link.stop()
  }
}

export const benchCommand = (): Command =>
  addModelOptions(
    new Command('bench')
      .description('measure frames a second and milliseconds a frame, from picture to PUBACK')
      .option('--frames <dir>', 'pictures, read into memory first', demoPictures)
      .option('--seconds <n>', 'how long', Number, 10)
      .option('--json <file>', 'write the figures as JSON; - is standard output')
      .option('--in-flight <n>', 'frames under way at a time (default: 3 a stream)', Number)
      .option('--f32', 'no bf16 where the CPU has it, to compare with other programs')
      .option('--events', 'measure from decision through the outbox to PUBACK instead'),
  ).action(bench)
