// A row of the torture table: one fault, tried many times against real parts, with what was lost, doubled and how long it took.
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'

/** Set by `npm run torture`: every row runs its full number of times and writes down what came of it. */
export const isFull = process.env.GROCERD_TORTURE === 'full'

export interface Outcome {
  /** How often the fault happened. */
  times: number
  /** Events (or whatever the row is about) that never arrived, and those that counted twice. */
  lost: number
  duplicated: number
  /** From the end of the fault, or from the fault itself where it does not end; null where nothing recovers. */
  recoverMs: number[] | null
  /** Figures beside these, for the table. */
  note?: string
  /** What was promised and did not hold; each fails the test. */
  wrong: string[]
}

export interface Row {
  /** What is done to it, in the words of the table. */
  fault: string
  /** How often in CI, and in `npm run torture`. */
  short: number
  full: number
  /** Why it cannot run on this machine (mosquitto is missing, not root); null where it can. */
  skip?: () => string | null
  run(times: number): Promise<Outcome>
}

type Test = {
  test(
    name: string,
    options: { skip: string | false; timeout?: number },
    run: (t: Asserts) => Promise<void>,
  ): unknown
}
type Asserts = { same(found: unknown, wanted: unknown, name: string): unknown }

const percentile = (values: number[], share: number): number | null =>
  [...values].sort((a, b) => a - b)[Math.max(0, Math.ceil(values.length * share) - 1)] ?? null

/** Runs each row as one test; in the full run their figures become bench/torture/GROUP.json. */
export function torture(t: Test, group: string, rows: Row[]): void {
  const results: object[] = []
  for (const row of rows) {
    const why = row.skip?.() ?? null
    t.test(row.fault, { skip: why ?? false, ...(isFull && { timeout: 0 }) }, async t => {
      const began = performance.now()
      const outcome = await row.run(isFull ? row.full : row.short)
      t.same(outcome.lost, 0, 'nothing is lost')
      t.same(outcome.duplicated, 0, 'nothing counts twice')
      t.same(outcome.wrong, [], 'what was promised holds')
      const { recoverMs, times, lost, duplicated, note = '', wrong } = outcome
      results.push({
        fault: row.fault,
        ...{ times, lost, duplicated, wrong, note },
        recoverMs: recoverMs && { p50: percentile(recoverMs, 0.5), max: percentile(recoverMs, 1) },
        seconds: Math.round((performance.now() - began) / 1000),
      })
      if (!isFull) return
      mkdirSync('bench/torture', { recursive: true })
      const machine = `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores, Node ${process.version}`
      const date = new Date().toISOString().slice(0, 10)
      writeFileSync(
        `bench/torture/${group}.json`,
        `${JSON.stringify({ group, date, machine, rows: results }, null, 2)}\n`,
      )
    })
  }
}
