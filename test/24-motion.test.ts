// The motion gate: what lies still is not asked about again and again, and no event is missed or invented for it.
import sharp from 'sharp'
import t from 'tap'
import type { CameraConfig } from '../src/config/schema.js'
import { Counter } from '../src/counter/counter.js'
import type { Classification, Classifier } from '../src/recognition/classifier.js'
import { MotionGate, sameScene } from '../src/recognition/gate.js'
import { Recogniser } from '../src/recognition/recogniser.js'
import { counterSettings } from './helpers/counter-settings.js'

const settings = { ...counterSettings, motion: 0.02, emptyContrast: 0.03, dark: 0.03 }

// ---- the gate alone

const grid = (level: number, changes: Record<number, number> = {}) =>
  Float32Array.from({ length: 768 }, (_, at) => level + (changes[at] ?? 0))

t.test('a scene is the same but for a little light on all of it', async t => {
  const scene = grid(0.5, { 3: 0.2 })
  t.ok(sameScene(scene, grid(0.5, { 3: 0.2 })))
  t.ok(sameScene(scene, grid(0.53, { 3: 0.2 })), 'a little more light')
  t.notOk(sameScene(scene, grid(0.56, { 3: 0.2 })), 'much more light')
  t.notOk(sameScene(scene, grid(0.5, { 3: 0.2, 700: 0.03 })), 'one cell')
  t.notOk(sameScene(scene, grid(0.5, {})), 'something is gone')
  t.notOk(sameScene(scene, new Float32Array(1)))
})

t.test('the gate rests only on an answer that has lasted, and never for long', async t => {
  let now = 0
  const gate = new MotionGate<string>(
    { stable: 300, giveUp: 1500 },
    { mono: () => now },
    (a, b) => a === b,
  )
  const asked: number[] = []
  const look = (scene: Float32Array, answer: string) => {
    const known = gate.known(scene)
    if (known !== null) return known
    asked.push(now)
    gate.answered(scene, answer)
    return answer
  }
  for (; now < 2000; now += 100) look(grid(0.5), 'apple')
  t.equal(asked.length, 20, 'the counter gets its votes first')
  for (; now < 6000; now += 100) t.equal(look(grid(0.5), 'apple'), 'apple')
  t.same(asked.slice(20), [3900, 5900], 'then every two seconds')

  asked.length = 0
  t.equal(look(grid(0.5, { 9: 0.1 }), 'pear'), 'pear', 'a change is answered at once')
  for (const end = now + 2000; now < end; now += 100) look(grid(0.5, { 9: 0.1 }), 'pear')
  t.equal(asked.length, 21)

  asked.length = 0
  const answers = ['pear', 'lime']
  for (let at = 0; at < 60; at++, now += 100) look(grid(0.5, { 9: 0.1 }), answers[at % 2]!)
  t.ok(asked.length > 30, 'answers that differ are no rest')

  for (const end = now + 3000; now < end; now += 100) look(grid(0.3), 'kiwi')
  asked.length = 0
  look(grid(0.3), 'kiwi')
  t.same(asked, [], 'it rests')
  gate.wake()
  look(grid(0.3), 'kiwi')
  t.same(asked, [now], 'and is woken')

  for (const end = now + 3000; now < end; now += 100) look(grid(0.3), 'kiwi')
  asked.length = 0
  for (let at = 0; at < 100; at++, now += 10)
    look(grid(0.3 + at * 0.002, { 5: at * 0.0004 }), 'kiwi')
  t.ok(asked.length > 0, 'what creeps is compared with the scene of the answer')
})

// ---- clips, through recogniser and counter

interface Moment {
  /** What lies there; null: nothing. */
  what: keyof typeof colours | null
  light?: number
  /** Another small thing beside it. */
  extra?: boolean
  hand?: boolean
}

const [width, height, fps] = [320, 240, 10]
/** The lime is as bright as the apple: on the grid of brightness they are the same. */
const colours = { apple: '#a02018', pear: '#88a020', lime: '#206118' }
const pictures = new Map<string, Promise<Buffer>>()

