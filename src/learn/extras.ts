// What an evaluation may hold beside the figures of one model. Types only; each is left out where nobody asked.
import type { Bootstrap } from './bootstrap.js'
import type { Comparison } from './compare.js'
import type { EnsembleFigures } from './members.js'
import type { Money } from './money.js'
import type { HeldOut } from './out-of-fold.js'
import type { RobustnessRow } from './robustness.js'

export interface Extras {
  bootstrap?: Bootstrap | undefined
  against?: Comparison | undefined
  money?: Money | undefined
  heldOut?: Pick<HeldOut, 'outside'> | undefined
  robustness?: RobustnessRow[] | undefined
  ensemble?: EnsembleFigures | undefined
}
