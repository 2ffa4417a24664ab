// Scripts of what people do at a tray, step by step, from a seed: place, move, occlude, exchange, remove, put back, stack, leave.
import type { Box } from '../../src/recognition/types.js'
import { covered } from '../../src/counter/tray/geometry.js'
import { type Faults, type Goods, Stage, type Thing, type TruthFrame } from './stage.js'

export const stepNames = [
  'place',
  'beside',
  'move',
  'trade',
  'occlude',
  'swap',
  'remove',
  'putBack',
  'stack',
  'leave',
] as const
export type StepName = (typeof stepNames)[number]

export interface Clip {
  seed: number
  frames: TruthFrame[]
  steps: StepName[]
}

const mostThings = 8
const usualSizes: NonNullable<Goods['sizes']> = { across: [0.12, 0.2], down: [0.15, 0.26] }

class Play {
  readonly stage: Stage
  /** Not put down again at once: the same product within 2 s would be the same item. */
  #taken: string | null = null

  constructor(seed: number, faults: Partial<Faults>, goods?: Goods) {
    this.stage = new Stage(seed, faults, goods)
  }

  /** Things that nothing lies on. */
  get #free(): Thing[] {
    const { things } = this.stage
    return things.filter(
      (thing, index) => !things.slice(index + 1).some(over => covered(thing.box, over.box) > 0.1),
    )
  }

  #room(size?: Box): Box | null {
    const { random, things, goods } = this.stage
    const { across, down } = goods.sizes ?? usualSizes
    for (let attempt = 0; attempt < 60; attempt++) {
      const width = size ? size[2] - size[0] : random.between(...across)
      const height = size ? size[3] - size[1] : random.between(...down)
      const x = random.between(0.02, 0.98 - width)
      const y = random.between(0.02, 0.95 - height)
      const box: Box = [x, y, x + width, y + height]
      const meets = (other: Box) => covered(box, other) > 0.02 || covered(other, box) > 0.02
      if (!things.some(thing => meets(thing.box))) return box
    }
    return null
  }

  #freshSku(but: string[] = []): string {
    const { random, goods } = this.stage
    return random.pick(goods.skus.filter(sku => sku !== this.#taken && !but.includes(sku)))
  }

  /** A hand comes from the lower edge to a place, does something there, and goes. */
  #reach(to: Box, act: () => void, carried: { thing: Thing; way: 'in' | 'out' } | null): void {
    const { stage } = this
    const frames = stage.random.whole(3, 5)
    const middle = (to[0] + to[2]) / 2
    const tip = (to[1] + to[3]) / 2
    const put = (share: number, way: 'in' | 'out') => {
      const top = 1 - (1 - tip) * share
      stage.hand = [middle - 0.11, Math.max(0, top - 0.02), middle + 0.11, 1]
      if (carried?.way === way) {
        const { thing } = carried
        const [width, height] = [to[2] - to[0], to[3] - to[1]]
        thing.box = [middle - width / 2, top - height / 2, middle + width / 2, top + height / 2]
      }
      stage.tick()
    }
    for (let step = 1; step <= frames; step++) put(step / frames, 'in')
    act()
    for (let step = frames - 1; step >= 1; step--) put(step / frames, 'out')
    stage.hand = null
  }

  #putDown(thing: Thing, box: Box): void {
    const { things } = this.stage
    things.push(thing)
    this.#reach(
      box,
      () => {
        thing.box = box
        thing.rests = true
      },
      { thing, way: 'in' },
    )
  }

  #putNew(sku: string, box: Box): void {
    const thing = this.stage.thing(sku, box)
    this.#putDown(thing, thing.box)
  }

  #takeAway(thing: Thing): void {
    const { things } = this.stage
    if (thing.photo !== undefined) thing.photo++
    this.#reach(
      thing.box,
      () => {
        thing.rests = false
        // In the hand it is over everything else.
        things.splice(things.indexOf(thing), 1)
        things.push(thing)
      },
      { thing, way: 'out' },
    )
    things.splice(things.indexOf(thing), 1)
  }

  pause(least = 8, most = 18): void {
    this.stage.tick(this.stage.random.whole(least, most))
  }

  /** All is taken, from the top down, but so many of the things. */
  clear(leaves = 0): void {
    while (this.stage.things.length > leaves) {
      const one = this.#free.at(-1)!
      this.#takeAway(one)
      this.pause(2, 6)
    }
  }

  /** false where the tray does not allow it now. */
  step(name: StepName): boolean {
    const { stage } = this
    const { random, things } = stage
    const one = this.#free.length > 0 ? random.pick(this.#free) : null
    const full = things.length >= mostThings
    switch (name) {
      case 'place': {
        const box = full ? null : this.#room()
        if (!box) return false
        this.#putNew(this.#freshSku(), box)
        break
      }
      case 'beside': {
        // The same product again, close by.
        if (!one || full || one.sku === this.#taken) return false
        const gap = random.between(0.01, 0.03)
        const width = one.box[2] - one.box[0]
        const box: Box = [one.box[2] + gap, one.box[1], one.box[2] + gap + width, one.box[3]]
        if (box[2] > 0.98 || things.some(other => covered(box, other.box) > 0.02)) return false
        this.#putNew(one.sku, box)
        break
      }
      case 'move': {
        const box = one && this.#room(one.box)
        if (!one || !box) return false
        this.#takeAway(one)
        this.#putDown(one, box)
        break
      }
      case 'trade': {
        // Two things change places under hands, and neither place is ever seen empty.
        const other = this.#free.find(thing => thing.sku !== one?.sku)
        if (!one || !other) return false
        const at = (middle: Box, size: Box): Box => {
          const [x, y] = [(middle[0] + middle[2]) / 2, (middle[1] + middle[3]) / 2]
          const [w, h] = [(size[2] - size[0]) / 2, (size[3] - size[1]) / 2]
          return [x - w, y - h, x + w, y + h]
        }
        const [toOther, toOne] = [at(other.box, one.box), at(one.box, other.box)]
        const rest = things.filter(thing => thing !== one && thing !== other)
        const free = [toOther, toOne].every(
          box =>
            Math.min(...box) >= 0 &&
            Math.max(...box) <= 1 &&
            !rest.some(other => covered(box, other.box) > 0.02),
        )
        if (!free) return false
        // With both hands: one of them moves while the picture does.
        this.#reach(toOther, () => ((one.box = toOther), (other.box = toOne)), null)
        break
      }
      case 'occlude': {
        if (!one) return false
        this.#reach(
          one.box,
          () => {
            stage.handRests = true
            stage.tick(random.whole(0, 10))
            stage.handRests = false
          },
          null,
        )
        break
      }
      case 'swap': {
        // Another product takes its place.
        if (!one) return false
        const { box, sku } = one
        this.#takeAway(one)
        this.pause(3, 10)
        this.#putNew(this.#freshSku([sku]), box)
        this.#taken = sku
        break
      }
      case 'remove': {
        if (!one) return false
        this.#takeAway(one)
        this.#taken = one.sku
        break
      }
      case 'putBack': {
        // Lifted, out of sight for a moment, and down again before 2 s are over: there or elsewhere.
        if (!one) return false
        const { box } = one
        this.#takeAway(one)
        this.pause(1, 8)
        this.#putDown(one, random.chance(0.5) ? box : (this.#room(box) ?? box))
        break
      }
      case 'stack': {
        if (!one || full) return false
        const grow = random.between(-0.01, 0.02)
        const [x, y] = [random.between(-0.01, 0.01), random.between(-0.01, 0.01)]
        const [x0, y0, x1, y1] = one.box
        const rough: Box = [x0 - grow + x, y0 - grow + y, x1 + grow + x, y1 + grow + y]
        const others = things.filter(other => other !== one)
        const fits = (box: Box) =>
          Math.min(...box) >= 0 &&
          Math.max(...box) <= 1 &&
          covered(one.box, box) >= 0.75 &&
          !others.some(({ box: other }) => covered(other, box) > 0)
        if (!fits(rough)) return false
        const sku = this.#freshSku([one.sku])
        const box = stage.fitted(sku, rough, 'over')
        if (!fits(box)) return false
        this.#putNew(sku, box)
        break
      }
      case 'leave':
        this.pause(20, 40)
    }
    this.pause()
    return true
  }
}

