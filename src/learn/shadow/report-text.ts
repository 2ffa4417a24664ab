// The figures of shadow mode for a terminal. Pure text.
import type { Rate, ShadowFigures, Stake } from './figures.js'

const shownPlus = 15
const percent = (share: number | null) => (share === null ? '–' : `${(share * 100).toFixed(1)} %`)

/** "87.5 % (7 of 8; 95 %: 52.9 to 97.8 %)". */
const rateWords = ({ count, share, interval }: Rate, of: number) =>
  interval === null
    ? '– (none)'
    : `${percent(share)} (${count} of ${of}; 95 %: ${(interval[0] * 100).toFixed(1)} to ${percent(interval[1])})`

/** Minor units as a till writes them, hundredths. */
export const amount = (minor: number): string => (minor / 100).toFixed(2)

const stakeWords = ({ mistakes, overcharge, undercharge, unreckoned }: Stake) =>
  `${mistakes} mistakes: ${amount(overcharge)} too much, ${amount(undercharge)} too little` +
  (unreckoned > 0 ? `; ${unreckoned} of them without a price or a weight` : '')

/** What does not stand in the figures, and why. */
export function leftOutWords({ skipped, unsold, onlyPaid }: ShadowFigures): string[] {
  return [
    ...(onlyPaid ? [] : ['The till never said "paid": all its lines count.']),
    `${unsold} things were seen and not sold.`,
    ...(skipped.late > 0 ? [`${skipped.late} lines came too late to compare.`] : []),
    ...(skipped.unnamed > 0 ? [`${skipped.unnamed} lines named no product.`] : []),
  ]
}

export function shadowText(figures: ShadowFigures, days: readonly string[]): string {
  const { lines, seen, top1, top4, sure, plus } = figures
  const when = days.length > 1 ? `${days[0]} to ${days.at(-1)}` : (days[0] ?? 'no day')
  const worst = plus.filter(one => one.confusions.length > 0)
  const rest = worst.length - shownPlus
  return [
    `${when}: ${figures.sessions} sessions, ${lines} lines, ${amount(figures.turnover)} sold`,
    `  seen             ${rateWords(seen, lines)}`,
    `  top 1            ${rateWords(top1, seen.count)}`,
    `  top 4            ${rateWords(top4, seen.count)}`,
    `  sure             ${rateWords(sure.coverage, seen.count)}`,
    `  right when sure  ${rateWords(sure.precision, sure.coverage.count)}`,
    `If the first answer had always been sold, ${stakeWords(figures.first)}.`,
    `If only what is sure had been sold, ${stakeWords(figures.sureOnly)}.`,
    ...leftOutWords(figures),
    ...(worst.length > 0 ? ['', 'Taken for something else:'] : []),
    ...worst.slice(0, shownPlus).map(one => {
      const taken = one.confusions.map(({ name, count }) => `${name} ${count}`).join(', ')
      return `  ${one.plu ?? one.sku}  ${one.name}: ${one.lines - one.top1} of ${one.lines} (${taken})`
    }),
    ...(rest > 0 ? [`  and ${rest} more (see --json)`] : []),
  ].join('\n')
}
