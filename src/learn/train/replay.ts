// A few embeddings a class beside a model, so that classes can join it later; the format of models/training/replay.py.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { GroceryError } from '../../errors.js'
import { cosine, lengthOf } from '../../vectors.js'
import { farthest } from './farthest.js'

export interface Replay {
  dims: number
  /** count x dims, a byte for each value. */
  bytes: Int8Array
  /** By row: its class, and what a byte of it is worth. */
  classes: number[]
  scale: number[]
}

const perClass = 10

const replaySchema = z.strictObject({
  dims: z.int().min(1),
  count: z.int().min(1),
  classes: z.array(z.int().min(0)),
  scale: z.array(z.number().min(0)),
})

/** First the row nearest the mean, then what is farthest from all that are chosen. */
export function spread(rows: Float32Array[], most: number): number[] {
  const mean = new Float32Array(rows[0]!.length)
  for (const row of rows) row.forEach((value, i) => (mean[i]! += value / rows.length))
  const distances = rows.map(row => lengthOf(row.map((value, i) => value - mean[i]!)))
  return farthest(rows, distances.indexOf(Math.min(...distances)), most, cosine)
}

/** @param rows plain embeddings; @param labels by row. */
export function makeReplay(rows: Float32Array[], labels: readonly number[]): Replay {
  const dims = rows[0]!.length
  const kept = [...new Set(labels)]
    .sort((a, b) => a - b)
    .flatMap(label => {
      const own = rows.flatMap((row, index) => (labels[index] === label ? [{ row, index }] : []))
      const chosen = spread(
        own.map(one => one.row),
        perClass,
      )
      return chosen.map(index => own[index]!.index)
    })
  const bytes = new Int8Array(kept.length * dims)
  const scale = kept.map((index, at) => {
    const row = rows[index]!
    const step = row.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127
    bytes.set(
      row.map(value => (step > 0 ? Math.round(value / step) : 0)),
      at * dims,
    )
    return Number(step.toPrecision(6))
  })
  return { dims, bytes, classes: kept.map(index => labels[index]!), scale }
}

/** The rows as they were, within half a step. */
export function replayRows({ dims, bytes, scale }: Replay): Float32Array {
  return Float32Array.from(bytes, (value, at) => value * scale[Math.floor(at / dims)]!)
}

export const joinReplays = (old: Replay, added: Replay): Replay => ({
  dims: old.dims,
  bytes: Int8Array.from([...old.bytes, ...added.bytes]),
  classes: [...old.classes, ...added.classes],
  scale: [...old.scale, ...added.scale],
})

export function replayFiles({ dims, bytes, classes, scale }: Replay): [string, Uint8Array][] {
  const json = `${JSON.stringify({ dims, count: classes.length, classes, scale })}\n`
  return [
    ['replay.bin', new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)],
    ['replay.json', new TextEncoder().encode(json)],
  ]
}

/** The replay beside a model. Throws REPLAY_INVALID where it is missing or not of this model. */
export function readReplay(folder: string, dims: number, classes: number): Replay {
  const refuse = (what: string, cause?: unknown) => {
    const words = `${folder}: Expected replay.bin and replay.json of ${classes} classes and ${dims} dimensions but ${what}`
    return new GroceryError('REPLAY_INVALID', words, { cause })
  }
  let bytes: Buffer
  let json: unknown
  try {
    bytes = readFileSync(join(folder, 'replay.bin'))
    json = JSON.parse(readFileSync(join(folder, 'replay.json'), 'utf8'))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw refuse(`reading them failed: ${code ?? message}`, error)
  }
  const parsed = replaySchema.safeParse(json)
  if (!parsed.success)
    throw refuse(`replay.json has another form: ${parsed.error.issues[0]!.message}`)
  const { count, scale, ...replay } = parsed.data
  if (replay.dims !== dims) throw refuse(`they have ${replay.dims} dimensions`)
  const known = new Set(replay.classes)
  if (known.size !== classes || Math.max(...known) !== classes - 1) {
    throw refuse(`they have ${known.size} classes`)
  }
  if (bytes.length !== count * dims || replay.classes.length !== count || scale.length !== count) {
    throw refuse(`their lengths differ: ${bytes.length} bytes for ${count} rows`)
  }
  return { ...replay, scale, bytes: new Int8Array(bytes) }
}