/** 4 to 12 steps, so that 1 to 8 things come and go; every frame with its truth. */
export function clipOf(seed: number, faults: Partial<Faults> = {}, goods?: Goods): Clip {
  const whileMoving = seed % 2 === 1
  const play = new Play(seed, { whileMoving, ...faults }, goods)
  const { random } = play.stage
  const steps: StepName[] = []
  play.stage.tick(random.whole(8, 15))
  const wanted = random.whole(4, 12)
  // Most of what happens at a tray is that things come.
  const often = ['place', 'place', 'place', 'beside', ...stepNames] as const
  for (let tries = 0; steps.length < wanted && tries < 100; tries++) {
    const name = steps.length === 0 ? 'place' : random.pick(often)
    if (play.step(name)) steps.push(name)
  }
  play.stage.tick(40)
  return { seed, frames: play.stage.frames, steps }
}

/** A shopper's visit, ms of the clip: the session opens, all is paid, it closes. */
export interface Visit {
  open: number
  paid: number
  close: number
}

/**
 * What the shoppers of a shop do at a tray, one after another, or on a scale, one thing after another. How often is a
 * guess: nobody measured it.
 */
const doings = {
  tray: [
    ...Array<StepName>(12).fill('place'),
    ...(['beside', 'beside', 'beside', 'leave', 'leave', 'occlude', 'occlude'] as const),
    ...(['move', 'putBack', 'swap', 'remove', 'stack'] as const),
  ],
  single: ['place', 'occlude', 'leave', 'remove', 'remove'],
} satisfies Record<string, readonly StepName[]>

