// Reads the barcodes of pictures in a thread of its own, one picture at a time and each within its time.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { UprightPicture } from '../../inference/types.js'
import type { Box } from '../types.js'
import { gtinOf, symbologies } from './gtin.js'

/** Many times what a read takes; the first one loads the library as well. */
const patienceMs = 1000

export class BarcodeReader {
  #worker: Worker | null = null
  #busy = false
  #stopped = false

  /**
   * The GTINs in the box of a picture, without repetition; null where another picture is being read. None where it took too long
   * and where the thread failed: the next picture has a new one then. Never throws: the picture's own answer is there anyway.
   */
  async read({ rgb, width, height }: UprightPicture, box: Box): Promise<string[] | null> {
    if (this.#busy || this.#stopped) return null
    this.#busy = true
    try {
      const worker = (this.#worker ??= this.#start())
      worker.ref()
      worker.postMessage({ rgb, width, height, box })
      const signal = AbortSignal.timeout(patienceMs)
      const [symbols] = (await once(worker, 'message', { signal })) as [
        { format: string; text: string }[],
      ]
      const gtins = symbols.map(gtinOf).filter(gtin => gtin !== null)
      return [...new Set(gtins)]
    } catch {
      await this.#end()
      return []
    } finally {
      this.#busy = false
      // The process may end while nothing is read.
      this.#worker?.unref()
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#end()
  }

  #start(): Worker {
    const worker = new Worker(new URL('./worker.mjs', import.meta.url), {
      workerData: { formats: symbologies },
    })
    // An error after the last word, which nobody waits for, must not end the process.
    worker.on('error', () => void this.#end())
    return worker
  }

  async #end(): Promise<void> {
    const worker = this.#worker
    this.#worker = null
    await worker?.terminate()
  }
}
