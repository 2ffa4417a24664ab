// The records of shadow mode on disk: a file a day of one JSON line each, of bounded size, for some weeks.
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Compared, shadowFormat, type ShadowRecord, shadowRecord } from './types.js'

const keptDays = 35
/** Some 20,000 lines. */
const mostBytes = 8 * 1024 * 1024

const dayOf = (file: string): string | null => /^(\d{4}-\d\d-\d\d)\.jsonl$/.exec(file)?.[1] ?? null

/** The days that are there, oldest first; none where there is no folder. */
export function shadowDays(dir: string): string[] {
  try {
    return readdirSync(dir)
      .flatMap(file => dayOf(file) ?? [])
      .sort()
  } catch {
    return []
  }
}

/** What a crash cut off and what a newer grocerd wrote is passed over, and counted. */
export function readDay(dir: string, day: string): { records: ShadowRecord[]; passedOver: number } {
  const lines = readFileSync(join(dir, `${day}.jsonl`), 'utf8')
    .split('\n')
    .filter(Boolean)
  const records = lines.flatMap((text): ShadowRecord[] => {
    try {
      return [shadowRecord.parse(JSON.parse(text))]
    } catch {
      return []
    }
  })
  return { records, passedOver: lines.length - records.length }
}

export class DayFiles {
  readonly #dir: string
  #full: string | null = null

  constructor(dir: string) {
    this.#dir = dir
  }

  /** Throws where the folder cannot be written. @param day today, such as 2026-11-28 */
  append(records: readonly Compared[], day: string): void {
    if (records.length === 0 || this.#full === day) return
    const path = join(this.#dir, `${day}.jsonl`)
    if (!shadowDays(this.#dir).includes(day)) {
      mkdirSync(this.#dir, { recursive: true, mode: 0o700 })
      for (const old of shadowDays(this.#dir).slice(0, -(keptDays - 1)))
        rmSync(join(this.#dir, `${old}.jsonl`), { force: true })
    } else if (statSync(path).size > mostBytes) {
      this.#full = day
      return
    }
    const lines = records.map(({ at, ...record }) =>
      JSON.stringify({ format: shadowFormat, at: new Date(at).toISOString(), ...record }),
    )
    // What a crash cut off ends with the line break before it.
    appendFileSync(path, `\n${lines.join('\n')}\n`, { mode: 0o600 })
  }
}
