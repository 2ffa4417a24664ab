// Every message on MQTT as one zod schema: types, docs/api/schemas and the checks of what comes in are made from these.
import { z } from 'zod'
import { cameraStatuses } from '../protocol.js'
import type { AskReason } from '../recognition/types.js'

const text = (description: string) => z.string().describe(description)
const time = (description = 'UTC with milliseconds') =>
  z.iso.datetime({ precision: 3 }).describe(description)
const code = z.string().nullable()
const fraction = z.number().min(0).max(1)
const whole = z.int().min(0)
const schema = z
  .literal(1)
  .describe('Version of this message; it only rises when a field changes its meaning')
const kiosk = text('kiosk.id of the configuration')
const session = z.string().min(1).max(128)
const problem = z.strictObject({ code: z.string(), message: z.string() })

// ---- the parts

const box = z
  .tuple([fraction, fraction, fraction, fraction])
  .describe('Left, top, right, bottom as fractions of the upright picture')

const candidate = z.strictObject({
  sku: z.string(),
  name: z.string(),
  plu: code,
  gtin: code,
  score: fraction.describe('Calibrated probability'),
})

const decision = z
  .enum(['sure', 'ask', 'unknown'])
  .describe(
    'sure: preselect, one touch confirms; ask: show the alternatives; unknown: show the alternatives, none preselected, above the own menu of the till',
  )
const askReason = z
  .enum([
    'confidence',
    'variant',
    'conflict',
    'quality',
    'restricted',
    'presentAtOpen',
  ] as const satisfies readonly AskReason[])
  .nullable()

export const itemSchema = z.strictObject({
  itemId: text('Stays the same as long as the thing lies on the counter'),
  sku: code,
  name: code,
  plu: code,
  gtin: code,
  quantity: z.strictObject({
    value: z.number().nullable(),
    unit: z.enum(['each', 'g']),
    source: z.enum(['assumed', 'counted', 'scale', 'till']),
    exact: z.boolean(),
  }),
  weight: z
    .strictObject({ grams: z.number(), stable: z.boolean(), at: time() })
    .nullable()
    .describe('Evidence, never for pricing'),
  decision,
  auto: z.boolean().describe('Only when true may a till add the item without a touch'),
  askReason,
  score: fraction,
  alternatives: z
    .array(candidate)
    .describe(
      'Best first; what no picture tells from the best stands right behind it. Also of what is unknown: mostly the right one is among them',
    ),
  text: code,
  box,
  disposition: z.enum(['open', 'offered', 'sold', 'voided', 'ignored', 'leftover']),
  lineId: code,
})

export const modelRefSchema = z.strictObject({
  name: z.string(),
  version: whole,
  sha256: z.string(),
})

// ---- what the kiosk says

export const itemEventSchema = z.strictObject({
  schema,
  id: z.uuidv7().describe('A till drops an id that it knows'),
  seq: z
    .int()
    .min(1)
    .describe('One more than the event before it, never reused: the order that counts'),
  bootId: text('Changes with every start of the daemon'),
  kiosk,
  camera: z.string(),
  session: session.nullable(),
  action: z.enum(['placed', 'changed', 'removed']),
  reason: z
    .enum([
      'taken',
      'hidden',
      'retracted',
      'sessionEnd',
      'identity',
      'quantity',
      'confirmed',
      'bound',
    ])
    .nullable()
    .describe(
      'removed: taken, hidden, retracted, sessionEnd; changed: identity, quantity, confirmed, bound',
    ),
  item: itemSchema,
  capturedAt: time('When the picture that decided was taken'),
  publishedAt: time('When this sending left'),
  latencyMs: z.number().min(0).describe('From capture to the first sending'),
  clockSynced: z.boolean().describe('Whether the wall clock could be trusted'),
  model: modelRefSchema.nullable(),
  gallery: whole.nullable().describe('Version of the gallery'),
  expiresAt: time('After it the event is for the audit, not for the shopper'),
  replayed: z.boolean().describe('Sent before, perhaps sent before, or late: never sell from it'),
})
export type ItemEvent = z.infer<typeof itemEventSchema>
export type ModelRef = z.infer<typeof modelRefSchema>

export const basketSchema = z.strictObject({
  schema,
  kiosk,
  session: session.nullable(),
  revision: whole.describe('Rises with every change, from 0 at each start'),
  bootId: z.string(),
  asOf: time(),
  validMs: whole
    .nullable()
    .describe(
      'Not to be believed later than this after asOf; null: until the next one, or until status is not online',
    ),
  complete: z
    .boolean()
    .describe('true only where all that lies there was just seen for certain and is in items'),
  view: z
    .enum(['ok', 'moving', 'hand', 'dark', 'empty', 'many'])
    .describe(
      'What the camera sees: hand: something that is no goods lies over an item; many: more things than are counted',
    ),
  items: z.array(itemSchema),
})
export type BasketMessage = z.infer<typeof basketSchema>

