// The vision process: cameras, model and inference, in the order of the data. It talks to the daemon and to nobody else.
import { writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import { Camera } from './cameras/camera.js'
import { systemClock } from './clock.js'
import { describeError } from './errors.js'
import { createLog } from './log.js'
import type { Configure, Down, Up } from './protocol.js'
import { Classifier } from './recognition/classifier.js'
import { readPicture } from './recognition/picture.js'
import { previewOf } from './recognition/preview.js'
import { Recogniser } from './recognition/recogniser.js'

/** Also the sign of life: the daemon kills a vision process that is silent for longer. */
const metricsEveryMs = 1000
/** An inference that takes longer is a hang; no more signs of life are given then. */
const inferencePatienceMs = 3000

const send = (message: Up) => {
  // The daemon may be gone already; `disconnect` ends this process then.
  if (process.connected) process.send?.(message)
}

class CameraLoop {
  readonly #configure: Configure
  readonly camera: Camera
  readonly #recogniser: Recogniser
  readonly #rotate: 0 | 90 | 180 | 270
  #done: Promise<void> = Promise.resolve()
  #newest: { bytes: Uint8Array; capturedAt: number } | null = null
  #watchers = 0
  failed = 0
  recognised = 0
  busySince: number | null = null

  constructor(configure: Configure, index: number, classifier: Classifier) {
    this.#configure = configure
    const config = configure.cameras[index]!
    this.#rotate = config.rotate
    this.camera = new Camera(config, systemClock, (status, reason) =>
      send({ type: 'cameraHealth', camera: config.id, status, reason }),
    )
    this.#recogniser = new Recogniser(config, classifier, this.#configure.counter, systemClock)
  }

  start(): void {
    this.camera.start()
    this.#done = this.#run()
  }

  async stop(): Promise<void> {
    await this.camera.stop()
    await this.#done
  }

  /** Answers with the newest frame, or with the next where none has come yet. */
  preview(): void {
    if (this.#newest) void this.#sendPreview(this.#newest)
    else this.#watchers++
  }

  async #run(): Promise<void> {
    for await (const frame of this.camera.newest()) {
      this.busySince = systemClock.mono()
      this.#newest = frame
      for (; this.#watchers > 0; this.#watchers--) void this.#sendPreview(frame)
      try {
        send({ type: 'observations', frame: await this.#recogniser.recognise(frame) })
        this.recognised++
      } catch (error) {
        this.failed++
        send({ type: 'fault', ...describeError(error), fatal: false })
      }
      this.busySince = null
    }
  }

  async #sendPreview({
    bytes,
    capturedAt,
  }: {
    bytes: Uint8Array
    capturedAt: number
  }): Promise<void> {
    const camera = this.camera.id
    try {
      const input = await readPicture(bytes, `camera ${camera}`, this.#rotate)
      send({ type: 'preview', camera, jpeg: await previewOf(input), capturedAt })
    } catch (error) {
      send({ type: 'fault', ...describeError(error), fatal: false })
    }
  }
}

/** Lets the system choose this process, not the daemon, when memory runs out or both want the CPU. */
function standBack(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '500')
    setPriority(process.pid, 5)
  } catch {
    // Not allowed in some containers; nothing depends on it.
  }
}

async function main(): Promise<void> {
  const loops = new Map<string, CameraLoop>()
  let classifier: Classifier | null = null
  let stopping = false

  const stop = async () => {
    if (stopping) return
    stopping = true
    await Promise.all([...loops.values()].map(loop => loop.stop()))
    await classifier?.stop()
    process.disconnect?.()
    process.exit(0)
  }

  const configure = async (message: Configure) => {
    const log = createLog('vision', message.logLevel)
    classifier = new Classifier({
      model: message.models.classifier,
      catalogue: message.catalogue,
      runtime: message.runtime,
      memory: message.memory,
      recognition: message.recognition,
      maxQueue: message.cameras.length + 1,
    })
    const info = await classifier.start()
    log.info({ model: info.model, runtime: info.runtime }, 'the model is loaded')
    send({
      type: 'ready',
      model: info.model,
      runtime: info.runtime,
      loadMs: info.loadMs,
      products: info.labels,
    })
    message.cameras.forEach((camera, index) => {
      loops.set(camera.id, new CameraLoop(message, index, classifier!))
    })
    for (const loop of loops.values()) loop.start()
  }

  const sendMetrics = () => {
    const all = [...loops.values()]
    const now = systemClock.mono()
    const hangs = all.some(
      loop => loop.busySince !== null && now - loop.busySince > inferencePatienceMs,
    )
    if (hangs) return
    send({
      type: 'metrics',
      rssBytes: process.memoryUsage.rss(),
      inferences: all.reduce((sum, loop) => sum + loop.recognised, 0),
      cameras: all.map(({ camera, failed }) => ({
        camera: camera.id,
        frames: camera.frames,
        dropped: camera.dropped,
        failed,
      })),
    })
  }

  process.on('message', (message: Down) => {
    if (message.type === 'preview') loops.get(message.camera)?.preview()
    else if (message.type === 'stop') void stop()
    else {
      configure(message).catch(error => {
        send({ type: 'fault', ...describeError(error), fatal: true })
        setTimeout(() => process.exit(1), 100)
      })
    }
  })
  // The daemon is gone: nobody wants what is seen here, and no ffmpeg may stay on the camera.
  process.on('disconnect', () => void stop())
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {})
  setInterval(sendMetrics, metricsEveryMs)
  standBack()
}

await main()
