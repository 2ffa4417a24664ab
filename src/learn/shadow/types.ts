// What shadow mode keeps: lines that the till sold, each with what the camera had recognised. Types and their file format.
import { z } from 'zod'

const seen = z.object({
  decision: z.enum(['sure', 'ask', 'unknown']),
  /** Best first, four at most. */
  candidates: z.array(z.object({ sku: z.string(), name: z.string(), score: z.number() })),
})
/** What was recognised of one thing. */
export type Seen = z.infer<typeof seen>

const line = z.object({
  session: z.string().nullable(),
  lineId: z.string().nullable(),
  how: z.enum(['scanned', 'added']),
  sku: z.string(),
  name: z.string().nullable(),
  plu: z.string().nullable(),
  quantity: z.number().nullable(),
  /** Grams. */
  weight: z.number().nullable(),
  /** As the line said it: minor units for one or for a kilogram. */
  price: z.number().nullable(),
})
/** One line of a receipt. */
export type Line = z.infer<typeof line>

/** Rises when older versions of grocerd could not read what this one writes. */
export const shadowFormat = 1
const record = { format: z.literal(shadowFormat), at: z.iso.datetime() }
export const shadowRecord = z.discriminatedUnion('kind', [
  /** seen: null where nothing was recognised before it. */
  z
    .object({ ...record, kind: z.literal('sold'), paid: z.boolean(), seen: seen.nullable() })
    .extend(line.shape),
  /** Seen, and no line was for it. */
  z.object({ ...record, kind: z.literal('unsold'), seen }),
  /** A line that cannot be compared. late: it came long after it was said. */
  z.object({ ...record, kind: z.literal('skipped'), why: z.enum(['late', 'unnamed']) }),
])
export type ShadowRecord = z.infer<typeof shadowRecord>
type Without<T> = T extends unknown ? Omit<T, 'format' | 'at'> : never
/** A record as the matcher gives it; at: wall clock, ms since 1970. */
export type Compared = Without<ShadowRecord> & { at: number }
