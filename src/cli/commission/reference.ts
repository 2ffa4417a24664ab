// The step of the reference picture: vision takes a new one of the empty counter, by the code that judges by it, in the place of the old.
import { existsSync, renameSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseSource } from '../../cameras/schemes.js'
import { describeError, GroceryError } from '../../errors.js'
import { hasTurboJpeg } from '../../inference/addon.js'
import { compareViews } from '../../recognition/view/compare.js'
import { readReference, referenceFile } from '../../recognition/view/reference.js'
import { outcomeOf } from './pictures.js'
import { type Context, notDone, type Outcome, type Step } from './step.js'
import { calmMs, framesFor, shareOf, showsThing } from './watching.js'

/** Vision wants ten still seconds; something may move once. */
const patienceMs = 30_000
const lookEveryMs = 100

/** The brightness of the reference as soon as there is one. Throws TIMED_OUT, COMMISSION_STOPPED. */
async function taken(file: string, { camera, dialogue }: Context): Promise<Float32Array> {
  const until = performance.now() + patienceMs
  while (performance.now() < until) {
    dialogue.check()
    const luma = readReference(file, camera)
    if (luma) return luma
    await sleep(lookEveryMs)
  }
  throw new GroceryError(
    'TIMED_OUT',
    `Expected the daemon to write ${file} within ${patienceMs / 1000} s but it did not: something moves, or its state directory is another one`,
  )
}

/** What did not become one leaves the old one in its place. Throws STATE_UNWRITABLE. */
async function renewed(file: string, work: () => Promise<Outcome>): Promise<Outcome> {
  const old = `${file}.before`
  try {
    if (existsSync(file)) renameSync(file, old)
  } catch (cause) {
    const words = `Expected to move ${file} away but received ${describeError(cause).code}`
    throw new GroceryError('STATE_UNWRITABLE', words, { cause })
  }
  let passed = false
  try {
    const outcome = await work()
    passed = outcome.verdict === 'pass'
    return outcome
  } finally {
    if (passed) rmSync(old, { force: true })
    else if (existsSync(old)) renameSync(old, file)
  }
}

export const reference: Step = {
  wish: 'Put nothing on the counter, and take your hands away for ten seconds: this picture is what "camera moved" is judged by.',
  run: async context => {
    const { camera, config, dialogue, kiosk } = context
    if (!parseSource(camera.source, camera.fps).isLive)
      return {
        ...notDone('A recording is held against no reference picture.'),
        verdict: 'notConfigured',
      }
    if (!hasTurboJpeg())
      throw new GroceryError(
        'RUNTIME_NOT_FOUND',
        'Expected libturbojpeg, which cameras are watched with, but it is not here',
      )
    const frames = await framesFor(context, calmMs)
    const { jpeg } = await kiosk.picture()
    const calm = {
      moving: shareOf(frames, ({ scene }) => scene.view === 'moving'),
      things: shareOf(frames, showsThing),
    }
    const before = outcomeOf(calm, { picture: jpeg })
    if (before.verdict === 'fail') return before
    const file = referenceFile(config.outbox.dir, camera.id)
    dialogue.say('  The camera takes it now.')
    return renewed(file, async () => {
      const luma = await taken(file, context)
      const { telling } = compareViews(luma, luma)
      const notes = [`Kept as ${file}; the running daemon judges by it already.`]
      return outcomeOf({ ...calm, telling }, { picture: jpeg, notes })
    })
  },
}
