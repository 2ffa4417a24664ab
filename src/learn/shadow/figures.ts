// The figures of a shop's own sales: how often the first answer was what was sold, and what mistakes would have cost. Pure.
import type { PriceOf, ShopPrice } from '../../recognition/catalogue.js'
import { wilson } from '../intervals.js'
import type { Line, ShadowRecord } from './types.js'

type Sold = Extract<ShadowRecord, { kind: 'sold' }>

export interface Rate {
  count: number
  share: number | null
  /** 95 %, Wilson; null of nothing. */
  interval: [low: number, high: number] | null
}

/** Minor units. */
export interface Stake {
  mistakes: number
  overcharge: number
  undercharge: number
  /** Mistakes of which a price, or how much it was, is not known. */
  unreckoned: number
}

export interface SoldAs {
  sku: string
  name: string
  count: number
}

export interface PluFigures {
  plu: string | null
  sku: string
  name: string
  /** Lines for which something was recognised. */
  lines: number
  top1: number
  top4: number
  /** What it was taken for, most often first. */
  confusions: SoldAs[]
}

export interface ShadowFigures {
  sessions: number
  /** What was sold, and of it what had been seen. */
  lines: number
  seen: Rate
  top1: Rate
  top4: Rate
  sure: { coverage: Rate; precision: Rate }
  /** Seen, and sold by no line. */
  unsold: number
  skipped: { late: number; unnamed: number }
  /** false: this till never says `paid`, so all its lines count. */
  onlyPaid: boolean
  /** What the lines came to. */
  turnover: number
  /** If the first answer had always been sold, and if only what is sure had been. */
  first: Stake
  sureOnly: Stake
  plus: PluFigures[]
}

const rate = (count: number, of: number): Rate => ({
  count,
  share: of === 0 ? null : count / of,
  interval: of === 0 ? null : wilson(count, of),
})

/**
 * What so much of it costs, minor units. By the kilogram where its unit is g: the line's weight, else its quantity times the
 * mean weight of what lay there. For one where its unit is each: the quantity, else the weight over its own mean weight, else one
 * where nothing was weighed. null where that is not known.
 */
export function chargeOf(
  price: ShopPrice | null,
  { quantity, weight }: Pick<Line, 'quantity' | 'weight'>,
  grams: number | null,
): number | null {
  if (!price) return null
  if ((price.unit ?? (weight === null ? 'each' : 'g')) === 'g') {
    const heavy = weight ?? (grams === null ? null : (quantity ?? 1) * grams)
    return heavy === null ? null : (price.price * heavy) / 1000
  }
  if (quantity !== null || weight === null) return price.price * (quantity ?? 1)
  const { meanGrams } = price
  return meanGrams === null ? null : price.price * Math.max(1, Math.round(weight / meanGrams))
}

/** @param priceOf of the catalogue; what a line says of its own product goes before it */
export function figuresOf(records: readonly ShadowRecord[], priceOf: PriceOf): ShadowFigures {
  const all = records.filter(one => one.kind === 'sold')
  const onlyPaid = all.some(one => one.paid)
  const sold = onlyPaid ? all.filter(one => one.paid) : all
  const seen = sold.filter(one => (one.seen?.candidates.length ?? 0) > 0)
  const isFirst = (one: Sold) => one.seen!.candidates[0]!.sku === one.sku
  const isAmong = (one: Sold) => one.seen!.candidates.slice(0, 4).some(({ sku }) => sku === one.sku)
  const sure = seen.filter(one => one.seen!.decision === 'sure')
  const skipped = (why: 'late' | 'unnamed') =>
    records.filter(one => one.kind === 'skipped' && one.why === why).length

  const said = new Map(sold.flatMap(one => (one.price === null ? [] : [[one.sku, one] as const])))
  /** A line's own price, else what another line of the product said, else the catalogue's. */
  const priceIn = (sku: string, line?: Sold): ShopPrice | null => {
    const listed = priceOf(sku)
    const by = line && line.price !== null ? line : said.get(sku)
    if (!by) return listed
    const unit = listed?.unit ?? (by.weight === null ? 'each' : 'g')
    return { price: by.price!, unit, meanGrams: listed?.meanGrams ?? null }
  }
  const dueOf = (line: Sold) => {
    const price = priceIn(line.sku, line)
    return chargeOf(price, line, price?.meanGrams ?? null)
  }
  const stakeOf = (some: readonly Sold[]): Stake => {
    const stake = { mistakes: 0, overcharge: 0, undercharge: 0, unreckoned: 0 }
    for (const line of some.filter(one => !isFirst(one))) {
      stake.mistakes++
      const grams = priceIn(line.sku, line)?.meanGrams ?? null
      const charged = chargeOf(priceIn(line.seen!.candidates[0]!.sku), line, grams)
      const due = dueOf(line)
      if (charged === null || due === null) stake.unreckoned++
      else if (charged > due) stake.overcharge += charged - due
      else stake.undercharge += due - charged
    }
    return stake
  }
  return {
    sessions: new Set(sold.map(one => one.session)).size,
    lines: sold.length,
    seen: rate(seen.length, sold.length),
    top1: rate(seen.filter(isFirst).length, seen.length),
    top4: rate(seen.filter(isAmong).length, seen.length),
    sure: {
      coverage: rate(sure.length, seen.length),
      precision: rate(sure.filter(isFirst).length, sure.length),
    },
    unsold: records.filter(one => one.kind === 'unsold').length,
    skipped: { late: skipped('late'), unnamed: skipped('unnamed') },
    onlyPaid,
    turnover: sold.reduce((sum, one) => sum + (dueOf(one) ?? 0), 0),
    first: stakeOf(seen),
    sureOnly: stakeOf(sure),
    plus: plusOf(seen, isFirst, isAmong),
  }
}

function plusOf(
  seen: readonly Sold[],
  isFirst: (one: Sold) => boolean,
  isAmong: (one: Sold) => boolean,
): PluFigures[] {
  const bySku = new Map<string, Sold[]>()
  for (const one of seen) bySku.set(one.sku, [...(bySku.get(one.sku) ?? []), one])
  return [...bySku]
    .map(([sku, lines]) => {
      const confusions = new Map<string, SoldAs>()
      for (const one of lines.filter(line => !isFirst(line))) {
        const { sku, name } = one.seen!.candidates[0]!
        const count = (confusions.get(sku)?.count ?? 0) + 1
        confusions.set(sku, { sku, name, count })
      }
      return {
        plu: lines.at(-1)!.plu,
        sku,
        name: lines.at(-1)!.name ?? sku,
        lines: lines.length,
        top1: lines.filter(isFirst).length,
        top4: lines.filter(isAmong).length,
        confusions: [...confusions.values()].sort((a, b) => b.count - a.count),
      }
    })
    .sort((a, b) => b.lines - b.top1 - (a.lines - a.top1) || b.lines - a.lines)
}
