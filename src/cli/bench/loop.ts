// Runs one step over and over, several at a time, for some seconds, and keeps how long each took. Knows no models.
import type { Clock } from '../../clock.js'

/** Milliseconds of each named stage of one step. */
export type Stages<Name extends string> = Record<Name, number>

export interface Figures<Name extends string> {
  count: number
  seconds: number
  perSecond: number
  latencyMs: { p50: number; p99: number }
  /** Means, so that they can be added up. */
  stagesMs: Stages<Name>
}

export interface LoopOptions<Name extends string> {
  /** Steps that begin in this time are not counted: caches fill, clocks of the CPU rise. */
  warmUpSeconds: number
  seconds: number
  inFlight: number
  stages: readonly Name[]
  step: (index: number) => Promise<Stages<Name>>
  clock: Clock
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000

/** The smallest value that `share` of the values do not exceed (nearest rank); sorted is ascending. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
}

/** Rejects with the first step that does. Steps under way at the end are counted with the time they took. */
export async function measureLoop<Name extends string>(
  options: LoopOptions<Name>,
): Promise<Figures<Name>> {
  const { warmUpSeconds, seconds, inFlight, stages, step, clock } = options
  const begin = clock.mono() + warmUpSeconds * 1000
  const end = begin + seconds * 1000
  const latencies: number[] = []
  const sums = Object.fromEntries(stages.map(name => [name, 0])) as Stages<Name>
  let index = 0
  let last = begin

  const lane = async () => {
    for (let from = clock.mono(); from < end; from = clock.mono()) {
      const took = await step(index++)
      if (from < begin) continue
      last = clock.mono()
      latencies.push(last - from)
      for (const name of stages) sums[name] += took[name]
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))

  const count = latencies.length
  const elapsed = (last - begin) / 1000
  const sorted = Float64Array.from(latencies).sort()
  return {
    count,
    seconds: rounded(elapsed),
    perSecond: count === 0 ? 0 : rounded(count / elapsed),
    latencyMs: { p50: rounded(percentile(sorted, 0.5)), p99: rounded(percentile(sorted, 0.99)) },
    stagesMs: Object.fromEntries(
      stages.map(name => [name, count === 0 ? 0 : rounded(sums[name] / count)]),
    ) as Stages<Name>,
  }
}
