// Small JSON files that carry a format number: written whole, and read with words for what is wrong.
import { readFileSync } from 'node:fs'
import type { z } from 'zod'
import { type ErrorCode, GroceryError } from './errors.js'
import { type Step, writeWhole } from './whole-file.js'

/** @param what a file or folder that could not be made or written @param cause what the file system threw */
export function unwritable(what: string, cause: unknown): GroceryError {
  const { code } = cause as NodeJS.ErrnoException
  return new GroceryError(
    'STATE_UNWRITABLE',
    `Expected ${what} to be writable but received ${code}`,
    { cause },
  )
}

export const writeJson = (path: string, value: object, step?: Step): void =>
  writeWhole(path, `${JSON.stringify(value, null, 2)}\n`, step)

export interface JsonFormat<T> {
  schema: z.ZodType<T>
  /** The newest that this version knows. */
  format: number
  /** Of what is wrong with the file. */
  code: ErrorCode
  /** What a file that is no JSON was expected to be, for people. */
  what?: string
}

/**
 * The content of a file that carries a `format`; null where there is no file.
 * @throws the code for a newer format (`newer` in the details), for what is not of this schema, and for what cannot be read
 */
export function readJson<T>(
  path: string,
  { schema, format, code, what = 'JSON' }: JsonFormat<T>,
): T | null {
  const invalid = (words: string, details?: object) =>
    new GroceryError(code, `${path}: ${words}`, { details })
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const { code: reason } = error as NodeJS.ErrnoException
    if (reason === 'ENOENT') return null
    throw invalid(`Expected a file that this user can read but received ${reason}`)
  }
  let json: { format?: unknown } | null
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw invalid(`Expected ${what} but ${(cause as Error).message}`)
  }
  if (typeof json?.format === 'number' && json.format > format) {
    const words = `Expected format ${format} but received ${json.format}, of a newer grocerd`
    throw invalid(words, { newer: true })
  }
  const result = schema.safeParse(json)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  throw invalid(`${issue.path.join('.')}: ${issue.message}`)
}
