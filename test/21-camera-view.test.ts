// A camera's view against its reference: blurred, covered and moved are said after their time, goods and hands never are.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import t, { type Test } from 'tap'
import { PictureHealth } from '../src/cameras/picture-health.js'
import { hasTurboJpeg } from '../src/inference/addon.js'
import { compareViews, judgeView, viewSize } from '../src/recognition/view/compare.js'
import { referenceFile, writeReference } from '../src/recognition/view/reference.js'
import { ViewWatch } from '../src/recognition/view/watch.js'
import {
  blurred,
  covered,
  place,
  pushed,
  reach,
  sceneOf,
  seeded,
  seen,
} from './helpers/counter-views.js'
import { HandClock } from './helpers/kiosk-parts.js'
import { verdicts, viewRows } from './helpers/view-rows.js'

t.setTimeout(180_000)

const noTurbo = hasTurboJpeg() ? false : 'libturbojpeg is wanted'
const photographs = readdirSync('deploy/demo/pictures')
  .filter(name => name.endsWith('.jpg'))
  .sort()
  .map(name => join('deploy/demo/pictures', name))

t.test(
  'counters with goods, arms and other light are well; faults are seen',
  { skip: noTurbo },
  async t => {
    const few = photographs.slice(0, 4)
    for (const row of viewRows(few)) {
      const said = await verdicts(row, few, 1)
      const judged = few.length - (said['too plain'] ?? 0)
      const right = row.right.reduce((sum, one) => sum + (said[String(one)] ?? 0), 0)
      t.comment(`${row.name}: ${JSON.stringify(said)}`)
      if (row.right[0] === null) {
        const wrong = (said.blurred ?? 0) + (said.covered ?? 0) + (said.moved ?? 0)
        t.equal(wrong, 0, `${row.name}: nothing is called a fault`)
      } else if (!/blur 4|turned/.test(row.name)) {
        t.ok(right >= judged - 1, `${row.name}: ${right} of ${judged}`)
      }
    }
  },
)

t.test('a plain or empty reference says nothing of anything', t => {
  const grey = new Float32Array(viewSize.columns * viewSize.rows).fill(0.5)
  const noise = Float32Array.from(grey, (_, n) => ((n * 7919) % 255) / 255)
  t.equal(judgeView(compareViews(grey, noise)), null)
  t.same(compareViews(grey, grey), { telling: 0, same: 0, blank: 0, sharpness: null, shift: null })
  t.end()
})

const camera = {
  id: 'counter',
  roi: [0, 0, 1, 1] as [number, number, number, number],
  rotate: 0 as const,
  mask: null,
}

/** A watch, and a way to show it a scene for some seconds; ten looks a second, as the camera gives them. */
function watching(t: Test, dir: string, more: object = {}) {
  const clock = new HandClock()
  const watch = new ViewWatch({ ...camera, ...more }, dir, clock)
  const show = async (
    scene: Buffer,
    seconds: number,
    view: 'object' | 'moving' | 'dark' = 'object',
  ) => {
    const jpeg = await sharp(scene, { raw: { width: 320, height: 240, channels: 3 } })
      .jpeg()
      .toBuffer()
    let said = await watch.look({ jpeg }, { view })
    for (let n = 0; n < seconds; n++) {
      clock.advance(1000)
      said = await watch.look({ jpeg }, { view })
    }
    return said
  }
  return { show }
}

