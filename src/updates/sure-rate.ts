// How often items are sure, before and after a model: whether the drop is more than chance. Pure.
export interface Rate {
  items: number
  sure: number
}

/** Below so many items nothing is concluded, of either model. */
export const leastItems = 30
/** After so many a model has shown what it can. */
export const enoughItems = 300
/** A drop that a shop feels: of ten items that were sure one or two are asked about. */
const leastDrop = 0.15
/** Standard deviations. It is looked at again with every item, so it must be far above one look's 1.64. */
const leastDeviations = 4

export const noRate: Rate = { items: 0, sure: 0 }

export const add = ({ items, sure }: Rate, isSure: boolean): Rate => ({
  items: items + 1,
  sure: sure + (isSure ? 1 : 0),
})

/** Forgets the past slowly: what counts is the last hundred items or so, not those of last year. */
export const fade = (rate: Rate, most = 2 * enoughItems): Rate =>
  rate.items < most ? rate : { items: Math.round(rate.items / 2), sure: Math.round(rate.sure / 2) }

/** Whether the rate of the new model is lower than that of the old by more than chance can make it. */
export function hasDropped(before: Rate, after: Rate): boolean {
  if (before.items < leastItems || after.items < leastItems) return false
  const [was, is] = [before.sure / before.items, after.sure / after.items]
  const both = (before.sure + after.sure) / (before.items + after.items)
  const deviation = Math.sqrt(both * (1 - both) * (1 / before.items + 1 / after.items))
  return was - is >= leastDrop && was - is > leastDeviations * deviation
}

export const inWords = ({ items, sure }: Rate): string =>
  `${sure} of ${items} items sure (${Math.round((100 * sure) / items)} %)`
