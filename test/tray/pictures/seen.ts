// A clip as vision saw it: every frame painted and looked at, in script time. Its truth stays as the stage gave it.
import type { Clip } from '../scenarios.js'
import type { Eyes } from './eyes.js'
import { type Cutouts, type LookOptions, painterOf } from './render.js'

export interface Sight {
  /** Things that lie in the open in still frames, and how often vision gave no box for one. */
  open: number
  missed: number
  /** Of those with a box: how often it had another name, or none. */
  misnamed: number
}

/** The middle of its box is no further from a thing's, of the thing's own sides. */
const near = 0.25

/** Changes the frames of the clip. */
export async function seen(
  clip: Clip,
  cutouts: Cutouts,
  eyes: Eyes,
  options: LookOptions = {},
): Promise<Sight> {
  const paint = painterOf(clip.seed, cutouts, options)
  const look = eyes.watch()
  const sight: Sight = { open: 0, missed: 0, misnamed: 0 }
  for (const one of clip.frames) {
    await look(one, await paint(one))
    const { scene, observations } = one.frame
    if (scene.view === 'moving') continue
    for (const { rests, visible, box, sku } of one.things) {
      if (!rests || visible < 0.95) continue
      sight.open++
      const [across, down] = [box[2] - box[0], box[3] - box[1]]
      const its = observations.find(
        ({ box: [x0, y0, x1, y1] }) =>
          Math.abs(x0 + x1 - box[0] - box[2]) < 2 * near * across &&
          Math.abs(y0 + y1 - box[1] - box[3]) < 2 * near * down,
      )
      if (!its) sight.missed++
      else if (its.decision === 'unknown' || its.candidates[0]?.sku !== sku) sight.misnamed++
    }
  }
  return sight
}
