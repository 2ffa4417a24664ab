// The frames of the demo's tray, and what the basket is after each: `grocerd demo` plays them from deploy/demo/tray.
import type { Box } from '../../../src/recognition/types.js'
import type { TruthFrame } from '../stage.js'
import { type Cutouts, goodsOf, painterOf } from './render.js'

type Thing = TruthFrame['things'][number]

/** One picture, and what a till must have been told once it was shown. */
export interface DemoFrame {
  file: string
  jpeg: Buffer
  /** Of still frames: what lies there, sorted, and what came and went since the still frame before. */
  truth: { basket: string[]; placed: string[]; removed: string[] } | null
}

/** Where the middle of each thing lies, and how high it is. */
const places: Record<string, [x: number, y: number, high: number]> = {
  a: [0.16, 0.34, 0.42],
  b: [0.4, 0.36, 0.34],
  c: [0.64, 0.34, 0.34],
  d: [0.86, 0.36, 0.42],
  e: [0.3, 0.76, 0.3],
  f: [0.7, 0.76, 0.3],
}

const handMs = 200
const stillMs = 3000
const counterSeed = 5

export type DemoStep = `+${string}@${string}` | `-${string}` | `${string}>${string}` | 'clear'

/** A hand comes, does it, and goes: three pictures or four; then all lies still. */
export async function demoFrames(
  cutouts: Cutouts,
  steps: readonly DemoStep[],
): Promise<DemoFrame[]> {
  const paint = painterOf(counterSeed, cutouts, { quality: 72, noise: 1 })
  const { shape } = goodsOf(cutouts)
  const things: Thing[] = []
  const frames: DemoFrame[] = []
  let before: string[] = []
  let ids = 0
  const boxOf = (sku: string, [x, y, high]: readonly [number, number, number]): Box => {
    const wide = Math.min(0.24, high * shape!(sku))
    const tall = wide / shape!(sku)
    return [x - wide / 2, y - tall / 2, x + wide / 2, y + tall / 2]
  }
  const show = async (name: string, forMs: number, hand: Box | null) => {
    const number = String(frames.length + 1).padStart(2, '0')
    const scene = { hand, handRests: false, sun: null, gain: 1 }
    const jpeg = await paint({ things, scene, at: frames.length * 100 })
    const file = `${number}-${name}.${forMs}ms.jpg`
    const basket = hand ? before : things.map(({ sku }) => sku).sort()
    const less = (of: string[], by: string[]) => {
      const rest = [...by]
      return of.filter(sku => !rest.includes(sku) || (rest.splice(rest.indexOf(sku), 1), false))
    }
    const truth = { basket, placed: less(basket, before), removed: less(before, basket) }
    before = basket
    frames.push({ file, jpeg, truth: hand ? null : truth })
  }
  /** The arm with its fingers at a height; what it carries lies under them. */
  const arm = (x: number, y: number): Box => [x - 0.1, y, x + 0.1, 1]
  const carry = (thing: Thing, dx: number, y: number) => {
    const [x0, y0, x1, y1] = thing.box
    const tall = y1 - y0
    thing.box = [x0 + dx, y - tall / 2, x1 + dx, y + tall / 2]
    thing.rests = false
    things.splice(things.indexOf(thing), 1)
    things.push(thing)
  }
  const middle = ({ box }: Thing) => [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2] as const
  const take = async (thing: Thing, name: string) => {
    const [x, y] = middle(thing)
    await show(`hand-${name}`, handMs, arm(x, y))
    carry(thing, 0, 0.9)
    await show(`hand-${name}`, handMs, arm(x, 0.88))
    things.splice(things.indexOf(thing), 1)
  }
  await show('empty', stillMs, null)
  for (const step of steps) {
    const find = (sku: string) => things.find(thing => thing.sku === sku)!
    let name: string = step
    if (step === 'clear') {
      while (things.length > 0) await take(things[0]!, 'clears')
    } else if (step.startsWith('+')) {
      const [sku, place] = step.slice(1).split('@') as [string, string]
      const box = boxOf(sku, places[place]!)
      const thing: Thing = { id: ++ids, sku, box, rests: false, visible: 1 }
      things.push(thing)
      const [x, y] = middle(thing)
      carry(thing, 0, 0.92)
      await show(`hand-${sku}`, handMs, arm(x, 0.9))
      thing.box = box
      await show(`hand-${sku}`, handMs, arm(x, y))
      thing.rests = true
      await show(`hand-${sku}`, handMs, arm(x, Math.min(0.9, y + 0.35)))
      name = sku
    } else if (step.startsWith('-')) {
      name = `without-${step.slice(1)}`
      await take(find(step.slice(1)), step.slice(1))
    } else {
      const [sku, place] = step.split('>') as [string, string]
      const thing = find(sku)
      await show(`hand-${sku}`, handMs, arm(...middle(thing)))
      const to = boxOf(sku, places[place]!)
      thing.box = to
      await show(`hand-${sku}`, handMs, arm(...middle(thing)))
      name = `${sku}-moved`
    }
    await show(name, step === 'clear' ? 2 * stillMs : stillMs, null)
  }
  return frames
}
