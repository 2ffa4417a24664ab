// One example of each message, for docs/api/schemas; a test holds them against the schemas.
import type { CommandResult, Verb } from './command-messages.js'
import type {
  AssistMessage,
  BasketMessage,
  FrameMessage,
  ItemEvent,
  StateMessage,
} from './messages.js'

const bootId = '5f0c2a4e-8d3b-4c55-9a6e-2f4f6f0f3b11'
const sha256 = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'
const at = '2026-11-22T09:30:00.000Z'
const apple = { sku: '4173', name: 'Royal Gala', plu: '4173', gtin: null, score: 0.94 }
const pear = { sku: '4416', name: 'Anjou', plu: '4416', gtin: null, score: 0.03 }

const item: ItemEvent['item'] = {
  itemId: '019aab3c-5d1e-7c33-8f6a-1c2d3e4f5a6b',
  sku: apple.sku,
  name: apple.name,
  plu: apple.plu,
  gtin: null,
  quantity: { value: null, unit: 'g', source: 'assumed', exact: false },
  weight: { grams: 182, stable: true, at },
  decision: 'sure',
  auto: false,
  askReason: null,
  score: apple.score,
  alternatives: [apple, pear],
  text: null,
  box: [0.31, 0.22, 0.68, 0.81],
  disposition: 'open',
  lineId: null,
}

const event: ItemEvent = {
  schema: 1,
  id: '019aab3c-5d20-7a01-9b3c-4d5e6f708192',
  seq: 4711,
  bootId,
  kiosk: 'kiosk-1',
  camera: 'top',
  session: 's-2026-11-22-0042',
  action: 'placed',
  reason: null,
  item,
  capturedAt: at,
  publishedAt: '2026-11-22T09:30:00.412Z',
  latencyMs: 412,
  clockSynced: true,
  model: { name: 'grocery81', version: 1, sha256 },
  gallery: null,
  expiresAt: '2026-11-22T09:32:00.000Z',
  replayed: false,
}

const state: StateMessage = {
  schema: 1,
  kiosk: 'kiosk-1',
  version: '0.1.0',
  bootId,
  asOf: at,
  readiness: 'degraded',
  reasons: [{ code: 'CAMERA_STALLED', message: 'Expected a frame from top within 3 s' }],
  cameras: [
    {
      id: 'top',
      status: 'stalled',
      reason: { code: 'CAMERA_STALLED', message: 'Expected a frame from top within 3 s' },
      pausedSince: null,
    },
  ],
  model: { name: 'grocery81', version: 1, sha256 },
  gallery: null,
  catalogue: '20261122',
  runtime: { name: 'openvino', version: '2026.4.1' },
  device: 'CPU',
  memory: {
    budgetBytes: 402_653_184,
    usedBytes: 151_000_000,
    peakBytes: 187_000_000,
    rssBytes: 312_000_000,
    gpu: null,
  },
  outbox: { depth: 0, dropped: 0 },
  clock: { synced: true },
}

/** On a tray: another thing, which a person must name, beside the apple that is sold. */
const asked: ItemEvent['item'] = {
  ...item,
  itemId: '019aab3c-7a44-7b10-9c2e-5d6f7081920a',
  sku: pear.sku,
  name: pear.name,
  plu: pear.plu,
  weight: null,
  decision: 'ask',
  askReason: 'confidence',
  score: 0.52,
  alternatives: [
    { ...pear, score: 0.52 },
    { ...apple, score: 0.41 },
  ],
  box: [0.71, 0.3, 0.95, 0.62],
}

const basket: BasketMessage = {
  schema: 1,
  kiosk: 'kiosk-1',
  session: 's-2026-11-22-0042',
  revision: 12,
  bootId,
  asOf: at,
  validMs: 30_000,
  complete: true,
  view: 'ok',
  items: [{ ...item, disposition: 'sold', lineId: '3' }, asked],
}

const frames: FrameMessage = {
  schema: 1,
  camera: 'top',
  capturedAt: at,
  latencyMs: 31.5,
  observations: [{ box: [0, 0, 1, 1], decision: 'sure', candidates: [apple, pear] }],
  reason: null,
}

const assist: AssistMessage = {
  schema: 1,
  assistId: '019aab3c-6000-7d11-8a2b-3c4d5e6f7081',
  kind: 'unknown',
  itemId: item.itemId,
  since: at,
  clearedAt: null,
}

export const examples = {
  status: 'online',
  state,
  item: event,
  basket,
  frames,
  assist,
  ack: { ids: [event.id] },
  pos: {
    eventId: 'p-9',
    session: 's-2026-11-22-0042',
    kind: 'added',
    lineId: '3',
    sku: apple.sku,
    quantity: 1,
    by: 'shopper',
    at,
  },
  scale: { grams: 182, state: 'stable', tareGrams: 0, at },
  till: 'online',
}

const session = 's-2026-11-22-0042'
export const commandExamples: Record<Verb, object> = {
  recognise: { requestId: 'r-17', session, reason: 'weight', weight: { grams: 182, stable: true } },
  confirm: {
    requestId: 'r-17',
    session,
    itemId: item.itemId,
    sku: apple.sku,
    lineId: '3',
    by: 'shopper',
  },
  session: { requestId: 'r-17', op: 'open', session, expiresAt: '2026-11-22T09:30:05.000Z' },
  verify: { requestId: 'r-17', session, lineId: '3', sku: apple.sku },
  resend: { requestId: 'r-17', fromSeq: 4700 },
  model: { requestId: 'r-17', action: 'activate', name: 'grocery81', version: 3 },
  enrol: {
    requestId: 'r-17',
    sku: '4711',
    name: 'Quince jam',
    from: { camera: 'top', box: [0.2, 0.1, 0.8, 0.9] },
  },
  forget: { requestId: 'r-17', sku: '4711' },
  snapshot: { requestId: 'r-17', camera: 'top', box: [0.2, 0.1, 0.8, 0.9] },
  pause: { requestId: 'r-17', camera: 'top' },
  resume: { requestId: 'r-17' },
  catalogue: {
    requestId: 'r-17',
    version: 20261122,
    items: [
      { sku: '4173', name: 'Royal Gala', unit: 'g', price: 299, active: true },
      { sku: '4416', name: 'Anjou', unit: 'g', price: 349, active: false },
    ],
  },
}

export const resultExamples: { [V in Verb]: CommandResult<V> } = {
  recognise: {
    recognitionId: '019aab3c-7000-7e21-9a2b-3c4d5e6f7081',
    itemId: item.itemId,
    decision: 'ask',
    auto: false,
    askReason: 'confidence',
    candidates: [apple, pear],
    view: 'ok',
    pictureAgeMs: 84,
  },
  confirm: { itemId: item.itemId, sku: apple.sku },
  session: { session, status: 'open' },
  verify: { verdict: 'match', score: 0.71, candidates: [apple, pear] },
  resend: { count: 12, fromSeq: 4700, toSeq: 4711, oldestSeq: 4212, newestSeq: 4711 },
  model: { name: 'grocery81', version: 3, status: 'waiting' },
  enrol: { sku: '4711', version: 12, pictures: 1, warnings: [] },
  forget: { sku: '4711', version: 13, pictures: 1 },
  snapshot: {
    camera: 'top',
    capturedAt: at,
    box: [0.2, 0.1, 0.8, 0.9],
    width: 720,
    height: 540,
    jpeg: '/9j/4AAQSkZJRgABAQ==',
  },
  pause: { paused: [{ camera: 'top', since: at }] },
  resume: { paused: [] },
  catalogue: { version: 20261122, products: 2, recognisable: 1, status: 'active' },
}
