// The steps that look at pictures only: focus, light and glare.
import { figure, figureWords, type Figure, type MeasureId, remediesOf } from './limits.js'
import { bandsOf, flickerOf, focusOf, glareOf, lightOf } from './measure.js'
import { meanOf, regionOf } from './region.js'
import type { Context, Outcome, Step } from './step.js'

/** Their mean has little noise left. */
const focusPictures = 5
/** Long enough for the slow beat of a lamp against the camera's rate. */
const flickerMs = 3000
const flickerPictures = 8

export function outcomeOf(
  values: Partial<Record<MeasureId, number | null>>,
  more: Pick<Outcome, 'picture' | 'notes'> = {},
): Outcome {
  const ids = Object.keys(values) as MeasureId[]
  const figures = ids.map(id => figure(id, values[id]!))
  const verdict = figures.every(({ ok }) => ok) ? 'pass' : 'fail'
  return { verdict, figures, remedies: remediesOf(ids, figures), ...more }
}

const line = (figures: readonly Figure[]) => figures.map(figureWords).join(', ')

async function regionNow({ kiosk, camera }: Context) {
  const { jpeg } = await kiosk.picture()
  return regionOf(jpeg, camera)
}

const liveFigures =
  (
    values: (
      region: Awaited<ReturnType<typeof regionNow>>,
    ) => Partial<Record<MeasureId, number | null>>,
  ) =>
  async (context: Context) =>
    line(outcomeOf(values(await regionNow(context))).figures)

export const focus: Step = {
  wish: 'Lay a page with large print flat on the counter, in the middle of the picture, and hold nothing over it.',
  live: liveFigures(region => ({ edgeWidth: focusOf(region).edgeWidth })),
  run: async ({ kiosk, camera }) => {
    const taken = await kiosk.pictures(focusPictures, 0)
    const regions = await Promise.all(taken.map(({ jpeg }) => regionOf(jpeg, camera)))
    return outcomeOf(focusOf(meanOf(regions)), { picture: taken.at(-1)!.jpeg })
  },
}

export const light: Step = {
  wish: 'Put nothing on the counter, and leave the light as it will be in the shop.',
  live: liveFigures(lightOf),
  run: async ({ kiosk, camera }) => {
    const taken = await kiosk.pictures(flickerPictures, flickerMs)
    const bands: number[][] = []
    for (const { jpeg } of taken) bands.push(bandsOf(await regionOf(jpeg, camera)))
    const { jpeg } = taken.at(-1)!
    // The picture is that of the next step.
    return outcomeOf({ ...lightOf(await regionOf(jpeg, camera)), flicker: flickerOf(bands) })
  },
}

export const glare: Step = {
  wish: 'Put nothing on the counter, and turn on every lamp that may be on.',
  live: liveFigures(region => ({ glare: glareOf(region).glare })),
  run: async ({ kiosk, camera }) => {
    const { jpeg } = await kiosk.picture()
    const { where, ...values } = glareOf(await regionOf(jpeg, camera))
    const outcome = outcomeOf(values, { picture: jpeg })
    return outcome.verdict === 'fail' && where
      ? { ...outcome, notes: [`Most of it is at the ${where} of the region.`] }
      : outcome
  },
}
