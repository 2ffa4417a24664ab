// What is said to the technician and what comes back: lines, from a keyboard or a pipe; with --yes every answer is Enter.
import { createInterface, type Interface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { GroceryError } from '../../errors.js'

export interface DialogueOptions {
  input: Readable
  output: Writable & { isTTY?: boolean }
  /** Nobody is there: every answer is Enter. */
  yes: boolean
}

const colours = { good: 32, bad: 31, soft: 2 } as const
const liveEveryMs = 300

export class Dialogue {
  readonly #options: DialogueOptions
  readonly #lines: string[] = []
  #reader: Interface | null = null
  #ended = false
  #stopped = false
  #wake: () => void = () => {}
  readonly #stop = () => {
    this.#stopped = true
    this.#wake()
  }

  constructor(options: DialogueOptions) {
    this.#options = options
  }

  start(): void {
    process.on('SIGINT', this.#stop)
    process.on('SIGTERM', this.#stop)
    if (this.#options.yes) return
    // The terminal edits lines itself, and Ctrl-C stays a signal.
    const reader = createInterface({ input: this.#options.input, terminal: false })
    reader.on('line', line => {
      this.#lines.push(line.trim())
      this.#wake()
    })
    reader.on('close', () => {
      this.#ended = true
      this.#wake()
    })
    this.#reader = reader
  }

  stop(): void {
    process.off('SIGINT', this.#stop)
    process.off('SIGTERM', this.#stop)
    this.#reader?.close()
  }

  /** Nobody answers: what only a person can say must not be taken for said. */
  get isAlone(): boolean {
    return this.#options.yes
  }

  /** Throws COMMISSION_STOPPED where the technician has asked for the end; to be called between two pieces of work. */
  check(): void {
    if (!this.#stopped) return
    throw new GroceryError(
      'COMMISSION_STOPPED',
      'Expected the last step to be done but the commissioning was stopped before it',
    )
  }

  say(line: string, colour?: keyof typeof colours): void {
    const { output } = this.#options
    const isPlain = !output.isTTY || colour === undefined || process.env.NO_COLOR
    output.write(isPlain ? `${line}\n` : `\x1b[${colours[colour]}m${line}\x1b[0m\n`)
  }

  /**
   * The next line; null: there will be none. Throws COMMISSION_STOPPED.
   * @param live on a terminal shown anew and anew in one line until the answer comes
   */
  async ask(question: string, live?: () => Promise<string>): Promise<string | null> {
    const { output, yes } = this.#options
    this.check()
    this.say(question)
    if (yes) return ''
    while (this.#lines.length === 0 && !this.#ended && !this.#stopped) {
      if (live && output.isTTY) {
        const words = await live().catch(() => '')
        output.write(`\r\x1b[K  ${words} `)
        await Promise.race([this.#asked(), sleep(liveEveryMs)])
      } else await this.#asked()
    }
    this.check()
    return this.#lines.shift() ?? null
  }

  #asked(): Promise<void> {
    if (this.#lines.length > 0 || this.#ended || this.#stopped) return Promise.resolve()
    return new Promise(resolve => (this.#wake = resolve))
  }
}
