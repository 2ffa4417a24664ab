// The step of the region: what is seen beside the empty counter, and a person who looks at the picture.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openPicture } from '../../sharp.js'
import { urlOf } from './kiosk.js'
import { outcomeOf } from './pictures.js'
import { type Camera, drawn } from './region.js'
import { notDone, type Step } from './step.js'
import { framesFor, shareOf, showsThing } from './watching.js'

const watchMs = 5000
/** Of the picture that is shown: the region's shorter side, pixels. */
async function shortSideOf(jpeg: Uint8Array, { roi: [x0, y0, x1, y1] }: Camera): Promise<number> {
  const { width, height } = await openPicture(jpeg).metadata()
  return Math.round(Math.min((x1 - x0) * width, (y1 - y0) * height))
}

export const region: Step = {
  wish: 'Leave the counter empty, and let somebody walk past it without touching it for five seconds after Enter.',
  run: async context => {
    const { kiosk, camera, config, dialogue, dir } = context
    const frames = await framesFor(context, watchMs)
    const { jpeg } = await kiosk.picture()
    const picture = await drawn(jpeg, camera)
    const outcome = outcomeOf(
      {
        shortSide: await shortSideOf(jpeg, camera),
        moving: shareOf(frames, ({ scene }) => scene.view === 'moving'),
        things: shareOf(frames, showsThing),
      },
      { picture },
    )
    if (outcome.verdict === 'fail') return outcome
    const file = join(dir, `region-${camera.id}.jpg`)
    writeFileSync(file, picture)
    dialogue.say(`  The picture: ${file}, or live at ${urlOf(config.http.listen)}/`)
    const question =
      '  Is the whole counter inside the line, and nothing of shoppers or screens? y or n:'
    const answer = await dialogue.ask(question).finally(() => rmSync(file, { force: true }))
    if (/^y(es)?$/i.test(answer ?? ''))
      return { ...outcome, notes: ['A person looked at the picture.'] }
    if (!answer) return { ...outcome, ...notDone('Nobody has looked at the picture.') }
    const remedies = [
      'Change roi and mask of the camera (docs/12-cameras.md), reload, and begin again.',
    ]
    return {
      ...outcome,
      verdict: 'fail',
      remedies,
      notes: ['Not the counter alone, says who looked.'],
    }
  },
}
