// What doctor says: one finding a line, and whether the daemon can do its work.
import { describeError, GroceryError } from '../../errors.js'

/** fail: the daemon would not start, or could not see, recognise or tell. */
export type Status = 'ok' | 'warn' | 'fail'

export interface Finding {
  status: Status
  what: string
  found: string
  /** What a person can do about it; null where there is nothing to do. */
  remedy: string | null
}

export const ok = (what: string, found: string): Finding => ({
  status: 'ok',
  what,
  found,
  remedy: null,
})
export const warn = (what: string, found: string, remedy: string): Finding => ({
  status: 'warn',
  what,
  found,
  remedy,
})
export const fail = (what: string, found: string, remedy: string): Finding => ({
  status: 'fail',
  what,
  found,
  remedy,
})

/** A coded error as a finding; its remedy comes from the table of errors. */
export function failure(what: string, error: unknown): Finding {
  const { code, message } = describeError(error)
  const remedy =
    error instanceof GroceryError ? error.remedy : 'Report this as an error of grocerd.'
  return fail(what, `${code}: ${message}`, remedy)
}

/** `ok    node              v20.20.2` and, where something is to be done, `  -> the remedy`. */
export function findingLine({ status, what, found, remedy }: Finding): string {
  const [first, ...rest] = found.split('\n')
  const head = `${status.padEnd(4)}  ${what.padEnd(18)}  ${first}`
  const more = rest.map(line => `${' '.repeat(26)}${line}`)
  if (remedy === null) return [head, ...more].join('\n')
  const arrow = `  -> ${remedy}`
  return rest.length === 0
    ? `${head}${arrow}`
    : [head, ...more, `${' '.repeat(24)}${arrow}`].join('\n')
}
