// One change of the model in the running vision process: loaded beside the old one, exchanged while the counter is idle.
import { coded, GroceryError } from '../errors.js'
import type { MemoryUse } from '../inference/memory-budget.js'
import type { ModelChoice, Up } from '../protocol.js'
import type { Proof } from '../updates/prove.js'
import type { VisionProcess } from '../vision-process.js'

/** What is loaded already is exchanged at once; a machine that swaps memory takes seconds. */
const swapPatienceMs = 10_000
const lookEveryMs = 100

export type VisionLink = Pick<VisionProcess, 'send' | 'use' | 'restartWith' | 'attempt'>

export interface ModelSwapOptions {
  vision: VisionLink
  isIdle(): boolean
  /** How long a model may take to load. */
  patienceMs: number
}

/** What vision says to a change. */
type Answer = Extract<Up, { change: number }>

/** What is waited for: a message of one of these kinds, to this change, or an error. */
interface Expected {
  types: Answer['type'][]
  change: number
  resolve(message: Answer): void
  reject(error: Error): void
}

export class ModelSwap {
  readonly #options: ModelSwapOptions
  #expected: Expected | null = null
  #waiter: { reject(error: Error): void } | null = null
  #tellWaiting: () => void = () => {}
  /** Vision ended since it was told to load. */
  #lost = false
  /** A model answers; where none does there is nothing to load another one beside. */
  #isUp = false
  #stopped = false
  /** Every change has its number: what vision says to one that was given up is not the answer to the next. */
  #change = 0
  /** What vision used last. */
  memory: MemoryUse | null = null

  constructor(options: ModelSwapOptions) {
    this.#options = options
  }

  /** Vision was told something and has not answered: what goes wrong now is the next model's, not that which answers. */
  get isUnderWay(): boolean {
    return this.#expected !== null
  }

  /** Resolves when the change that begins now must wait for the end of a sale. */
  whenWaiting(): Promise<'waiting'> {
    return new Promise(resolve => {
      this.#tellWaiting = () => resolve('waiting')
    })
  }

  /**
   * Resolves when the next model answers, which is asked for when it is needed. Where something fails the old one goes on, or is loaded again.
   * @param old what is gone back to then; asked when it is needed, since it may have failed and been replaced while this waits
   * @param proof what the next one took alone; null: not measured
   * @param why for people, while neither answers
   */
  async run(
    next: () => ModelChoice,
    old: () => ModelChoice,
    proof: Proof | null,
    why: string,
  ): Promise<void> {
    const { vision, patienceMs } = this.#options
    const change = ++this.#change
    const choice = () => ({ ...next(), change })
    await this.#idle()
    let asked = false
    try {
      const beside = this.#isUp && this.#fitsBeside(proof) && (await this.#loadBeside(choice()))
      await this.#idle()
      // What was loaded beside went with a process that crashed meanwhile: the next process loads it as the only one.
      const swaps = beside && !this.#lost
      const ready = this.#expect(['ready'], change, swaps ? swapPatienceMs : patienceMs)
      asked = true
      vision.use(choice())
      if (swaps) vision.send({ type: 'swap', change })
      else vision.restartWith(choice(), why)
      await ready
    } catch (error) {
      const isLate = error instanceof GroceryError && error.code === 'TIMED_OUT' && !this.#stopped
      // Nobody knows what vision does now: the next process loads the old one.
      if (isLate && asked)
        vision.restartWith(old(), `${error.message}; the one before is loaded again`)
      else vision.use(old())
      if (isLate && !asked) vision.send({ type: 'discard' })
      throw error
    }
  }

  hear(message: Up): void {
    if (message.type === 'ready') this.#isUp = true
    const expected = this.#expected
    if (!expected) return
    if (message.type === 'fault' && message.fatal) expected.reject(coded(message))
    else if (
      'change' in message &&
      message.change === expected.change &&
      expected.types.includes(message.type)
    )
      expected.resolve(message)
  }

  /** @param code MODEL_LOADING: it was ended by us */
  visionDown(code: string, message: string): void {
    this.#lost = true
    this.#isUp = false
    if (code !== 'MODEL_LOADING')
      this.#expected?.reject(new GroceryError('VISION_CRASHED', message))
  }

  stop(): void {
    this.#stopped = true
    this.#waiter?.reject(stopped())
    this.#expected?.reject(stopped())
  }

  /** What is not known is tried: vision says so itself where it does not fit. */
  #fitsBeside(proof: Proof | null): boolean {
    const { host = null, gpu = null } = this.memory ?? {}
    if (!proof || !host) return true
    const fits = (use: { budgetBytes: number | null; usedBytes: number } | null, more: number) =>
      !use || use.budgetBytes === null || use.usedBytes + more <= use.budgetBytes
    return fits(host, proof.modelBytes) && fits(gpu, proof.gpuBytes)
  }

  /** @returns false where the memory does not hold both @throws what the load failed of */
  async #loadBeside(next: ModelChoice): Promise<boolean> {
    this.#lost = false
    const answer = this.#expect(
      ['prepared', 'prepareFailed'],
      next.change,
      this.#options.patienceMs,
    )
    this.#options.vision.send({ type: 'prepare', ...next })
    const message = await answer
    if (message.type !== 'prepareFailed') return true
    if (message.code === 'MEMORY_BUDGET_EXCEEDED') return false
    throw coded(message)
  }

  #expect(types: Answer['type'][], change: number, patienceMs: number): Promise<Answer> {
    return new Promise<Answer>((resolve, reject) => {
      const end = () => {
        clearTimeout(timer)
        this.#expected = null
      }
      const expected: Expected = {
        types,
        change,
        resolve: message => {
          end()
          resolve(message)
        },
        reject: error => {
          end()
          reject(error)
        },
      }
      const late = `Expected the model to be loaded within ${patienceMs} ms but it is not`
      const timer = setTimeout(
        () => expected.reject(new GroceryError('TIMED_OUT', late)),
        patienceMs,
      )
      this.#expected = expected
    })
  }

  /** A sale is never disturbed: it waits as long as it takes. */
  #idle(): Promise<void> {
    const { isIdle } = this.#options
    if (this.#stopped) return Promise.reject(stopped())
    if (isIdle()) return Promise.resolve()
    this.#tellWaiting()
    return new Promise((resolve, reject) => {
      const timer = setInterval(() => {
        if (isIdle()) end(resolve)
      }, lookEveryMs)
      const end = (then: () => void) => {
        clearInterval(timer)
        this.#waiter = null
        then()
      }
      this.#waiter = { reject: error => end(() => reject(error)) }
    })
  }
}

const stopped = () =>
  new GroceryError('TIMED_OUT', 'Expected an idle moment but grocerd is stopped')
