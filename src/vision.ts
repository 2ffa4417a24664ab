// The vision process: cameras, model and inference, in the order of the data. It talks to the daemon and to nobody else.
import { CameraLoop, hangLookEveryMs, inferencePatienceMs } from './camera-loop.js'
import { systemClock } from './clock.js'
import { describeError, GroceryError } from './errors.js'
import { type Exceeded, MemoryBudget, threadsOf } from './inference/memory-budget.js'
import { createLog } from './log.js'
import type { Configure, Down, ModelChoice, Up } from './protocol.js'
import { classifierFor } from './recognition/choose.js'
import { Beside } from './recognition/beside.js'
import type { ClassifierInfo } from './recognition/classifier.js'
import { type ColdBuild, coldBuildOf } from './recognition/cold-build.js'
import { Exchangeable } from './recognition/exchange.js'
import { queueFor, TrayDetector } from './recognition/tray-detector.js'
import { Recogniser } from './recognition/recogniser.js'
import { TextReader } from './recognition/text/reader.js'
import { TrayRecogniser } from './recognition/tray-recogniser.js'
import { WithBarcode } from './recognition/with-barcode.js'
import { RecentFrames } from './recent-frames.js'
import { WithGallery } from './recognition/with-gallery.js'
import { WithText } from './recognition/with-text.js'
import { standBack } from './stand-back.js'
import { Teacher } from './teacher.js'

/** Also the sign of life: the daemon kills a vision process that is silent for longer. */
const metricsEveryMs = 1000
const stopPatienceMs = 3000
/** Looks at the memory, one every metricsEveryMs, before a use above the budget ends the process. */
const overPatience = 3

const send = (message: Up) => {
  // The daemon may be gone already; `disconnect` ends this process then.
  if (process.connected) process.send?.(message)
}

/** process.exit waits for the threads of the addon, so for a hung inference it would wait for ever. */
const endAtOnce = () => process.kill(process.pid, 'SIGKILL')

async function main(): Promise<void> {
  const loops = new Map<string, CameraLoop>()
  let classifier: Exchangeable | null = null
  let detector: TrayDetector | null = null
  let teacher: Teacher | null = null
  let words: WithText | null = null
  let codes: WithBarcode | null = null
  let reader: TextReader | null = null
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
    await detector?.stop()
    await teacher?.stop()
    await codes?.stop()
    await reader?.stop()
    // After the daemon's end there is no channel to close, and closing it again would be an error.
    if (process.connected) process.disconnect()
    process.exit(0)
  }

  const optionsOf = (message: Configure, { models, attempt, catalogue }: ModelChoice) => ({
    model: models.classifier,
    ensemble: models.ensemble,
    catalogue,
    site: message.site,
    runtime: message.runtime,
    budget,
    cacheDir: message.cacheDir,
    attempt,
    recognition: message.recognition,
    maxQueue: queueFor(message.cameras) + 1,
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

  /** What is known of the scene is the old one's answer: every camera asks anew, once that one has said its last; then `ready` says so. */
  const swap = async (message: { change: number }) => {
    const prepared = beside.take(message.change)
    if (!prepared) return
    cold = null
    await classifier!.exchange(prepared.classifier)
    await codes?.know(prepared.info)
    lookAnew()
    ready(prepared.info, message)
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
    const info = await first.start()
    detector = new TrayDetector(message, budget)
    await detector.start()
    isLoaded(info)
    loaded = true
    const answers = new WithGallery(classifier, message.recognition)
    codes = message.recognition.barcodes ? new WithBarcode(answers) : null
    await codes?.know(info)
    words = new WithText(codes ?? answers, { top: message.recognition.top, changed: lookAnew })
    const taught = message.models.embedder === null ? null : frames
    for (const camera of message.cameras) {
      const recogniser =
        camera.mode === 'tray'
          ? new TrayRecogniser(camera, detector, words, message.counter, systemClock)
          : new Recogniser(camera, words, message.counter, systemClock)
      const parts = { recogniser, stateDir: message.stateDir, frames: taught, send }
      loops.set(camera.id, new CameraLoop(camera, parts))
    }
    for (const loop of loops.values()) loop.start()
    const newest = (camera: string) => loops.get(camera)?.newest ?? null
    teacher = new Teacher({ configure: message, answers, budget, newest, frames, lookAnew, send })
    await teacher.start()
    await readTexts(message)
  }

  /** Without it the pictures go on answering. One thread: no frame is to wait for a text. */
  const readTexts = async ({ models, runtime, cacheDir }: Configure) => {
    if (!models.text) return
    const next = new TextReader({
      ...models.text,
      runtime: { ...runtime, threads: 1 },
      budget,
      cacheDir,
    })
    try {
      await next.start()
      reader = next
      words!.with(next)
    } catch (error) {
      send({ type: 'fault', ...describeError(error), fatal: false })
    }
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
    else if (message.type === 'snapshot') void loops.get(message.camera)?.snapshot(message)
    else if (message.type === 'lookAnew') lookAnew()
    else if (message.type === 'prepare') void prepare(message)
    else if (message.type === 'swap') void swap(message)
    else if (message.type === 'discard') void beside.drop()
    else if (message.type === 'gallery') {
      void codes?.teach(message.content.products)
      words?.use(message.content)
      teacher?.use(message)
    } else if (message.type === 'remember') frames.remember(message)
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
