// Finds for each line that a till sells the thing that the camera recognised before it. No files, no clock: times come from outside.
import type { PosMessage } from '../../publish/messages.js'
import type { Compared, Line, Seen } from './types.js'

/** What was taken away longer ago is not what a line is for, ms. */
const afterTakenMs = 30_000
/** A session in which nothing was said for so long is over, paid or not, ms. */
const idleMs = 15 * 60_000
/** A line that takes so much longer from till to kiosk than others was held up by an outage, ms. */
const lateMs = 5000
const mostCandidates = 4
/** A counter holds few things, and a receipt few lines: beyond it something is wrong, and the oldest go. */
const mostSights = 200
const mostLines = 500
const rememberedEvents = 1000

interface Sight {
  itemId: string
  at: number
  /** When it was taken away. */
  until: number | null
  seen: Seen
}

interface OpenLine {
  line: Line
  at: number
  sight: Sight | null
}

export interface MatcherOptions {
  /** The product that a line names; null: nobody knows it. */
  product(pos: PosMessage): Pick<Line, 'sku' | 'name' | 'plu'> | null
}

export class ShadowMatcher {
  readonly #options: MatcherOptions
  /** Recognised, and no line's yet; oldest first. */
  #sights: Sight[] = []
  readonly #sessions = new Map<string | null, { lines: Map<string, OpenLine>; heardAt: number }>()
  readonly #events = new Set<string>()
  /** Of the till's clock against ours, with the shortest way: what else is added is delay, ms. */
  #offset: number | null = null

  constructor(options: MatcherOptions) {
    this.#options = options
  }

  /** A thing is recognised, or recognised as another one. @param at wall clock of the frame, ms */
  sees(itemId: string, seen: Seen, at: number): void {
    const kept = { ...seen, candidates: seen.candidates.slice(0, mostCandidates) }
    const known = this.#sights.find(one => one.itemId === itemId)
    if (known) known.seen = kept
    // What a line is for already is not compared again.
    else if (!this.#isSold(itemId)) this.#sights.push({ itemId, at, until: null, seen: kept })
    if (this.#sights.length > mostSights) this.#sights.shift()
  }

  /** It is taken away. */
  loses(itemId: string, at: number): void {
    for (const sight of this.#all()) if (sight.itemId === itemId) sight.until ??= at
  }

  /** What the till says, once for each eventId. @param at wall clock of its arrival, ms */
  hear(pos: PosMessage, at: number): Compared[] {
    const said = this.tick(at)
    if (this.#events.has(pos.eventId)) return said
    this.#events.add(pos.eventId)
    if (this.#events.size > rememberedEvents)
      this.#events.delete(this.#events.values().next().value!)
    return [...said, ...this.#take(pos, at)]
  }

  /** What is over by now: sessions that went silent, and things that nobody sold. */
  tick(at: number): Compared[] {
    const silent = [...this.#sessions].filter(([, { heardAt }]) => at - heardAt > idleMs)
    const over = silent.flatMap(([session]) => this.#end(session, false))
    return [...over, ...this.#unsold(at, afterTakenMs)]
  }

  #take(pos: PosMessage, at: number): Compared[] {
    const session = pos.session ?? null
    const { kind } = pos
    if (kind === 'paid') return [...this.#end(session, true), ...this.#unsold(at, 0)]
    const known = this.#sessions.get(session)
    if (known) known.heardAt = at
    const id = pos.lineId ?? pos.eventId
    if (kind === 'scanned' || kind === 'added') return this.#add(kind, pos, id, at)
    const open = known?.lines.get(id)
    if (!open) return []
    if (kind === 'voided') {
      known!.lines.delete(id)
      // The right line for the same thing may follow.
      if (open.sight) this.#sights.push(open.sight)
    } else if (kind === 'changed' || kind === 'weighed') {
      const product = pos.sku || pos.gtin ? this.#options.product(pos) : null
      open.line = { ...open.line, ...product, ...saidOf(pos) }
    }
    return []
  }

  #add(how: Line['how'], pos: PosMessage, id: string, at: number): Compared[] {
    if (this.#isLate(pos, at)) return [{ kind: 'skipped', why: 'late', at }]
    const product = this.#options.product(pos)
    if (!product) return [{ kind: 'skipped', why: 'unnamed', at }]
    const session = pos.session ?? null
    const before = this.#sessions.get(session)
    const open = before ?? { lines: new Map<string, OpenLine>(), heardAt: at }
    this.#sessions.set(session, open)
    // A till that says a line again has changed it.
    const again = open.lines.get(id)
    const line = {
      session,
      lineId: pos.lineId ?? null,
      how,
      ...product,
      quantity: null,
      weight: null,
      price: null,
      ...saidOf(pos),
    }
    open.lines.set(id, again ? { ...again, line } : { line, at, sight: this.#nearest(at) })
    return open.lines.size > mostLines ? this.#end(session, false) : []
  }

  /** The one that was recognised last before the line: things are sold in the order in which they are laid down. */
  #nearest(at: number): Sight | null {
    const fits = this.#sights.filter(
      one => one.at <= at && (one.until === null || at - one.until <= afterTakenMs),
    )
    const best = fits.reduce<Sight | null>((a, b) => (a && a.at > b.at ? a : b), null)
    this.#sights = this.#sights.filter(one => one !== best)
    return best
  }

  #isLate({ at: said }: PosMessage, at: number): boolean {
    if (!said) return false
    const way = at - Date.parse(said)
    if (this.#offset === null || way < this.#offset) this.#offset = way
    return way - this.#offset > lateMs
  }

  #end(session: string | null, paid: boolean): Compared[] {
    const lines = [...(this.#sessions.get(session)?.lines.values() ?? [])]
    this.#sessions.delete(session)
    return lines.map(({ line, sight, at: added }) => ({
      kind: 'sold',
      at: added,
      paid,
      ...line,
      seen: sight?.seen ?? null,
    }))
  }

  #unsold(at: number, patienceMs: number): Compared[] {
    const isOver = ({ until }: Sight) => until !== null && at - until > patienceMs
    const over = this.#sights.filter(isOver)
    this.#sights = this.#sights.filter(one => !isOver(one))
    return over.map(({ at: seenAt, seen }) => ({ kind: 'unsold', at: seenAt, seen }))
  }

  #isSold(itemId: string): boolean {
    return this.#all().some(one => one.itemId === itemId)
  }

  #all(): Sight[] {
    const lines = [...this.#sessions.values()].flatMap(({ lines }) => [...lines.values()])
    return [...this.#sights, ...lines.flatMap(({ sight }) => sight ?? [])]
  }
}

/** What a message says of a line; what it does not say stays. */
function saidOf({ quantity, weight, price }: PosMessage): Partial<Line> {
  return {
    ...(typeof quantity === 'number' && { quantity }),
    ...(typeof weight === 'number' && { weight }),
    ...(typeof price === 'number' && { price }),
  }
}
