// One change of the model in the running vision process: loaded beside the old one, exchanged while the counter is idle.
import { type ErrorCode, errorTable, GroceryError } from './errors.js'
import type { MemoryUse } from './inference/memory-budget.js'
import type { ModelChoice, Up } from './protocol.js'
import type { Proof } from './updates/prove.js'
import type { VisionProcess } from './vision-process.js'

const loadPatienceMs = 60_000
const lookEveryMs = 100

export type VisionLink = Pick<VisionProcess, 'send' | 'use' | 'restartWith'>

export interface ModelSwapOptions {
  vision: VisionLink
  isIdle(): boolean
}

/** What is waited for: a message of one of these kinds, or an error. */
interface Expected {
  types: Up['type'][]
  resolve(message: Up): void
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
  isUnderWay = false
  /** What vision used last. */
  memory: MemoryUse | null = null

  constructor(options: ModelSwapOptions) {
    this.#options = options
  }

  /** Resolves when the change that begins now must wait for the end of a sale. */
  whenWaiting(): Promise<'waiting'> {
    return new Promise(resolve => {
      this.#tellWaiting = () => resolve('waiting')
    })
  }

  /**
   * Resolves when the next model answers. Where something fails the old one goes on, or is loaded again.
   * @param proof what the next one took alone; null: not measured
   * @param why for people, while neither answers
   */
  async run(next: ModelChoice, old: ModelChoice, proof: Proof | null, why: string): Promise<void> {
    const { vision } = this.#options
    await this.#idle()
    this.isUnderWay = true
    try {
      const beside = this.#isUp && this.#fitsBeside(proof) && (await this.#loadBeside(next))
      await this.#idle()
      const ready = this.#expect(['ready'])
      vision.use(next)
      // What was loaded beside went with a process that crashed meanwhile: the next process loads it as the only one.
      if (beside && !this.#lost) vision.send({ type: 'swap' })
      else vision.restartWith(next, why)
      await ready
    } catch (error) {
      vision.use(old)
      throw error
    } finally {
      this.isUnderWay = false
    }
  }

  hear(message: Up): void {
    if (message.type === 'ready') this.#isUp = true
    const expected = this.#expected
    if (!expected) return
    if (message.type === 'fault' && message.fatal) expected.reject(coded(message))
    else if (expected.types.includes(message.type)) expected.resolve(message)
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
    const answer = this.#expect(['prepared', 'prepareFailed'])
    this.#options.vision.send({ type: 'prepare', ...next })
    const message = await answer
    if (message.type !== 'prepareFailed') return true
    if (message.code === 'MEMORY_BUDGET_EXCEEDED') return false
    throw coded(message)
  }

  #expect(types: Up['type'][]): Promise<Up> {
    return new Promise<Up>((resolve, reject) => {
      const end = () => {
        clearTimeout(timer)
        this.#expected = null
      }
      const expected: Expected = {
        types,
        resolve: message => {
          end()
          resolve(message)
        },
        reject: error => {
          end()
          reject(error)
        },
      }
      const late = `Expected the model to be loaded within ${loadPatienceMs} ms but it is not`
      const timer = setTimeout(
        () => expected.reject(new GroceryError('TIMED_OUT', late)),
        loadPatienceMs,
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

function coded({ code, message }: { code: string; message: string }): GroceryError {
  return new GroceryError((code in errorTable ? code : 'INTERNAL') as ErrorCode, message)
}
