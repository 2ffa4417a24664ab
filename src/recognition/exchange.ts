// A classifier whose model can be exchanged between two pictures: none is left without an answer, and none gets two.
import type { EngineInput } from '../inference/addon.js'
import type { Classification, PictureClassifier } from './classifier.js'

type Running = Pick<PictureClassifier, 'classify' | 'stop'>

export class Exchangeable implements Running {
  #current: Running
  /** Pictures that the present one has not answered yet. */
  #pending = new Set<Promise<unknown>>()

  constructor(first: Running) {
    this.#current = first
  }

  classify(input: EngineInput): Promise<Classification> {
    const pending = this.#pending
    const answer = this.#current.classify(input)
    pending.add(answer)
    const done = () => pending.delete(answer)
    answer.then(done, done)
    return answer
  }

  /** Every picture from now on is the next one's; resolves when the old one has answered its last and is stopped. */
  async exchange(next: Running): Promise<void> {
    const [old, pending] = [this.#current, this.#pending]
    this.#current = next
    this.#pending = new Set()
    await Promise.allSettled(pending)
    await old.stop()
  }

  stop(): Promise<void> {
    return this.#current.stop()
  }
}
