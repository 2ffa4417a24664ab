// The commands of the till and the replies to them, as zod schemas: one pair a verb.
import { z } from 'zod'
import { box, type verbs } from '../config/schema.js'
import { itemSchema } from './messages.js'

/** The same requestId within this time gets the same reply and does nothing twice, ms. */
export const rememberMs = 24 * 3600_000

export type Verb = (typeof verbs)[number]

const id = z.string().min(1).max(128)
const whole = z.int().min(0)

const command = z.object({
  requestId: id.describe('The same id within 24 h gets the same reply and does nothing twice'),
  expiresAt: z.iso.datetime({ offset: true }).optional().describe('Refused when it arrives later'),
})

const recognise = command.extend({
  session: id.nullish(),
  reason: z.enum(['weight', 'lookup', 'scanFailed', 'attendant']),
  weight: z.object({ grams: z.number(), stable: z.boolean().default(true) }).nullish(),
  top: z.int().min(1).max(20).default(4),
  waitMs: z.int().min(0).max(10_000).default(1500).describe('How long to wait for a good picture'),
  scope: z.array(z.string().max(128)).max(2000).nullish().describe('Only these skus'),
})

const confirm = command
  .extend({
    session: id.nullish(),
    itemId: id.optional(),
    recognitionId: id.optional(),
    sku: id,
    lineId: id.nullish(),
    quantity: z.number().positive().nullish(),
    by: z.enum(['shopper', 'attendant', 'technician']),
    learn: z
      .boolean()
      .default(false)
      .describe(
        'Teach what the item was recognised from: at once, from a shopper only when others agree',
      ),
  })
  .refine(
    value => (value.itemId === undefined) !== (value.recognitionId === undefined),
    'Expected either itemId or recognitionId',
  )
  .meta({ oneOf: [{ required: ['itemId'] }, { required: ['recognitionId'] }] })

const session = command.extend({
  op: z.enum(['open', 'suspend', 'resume', 'close', 'cancel']),
  session: id,
})

const verify = command.extend({
  session: id.nullish(),
  lineId: id.describe('Of the receipt'),
  sku: id,
  weight: z.object({ grams: z.number(), stable: z.boolean().default(true) }).nullish(),
  waitMs: z.int().min(0).max(10_000).default(1500).describe('How long to wait for a good picture'),
})

const resend = command
  .extend({
    fromSeq: whole,
    toSeq: whole.optional().describe('Default: the newest'),
  })
  .refine(
    value => value.toSeq === undefined || value.toSeq >= value.fromSeq,
    'Expected toSeq >= fromSeq',
  )

const model = command.extend({
  action: z.enum(['activate', 'rollback']),
  name: id.describe('As in the model.json of the model that the configuration names'),
  version: z.int().min(1).optional().describe('Default: the newest that is installed'),
})

/** Not only blanks. */
const words = z.string().max(200).regex(/\S/, 'Expected more than blanks')

const enrol = command.extend({
  sku: id.regex(/\S/, 'Expected more than blanks'),
  name: words.describe('For people'),
  plu: z.string().nullish().describe('4 or 5 digits'),
  gtin: z.string().nullish().describe('8, 12, 13 or 14 digits'),
  from: z
    .union(
      [
        z.strictObject({ itemId: id }),
        z.strictObject({ camera: id, box: box.nullish() }),
        z.strictObject({ jpeg: z.string().regex(/^[A-Za-z0-9+/]+={0,2}$/, 'Expected base64') }),
      ],
      'Expected {itemId}, {camera, box} or {jpeg}',
    )
    .nullish()
    .describe(
      'The item that lies there, the newest frame of a camera (box: a part of it, 0 to 1), or a picture in base64; with models.text it may be left out, and the name on the pack tells',
    ),
})

const forget = command.extend({ sku: id })

const snapshot = command.extend({
  camera: id,
  box: box.nullish().describe('A part of its upright picture, 0 to 1; default: the roi'),
})

const pause = command.extend({ camera: id.nullish().describe('Default: every camera') })

const catalogue = command
  .extend({
    version: z.int().min(1).describe('Higher than that of any before; the order that counts'),
    items: z
      .array(z.record(z.string(), z.unknown()))
      .min(1)
      .optional()
      .describe('The rows of the catalogue: the columns of the file as fields'),
    url: z
      .string()
      .max(2000)
      .optional()
      .describe('Where the rows are, as JSON or CSV; only from catalogueHosts'),
  })
  .refine(
    value => (value.items === undefined) !== (value.url === undefined),
    'Expected either items or url',
  )
  .meta({ oneOf: [{ required: ['items'] }, { required: ['url'] }] })

