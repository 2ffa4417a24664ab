// A scripted till: plays a sale against a kiosk as docs/4-mqtt.md tells an integrator to, and goes on after a crash of anybody.
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { GroceryError } from '../../errors.js'
import { readJson, writeJson } from '../../json-file.js'
import type { CommandResult, Reply, Verb } from '../../publish/command-messages.js'
import type { BasketMessage, PosMessage } from '../../publish/messages.js'
import {
  type Book,
  emptyBook,
  hear,
  type Line,
  lineIdOf,
  sell,
  touchesFor,
  voidLine,
} from './book.js'
import { Link, type Passed } from './link.js'
import type { Step } from './scripts.js'

/** Whoever stands at the counter: resolves when it is done. */
export type Shopper = (step: Step) => Promise<void>

export interface TillOptions {
  url: string
  prefix: string
  version: 4 | 5
  /** Where its book lies; one till at a time. */
  dir: string
  session: string
  script: readonly Step[]
  shopper: Shopper
  onStep(step: Step): void
  onMessage(passed: Passed): void
  /** How long it waits for a kiosk that does not answer, ms. */
  patienceMs?: number
}

const bookSchema = z.custom<Book>(value => Array.isArray((value as Book | null)?.lines))
/** A thing that the kiosk has not told of yet is asked about again so often. */
const mostLooks = 4
const usualPatienceMs = 60_000