/**
 * Shoppers one after another, each with 2 to 8 things; one in twenty leaves the last one behind, and the next one puts
 * it aside.
 */
export function shopClip(
  seed: number,
  visits: number,
  mode: 'tray' | 'single',
  goods: Goods,
): Clip & { visits: Visit[] } {
  const faults = mode === 'tray' ? {} : { missed: 0, falseBoxes: 0, whileMoving: true }
  const play = new Play(seed, { whileMoving: seed % 2 === 1, ...faults }, goods)
  const { random, frames } = play.stage
  const now = () => frames.at(-1)!.at
  const done: Visit[] = []
  const steps: StepName[] = []
  play.pause()
  while (done.length < visits) {
    const open = now()
    play.pause()
    play.clear()
    const wanted = random.whole(2, 8)
    for (let tries = 0, came = 0; came < wanted && tries < 100; tries++) {
      const isFirst = play.stage.things.length === 0
      const name = isFirst ? 'place' : random.pick(doings[mode])
      if (mode === 'single' && name === 'place' && !isFirst) continue
      if (!play.step(name)) continue
      steps.push(name)
      if (!['place', 'beside', 'swap', 'stack'].includes(name)) continue
      came++
      // Until the list is there, and touched.
      play.pause(25, 45)
    }
    const leaves = random.chance(0.05) ? 1 : 0
    const paysFirst = random.chance(0.5)
    let paid = now()
    if (!paysFirst || mode === 'single') {
      play.clear(leaves)
      play.pause(25, 30)
      paid = now()
    } else {
      play.pause(25, 40)
      play.clear(leaves)
    }
    play.pause(45, 60)
    done.push({ open, paid, close: now() })
    play.pause(10, 40)
  }
  return { seed, frames, steps, visits: done }
}

/**
 * An empty counter where a patch of sun, and then a hand that rests, is taken for a thing in 20 to 40 % of the frames,
 * for 2 to 6 seconds, each time under another name.
 */
export function hauntedClip(seed: number, count: number): Clip {
  const stage = new Stage(seed)
  const { random } = stage
  const haunted = (box: Box) => {
    stage.haunt = { box, share: random.between(0.2, 0.4) }
    stage.tick(random.whole(20, 60))
    stage.haunt = null
  }
  while (stage.frames.length < count) {
    const [x, y] = [random.between(0.05, 0.6), random.between(0.05, 0.5)]
    stage.sun = [x, y, x + 0.25, y + 0.3]
    stage.tick(5)
    haunted(stage.sun)
    stage.sun = null
    stage.tick(random.whole(5, 20))
    stage.hand = [x, 1 - random.between(0.3, 0.6), x + 0.22, 1]
    stage.tick(3)
    stage.handRests = true
    stage.tick(2)
    haunted(stage.hand)
    stage.handRests = false
    stage.hand = null
    stage.tick(random.whole(5, 20))
  }
  return { seed, frames: stage.frames.slice(0, count), steps: [] }
}

/** An empty counter under flickering light, with passing hands and a patch of sun that wanders. */
export function emptyClip(seed: number, count: number, goods?: Goods): Clip {
  const stage = new Stage(seed, {}, goods)
  const { random } = stage
  while (stage.frames.length < count) {
    if (random.chance(0.3)) {
      const [x, y] = [random.between(0, 0.7), random.between(0, 0.6)]
      stage.sun = random.chance(0.7) ? [x, y, x + 0.3, y + 0.4] : null
    }
    stage.tick(random.whole(20, 80))
    const tip = random.between(0.2, 0.7)
    const x = random.between(0.05, 0.7)
    for (let share = 0.25; share <= 1; share += 0.25) {
      stage.hand = [x, 1 - (1 - tip) * share, x + 0.22, 1]
      stage.tick()
    }
    stage.handRests = true
    stage.tick(random.whole(0, 8))
    stage.handRests = false
    stage.hand = null
  }
  return { seed, frames: stage.frames.slice(0, count), steps: [] }
}