t.test(
  'what lasts is said, what passes is not, and a restart keeps the reference',
  { skip: noTurbo },
  async t => {
    const dir = mkdtempSync(join(tmpdir(), 'grocerd-view-'))
    t.teardown(() => rmSync(dir, { recursive: true }))
    const random = seeded(3)
    const photograph = photographs[3]!
    const counter = await sceneOf(photograph, 1)
    const file = referenceFile(dir, 'counter')
    const first = watching(t, dir)
    t.equal(await first.show(counter, 5, 'moving'), null)
    t.equal(await first.show(counter, 8), null)
    t.notOk(existsSync(file), 'a reference wants ten still looks')
    t.equal(await first.show(counter, 3), null)
    t.match(JSON.parse(readFileSync(file, 'utf8')), { format: 1, columns: 160, rows: 120 })

    const { show } = watching(t, dir)
    const goods = await place(counter, photographs[9]!, 0.5, random)
    t.equal(await show(goods, 120), null, 'goods for two minutes')
    t.equal(await show(await reach(goods, 0.4, random), 60), null, 'an arm that rests there')
    const lens = await blurred(counter, 12)
    t.equal(await show(lens, 29), null, 'not yet')
    t.equal(await show(counter, 1), null)
    t.equal(await show(lens, 29), null, 'one look that is well begins anew')
    t.equal(await show(lens, 2), 'blurred')
    t.equal(await show(counter, 1), 'blurred')
    t.equal(await show(counter, 3), null, 'over after three looks')

    const hood = await covered(random)
    t.equal(await show(hood, 19), null)
    t.equal(await show(hood, 2), 'covered')
    t.equal(await show(hood, 5, 'dark'), 'covered', 'the dark says nothing of it')
    t.equal(await show(counter, 5), null)

    const { before, after } = await pushed(photograph, 1, { x: 0.1 })
    const other = watching(t, dir, { id: 'other' })
    await other.show(before, 12)
    t.equal(await other.show(after, 29), null)
    t.equal(await other.show(after, 2), 'moved')
    const elsewhere = await sceneOf(photographs[12]!, 1)
    await other.show(before, 5)
    t.equal(await other.show(elsewhere, 14 * 60), null, 'goods may lie everywhere for long')
    t.equal(await other.show(elsewhere, 62), 'moved')

    const turned = watching(t, dir, { roi: [0, 0, 0.5, 1] })
    await turned.show(counter, 12)
    t.same(
      JSON.parse(readFileSync(file, 'utf8')).view.roi,
      [0, 0, 0.5, 1],
      'another roi, another reference',
    )
    writeFileSync(file, '{')
    const damaged = watching(t, dir)
    t.equal(await damaged.show(counter, 12), null)
    t.same(
      JSON.parse(readFileSync(file, 'utf8')).view.roi,
      [0, 0, 1, 1],
      'a damaged one is taken anew',
    )
  },
)

t.test(
  'a reference that is replaced or deleted while the camera runs holds from the next look on',
  { skip: noTurbo },
  async t => {
    const dir = mkdtempSync(join(tmpdir(), 'grocerd-view-'))
    t.teardown(() => rmSync(dir, { recursive: true }))
    const file = referenceFile(dir, 'counter')
    const { before, after } = await pushed(photographs[3]!, 1, { x: 0.1 })
    const { show } = watching(t, dir)
    await show(before, 12)
    t.equal(await show(after, 32), 'moved')
    writeReference(file, camera, await seen(after, seeded(1)), Date.UTC(2026, 10, 28))
    t.equal(await show(after, 1), null, 'what was set up anew is no fault at once')
    t.equal(await show(after, 60), null)
    t.equal(await show(before, 32), 'moved', 'and it is judged by the new one')
    t.equal(JSON.parse(readFileSync(file, 'utf8')).takenAt, '2026-11-28T00:00:00.000Z')
    rmSync(file)
    t.equal(await show(before, 1), null)
    t.notOk(existsSync(file))
    t.equal(await show(before, 12), null)
    t.ok(existsSync(file), 'ten still looks make a new one')
  },
)

t.test('each fault of the view is a status and a reason of the camera', t => {
  const said: unknown[] = []
  const pictures = new PictureHealth(
    { id: 'cam', isLive: true },
    new HandClock(),
    (status, reason) => said.push([status, reason?.code, reason?.message]),
  )
  const look = { dark: false, unchanged: false }
  pictures.source('live', null)
  for (const view of ['covered', 'blurred', 'moved', null] as const)
    pictures.seen({ ...look, view })
  t.same(said, [
    ['live', undefined, undefined],
    [
      'covered',
      'CAMERA_COVERED',
      'camera cam: Expected to see the counter but nothing of it and no detail is there',
    ],
    [
      'blurred',
      'CAMERA_BLURRED',
      'camera cam: Expected the counter as sharp as in its reference picture but much of the detail is gone',
    ],
    [
      'moved',
      'CAMERA_MOVED',
      'camera cam: Expected the view of its reference picture but it looks elsewhere',
    ],
    ['live', undefined, undefined],
  ])
  t.end()
})