export const stateSchema = z.strictObject({
  schema,
  kiosk,
  version: text('Of grocerd'),
  bootId: z.string(),
  asOf: time(),
  readiness: z.enum(['starting', 'ready', 'degraded', 'stopping']),
  reasons: z.array(problem).describe('Why it is not ready; the codes stand in docs/errors.md'),
  cameras: z.array(
    z.strictObject({
      id: z.string(),
      status: z.enum(cameraStatuses),
      reason: problem.nullable(),
      pausedSince: time('Nothing that it sees is announced since then').nullable(),
    }),
  ),
  model: modelRefSchema.nullable(),
  gallery: whole.nullable().describe('Version'),
  catalogue: z
    .string()
    .nullable()
    .describe('Version that the command `catalogue` brought; null: the file of the configuration'),
  runtime: z.strictObject({ name: z.string(), version: z.string() }).nullable(),
  device: z.string().nullable(),
  memory: z.strictObject({
    budgetBytes: whole.nullable().describe('memory.hostBytes; null: no limit'),
    usedBytes: whole.describe('Of the vision process alone, without libraries: what is limited'),
    peakBytes: whole.describe('The most of it since the daemon started'),
    rssBytes: whole.describe('Resident memory of both processes, with libraries'),
    gpu: z
      .strictObject({
        device: z.string(),
        budgetBytes: whole,
        usedBytes: whole,
        peakBytes: whole,
      })
      .nullable()
      .describe('null where no GPU is used'),
  }),
  outbox: z.strictObject({
    depth: whole.describe('Events that are not safe yet'),
    dropped: whole.describe('Events that were given up since the outbox was made'),
  }),
  clock: z.strictObject({ synced: z.boolean() }),
})
export type StateMessage = z.infer<typeof stateSchema>

export const framesSchema = z.strictObject({
  schema,
  camera: z.string(),
  capturedAt: time(),
  latencyMs: z.number().min(0).describe('From capture to this message'),
  observations: z.array(z.strictObject({ box, decision, candidates: z.array(candidate) })),
  reason: z.string().nullable().describe('Why nothing is announced; null where something is'),
})
export type FrameMessage = z.infer<typeof framesSchema>

export const assistSchema = z.strictObject({
  schema,
  assistId: z.string(),
  kind: z.enum(['unknown', 'conflict', 'mismatch', 'leftover', 'hidden', 'cameraCovered', 'many']),
  itemId: z.string().nullable(),
  since: time(),
  clearedAt: time().nullable(),
})
export type AssistMessage = z.infer<typeof assistSchema>

export const statusSchema = z.enum(['online', 'stopped', 'offline'])
export type Status = z.infer<typeof statusSchema>

// ---- what the till says; unknown fields are ignored

export const ackSchema = z
  .object({
    ids: z.array(z.uuid()).max(2000).optional(),
    seq: whole.optional().describe('Everything up to and with it'),
  })
  .refine(ack => (ack.ids === undefined) !== (ack.seq === undefined), 'Expected either ids or seq')
  .meta({ oneOf: [{ required: ['ids'] }, { required: ['seq'] }] })
export type Ack = z.infer<typeof ackSchema>

const sku = z.string().min(1).max(128)

export const posSchema = z.object({
  eventId: z.string().min(1).max(128),
  session: session.nullish(),
  kind: z.enum([
    'scanned',
    'added',
    'changed',
    'voided',
    'weighed',
    'payStarted',
    'paid',
    'attendantOn',
    'attendantOff',
  ]),
  lineId: z
    .string()
    .max(128)
    .nullish()
    .describe('Of the receipt; without one a line is its eventId'),
  itemId: z
    .string()
    .max(128)
    .nullish()
    .describe('voided, without lineId: this thing is nothing to sell'),
  sku: sku.nullish(),
  gtin: z.string().max(14).nullish(),
  quantity: z.number().nullish(),
  weight: z.number().nullish().describe('Grams; weighed, without lineId: what the scale shows'),
  price: z
    .number()
    .min(0)
    .nullish()
    .describe(
      'Minor units (cents) for one, or for a kilogram of what is weighed; only for reports',
    ),
  by: z.string().max(64).nullish(),
  at: z.iso.datetime().nullish(),
})
export type PosMessage = z.infer<typeof posSchema>

export const scaleSchema = z.object({
  grams: z.number(),
  state: z.enum(['stable', 'moving', 'zero', 'over']),
  tareGrams: z.number().nullish(),
  at: z.iso.datetime().nullish(),
})
export type ScaleMessage = z.infer<typeof scaleSchema>

export const tillSchema = z.enum(['online', 'offline'])
export type TillMessage = z.infer<typeof tillSchema>
