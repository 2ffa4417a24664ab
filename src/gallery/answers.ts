// Answers of shoppers that wait, on disk: a file each, and its picture. Few, for some weeks; what they may do stands in quarantine.ts.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { Clock } from '../clock.js'
import { describeError } from '../errors.js'
import { hash } from '../inference/manifest.js'
import { readJson, unwritable, writeJson } from '../json-file.js'
import { writeWhole } from '../whole-file.js'
import type { ShopperAnswer } from './quarantine.js'
import { pruneVectors } from './vectors.js'

/** Some 40 kB each: 40 MB. */
const mostAnswers = 1000
/** Of the oldest this share goes at a time, since each time rewrites the embeddings. */
const goAtOnce = 0.1
/** One shopper must not push out all others. */
const mostOfSession = 20
const keptDays = 30
const dayMs = 24 * 3600_000
const answersFormat = 1

const text = z.string().min(1).max(200)
const answerSchema = z.object({
  format: z.literal(answersFormat),
  id: z.string().regex(/^[0-9a-f]{64}$/),
  at: z.number(),
  day: z.string(),
  session: text,
  sku: text,
  name: text,
  plu: z.string().nullable(),
  gtin: z.string().nullable(),
  picture: z.string().regex(/^[0-9a-f]{64}$/),
  decision: z.enum(['sure', 'ask', 'unknown']),
  candidates: z.array(z.object({ sku: z.string(), name: z.string(), score: z.number() })),
})

export interface AnswerStoreOptions {
  /** Of the gallery, whose lock is held. */
  dir: string
  clock: Pick<Clock, 'wall'>
  most?: number
}

export class AnswerStore {
  readonly #clock: Pick<Clock, 'wall'>
  readonly #most: number
  readonly dir: string
  /** By id, oldest first. */
  readonly #answers = new Map<string, ShopperAnswer>()
  /** Files that could not be read, with the reason; all but those of a newer grocerd are gone. */
  readonly damaged: string[] = []
  #hasNewer = false

  constructor({ dir, clock, most = mostAnswers }: AnswerStoreOptions) {
    this.#most = most
    this.dir = join(dir, 'answers')
    this.#clock = clock
  }

  /** Oldest first. */
  get all(): ShopperAnswer[] {
    return [...this.#answers.values()]
  }

  /** Reads what is there, and lets go of what is too old. @throws STATE_UNWRITABLE */
  start(): void {
    try {
      mkdirSync(join(this.dir, 'pictures'), { recursive: true, mode: 0o700 })
    } catch (cause) {
      throw unwritable(this.dir, cause)
    }
    const found = readdirSync(this.dir).flatMap(file =>
      file.endsWith('.json') ? (this.#read(join(this.dir, file)) ?? []) : [],
    )
    for (const answer of found.sort((a, b) => a.at - b.at)) this.#answers.set(answer.id, answer)
    this.prune()
    this.#sweep()
  }

  /** Kept when it returns, picture first; what one shopper said of one picture counts once. null: that shopper said enough. */
  add(said: Omit<ShopperAnswer, 'id' | 'picture'>, jpeg: Uint8Array): ShopperAnswer | null {
    this.prune()
    const picture = hash(jpeg)
    const id = hash(Buffer.from(JSON.stringify([said.session, said.sku, picture])))
    const known = this.#answers.get(id)
    if (known) return known
    if (this.all.filter(one => one.session === said.session).length >= mostOfSession) return null
    const answer = { ...said, id, picture }
    const path = this.#pictureOf(picture)
    if (!existsSync(path)) writeWhole(path, jpeg)
    writeJson(this.#pathOf(id), { format: answersFormat, ...answer })
    this.#answers.set(id, answer)
    if (this.#answers.size > this.#most) this.remove(this.all.slice(0, this.#most * goAtOnce))
    return answer
  }

  /** Throws where it is gone. @param id of the picture */
  picture(id: string): Buffer {
    return readFileSync(this.#pictureOf(id))
  }

  /** With their pictures, where no other answer has them. */
  remove(answers: readonly Pick<ShopperAnswer, 'id'>[]): void {
    const gone = new Set<string>()
    for (const { id } of answers) {
      const answer = this.#answers.get(id)
      if (answer) gone.add(answer.picture)
      rmSync(this.#pathOf(id), { force: true })
      this.#answers.delete(id)
    }
    for (const { picture } of this.all) gone.delete(picture)
    for (const picture of gone) rmSync(this.#pictureOf(picture), { force: true })
    if (gone.size > 0) pruneVectors(this.dir, picture => !gone.has(picture))
  }

  /** What was said to be it, or may show it. @returns how many pictures went */
  forget(sku: string): number {
    const gone = this.all.filter(one => one.sku === sku || one.candidates[0]?.sku === sku)
    this.remove(gone)
    return new Set(gone.map(({ picture }) => picture)).size
  }

  /** Lets go of what has waited too long. */
  prune(): void {
    const from = this.#clock.wall() - keptDays * dayMs
    this.remove(this.all.filter(({ at }) => at < from))
  }

  #read(path: string): ShopperAnswer | null {
    const what = 'the answer of a shopper'
    try {
      const code = 'GALLERY_INVALID'
      const found = readJson(path, { schema: answerSchema, format: answersFormat, code, what })
      if (!found) return null
      const { format: _, ...answer } = found
      return answer
    } catch (error) {
      this.damaged.push(describeError(error).message)
      const { details } = error as { details?: { newer?: boolean } }
      if (details?.newer) this.#hasNewer = true
      else rmSync(path, { force: true })
      return null
    }
  }

  #pathOf(id: string): string {
    return join(this.dir, `${id}.json`)
  }

  #pictureOf(id: string): string {
    return join(this.dir, 'pictures', `${id}.jpg`)
  }

  /** Pictures that no answer names go, with drafts that a crash left. */
  #sweep(): void {
    // What the answers of a newer grocerd name is not known: then nothing is thrown away.
    if (this.#hasNewer) return
    const named = new Set(this.all.map(({ picture }) => picture))
    const folder = join(this.dir, 'pictures')
    for (const file of readdirSync(folder))
      if (!named.has(file.replace(/\.jpg$/, ''))) rmSync(join(folder, file), { force: true })
    pruneVectors(this.dir, id => named.has(id))
  }
}
