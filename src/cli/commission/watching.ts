// Frames of the kiosk beside what a person does: all of some time, or all while an answer is waited for.
import type { FrameView } from '../../observe/view.js'
import type { Kiosk } from './kiosk.js'
import type { Context } from './step.js'

/** A hand has just left, and a network camera shows it a little later, ms. */
export const calmMs = 1000
/** A person may take a while; the newest tell all. */
const mostKept = 600

/** Whether a thing, or what is taken for one, lies there. */
export const showsThing = ({ scene, observations }: FrameView): boolean =>
  scene.view === 'object' && observations.length > 0

/** Percent of the frames; null where there are none. */
export const shareOf = (
  frames: readonly FrameView[],
  fits: (frame: FrameView) => boolean,
): number | null =>
  frames.length === 0 ? null : (frames.filter(fits).length / frames.length) * 100

/** The frames of some time that fit, as many as are wanted at most. */
export async function framesFor(
  { kiosk, dialogue }: Pick<Context, 'kiosk' | 'dialogue'>,
  ms: number,
  {
    most = Infinity,
    fits = () => true,
  }: { most?: number; fits?: (frame: FrameView) => boolean } = {},
): Promise<FrameView[]> {
  const seen: FrameView[] = []
  for await (const frame of kiosk.frames(AbortSignal.timeout(ms))) {
    dialogue.check()
    if (fits(frame)) seen.push(frame)
    if (seen.length >= most) break
  }
  return seen
}

/** What was seen while some work was done, oldest first. Throws what either throws. */
export async function whileWatching<T>(
  kiosk: Kiosk,
  work: () => Promise<T>,
): Promise<{ result: T; frames: FrameView[] }> {
  const end = new AbortController()
  const frames: FrameView[] = []
  const watch = async () => {
    for await (const frame of kiosk.frames(end.signal)) {
      frames.push(frame)
      frames.splice(0, frames.length - mostKept)
    }
  }
  const watching = watch()
  // Said below, once the work is done.
  watching.catch(() => {})
  try {
    return { result: await work(), frames }
  } finally {
    end.abort()
    await watching
  }
}
