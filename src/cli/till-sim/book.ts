// What a till knows: its receipt, the events that it has heard, and what it may do with the next one. No I/O.
import type { Item } from '../../counter/types.js'
import type { ItemEvent, PosMessage } from '../../publish/messages.js'
import type { Candidate, Decision } from '../../recognition/types.js'

export interface Line {
  lineId: string
  sku: string
  name: string
  grams: number | null
  /** The thing on the counter, where the kiosk named one. */
  itemId: string | null
  voided: boolean
}

export interface Book {
  format: 1
  /** The session that is open; null: none. */
  session: string | null
  /** Its end was begun: nothing opens it again. */
  closing: boolean
  /** The step of the script that comes next. */
  step: number
  lines: Line[]
  /** What was said of this session, to be said again to a kiosk that may have forgotten it. */
  words: PosMessage[]
  /** Ids of events, the newest last. */
  known: string[]
  lastSeq: number
  /** Things that may be sold with a touch, and all that lie there. */
  offers: Record<string, Item>
  lying: string[]
  touches: number
}

/** More than a kiosk sends again at once. */
const mostKnown = 5000

export const emptyBook = (): Book => ({
  format: 1,
  ...{ session: null, closing: false, step: 0, lines: [], words: [], known: [], lastSeq: 0 },
  ...{ offers: {}, lying: [], touches: 0 },
})

export const lineIdOf = (session: string, step: number | string): string => `${session}-${step}`

/** The line once, however often it is asked for; its word is kept with it. */
export function sell(book: Book, line: Line, word: PosMessage): Book {
  if (book.lines.some(({ lineId }) => lineId === line.lineId)) return book
  return { ...book, lines: [...book.lines, line], words: [...book.words, word] }
}

export function voidLine(book: Book, lineId: string, word: PosMessage): Book {
  const lines = book.lines.map(one => (one.lineId === lineId ? { ...one, voided: true } : one))
  return { ...book, lines, words: [...book.words, word] }
}

/**
 * An event of the kiosk, by the three rules of docs/4-mqtt.md. Whatever it says, no line ever leaves the receipt.
 * @param now wall clock, ms since 1970
 */
export function hear(book: Book, event: ItemEvent, now: number): Book {
  if (book.known.includes(event.id)) return book
  const { item, action, session } = event
  const { itemId } = item
  const lying = book.lying.filter(one => one !== itemId)
  if (action !== 'removed') lying.push(itemId)
  const { [itemId]: _, ...offers } = book.offers
  const heard: Book = {
    ...book,
    known: [...book.known, event.id].slice(-mostKnown),
    lastSeq: Math.max(book.lastSeq, event.seq),
    ...{ lying, offers },
  }
  // A weighed thing is always lifted off: that is a fact about the counter, and none about the receipt.
  if (action === 'removed') return heard
  if (!isForThisShopper(event, book.session, now)) return heard
  if (item.disposition === 'sold' || item.disposition === 'ignored') return heard
  const offered = { ...heard, offers: { ...offers, [itemId]: item } }
  if (!item.auto || item.decision !== 'sure' || item.sku === null) return offered
  // Only `auto` is sold without a touch.
  const lineId = lineIdOf(session!, `auto-${itemId}`)
  const line: Line = {
    ...{ lineId, sku: item.sku, name: item.name ?? item.sku, grams: null, itemId, voided: false },
  }
  const word = { eventId: lineId, session, kind: 'added', lineId, itemId, sku: item.sku } as const
  return sell(heard, line, word)
}

/** Not sent again, not late, and of the session that is open. */
export const isForThisShopper = (event: ItemEvent, session: string | null, now: number): boolean =>
  !event.replayed &&
  Date.parse(event.expiresAt) > now &&
  session !== null &&
  event.session === session

/** What is paid for. */
export const receipt = (book: Book): Line[] => book.lines.filter(({ voided }) => !voided)

/** One touch where it is preselected or in the list, which `unknown` has too; else the till's own menu: group, product, done. */
export function touchesFor(
  seen: { decision: Decision; candidates: readonly Pick<Candidate, 'sku'>[] } | null,
  sku: string,
): number {
  const isPreselected = seen?.decision === 'sure' && seen.candidates[0]?.sku === sku
  const isListed =
    seen !== null && seen.decision !== 'sure' && seen.candidates.some(one => one.sku === sku)
  return isPreselected || isListed ? 1 : 3
}
