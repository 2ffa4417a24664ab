// What is known of this kiosk right now: gathered from all parts, shown over HTTP and in the retained state.
import type { Clock } from './clock.js'
import type { Config } from './config/schema.js'
import { GroceryError } from './errors.js'
import type { MemoryUse } from './inference/memory-budget.js'
import { expectCamera } from './leading-camera.js'
import type { Health } from './observe/health.js'
import type {
  BrokerView,
  CameraView,
  CommandReply,
  FrameView,
  KioskView,
  Preview,
  ProductView,
  ViewKind,
  ViewListener,
} from './observe/view.js'
import type { CameraHealth, ModelState, RuntimeState } from './protocol.js'
import type { BasketMessage, ItemEvent, StateMessage } from './publish/messages.js'
import type { FrameObservations } from './recognition/types.js'
import { version } from './version.js'

const rememberedEvents = 50
const previewPatienceMs = 2000

export interface KioskOptions {
  config: Config
  bootId: string
  clock: Clock
  health: Health
  outbox(): { depth: number; dropped: number }
  broker(): BrokerView
  clockSynced(): boolean
  /** The version that answers; null: no gallery. */
  gallery(): number | null
  /** The version that holds; null: the configuration's own, or none. */
  catalogue(): string | null
  /** UTC; null: the camera is not paused. */
  pausedSince(camera: string): string | null
  products(): ProductView[]
  basket(): BasketMessage
  dispatch(verb: string, payload: object): Promise<CommandReply>
  /** Asks vision for one picture of a camera. */
  askPreview(camera: string): void
}

export class Kiosk implements KioskView {
  readonly #options: KioskOptions
  readonly #cameras = new Map<string, CameraView>()
  readonly #frames = new Map<string, FrameView>()
  readonly #events: ItemEvent[] = []
  readonly #listeners = new Set<ViewListener>()
  readonly #previews = new Map<string, { answer: Promise<Preview>; give(preview: Preview): void }>()
  #model: ModelState | null = null
  #runtime: RuntimeState | null = null
  #visionBytes = 0
  #memory: MemoryUse | null = null
  #peak = { host: 0, gpu: 0 }

  constructor(options: KioskOptions) {
    this.#options = options
    for (const { id, mode, roi } of options.config.cameras) {
      this.#cameras.set(id, { id, mode, roi, status: 'connecting', reason: null })
    }
  }

  readiness() {
    return this.#options.health.readiness()
  }

  state(): StateMessage {
    const { config, bootId, clock, health, outbox, clockSynced, gallery, catalogue } = this.#options
    const readiness = health.readiness()
    const { model, runtime } = { model: this.#model, runtime: this.#runtime }
    return {
      schema: 1,
      kiosk: config.kiosk.id,
      version,
      bootId,
      asOf: new Date(clock.wall()).toISOString(),
      readiness: readiness.status,
      reasons: readiness.reasons.map(({ code, message }) => ({ code, message })),
      cameras: this.cameras().map(({ id, status, reason }) => ({
        ...{ id, status, reason },
        pausedSince: this.#options.pausedSince(id),
      })),
      model: model && { name: model.name, version: model.version, sha256: model.sha256 },
      gallery: gallery(),
      catalogue: catalogue(),
      runtime: runtime && { name: runtime.name, version: runtime.version },
      device: runtime?.device ?? null,
      memory: {
        budgetBytes: config.memory.hostBytes,
        usedBytes: this.#memory?.host.usedBytes ?? 0,
        peakBytes: this.#peak.host,
        rssBytes: process.memoryUsage.rss() + this.#visionBytes,
        gpu: this.#memory?.gpu ? { ...this.#memory.gpu, peakBytes: this.#peak.gpu } : null,
      },
      outbox: outbox(),
      clock: { synced: clockSynced() },
    }
  }

  basket(): BasketMessage {
    return this.#options.basket()
  }

  frames(): FrameView[] {
    return [...this.#frames.values()]
  }

  events(): ItemEvent[] {
    return [...this.#events]
  }

  cameras(): CameraView[] {
    return [...this.#cameras.values()]
  }

  products(): ProductView[] {
    return this.#options.products()
  }

  broker(): BrokerView {
    return this.#options.broker()
  }

  dispatch(verb: string, payload: object): Promise<CommandReply> {
    return this.#options.dispatch(verb, payload)
  }

  /** One request to vision answers everybody who waits. Throws CAMERA_UNKNOWN, TIMED_OUT. */
  async preview(camera: string): Promise<Preview> {
    expectCamera(this.#cameras.values(), camera)
    const asked = this.#previews.get(camera)
    if (asked) return asked.answer
    let give = (_: Preview) => {}
    const answer = new Promise<Preview>((resolve, reject) => {
      const words = `Expected a picture of camera ${camera} within ${previewPatienceMs} ms but none came`
      const timer = setTimeout(() => {
        this.#previews.delete(camera)
        reject(new GroceryError('TIMED_OUT', words))
      }, previewPatienceMs)
      give = preview => {
        clearTimeout(timer)
        this.#previews.delete(camera)
        resolve(preview)
      }
    })
    this.#previews.set(camera, { answer, give })
    this.#options.askPreview(camera)
    return answer
  }

  subscribe(listener: ViewListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  tell(kind: ViewKind, payload: object): void {
    for (const listener of this.#listeners) listener(kind, payload)
  }

  // ---- what the parts report

  modelLoaded(model: ModelState, runtime: RuntimeState): void {
    this.#model = model
    this.#runtime = runtime
  }

  cameraIs({ camera, status, reason }: Omit<CameraHealth, 'type'>): void {
    const before = this.#cameras.get(camera)
    if (before) this.#cameras.set(camera, { ...before, status, reason })
  }

  visionIsDown(): void {
    this.#visionBytes = 0
    this.#memory = null
    for (const camera of this.#cameras.keys())
      this.cameraIs({ camera, status: 'connecting', reason: null })
  }

  visionUses(rssBytes: number, memory: MemoryUse): void {
    this.#visionBytes = rssBytes
    this.#memory = memory
    const { host, gpu } = memory
    this.#peak.host = Math.max(this.#peak.host, host.peakBytes)
    this.#peak.gpu = Math.max(this.#peak.gpu, gpu?.peakBytes ?? 0)
  }

  pictureCame(camera: string, preview: Preview): void {
    this.#previews.get(camera)?.give(preview)
  }

  frameSeen(frame: FrameObservations, reason: string | null): FrameView {
    const { capturedAt, ageMs, look: _, ...rest } = frame
    const view: FrameView = {
      ...rest,
      capturedAt: new Date(capturedAt).toISOString(),
      latencyMs: Math.round(ageMs * 10) / 10,
      reason,
    }
    this.#frames.set(frame.camera, view)
    this.tell('frame', view)
    return view
  }

  eventsMade(events: ItemEvent[]): void {
    this.#events.push(...events)
    this.#events.splice(0, this.#events.length - rememberedEvents)
    for (const event of events) this.tell('event', event)
  }
}
