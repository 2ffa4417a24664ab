// Watches one camera's view against its reference picture, which is kept in the state directory; only what lasts is said.
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Clock } from '../../clock.js'
import type { CameraConfig } from '../../config/schema.js'
import { hasTurboJpeg, jpegLuma } from '../../inference/addon.js'
import { writeJson } from '../../json-file.js'
import { hiddenCells, hideCells } from '../mask.js'
import type { PictureInput } from '../picture.js'
import type { Scene } from '../types.js'
import { compareViews, judgeView, type ViewFault, type ViewVerdict, viewSize } from './compare.js'

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

type View = Pick<CameraConfig, 'id' | 'roi' | 'rotate' | 'mask'>

/** @param stateDir null: the reference is kept in memory only */
export const referenceFile = (stateDir: string, camera: string): string =>
  join(stateDir, 'cameras', `${camera}.json`)

export class ViewWatch {
  readonly #camera: View
  readonly #file: string | null
  readonly #clock: Clock
  readonly #hidden: ReadonlySet<number>
  #reference: Float32Array | null = null
  #isRead = false
  #lookedAt = Number.NEGATIVE_INFINITY
  #still = 0
  #fault: ViewFault | null = null
  #verdict: ViewVerdict = null
  #since = 0
  #well = 0

  constructor(camera: View, stateDir: string | null, clock: Clock) {
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
    if (!this.#isRead) this.#read()
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

  /** A reference of another roi, rotation or mask, or one that cannot be read, counts for nothing. */
  #read(): void {
    this.#isRead = true
    if (this.#file === null || !existsSync(this.#file)) return
    try {
      const { format, view, luma } = JSON.parse(readFileSync(this.#file, 'utf8'))
      const bytes = Buffer.from(luma, 'base64')
      const isOurs = format === 1 && JSON.stringify(view) === JSON.stringify(this.#view())
      if (!isOurs || bytes.length !== viewSize.columns * viewSize.rows) return
      this.#reference = Float32Array.from(bytes, value => value / 255)
    } catch {
      // The next still picture takes its place.
    }
  }

  #keep(luma: Float32Array): void {
    this.#reference = luma
    if (this.#file === null) return
    const bytes = Uint8Array.from(luma, value => Math.round(value * 255))
    const takenAt = new Date(this.#clock.wall()).toISOString()
    const content = { format: 1, takenAt, view: this.#view(), ...viewSize }
    try {
      mkdirSync(dirname(this.#file), { recursive: true })
      writeJson(this.#file, { ...content, luma: Buffer.from(bytes).toString('base64') })
    } catch {
      // A full disk is said elsewhere; until the next start the reference is in memory.
    }
  }

  #view() {
    const { roi, rotate, mask } = this.#camera
    return { roi, rotate, mask }
  }
}
