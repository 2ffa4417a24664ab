// Confidence bounds of a share of successes. Pure; says nothing of how the successes were counted.

let knownLogs = new Float64Array(2)

/** log(i!) for i = 0..n at least. Kept, since a threshold is sought with thousands of bounds. */
function logFactorials(n: number): Float64Array {
  if (knownLogs.length > n) return knownLogs
  const logs = new Float64Array(Math.max(n + 1, 2 * knownLogs.length))
  logs.set(knownLogs)
  for (let i = knownLogs.length; i < logs.length; i++) logs[i] = logs[i - 1]! + Math.log(i)
  knownLogs = logs
  return logs
}

/** P(X >= successes) for X binomial(trials, p), summed term by term in the log domain. */
function upperTail(successes: number, trials: number, p: number, logs: Float64Array): number {
  let sum = 0
  for (let i = successes; i <= trials; i++) {
    const choose = logs[trials]! - logs[i]! - logs[trials - i]!
    const term = choose + i * Math.log(p) + (trials - i) * Math.log1p(-p)
    sum += Math.exp(term)
  }
  return sum
}

/**
 * One-sided Clopper-Pearson lower bound: the share that would still give this many successes or more
 * with a probability of 1 - confidence. It is the beta quantile, found by bisection on the binomial
 * tail, since that needs no special functions.
 * @returns 0..1; 0 where nothing was tried.
 */
export function clopperPearsonLower(successes: number, trials: number, confidence = 0.95): number {
  if (successes <= 0) return 0
  const logs = logFactorials(trials)
  let low = 0
  let high = 1
  for (let step = 0; step < 50; step++) {
    const middle = (low + high) / 2
    if (upperTail(successes, trials, middle, logs) < 1 - confidence) low = middle
    else high = middle
  }
  return low
}

/**
 * Whether clopperPearsonLower is at least `share`, fifty times quicker than by asking it: the tail at
 * that one share tells.
 */
export function lowerBoundReaches(
  share: number,
  successes: number,
  trials: number,
  confidence = 0.95,
): boolean {
  // Where not even the observed share is that high its bound cannot be.
  if (successes < share * trials) return false
  return upperTail(successes, trials, share, logFactorials(trials)) <= 1 - confidence
}

/** Two-sided 95 % Wilson interval of a share; [0, 1] where nothing was tried. */
export function wilson(successes: number, trials: number): [low: number, high: number] {
  if (trials === 0) return [0, 1]
  const z = 1.959964
  const share = successes / trials
  const scale = 1 + (z * z) / trials
  const centre = (share + (z * z) / (2 * trials)) / scale
  const spread = share * (1 - share) + (z * z) / (4 * trials)
  const half = (z * Math.sqrt(spread / trials)) / scale
  // Rounding must not make the bound of a perfect score a little less than perfect.
  const high = successes === trials ? 1 : Math.min(1, centre + half)
  return [Math.max(0, centre - half), high]
}