/** What each verb takes. */
export const commandSchemas = {
  recognise,
  confirm,
  session,
  verify,
  resend,
  model,
  enrol,
  forget,
  snapshot,
  pause,
  resume: pause,
  catalogue,
} satisfies Record<Verb, z.ZodType>
export type CommandPayload<V extends Verb> = z.infer<(typeof commandSchemas)[V]>

const pausedNow = z.strictObject({
  paused: z
    .array(z.strictObject({ camera: z.string(), since: z.iso.datetime({ precision: 3 }) }))
    .describe('Every camera that is paused now'),
})

const { decision, askReason, alternatives } = itemSchema.shape

/** What each verb gives. */
export const resultSchemas = {
  recognise: z.strictObject({
    recognitionId: z.string(),
    itemId: z.string().nullable(),
    decision,
    auto: z.boolean(),
    askReason,
    candidates: alternatives,
    view: z.enum(['ok', 'moving', 'hand', 'dark', 'empty', 'many']),
    pictureAgeMs: z.number().min(0).describe('Never older than the request'),
  }),
  confirm: z.strictObject({
    itemId: z.string(),
    sku: z.string(),
    learned: z
      .enum(['taught', 'quarantined', 'no', 'pending'])
      .optional()
      .describe('Only with learn; pending: the sale did not wait for it'),
    why: z
      .strictObject({ code: z.string(), message: z.string() })
      .optional()
      .describe('Why it could not be learned, where something failed'),
  }),
  session: z.strictObject({
    session: z.string().nullable(),
    status: z.enum(['open', 'suspended', 'closed']),
  }),
  verify: z.strictObject({
    verdict: z
      .enum(['match', 'mismatch', 'cannotTell'])
      .describe('mismatch: the pictures are sure of another product, or it cannot weigh so much'),
    score: z.number().min(0).max(1).describe('Of the product that was asked about'),
    candidates: alternatives,
  }),
  resend: z.strictObject({
    count: whole.describe('Events that will be sent again'),
    fromSeq: whole.nullable().describe('Of the first of them'),
    toSeq: whole.nullable().describe('Of the last of them'),
    oldestSeq: whole
      .nullable()
      .describe('The oldest that is kept: what lies before it cannot be sent'),
    newestSeq: whole.describe('The newest that was given out; 0 before the first'),
  }),
  model: z.strictObject({
    name: z.string(),
    version: z.int().nullable().describe('null: the model of the configuration'),
    status: z
      .enum(['active', 'waiting'])
      .describe(
        'waiting: it is proven, and answers once no session is open and nothing lies there',
      ),
  }),
  enrol: z.strictObject({
    sku: z.string(),
    version: whole.describe('Of the gallery'),
    pictures: whole.describe('That the product has now'),
    warnings: z.array(z.string()).describe('What speaks against the picture, which is taken'),
  }),
  forget: z.strictObject({
    sku: z.string(),
    version: whole.describe('Of the gallery'),
    pictures: whole.describe('That are gone'),
  }),
  snapshot: z.strictObject({
    camera: z.string(),
    capturedAt: z.iso.datetime({ precision: 3 }),
    box: box.describe('What it shows of the upright picture: what was asked for, inside the roi'),
    width: whole.describe('Pixels; as many as the reply has room for'),
    height: whole,
    jpeg: z.string().describe('Base64, at most 64,000 characters; mask is black'),
  }),
  pause: pausedNow,
  resume: pausedNow,
  catalogue: z.strictObject({
    version: whole,
    products: whole.describe('Rows'),
    recognisable: whole.describe(
      'What may be named now: of the model what is sold here, and twins of it',
    ),
    status: z
      .enum(['active', 'waiting'])
      .describe('waiting: it is kept, and holds once no session is open and nothing lies there'),
  }),
} satisfies Record<Verb, z.ZodType>
export type CommandResult<V extends Verb> = z.infer<(typeof resultSchemas)[V]>

export type CommandHandlers = {
  [V in Verb]?: (payload: CommandPayload<V>) => Promise<CommandResult<V>>
}

export interface Reply {
  requestId: string | null
  ok: boolean
  error: { code: string; message: string } | null
  result: object | null
}

/** The reply to a verb; `result` is null where ok is false, `error` where it is true. */
export const replySchema = (verb: Verb) =>
  z.strictObject({
    requestId: z.string().nullable().describe('As in the command; null where it could not be read'),
    ok: z.boolean(),
    error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
    result: resultSchemas[verb].nullable(),
  })
