// The one model that is loaded beside the one that answers: the last that was asked for, and none that came too late.
import type { ClassifierInfo, PictureClassifier } from './classifier.js'

interface Loaded {
  classifier: Pick<PictureClassifier, 'classify' | 'stop'>
  info: ClassifierInfo
}

export class Beside {
  /** The number of the change that it is loaded for; null: nobody wants one. */
  #wanted: number | null = null
  #loaded: Loaded | null = null

  /**
   * Resolves with true when it is loaded; with false where meanwhile another one or none at all was wanted, and then
   * nothing of it is left.
   * @throws what the load fails of
   */
  async load(
    change: number,
    classifier: Pick<PictureClassifier, 'start' | 'classify' | 'stop'>,
  ): Promise<boolean> {
    const dropped = this.drop()
    this.#wanted = change
    await dropped
    const info = await classifier.start()
    if (this.#wanted === change) {
      this.#loaded = { classifier, info }
      return true
    }
    await classifier.stop()
    return false
  }

  /** What was loaded for this change, which is the caller's from now on; null where it is not there. */
  take(change: number): Loaded | null {
    if (this.#wanted !== change) return null
    const loaded = this.#loaded
    this.#loaded = null
    return loaded
  }

  /** Stops it; what is still being loaded is stopped as soon as it is. */
  async drop(): Promise<void> {
    const loaded = this.#loaded
    this.#wanted = this.#loaded = null
    await loaded?.classifier.stop()
  }
}
