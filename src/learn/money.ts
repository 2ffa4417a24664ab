// What the mistakes would cost if the first answer were sold: over- and undercharge. Pure.
import type { Product } from '../recognition/types.js'
import { type Outcome, predictedClass } from './metrics.js'
import type { Price, PriceList } from './prices.js'

/** One class sold as another; truth and predicted are skus. */
export interface Confusion {
  truth: string
  predicted: string
  count: number
  /** Charged less due for one item: above 0 the shopper pays too much. */
  perItem: number
  /** perItem by its count, for 1,000 items of any class. */
  per1000: number
}

/** Amounts for 1,000 items. */
export interface Charge {
  mistakes: number
  overcharge: number
  undercharge: number
  /** The ten confusions that cost most, whichever side loses. */
  dearest: Confusion[]
}

export interface Money {
  currency: string | null
  items: number
  /** What 1,000 items should bring. */
  due: number
  /** If the first answer were always sold. */
  first: Charge
  /** Only what is sure: this goes through where nobody looks. Also for 1,000 items of all. */
  sure: Charge
  /** Skus by the kilogram whose weight the list does not say: reckoned as 1 kg. */
  weightUnknown: string[]
}

const mostConfusions = 10
const gramsUnlessKnown = 1000

const amount = ({ price, unit }: Price, grams: number): number =>
  unit === 'each' ? price : (price * grams) / 1000

function charge(confusions: readonly Confusion[]): Charge {
  const sum = (sign: number) =>
    confusions.reduce((total, one) => total + Math.max(0, sign * one.per1000), 0)
  return {
    mistakes: confusions.reduce((total, one) => total + one.count, 0),
    overcharge: sum(1),
    undercharge: sum(-1),
    dearest: confusions
      .filter(one => one.per1000 !== 0)
      .sort((a, b) => Math.abs(b.per1000) - Math.abs(a.per1000))
      .slice(0, mostConfusions),
  }
}

/** @param list has a price for each class; @param outcomes at least one */
export function reckon(
  outcomes: readonly Outcome[],
  labels: readonly Product[],
  list: PriceList,
): Money {
  const items = outcomes.length
  const weightUnknown = new Set<string>()
  const priceOf = (index: number) => list.prices.get(labels[index]!.sku)!
  /** The thing on the scale is the truth, so its weight counts whatever name it is given. */
  const chargedAs = (index: number, truth: number): number => {
    const { meanGrams } = priceOf(truth)
    if (meanGrams === null && priceOf(index).unit === 'kg') weightUnknown.add(labels[truth]!.sku)
    return amount(priceOf(index), meanGrams ?? gramsUnlessKnown)
  }
  const confusionsOf = (some: readonly Outcome[]): Confusion[] => {
    const counts = new Map<string, { truth: number; predicted: number; count: number }>()
    for (const { truth, scores } of some) {
      const predicted = predictedClass(scores)
      if (predicted === truth) continue
      const key = `${truth} ${predicted}`
      const cell = counts.get(key) ?? { truth, predicted, count: 0 }
      counts.set(key, { ...cell, count: cell.count + 1 })
    }
    return [...counts.values()].map(({ truth, predicted, count }) => {
      const perItem = chargedAs(predicted, truth) - chargedAs(truth, truth)
      const per1000 = (perItem * count * 1000) / items
      return {
        truth: labels[truth]!.sku,
        predicted: labels[predicted]!.sku,
        count,
        perItem,
        per1000,
      }
    })
  }
  const due = outcomes.reduce((sum, { truth }) => sum + chargedAs(truth, truth), 0)
  return {
    currency: list.currency,
    items,
    due: (due * 1000) / items,
    first: charge(confusionsOf(outcomes)),
    sure: charge(confusionsOf(outcomes.filter(one => one.decision === 'sure'))),
    weightUnknown: [...weightUnknown].sort(),
  }
}
