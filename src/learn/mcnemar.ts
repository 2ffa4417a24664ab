// McNemar's test: are two models that judged the same pictures equally good? Pure numbers.

export interface McNemar {
  /** Pictures that only the first or only the second named right; the others say nothing of a difference. */
  onlyFirst: number
  onlySecond: number
  test: 'exact binomial' | 'chi-squared with continuity correction'
  /** Chi-squared with one degree of freedom; null in the exact test. */
  statistic: number | null
  /** Two-sided: how likely a split as uneven as this is, if the two were equally good. */
  p: number
}

/** From so many discordant pictures on the approximation is as good as the sum. */
const exactBelow = 25

/** Twice the smaller tail of a fair coin thrown n times, at most 1. */
function exact(least: number, n: number): number {
  let term = 0.5 ** n
  let sum = 0
  for (let heads = 0; heads <= least; heads++) {
    sum += term
    term *= (n - heads) / (heads + 1)
  }
  return Math.min(1, 2 * sum)
}

/** P(chi-squared with one degree of freedom >= x), that is erfc(sqrt(x / 2)). */
export function chiSquaredTail(x: number): number {
  const z = Math.sqrt(x / 2)
  if (z > 2) {
    // The continued fraction of erfc, from its far end; the series would cancel here.
    let fraction = z
    for (let k = 80; k > 0; k--) fraction = z + k / 2 / fraction
    return Math.exp(-z * z) / (Math.sqrt(Math.PI) * fraction)
  }
  let term = z
  let sum = z
  for (let k = 1; k < 60; k++) {
    term *= (2 * z * z) / (2 * k + 1)
    sum += term
  }
  return 1 - (2 / Math.sqrt(Math.PI)) * Math.exp(-z * z) * sum
}

/** Exact binomial below 25 discordant pictures, else chi-squared with continuity correction. */
export function mcnemar(onlyFirst: number, onlySecond: number): McNemar {
  const n = onlyFirst + onlySecond
  const counts = { onlyFirst, onlySecond }
  if (n < exactBelow) {
    const p = exact(Math.min(onlyFirst, onlySecond), n)
    return { ...counts, test: 'exact binomial', statistic: null, p }
  }
  const statistic = Math.max(0, Math.abs(onlyFirst - onlySecond) - 1) ** 2 / n
  const test = 'chi-squared with continuity correction' as const
  return { ...counts, test, statistic, p: chiSquaredTail(statistic) }
}
