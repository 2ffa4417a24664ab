// Small JSON files that carry a format number.
import { readFileSync } from 'node:fs'
import type { z } from 'zod'
import { GroceryError } from '../errors.js'
import { type Step, writeWhole } from '../whole-file.js'

export const writeJson = (path: string, value: object, step?: Step): void =>
  writeWhole(path, `${JSON.stringify(value, null, 2)}\n`, step)

/**
 * The content of a file that carries a `format`; null where there is no file.
 * @throws ACTIVATION_INVALID for a newer format, for what is not of this schema, and for what cannot be read
 */
export function readJson<T>(path: string, schema: z.ZodType<T>, format: number): T | null {
  const invalid = (what: string) => new GroceryError('ACTIVATION_INVALID', `${path}: ${what}`)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return null
    throw invalid(`Expected a file that this user can read but received ${code}`)
  }
  let json: { format?: unknown } | null
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw invalid(`Expected JSON but ${(cause as Error).message}`)
  }
  if (typeof json?.format === 'number' && json.format > format)
    throw invalid(`Expected format ${format} but received ${json.format}, of a newer grocerd`)
  const result = schema.safeParse(json)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  throw invalid(`${issue.path.join('.')}: ${issue.message}`)
}
