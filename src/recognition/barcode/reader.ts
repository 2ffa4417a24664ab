// Reads the barcodes of pictures in a thread of its own, one picture at a time and each within its time.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { UprightPicture } from '../../inference/types.js'
import type { Box } from '../types.js'
import { gtinOf, symbologies } from './gtin.js'

/** Many times what a read takes, and less than what vision takes for a hang. */
const patienceMs = 1000
const loadPatienceMs = 20_000

export class BarcodeReader {
  #worker: Worker | null = null
  #loading: Promise<void> | null = null
  #busy = false
  #stopped = false

  /** Loads the library in its thread. Never throws: without it the picture's own answer is there anyway, and a later read tries again. */
  start(): Promise<void> {
    this.#loading ??= this.#load().finally(() => (this.#loading = null))
    return this.#loading
  }

  /**
   * The GTINs in the box of a picture, without repetition; null where the thread is not ready or has another picture.
   * None where it took too long and where the thread failed, which is then loaded anew. Never throws.
   */
  async read({ rgb, width, height }: UprightPicture, box: Box): Promise<string[] | null> {
    const worker = this.#worker
    if (!worker && !this.#stopped) void this.start()
    if (!worker || this.#busy) return null
    this.#busy = true
    try {
      worker.ref()
      worker.postMessage({ rgb, width, height, box })
      const symbols = await said<{ format: string; text: string }[]>(worker, patienceMs)
      const gtins = symbols.map(gtinOf).filter(gtin => gtin !== null)
      return [...new Set(gtins)]
    } catch {
      await this.#end(worker)
      return []
    } finally {
      this.#busy = false
      // The process may end while nothing is read.
      worker.unref()
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#loading
    await this.#end(this.#worker)
  }

  async #load(): Promise<void> {
    if (this.#worker || this.#stopped) return
    const workerData = { formats: symbologies }
    const worker = new Worker(new URL('./worker.mjs', import.meta.url), { workerData })
    // Also an error that nobody waits for must not end the process.
    worker.on('error', () => void this.#end(worker))
    try {
      await said<'ready'>(worker, loadPatienceMs)
      this.#worker = worker
      worker.unref()
    } catch {
      await this.#end(worker)
    }
  }

  async #end(worker: Worker | null): Promise<void> {
    if (this.#worker === worker) this.#worker = null
    await worker?.terminate()
  }
}

/** The next word of the thread. Throws its error, and where it says nothing for too long. */
async function said<Word>(worker: Worker, withinMs: number): Promise<Word> {
  const [word] = (await once(worker, 'message', { signal: AbortSignal.timeout(withinMs) })) as [
    Word,
  ]
  return word
}
