// Clips of pictures through real vision and the tray's counter: painted counters, arms and light, the shipped detector and embedder.
import t from 'tap'
import { probeRuntime } from '../src/inference/addon.js'
import { openEyes } from './tray/pictures/eyes.js'
import { goodsOf, painterOf, readCutouts } from './tray/pictures/render.js'
import { seen } from './tray/pictures/seen.js'
import { clipOf, emptyClip } from './tray/scenarios.js'
import { emptyScore, figures, play } from './tray/score.js'

// GROCERD_CLIPS=20 plays so many, of seeds that no rule was made with (npm run clips), which do not all reach the figures; else one.
const many = Number(process.env.GROCERD_CLIPS ?? 1)
t.setTimeout(many > 1 ? 0 : 600_000)

const hasRuntime = (['openvino', 'onnxruntime'] as const).some(name => probeRuntime(name).found)
const skip = hasRuntime ? false : 'no runtime is here'
const cutouts = await readCutouts('test/tray/pictures/studio')
const goods = goodsOf(cutouts)

t.test('the same seed paints the same bytes, and another counter has another ground', async t => {
  const { frames } = clipOf(7, {}, goods)
  const paint = async (seed: number) =>
    (await painterOf(seed, cutouts)(frames[20]!)).toString('base64')
  t.equal(await paint(7), await paint(7))
  t.not(await paint(7), await paint(8))
})

t.test('what comes and goes in pictures is told, each once, under its name', { skip }, async t => {
  const eyes = await openEyes(cutouts)
  t.teardown(() => eyes.stop())
  const seeds = Array.from({ length: many }, (_, index) => 601 + index)
  const score = emptyScore()
  const all = { open: 0, missed: 0, misnamed: 0 }
  for (const seed of seeds) {
    const clip = clipOf(seed, {}, goods)
    const sight = await seen(clip, cutouts, eyes)
    all.open += sight.open
    all.missed += sight.missed
    all.misnamed += sight.misnamed
    const before = score.faults.length
    play(clip, score)
    t.comment(`clip ${seed}: ${clip.steps.join(' ')}; ${JSON.stringify(sight)}`)
    for (const fault of score.faults.slice(before)) t.comment(fault)
    if (many > 1) t.comment(JSON.stringify(figures(score)))
  }
  const { precision, recall, idSwitches, placedP95Ms } = figures(score)
  t.comment(JSON.stringify({ ...figures(score), ...all }))
  t.ok(score.wanted >= 5, 'something happens')
  t.ok(precision >= 0.97 && recall >= 0.97, `events ${precision} ${recall}`)
  t.ok(idSwitches < 0.01, `id switches ${idSwitches}`)
  t.ok(placedP95Ms <= 400, `placed after ${placedP95Ms} ms`)
  t.ok(all.missed <= 0.1 * all.open, `boxes ${all.missed} of ${all.open} missed`)
})

t.test('an empty counter under arms, flicker and sun tells nothing', { skip }, async t => {
  const eyes = await openEyes(cutouts, 1)
  t.teardown(() => eyes.stop())
  const score = emptyScore()
  for (let seed = 1; seed <= Math.max(1, many / 4); seed++) {
    const clip = emptyClip(seed, many > 1 ? 600 : 120, goods)
    await seen(clip, cutouts, eyes)
    play(clip, score)
  }
  t.same([score.said, score.faults], [0, []])
})
