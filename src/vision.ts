// The vision process: cameras, model and inference, in the order of the data. It talks to the daemon and to nobody else.
import { Camera } from './cameras/camera.js'
import { PictureHealth } from './cameras/picture-health.js'
import { systemClock } from './clock.js'
import type { CameraConfig } from './config/schema.js'
import { describeError, GroceryError } from './errors.js'
import { type Exceeded, MemoryBudget, threadsOf } from './inference/memory-budget.js'
import { createLog } from './log.js'
import type { Configure, Down, ModelChoice, Up } from './protocol.js'
import { classifierFor } from './recognition/choose.js'
import { Beside } from './recognition/beside.js'
import type { ClassifierInfo, PictureClassifier } from './recognition/classifier.js'
import { type ColdBuild, coldBuildOf } from './recognition/cold-build.js'
import { Exchangeable } from './recognition/exchange.js'
import { readPicture } from './recognition/picture.js'
import { previewOf } from './recognition/preview.js'
import { Recogniser } from './recognition/recogniser.js'
import { RecentFrames } from './recent-frames.js'
import { WithGallery } from './recognition/with-gallery.js'
import { standBack } from './stand-back.js'
import { Teacher } from './teacher.js'

/** Also the sign of life: the daemon kills a vision process that is silent for longer. */
const metricsEveryMs = 1000
/** An inference that takes longer is a hang, which only the end of this process cures. */
const inferencePatienceMs = 3000
const hangLookEveryMs = 250
const stopPatienceMs = 3000
/** Looks at the memory, one every metricsEveryMs, before a use above the budget ends the process. */
const overPatience = 3

const send = (message: Up) => {
  // The daemon may be gone already; `disconnect` ends this process then.
  if (process.connected) process.send?.(message)
}

/** process.exit waits for the threads of the addon, so for a hung inference it would wait for ever. */
const endAtOnce = () => process.kill(process.pid, 'SIGKILL')

class CameraLoop {
  readonly #configure: Configure
  readonly camera: Camera
  readonly #recogniser: Recogniser
  readonly #camera: CameraConfig
  readonly #frames: RecentFrames
  #done: Promise<void> = Promise.resolve()
  #newest: { bytes: Uint8Array; capturedAt: number } | null = null
  #previewWanted = false
  readonly #pictures: PictureHealth
  failed = 0
  recognised = 0
  #busy = false
  #checksWhileBusy = 0