function picture({ what, light = 1, extra = false, hand = false }: Moment): Promise<Buffer> {
  const key = JSON.stringify([what, light.toFixed(3), extra, hand])
  const made = pictures.get(key)
  if (made) return made
  const item = what
    ? `<circle cx="160" cy="120" r="${what === 'pear' ? 55 : 60}" fill="${colours[what]}"/><circle cx="140" cy="100" r="14" fill="#f0e0c0"/>`
    : ''
  const beside = extra ? '<rect x="250" y="30" width="24" height="24" fill="#303030"/>' : ''
  const arm = hand ? '<rect x="60" y="0" width="130" height="200" fill="#d8a888"/>' : ''
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="#8a8a86"/>${item}${beside}${arm}</svg>`
  const jpeg = sharp(Buffer.from(svg)).linear(light, 0).jpeg({ quality: 92 }).toBuffer()
  pictures.set(key, jpeg)
  return jpeg
}

const camera: CameraConfig = {
  id: 'top',
  source: 'dir:x',
  roi: [0, 0, 1, 1],
  rotate: 0,
  fps,
  mode: 'single',
  mask: null,
}

/** A model that always knows what lies there. */
function answerTo(what: string): Classification {
  const candidate = { sku: what, name: what, plu: null, gtin: null, score: 0.99 }
  return {
    scores: new Float32Array(1),
    observation: {
      box: [0, 0, 1, 1],
      decision: 'sure',
      auto: false,
      askReason: null,
      candidates: [candidate],
    },
    stagesMs: { queue: 0, decode: 0, resize: 0, infer: 1 },
  }
}

/** Plays a clip. @returns its events with their times, and how often the model was asked */
async function play(clip: Moment[], gated: boolean) {
  let now = 0
  let asked = 0
  let present: Moment
  const classify = async () => {
    asked++
    return answerTo(present.what ?? 'nothing')
  }
  const clock = { mono: () => now, wall: () => now }
  const recogniser = new Recogniser(camera, { classify } as unknown as Classifier, settings, clock)
  let items = 0
  const counter = new Counter({ ...settings, newId: () => `item-${++items}` })
  const events: { at: number; what: string }[] = []
  for (const [number, moment] of clip.entries()) {
    present = moment
    now = number * (1000 / fps)
    if (!gated) recogniser.wake()
    const bytes = await picture(moment)
    const frame = await recogniser.recognise({ bytes, number, capturedAt: now, capturedMono: now })
    for (const { action, item } of counter.see(frame, now, true).actions)
      events.push({ at: now, what: `${action} ${item.sku}` })
  }
  return { events, asked }
}

const seconds = (count: number, moment: (at: number) => Moment): Moment[] =>
  Array.from({ length: Math.round(count * fps) }, (_, at) => moment(at / fps))

const clips: Record<string, { clip: Moment[]; lateMs: number; most: number }> = {
  'placed, left alone, taken, another placed': {
    clip: [
      ...seconds(1, () => ({ what: null })),
      ...seconds(0.5, () => ({ what: null, hand: true })),
      ...seconds(8, () => ({ what: 'apple' })),
      ...seconds(0.5, () => ({ what: 'apple', hand: true })),
      ...seconds(2, () => ({ what: null })),
      ...seconds(0.5, () => ({ what: null, hand: true })),
      ...seconds(8, () => ({ what: 'pear' })),
    ],
    lateMs: 0,
    most: 0.4,
  },
  'the light flickers': {
    clip: [
      ...seconds(1, () => ({ what: null })),
      ...seconds(10, at => ({ what: 'apple', light: 1 + 0.015 * Math.sign(Math.sin(at * 37)) })),
      ...seconds(2, () => ({ what: null })),
    ],
    lateMs: 0,
    most: 0.5,
  },
  'the light fades slowly': {
    clip: [
      ...seconds(1, () => ({ what: null })),
      ...seconds(16, at => ({ what: 'apple', light: 1 - at / 40 })),
      ...seconds(2, () => ({ what: null, light: 0.6 })),
    ],
    lateMs: 0,
    most: 1,
  },
  'a small thing comes and goes beside it': {
    clip: [
      ...seconds(5, () => ({ what: 'apple' })),
      ...seconds(3, () => ({ what: 'apple', extra: true })),
      ...seconds(5, () => ({ what: 'apple' })),
    ],
    lateMs: 0,
    most: 0.7,
  },
  'another of the same brightness takes its place between two frames': {
    clip: [...seconds(6, () => ({ what: 'apple' })), ...seconds(8, () => ({ what: 'lime' }))],
    lateMs: 2000,
    most: 0.7,
  },
  'another takes its place between two frames': {
    clip: [...seconds(6, () => ({ what: 'apple' })), ...seconds(8, () => ({ what: 'pear' }))],
    lateMs: 2000,
    most: 0.6,
  },
}

for (const [name, { clip, lateMs, most }] of Object.entries(clips)) {
  t.test(`no event is missed: ${name}`, async t => {
    const open = await play(clip, false)
    const gated = await play(clip, true)
    t.ok(open.events.length > 0, 'there are events')
    t.same(
      gated.events.map(({ what }) => what),
      open.events.map(({ what }) => what),
    )
    for (const [index, { at, what }] of gated.events.entries())
      t.ok(at - open.events[index]!.at <= lateMs, `${what} in time`)
    t.ok(gated.asked <= most * clip.length, `asked ${gated.asked} times for ${clip.length} frames`)
  })
}