export class Till {
  readonly #options: TillOptions
  readonly #link: Link
  #book = emptyBook()
  #bootId: string | null = null
  #isUp = () => {}
  /** What is said before nobody hears: the first reply would be missed. */
  readonly #up = new Promise<void>(resolve => {
    this.#isUp = resolve
  })

  constructor(options: TillOptions) {
    this.#options = options
    const { url, prefix, version, session } = options
    this.#link = new Link({
      ...{ url, prefix, version, clientId: `till-sim-${session}` },
      onMessage: passed => {
        options.onMessage(passed)
        if (passed.way === 'heard') this.#hear(passed)
      },
      // A kiosk that does not answer is found out by the first question of the sale.
      onUp: () =>
        void this.#catchUp()
          .catch(() => {})
          .then(() => this.#isUp()),
    })
  }

  get book(): Book {
    return this.#book
  }

  /** Takes up the book of an earlier start. @throws TILL_BOOK_INVALID where it cannot be read */
  start(): void {
    const format = { schema: bookSchema, format: 1, code: 'TILL_BOOK_INVALID' as const }
    const kept = readJson(this.#file, format)
    // What one till knows of events holds for its next sale too.
    const { session, script } = this.#options
    const isOver = kept !== null && kept.session === null && kept.step >= script.length
    this.#book = kept ?? emptyBook()
    if (isOver) this.#save({ ...emptyBook(), known: kept.known, lastSeq: kept.lastSeq })
    if (this.#book.session === null && this.#book.step === 0) this.#save({ ...this.#book, session })
    this.#link.start()
  }

  stop(): Promise<void> {
    return this.#link.stop()
  }

  /** To the end of the script; what was done before a crash is not done again. @throws TIMED_OUT */
  async play(): Promise<void> {
    const { script } = this.#options
    const { url, patienceMs = usualPatienceMs } = this.#options
    const tired = async () => {
      await sleep(patienceMs, undefined, { ref: false })
      throw new GroceryError('TIMED_OUT', `Expected a connection to ${url} within ${patienceMs} ms`)
    }
    await Promise.race([this.#up, tired()])
    while (this.#book.step < script.length) {
      const { step } = this.#book
      this.#options.onStep(script[step]!)
      await this.#play(script[step]!, step)
      this.#save({ ...this.#book, step: step + 1 })
    }
  }

  async #play(step: Step, index: number): Promise<void> {
    const session = this.#book.session!
    switch (step.do) {
      case 'open':
        return this.#session('open')
      case 'lay':
        await this.#options.shopper(step)
        return this.#link.say('scale', { grams: step.grams, state: 'stable' }, false, 0)
      case 'recognise':
        return this.#recognise(step, lineIdOf(session, index))
      case 'confirm':
        return this.#confirm(this.#book.lines.at(-1)!)
      case 'lift':
        await this.#options.shopper(step)
        this.#link.say('scale', { grams: 0, state: 'zero' }, false, 0)
        return this.#untilLies(0)
      case 'scan': {
        const { sku, name, gtin } = step
        const lineId = lineIdOf(session, index)
        const line = { lineId, sku, name, grams: null, itemId: null, voided: false }
        const word = {
          ...{ eventId: lineId, session, lineId, sku, gtin },
          kind: 'scanned' as const,
        }
        this.#save(sell(this.#book, line, word))
        return this.#link.say('pos', word)
      }
      case 'void': {
        const { lineId } = this.#book.lines[step.line - 1]!
        const word = this.#word('voided', index, { lineId })
        this.#save(voidLine(this.#book, lineId, word))
        return this.#link.say('pos', word)
      }
      case 'verify': {
        const { lineId, sku, grams } = this.#book.lines.findLast(one => one.grams !== null)!
        await this.#ask('verify', { session, lineId, sku, weight: { grams, stable: true } })
        return
      }
      case 'cover':
      case 'uncover':
        await this.#options.shopper(step)
        this.#link.say('scale', { grams: step.grams, state: 'stable' }, false, 0)
        return this.#untilLies(step.do === 'cover' ? 2 : 1)
      case 'pay':
        for (const kind of ['payStarted', 'paid'] as const) {
          const word = this.#word(kind, index, {})
          this.#save({ ...this.#book, words: [...this.#book.words, word] })
          this.#link.say('pos', word)
        }
        return
      case 'close':
        this.#save({ ...this.#book, closing: true })
        await this.#session('close')
        return this.#save({ ...this.#book, session: null, offers: {} })
    }
  }

  /** The next step comes when the kiosk knows of the last; one that says nothing holds nobody up for long. */
  async #untilLies(count: number): Promise<void> {
    for (let n = 0; n < 50 && this.#book.lying.length !== count; n++) await sleep(100)
  }

  #word(kind: PosMessage['kind'], index: number, more: Partial<PosMessage>): PosMessage {
    const { session } = this.#book
    return { eventId: `${session}-${index}-${kind}`, session, kind, ...more }
  }

  /** The line is on the receipt, and on disk, before anybody hears of it. */
  async #recognise(step: Step & { do: 'recognise' }, lineId: string): Promise<void> {
    const { session } = this.#book
    const { what, grams } = step
    let seen: CommandResult<'recognise'> | null = null
    for (let look = 0; look < mostLooks && !seen?.itemId; look++) {
      const weight = { grams, stable: true }
      const { result } = await this.#ask('recognise', { session, reason: 'weight', weight })
      seen = result as CommandResult<'recognise'> | null
    }
    const shown = seen?.candidates.find(one => one.sku === what)
    const itemId = seen?.itemId ?? null
    const line: Line = {
      lineId,
      sku: what,
      name: shown?.name ?? what,
      grams,
      itemId,
      voided: false,
    }
    const word = {
      ...{ eventId: lineId, session, kind: 'weighed' as const, lineId, sku: what, weight: grams },
    }
    this.#save({
      ...sell(this.#book, line, word),
      touches: this.#book.touches + touchesFor(seen, what),
    })
  }

  /** Where the kiosk does not know the thing any more, the word about the line says all that is left to say. */
  async #confirm({ lineId, sku, itemId }: Line): Promise<void> {
    const { session, words } = this.#book
    if (itemId !== null)
      await this.#ask('confirm', { session, itemId, sku, lineId, by: 'shopper' as const })
    this.#link.say(
      'pos',
      words.find(one => one.lineId === lineId)!,
    )
  }

  async #session(op: 'open' | 'close'): Promise<void> {
    const { session } = this.#book
    await this.#ask('session', { op, session })
  }

  /** A kiosk that lost the session gets it again. @throws TIMED_OUT */
  async #ask(verb: Verb, payload: object): Promise<Reply> {
    const { patienceMs = usualPatienceMs } = this.#options
    const end = performance.now() + patienceMs
    for (;;) {
      const reply = await this.#link.ask(verb, payload, patienceMs)
      const code = reply.error?.code
      if (code !== 'SESSION_CLOSED' && code !== 'TIMED_OUT' && code !== 'RATE_LIMITED') return reply
      if (performance.now() > end)
        throw new GroceryError('TIMED_OUT', `Expected ${verb} to succeed but received ${code}`)
      if (code === 'SESSION_CLOSED' && verb !== 'session') await this.#session('open')
      else await sleep(300)
    }
  }

  /** After each connection of its own: what was missed, and what the kiosk may not know. */
  async #catchUp(): Promise<void> {
    await this.#ask('resend', { fromSeq: this.#book.lastSeq + 1 })
  }

  async #tellAgain(): Promise<void> {
    const { session, closing, words } = this.#book
    if (session === null || closing) return
    await this.#session('open')
    for (const word of words) this.#link.say('pos', word)
  }

  #hear({ topic, text }: Passed): void {
    if (topic === 'items') this.#save(hear(this.#book, JSON.parse(text), Date.now()))
    if (topic !== 'basket' || text === '') return
    const { bootId } = JSON.parse(text) as BasketMessage
    const isNew = this.#bootId !== null && this.#bootId !== bootId
    this.#bootId = bootId
    if (isNew) void this.#tellAgain().catch(() => {})
  }

  #save(book: Book): void {
    if (book === this.#book) return
    this.#book = book
    writeJson(this.#file, book)
  }

  get #file(): string {
    return join(this.#options.dir, 'till.json')
  }
}