  constructor(
    configure: Configure,
    index: number,
    classifier: Pick<PictureClassifier, 'classify'>,
    frames: RecentFrames,
  ) {
    this.#configure = configure
    this.#frames = frames
    const config = configure.cameras[index]!
    this.#camera = config
    this.camera = new Camera(config, systemClock, (status, reason) =>
      this.#pictures.source(status, reason),
    )
    this.#pictures = new PictureHealth(this.camera, systemClock, (status, reason) =>
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

  /** Answers with the newest frame; where none has come yet, the first is one answer for all who asked. */
  preview(): void {
    if (this.#newest) void this.#sendPreview(this.#newest)
    else this.#previewWanted = true
  }

  /** What it saw last, to be taught; null before the first frame. */
  get newest() {
    return this.#newest
  }

  lookAnew(): void {
    this.#recogniser.wake()
  }

  /**
   * Whether the frame at hand has been pending for too long; to be asked every hangLookEveryMs.
   * The askings are counted, not the time: a pause of the whole process (swapping) is no hang.
   */
  hangs(): boolean {
    return this.#busy && ++this.#checksWhileBusy > inferencePatienceMs / hangLookEveryMs
  }

  async #run(): Promise<void> {
    for await (const frame of this.camera.newest()) {
      this.#busy = true
      this.#checksWhileBusy = 0
      this.#newest = frame
      if (this.#previewWanted) void this.#sendPreview(frame)
      this.#previewWanted = false
      try {
        const seen = await this.#recogniser.recognise(frame)
        this.#pictures.seen({
          dark: seen.scene.view === 'dark',
          unchanged: this.#recogniser.unchanged,
        })
        const mayBeTaught = this.#configure.models.embedder !== null
        if (mayBeTaught && seen.scene.view === 'object') this.#frames.add(this.#camera.id, frame)
        // What an old picture shows may not lie there any more.
        if (!this.#pictures.isFrozen) send({ type: 'observations', frame: seen })
        if (seen.observations.length > 0 && !seen.repeated) this.recognised++
      } catch (error) {
        this.failed++
        this.#pictures.failed(describeError(error))
        this.#tell(error)
      }
      this.#busy = false
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
      const input = await readPicture(bytes, `camera ${camera}`, this.#camera.rotate)
      send({ type: 'preview', camera, jpeg: await previewOf(input, this.#camera), capturedAt })
    } catch (error) {
      this.#tell(error)
    }
  }

  #tell(error: unknown): void {
    if (this.#pictures.tells()) send({ type: 'fault', ...describeError(error), fatal: false })
  }
}

async function main(): Promise<void> {
  const loops = new Map<string, CameraLoop>()
  let classifier: Exchangeable | null = null
  let teacher: Teacher | null = null
  let configured: Configure | null = null
  const frames = new RecentFrames()
  const beside = new Beside()
  let cold: ColdBuild | null = null
  let budget = new MemoryBudget()
  let loaded = false
  let over = 0
  let stopping = false

  const stop = async () => {
    if (stopping) return
    stopping = true
    setTimeout(endAtOnce, stopPatienceMs)
    await Promise.all([...loops.values()].map(loop => loop.stop()))
    await classifier?.stop()
    await beside.drop()
    await teacher?.stop()
    // After the daemon's end there is no channel to close, and closing it again would be an error.
    if (process.connected) process.disconnect()
    process.exit(0)
  }

  const optionsOf = (message: Configure, { models, attempt }: ModelChoice) => ({
    model: models.classifier,
    ensemble: models.ensemble,
    catalogue: message.catalogue,
    site: message.site,
    runtime: message.runtime,
    budget,
    cacheDir: message.cacheDir,
    attempt,
    recognition: message.recognition,
    maxQueue: message.cameras.length + 1,
  })

  const ready = (
    { model, runtime, loadMs, labels, twins = [] }: ClassifierInfo,
    { change }: Pick<ModelChoice, 'change'>,
  ) => send({ type: 'ready', change, model, runtime, loadMs, products: [...labels, ...twins] })

  /** The old one goes on answering; where both do not fit into the memory the daemon hears of it. */
  const prepare = async (choice: ModelChoice) => {
    const { change } = choice
    try {
      const next = classifierFor(optionsOf(configured!, choice))
      if (await beside.load(change, next)) send({ type: 'prepared', change })
    } catch (error) {
      send({ type: 'prepareFailed', change, ...describeError(error) })
    }
  }

  const lookAnew = () => {
    for (const loop of loops.values()) loop.lookAnew()
  }

  /** What is known of the scene is the old model's answer: every camera asks anew, once that one has said its last. */
  const swap = (message: { change: number }) => {
    const prepared = beside.take(message.change)
    if (!prepared) return
    void classifier!.exchange(prepared.classifier).then(lookAnew)
    ready(prepared.info, message)
    cold = null
  }

  const configure = async (message: Configure) => {
    const log = createLog('vision', message.logLevel)
    budget = new MemoryBudget(message.memory)
    budget.capProcess(threadsOf(message.runtime.streams))
    configured = message
    const isLoaded = (info: ClassifierInfo) => {
      log.info({ model: info.model, runtime: info.runtime }, 'the model is loaded')
      ready(info, message)
    }
    const options = optionsOf(message, message)
    cold = coldBuildOf(options, { clock: systemClock, onBuilt: isLoaded, onFailed: notBuilt })
    const first = cold ?? classifierFor(options)
    classifier = new Exchangeable(first)
    isLoaded(await first.start())
    loaded = true
    const answers = new WithGallery(classifier, message.recognition)
    message.cameras.forEach((camera, index) => {
      loops.set(camera.id, new CameraLoop(message, index, answers, frames))
    })
    for (const loop of loops.values()) loop.start()
    const newest = (camera: string) => loops.get(camera)?.newest ?? null
    teacher = new Teacher({ configure: message, answers, budget, newest, frames, lookAnew, send })
    await teacher.start()
  }

  const cannotLoad = (error: unknown) => {
    const { fallbacks = 0 } = ((error as GroceryError).details ?? {}) as Partial<Exceeded>
    send({ type: 'fault', ...describeError(error), fatal: true, fallbacks })
    setTimeout(() => process.exit(1), 100)
  }

  /** What does not fit has other ways to be loaded; for all else the CPU goes on. */
  const notBuilt = (error: unknown) => {
    const fault = describeError(error)
    if (fault.code === 'MEMORY_BUDGET_EXCEEDED') cannotLoad(error)
    else send({ type: 'fault', ...fault, fatal: false, runsOn: cold!.runsOn })
  }

  /** The other cameras' observations still count as life, so a hang must end the process itself. */
  const endWhereHung = () => {
    const hung = [...loops.values()].find(loop => loop.hangs())
    if (!hung) return
    const error = new GroceryError(
      'INFERENCE_FAILED',
      `camera ${hung.camera.id}: Expected an inference within ${inferencePatienceMs} ms but it hangs; vision ends`,
    )
    // Not fatal: the new process may well be sound.
    send({ type: 'fault', ...describeError(error), fatal: false })
    setTimeout(endAtOnce, 100)
  }

  /** What grew past the budget ends here: the daemon starts a process that is small again. */
  const endWhereOver = () => {
    if (!loaded) return
    try {
      budget.check()
      over = 0
    } catch (error) {
      over++
      const ends = over >= overPatience
      // Two are loaded while one is built: the next way to load it wants less than both.
      if (ends && cold?.building) return cannotLoad(error)
      if (over === 1 || ends) send({ type: 'fault', ...describeError(error), fatal: ends })
      if (ends) setTimeout(endAtOnce, 100)
    }
  }

  const sendMetrics = () => {
    const all = [...loops.values()]
    send({
      type: 'metrics',
      rssBytes: process.memoryUsage.rss(),
      memory: budget.use(),
      inferences: all.reduce((sum, loop) => sum + loop.recognised, 0),
      building: cold?.building,
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
    else if (message.type === 'lookAnew') lookAnew()
    else if (message.type === 'prepare') void prepare(message)
    else if (message.type === 'swap') swap(message)
    else if (message.type === 'discard') void beside.drop()
    else if (message.type === 'gallery') teacher?.use(message)
    else if (message.type === 'remember') frames.remember(message)
    else if (message.type === 'teach') void teacher?.teach(message)
    else if (message.type === 'stop') void stop()
    else {
      configure(message).catch(cannotLoad)
    }
  })
  // The daemon is gone: nobody wants what is seen here, and no ffmpeg may stay on the camera.
  process.on('disconnect', () => void stop())
  // It may have gone while this process was still starting, when nobody listened yet.
  if (!process.connected) void stop()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {})
  setInterval(endWhereHung, hangLookEveryMs)
  setInterval(() => {
    endWhereOver()
    sendMetrics()
  }, metricsEveryMs)
  // The system is to choose this process, not the daemon, when memory runs out or both want the CPU.
  standBack(500, 5)
}

await main()
