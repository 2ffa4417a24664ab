// docs/api/schemas made from the zod schemas, each with an example; nothing is written here.
import { z } from 'zod'
import { verbs } from '../config/schema.js'
import { commandSchemas, replySchema } from './command-messages.js'
import { commandExamples, examples, resultExamples } from './examples.js'
import {
  ackSchema,
  assistSchema,
  basketSchema,
  framesSchema,
  itemEventSchema,
  posSchema,
  scaleSchema,
  stateSchema,
  statusSchema,
  tillSchema,
} from './messages.js'

/** Every message that travels, by the name of its file in docs/api/schemas. */
export const messageTable = {
  status: statusSchema,
  state: stateSchema,
  item: itemEventSchema,
  basket: basketSchema,
  frames: framesSchema,
  assist: assistSchema,
  ack: ackSchema,
  pos: posSchema,
  scale: scaleSchema,
  till: tillSchema,
} satisfies Record<string, z.ZodType>

const titles: Record<keyof typeof messageTable, string> = {
  status: 'Whether the kiosk is there: a bare word, not JSON',
  state: 'How the kiosk is',
  item: 'One thing that happened to one item',
  basket: 'What lies on the counter now',
  frames: 'What one picture showed',
  assist: 'An attendant is wanted, or no longer',
  ack: 'The till has stored these events',
  pos: 'What happened at the till',
  scale: 'What the scale shows',
  till: 'Whether the till is there: a bare word, not JSON',
}

/**
 * JSON Schema (2020-12) by file name without `.schema.json`. Fields that a later version adds
 * are to be ignored, so none of them forbids more.
 */
export function messageSchemas(): Record<string, object> {
  const schemas: Record<string, object> = {}
  const add = (name: string, title: string, schema: z.ZodType, example: unknown): void => {
    const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input' })
    schemas[name] = { $schema, title, ...open(rest), examples: [example] }
  }
  for (const [name, schema] of Object.entries(messageTable)) {
    const key = name as keyof typeof messageTable
    add(name, titles[key], schema, examples[key])
  }
  for (const verb of verbs) {
    add(`cmd-${verb}`, `Command ${verb}`, commandSchemas[verb], commandExamples[verb])
    const reply = { requestId: 'r-17', ok: true, error: null, result: resultExamples[verb] }
    add(`reply-${verb}`, `Reply to ${verb}`, replySchema(verb), reply)
  }
  return schemas
}

/** The text of the file, as `grocerd docs --write` leaves it. */
export const schemaText = (schema: object): string => `${JSON.stringify(schema, null, 2)}\n`

function open(schema: unknown): object {
  return JSON.parse(
    JSON.stringify(schema, (key, value) => (key === 'additionalProperties' ? undefined : value)),
  )
}
