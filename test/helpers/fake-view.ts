// A KioskView that says what a test tells it; the daemon's place in the tests of HTTP and the page.
import { GroceryError } from '../../src/errors.js'
import type { Readiness } from '../../src/observe/health.js'
import type {
  BrokerView,
  CameraView,
  FrameView,
  KioskView,
  Preview,
  ViewKind,
  ViewListener,
} from '../../src/observe/view.js'
import type { Reply } from '../../src/publish/command-messages.js'
import type { BasketMessage, ItemEvent, StateMessage } from '../../src/publish/messages.js'

const candidate = (sku: string, name: string, plu: string | null, score: number) => ({
  sku,
  name,
  plu,
  gtin: null,
  score,
})

export const appleFrame: FrameView = {
  camera: 'lane',
  frame: 7,
  capturedAt: '2026-11-22T10:15:30.000Z',
  latencyMs: 31,
  scene: { view: 'object', motion: 0.001, contrast: 0.21, brightness: 0.54 },
  observations: [
    {
      box: [0.18, 0.14, 0.86, 0.9],
      decision: 'sure',
      auto: false,
      askReason: null,
      candidates: [
        candidate('apple-pink-lady', 'Pink Lady apple', '4128', 0.942),
        candidate('apple-royal-gala', 'Royal Gala apple', '4173', 0.031),
        candidate('nectarine', 'Nectarine', '4377', 0.012),
        candidate('plum', 'Plum', null, 0.004),
      ],
    },
  ],
  stagesMs: { queue: 0.3, decode: 3.9, resize: 0.8, infer: 5.4 },
  reason: null,
}

export const appleItem: ItemEvent['item'] = {
  itemId: 'item-1',
  sku: 'apple-pink-lady',
  name: 'Pink Lady apple',
  plu: '4128',
  gtin: null,
  quantity: { value: 1, unit: 'each', source: 'assumed', exact: false },
  weight: null,
  decision: 'sure',
  auto: false,
  askReason: null,
  score: 0.942,
  alternatives: [],
  text: null,
  box: [0.18, 0.14, 0.86, 0.9],
  disposition: 'open',
  lineId: null,
}

export const appleEvent: ItemEvent = {
  schema: 1,
  id: '019ab3c0-0000-7000-8000-000000000001',
  seq: 41,
  bootId: '7b0cf1d2-4c1e-4a52-9d0b-0a9f4b8f6f11',
  kiosk: 'lane-3',
  camera: 'lane',
  session: 's-1042',
  action: 'placed',
  reason: null,
  item: appleItem,
  capturedAt: '2026-11-22T10:15:30.000Z',
  publishedAt: '2026-11-22T10:15:30.412Z',
  latencyMs: 412,
  clockSynced: true,
  model: { name: 'grocery81', version: 1, sha256: 'ab'.repeat(32) },
  gallery: null,
  expiresAt: '2026-11-22T10:30:30.000Z',
  replayed: false,
}

export const readyState: StateMessage = {
  schema: 1,
  kiosk: 'lane-3',
  version: '0.1.0',
  bootId: '7b0cf1d2-4c1e-4a52-9d0b-0a9f4b8f6f11',
  asOf: '2026-11-22T10:15:30.000Z',
  readiness: 'ready',
  reasons: [],
  cameras: [{ id: 'lane', status: 'live', reason: null, pausedSince: null }],
  model: { name: 'grocery81', version: 1, sha256: 'ab'.repeat(32) },
  gallery: null,
  catalogue: null,
  runtime: { name: 'OpenVINO', version: '2026.4.1' },
  device: 'CPU',
  memory: { budgetBytes: null, usedBytes: 231e6, peakBytes: 274e6, rssBytes: 305e6, gpu: null },
  outbox: { depth: 2, dropped: 0 },
  clock: { synced: true },
}

export const appleBasket: BasketMessage = {
  schema: 1,
  kiosk: 'lane-3',
  session: 's-1042',
  revision: 12,
  bootId: readyState.bootId,
  asOf: '2026-11-22T10:15:30.000Z',
  validMs: 30_000,
  complete: true,
  view: 'ok',
  items: [appleItem],
}

export class FakeView implements KioskView {
  readonly dispatched: { verb: string; payload: object }[] = []
  readonly listeners = new Set<ViewListener>()
  previews = 0

  nowReady: Readiness = { status: 'ready', reasons: [] }
  nowCameras: CameraView[] = [
    { id: 'lane', status: 'live', mode: 'single', roi: [0, 0, 1, 1], reason: null },
  ]
  nowFrames: FrameView[] = [appleFrame]
  nowEvents: ItemEvent[] = [appleEvent]
  nowBroker: BrokerView = { connected: true, url: 'mqtt://127.0.0.1:1883' }
  nowState: StateMessage = readyState
  nowBasket: BasketMessage = appleBasket
  reply: Reply = { requestId: 'r1', ok: true, error: null, result: { done: true } }
  picture: () => Promise<Preview> = async () => ({
    jpeg: Buffer.from('a picture'),
    capturedAt: Date.UTC(2026, 10, 22, 10, 15, 30),
  })

  readiness = () => this.nowReady
  state = () => this.nowState
  basket = () => this.nowBasket
  frames = () => this.nowFrames
  events = () => this.nowEvents
  cameras = () => this.nowCameras
  products = () => [{ sku: 'apple-pink-lady', name: 'Pink Lady apple', plu: '4128', gtin: null }]
  broker = () => this.nowBroker

  preview(camera: string): Promise<Preview> {
    this.previews++
    if (this.nowCameras.some(({ id }) => id === camera)) return this.picture()
    const words = `Expected one of the cameras lane but received ${camera}`
    return Promise.reject(new GroceryError('CAMERA_UNKNOWN', words))
  }

  async dispatch(verb: string, payload: object): Promise<Reply> {
    this.dispatched.push({ verb, payload })
    return this.reply
  }

  subscribe(listener: ViewListener): () => void {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  tell(kind: ViewKind, payload: object): void {
    for (const listener of this.listeners) listener(kind, payload)
  }
}
