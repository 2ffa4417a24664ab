// Watches one camera's view against its reference picture, which is kept in the state directory; only what lasts is said.
import type { Clock } from '../../clock.js'
import { hasTurboJpeg, jpegLuma } from '../../inference/addon.js'
import { hiddenCells, hideCells } from '../mask.js'
import type { PictureInput } from '../picture.js'
import type { Scene } from '../types.js'
import { compareViews, judgeView, type ViewFault, type ViewVerdict, viewSize } from './compare.js'
import { readReference, referenceFile, stampOf, type View, writeReference } from './reference.js'

const lookEveryMs = 1000
/** Still looks, a second each, before a camera without a reference gets one. */
const looksToSettle = 10
/** How long each must last without a look that says otherwise: goods and hands come and go. */
const patienceMs: Record<ViewFault | 'unknown', number> = {
  covered: 20_000,
  blurred: 30_000,
  moved: 30_000,
  // A counter may be full of goods for long; they leave something of it free now and then.
  unknown: 15 * 60_000,
}
/** Looks in a row that must be well before a fault is over. */
const looksToMend = 3

export class ViewWatch {
  readonly #camera: View
  readonly #file: string | null
  readonly #clock: Clock
  readonly #hidden: ReadonlySet<number>
  #reference: Float32Array | null = null
  /** Of the file that was read last; undefined: none yet. */
  #stamp: string | null | undefined = undefined
  #lookedAt = Number.NEGATIVE_INFINITY
  #still = 0
  #fault: ViewFault | null = null
  #verdict: ViewVerdict = null
  #since = 0
  #well = 0

  /** @param stateDir null: the reference is kept in memory only */
  constructor(camera: View & { id: string }, stateDir: string | null, clock: Clock) {
    this.#camera = camera
    this.#file = stateDir === null ? null : referenceFile(stateDir, camera.id)
    this.#clock = clock
    this.#hidden = hiddenCells(camera, viewSize)
  }

  /** What is wrong with the view for long enough; most pictures are not looked at. Throws the IMAGE_ codes. */
  async look(input: PictureInput, { view }: Pick<Scene, 'view'>): Promise<ViewFault | null> {
    const now = this.#clock.mono()
    if (now - this.#lookedAt < lookEveryMs || !('jpeg' in input) || !hasTurboJpeg())
      return this.#fault
    this.#lookedAt = now
    // What moves or is dark says nothing of the lens, neither good nor bad.
    if (view === 'moving' || view === 'dark') {
      this.#still = 0
      return this.#fault
    }
    const luma = await jpegLuma({ ...input, box: this.#camera.roi }, viewSize)
    this.#judge(hideCells(luma, this.#hidden), now)
    return this.#fault
  }

  #judge(luma: Float32Array, now: number): void {
    this.#read()
    if (!this.#reference) {
      if (++this.#still >= looksToSettle) this.#keep(luma)
      return
    }
    const verdict = judgeView(compareViews(this.#reference, luma))
    if (verdict !== this.#verdict) this.#since = now
    this.#verdict = verdict
    this.#well = verdict === null ? this.#well + 1 : 0
    if (this.#well >= looksToMend) this.#fault = null
    if (verdict === null || now - this.#since < patienceMs[verdict]) return
    this.#fault = verdict === 'unknown' ? 'moved' : verdict
  }

  /** The file may be another one than before, or gone: whoever sets the camera up anew sees to that. */
  #read(): void {
    if (this.#file === null) return
    const stamp = stampOf(this.#file)
    if (stamp === this.#stamp) return
    this.#stamp = stamp
    this.#reference = readReference(this.#file, this.#camera)
    this.#fault = this.#verdict = null
    this.#still = this.#well = 0
  }

  #keep(luma: Float32Array): void {
    this.#reference = luma
    if (this.#file === null) return
    try {
      writeReference(this.#file, this.#camera, luma, this.#clock.wall())
      this.#stamp = stampOf(this.#file)
    } catch {
      // A full disk is said elsewhere; until the next start the reference is in memory.
    }
  }
}
