// What a step of commissioning is: given the kiosk and the technician, it gives figures and a verdict. Types, and no more.
import type { CameraConfig, Config } from '../../config/schema.js'
import type { ProductView } from '../../observe/view.js'
import type { Dialogue } from './dialogue.js'
import type { Kiosk } from './kiosk.js'
import type { Figure, StepId } from './limits.js'

/** notConfigured: there is nothing of the kind here, which is no fault. */
export type Verdict = 'pass' | 'fail' | 'notDone' | 'notConfigured'

/** One thing that was laid down. */
export interface Laid {
  /** Where it was seen, in mode tray; else where it was asked for. */
  place: string
  product: ProductView
  /** What it was named, best first; none: nothing was seen, or several things. */
  named: { sku: string; name: string; score: number }[]
  /** 1: first; 2 to 4: among four; null: neither. */
  rank: number | null
  latencyMs: number | null
}

export interface Outcome {
  verdict: Verdict
  figures: Figure[]
  remedies: string[]
  /** Words of the sheet beside the figures. */
  notes?: string[]
  laid?: Laid[]
  /** As it was judged, upright JPEG without what roi and mask hide. */
  picture?: Uint8Array
}

export interface StepResult extends Outcome {
  id: StepId
  /** How often it was measured. */
  tries: number
}

export interface Context {
  config: Config
  camera: CameraConfig
  kiosk: Kiosk
  dialogue: Dialogue
  /** Where the sheet goes; pictures to look at lie there meanwhile. */
  dir: string
  /** What was asked for with --items; empty: the technician says what lies there. */
  items: ProductView[]
  products: ProductView[]
}

export interface Step {
  /** What the technician is to do before Enter. */
  wish: string
  /** Figures in one line, shown while it is done. */
  live?: (context: Context) => Promise<string>
  /** Throws coded errors for what does not work; they are the remedy then. */
  run: (context: Context) => Promise<Outcome>
}

/** Nothing was measured. */
export const notDone = (...notes: string[]): Outcome => ({
  verdict: 'notDone',
  figures: [],
  remedies: [],
  notes,
})
