// Small files that are always whole: written beside their place, synced, renamed, and the rename synced.
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import type { z } from 'zod'
import { GroceryError } from '../errors.js'

/** Told before each step, so that a test can end the process there. */
export type Step = (name: string) => void
export const noStep: Step = () => {}

/** Makes what was written to a file or folder survive a power failure. */
export function sync(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** A new file with what a caller hands over piece by piece, on disk when this returns. */
export function writeNew(path: string, write: (put: (piece: Uint8Array) => void) => void): void {
  const fd = openSync(path, 'wx', 0o644)
  try {
    write(piece => {
      for (let done = 0; done < piece.length;) done += writeSync(fd, piece, done)
    })
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Only one process may write a file at a time: whoever calls holds the lock of its folder. */
export function writeJson(path: string, value: object, step: Step = noStep): void {
  const draft = `${path}.new`
  step('write the draft')
  const fd = openSync(draft, 'w', 0o600)
  try {
    writeSync(fd, `${JSON.stringify(value, null, 2)}\n`)
    step('sync the draft')
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  step('rename the draft')
  renameSync(draft, path)
  step('sync the rename')
  sync(dirname(path))
}

/**
 * The content of a file that carries a `format`; null where there is no file.
 * @throws ACTIVATION_INVALID for a newer format, and for what is not of this schema
 */
export function readJson<T>(path: string, schema: z.ZodType<T>, format: number): T | null {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  const invalid = (what: string) => new GroceryError('ACTIVATION_INVALID', `${path}: ${what}`)
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
