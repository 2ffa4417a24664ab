// A situation at a checkout as a script: what happens step by step, and what the till hears after each. Types only.
import type { Lane } from '../helpers/checkout-script.js'
import type { TrayScene } from '../helpers/tray-scene.js'

/** What happens, in words; how it is played; and all that the till hears of it, the basket last. */
export type Step = readonly [
  happens: string,
  play: (lane: Lane, scene: TrayScene) => unknown,
  hears: readonly string[],
]

export interface Situation {
  name: string
  modes: readonly ('single' | 'tray')[]
  steps: readonly Step[]
  /** What it cannot do, or why it is so. */
  note?: string
}
