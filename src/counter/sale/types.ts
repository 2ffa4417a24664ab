// What the till says of a sale in its own words. Types only.
import type { Sold } from './lines.js'

/** A word of the till on <p>/pos, its product known. */
export interface PosWord {
  eventId: string
  session: string | null
  kind:
    | 'scanned'
    | 'added'
    | 'changed'
    | 'voided'
    | 'weighed'
    | 'payStarted'
    | 'paid'
    | 'attendantOn'
    | 'attendantOff'
  lineId: string | null
  itemId: string | null
  /** null where the word names none. */
  product: Sold | null
  pieces: number | null
  grams: number | null
}
