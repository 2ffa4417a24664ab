// Sentences that the terminal and the report share, so that both say the same. Pure text.
import type { ModelState, RuntimeState } from '../protocol.js'
import type { Comparison } from './compare.js'
import type { McNemar } from './mcnemar.js'
import type { Money } from './money.js'

/** From this p on a difference may well be chance. */
const significant = 0.05

export const modelName = ({ name, version }: ModelState): string => `${name} version ${version}`

/** @param runtime null where held-out predictions were read instead of running the model */
export const runtimeName = (runtime: RuntimeState | null): string =>
  runtime === null
    ? 'held-out predictions'
    : `${runtime.name} ${runtime.version.split('-')[0]} on ${runtime.device}`

export const probability = (p: number): string => (p < 0.001 ? 'p < 0.001' : `p = ${p.toFixed(3)}`)

/** The test and its result, such as "McNemar (exact binomial, 12 differ): p = 0.146". */
export function testWords({ test, statistic, onlyFirst, onlySecond, p }: McNemar): string {
  const chi = statistic === null ? '' : ` ${statistic.toFixed(2)}`
  return `McNemar (${test}${chi}, ${onlyFirst + onlySecond} differ): ${probability(p)}`
}

/** What the test means, with the names of the two. */
export function verdict(test: McNemar, first: string, second: string): string {
  const { onlyFirst, onlySecond, p } = test
  if (p >= significant) return 'the difference may be chance'
  const better = onlyFirst > onlySecond ? first : second
  return `${better} is better by more than chance explains`
}

/** A sentence for each of the two models that lacks classes which occur. */
export function missingWords({ missing }: Comparison): string[] {
  return (['first', 'second'] as const).flatMap(which => {
    const { skus, images } = missing[which]
    if (skus.length === 0) return []
    const name = which === 'first' ? 'A' : 'B'
    const pictures = images === 1 ? '1 picture counts' : `${images} pictures count`
    return [`${name} has no class for ${skus.join(', ')}: ${pictures} as wrong for it.`]
  })
}

/** 1234.5 -> "1234.50 EUR". */
export const money = (value: number, currency: string | null): string =>
  `${value.toFixed(2)}${currency === null ? '' : ` ${currency}`}`

/** The list may be long: JSON has all of it. */
const mostNames = 5

export function weightWords({ weightUnknown }: Money): string | null {
  if (weightUnknown.length === 0) return null
  const rest = weightUnknown.length - mostNames
  const names = weightUnknown.slice(0, mostNames).join(', ')
  return `Reckoned as 1 kg, since the list gives no meanGrams: ${names}${rest > 0 ? ` and ${rest} more` : ''}.`
}

/** What held-out predictions are, and where they are not exact. */
export function heldOutWords({ outside }: { outside: number }): string {
  const exact = 'Each picture was judged by a model that was trained without it.'
  if (outside === 0) return exact
  const loss = 'scores that were not kept share their sum evenly, so the loss is approximate there'
  return `${exact} The truth of ${outside} is not among the scores that were kept: ${loss}.`
}
