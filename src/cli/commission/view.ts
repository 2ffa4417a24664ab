// The steps that look at the view: the region, which a person confirms, and the reference picture, which is kept.
import { chownSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describeError, GroceryError } from '../../errors.js'
import { hasTurboJpeg, jpegLuma } from '../../inference/addon.js'
import { hiddenCells, hideCells } from '../../recognition/mask.js'
import { compareViews, viewSize } from '../../recognition/view/compare.js'
import { referenceFile, writeReference } from '../../recognition/view/reference.js'
import { openPicture } from '../../sharp.js'
import { urlOf } from './kiosk.js'
import { outcomeOf } from './pictures.js'
import { drawn, type Camera } from './region.js'
import { notDone, type Step } from './step.js'
import { calmMs, framesFor, shareOf, showsThing } from './watching.js'

const watchMs = 5000
/** Of the picture that is shown: the region's shorter side, pixels. */
async function shortSideOf(jpeg: Uint8Array, { roi: [x0, y0, x1, y1] }: Camera): Promise<number> {
  const { width, height } = await openPicture(jpeg).metadata()
  return Math.round(Math.min((x1 - x0) * width, (y1 - y0) * height))
}

/** Root may write what the daemon's user must be able to read. */
export function giveLike(path: string, example: string): void {
  const { uid, gid } = statSync(example)
  if (process.getuid?.() === 0) chownSync(path, uid, gid)
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

export const reference: Step = {
  wish: 'Put nothing on the counter, and take your hands away: this picture is what "camera moved" is judged by.',
  run: async context => {
    const { camera, config, kiosk } = context
    if (!hasTurboJpeg())
      throw new GroceryError(
        'RUNTIME_NOT_FOUND',
        'Expected libturbojpeg, which cameras are watched with, but it is not here',
      )
    const frames = await framesFor(context, calmMs)
    const { jpeg, capturedAt } = await kiosk.picture()
    const luma = hideCells(
      await jpegLuma({ jpeg, box: camera.roi }, viewSize),
      hiddenCells(camera, viewSize),
    )
    const outcome = outcomeOf(
      {
        moving: shareOf(frames, ({ scene }) => scene.view === 'moving'),
        things: shareOf(frames, showsThing),
        telling: compareViews(luma, luma).telling,
      },
      { picture: jpeg },
    )
    if (outcome.verdict === 'fail') return outcome
    const { dir } = config.outbox
    const file = referenceFile(dir, camera.id)
    return {
      ...outcome,
      notes: [`It is ${file} from the end of these steps on; the running daemon needs no restart.`],
      keep: () => keep(file, camera, luma, { at: capturedAt, stateDir: dir }),
    }
  },
}

/** In one piece, and the daemon's own from the first moment. Throws STATE_UNWRITABLE. */
function keep(
  file: string,
  camera: Camera,
  luma: Float32Array,
  { at, stateDir }: { at: number; stateDir: string },
): void {
  // Vision may be writing its own first reference under the usual name of a draft.
  const draft = `${file}.taken`
  try {
    mkdirSync(dirname(file), { recursive: true })
    giveLike(dirname(file), stateDir)
    writeReference(draft, camera, luma, at)
    giveLike(draft, stateDir)
    renameSync(draft, file)
  } catch (cause) {
    const words = `Expected to write ${file} but received ${describeError(cause).code}`
    throw new GroceryError('STATE_UNWRITABLE', words, { cause })
  }
}
