// A tray that is no picture: things with boxes, a hand, light; it gives frames of observations as vision would, and the truth.
import { SceneWatcher } from '../../src/recognition/scene.js'
import type { Box, FrameObservations, Observation } from '../../src/recognition/types.js'
import { covered } from '../../src/counter/tray/geometry.js'
import { type Random, randomOf } from './random.js'

export const skus = Array.from({ length: 40 }, (_, index) => `sku-${index}`)

/** What is sold, and how wide each is for its height where boxes must show it (both as fractions of the picture). */
export interface Goods {
  skus: readonly string[]
  shape?: (sku: string) => number
  /** Least and most of the room that one takes, as fractions of the picture. */
  sizes?: { across: [number, number]; down: [number, number] }
  /** What a classifier says of photographs of each, in their order: a thing is one of them as long as it lies as it does. */
  answers?: ReadonlyMap<string, readonly Answer[]>
}
export type Answer = Omit<Observation, 'box'>
const anyGoods: Goods = { skus }
export const frameMs = 100
const columns = 32
const rows = 24

export interface Thing {
  id: number
  sku: string
  box: Box
  /** Lies on the tray; false while a hand has it. */
  rests: boolean
  luma: number
  /** Which photograph of its product it is; lifted and laid down again, the next one, which is mostly of the same shelf. */
  photo?: number
}

export interface TruthFrame {
  frame: FrameObservations
  at: number
  things: { id: number; sku: string; box: Box; rests: boolean; visible: number }[]
  /** What a picture of this frame shows beside them. */
  scene: { hand: Box | null; handRests: boolean; sun: Box | null; gain: number }
}

export interface Faults {
  missed: number
  falseBoxes: number
  confused: number
  jitter: number
  flicker: number
  /** Whether the detector runs on moving frames too. */
  whileMoving: boolean
}

export const usualFaults: Faults = {
  missed: 0.05,
  falseBoxes: 0.01,
  confused: 0.1,
  jitter: 0.03,
  flicker: 0.03,
  whileMoving: false,
}

const candidate = (sku: string, score: number) => ({ sku, name: sku, plu: null, gtin: null, score })

/** A place that a detector takes for a thing again and again: a patch of sun, a hand that rests. */
export interface Haunt {
  box: Box
  /** In so many of the frames. */
  share: number
}

export class Stage {
  readonly random: Random
  readonly frames: TruthFrame[] = []
  /** In the order in which they lie on each other. */
  readonly things: Thing[] = []
  hand: Box | null = null
  /** A resting hand shows the same picture each frame. */
  handRests = false
  sun: Box | null = null
  haunt: Haunt | null = null
  readonly goods: Goods
  readonly #faults: Faults
  readonly #texture: Float32Array
  readonly #watcher = new SceneWatcher({ motion: 0.02, emptyContrast: 0.03, dark: 0.03 })
  #ids = 0
  #falseBox: Observation | null = null
  #gain = 1

  constructor(seed: number, faults: Partial<Faults> = {}, goods = anyGoods) {
    this.random = randomOf(seed)
    this.goods = goods
    this.#faults = { ...usualFaults, ...faults }
    this.#texture = Float32Array.from({ length: columns * rows }, () => this.random.between(-5, 5))
  }

  thing(sku: string, box: Box): Thing {
    // Brighter or darker than the counter (140); one in ten is hardly either.
    const far = this.random.chance(0.9) ? this.random.between(30, 90) : this.random.between(0, 30)
    const luma = 140 + (this.random.chance(0.5) ? far : -far)
    return { id: ++this.#ids, sku, box: this.fitted(sku, box), rests: false, luma }
  }

  /** As large as it can be in a box, or as it must be to hide all of it, in the shape that the product has. */
  fitted(sku: string, box: Box, how: 'inside' | 'over' = 'inside'): Box {
    const shape = this.goods.shape?.(sku)
    if (shape === undefined) return box
    const [width, height] = [box[2] - box[0], box[3] - box[1]]
    const [middleX, middleY] = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]
    const asHigh = how === 'inside' ? Math.min : Math.max
    const high = asHigh(height, width / shape) / 2
    return [middleX - high * shape, middleY - high, middleX + high * shape, middleY + high]
  }

  tick(times = 1): void {
    for (let n = 0; n < times; n++) this.#tick()
  }

  #tick(): void {
    const { random } = this
    const grid = this.#render()
    const scene = this.#watcher.look(grid)
    const at = this.frames.length * frameMs
    const things = this.things.map((thing, index) => ({
      id: thing.id,
      sku: thing.sku,
      box: thing.box,
      rests: thing.rests,
      visible: this.#visible(thing, index),
    }))
    // One small thing on a wide tray has little contrast: the detector looks at `empty` frames too.
    const asked = scene.view !== 'moving' || this.#faults.whileMoving
    const observations = asked
      ? things.flatMap((one, index) => this.#observe(this.things[index]!, one.visible))
      : []
    if (asked) observations.push(...this.#falseBoxes(), ...this.#haunted())
    // Detectors give no order that means anything.
    observations.sort(() => random() - 0.5)
    const frame: FrameObservations = {
      camera: 'tray',
      frame: this.frames.length,
      capturedAt: 1_000_000 + at,
      ageMs: 5,
      scene,
      look: Uint8Array.from(grid, value => Math.round(value * 255)),
      observations,
      stagesMs: { queue: 0, decode: 0, resize: 0, infer: 0 },
    }
    const { hand, handRests, sun } = this
    this.frames.push({ frame, at, things, scene: { hand, handRests, sun, gain: this.#gain } })
  }

  /** The share that nothing lies over. */
  #visible(thing: Thing, index: number): number {
    const over = this.things.slice(index + 1).map(({ box }) => box)
    if (this.hand) over.push(this.hand)
    return 1 - Math.min(1, Math.max(0, ...over.map(box => covered(thing.box, box))))
  }

  #observe(thing: Thing, visible: number): Observation[] {
    const { random } = this
    const { box, sku } = thing
    const { missed, jitter, confused } = this.#faults
    if (visible < 0.4 || random.chance(missed)) return []
    const [width, height] = [box[2] - box[0], box[3] - box[1]]
    const moved = box.map((value, side) =>
      Math.max(0, Math.min(1, value + random.normal() * jitter * (side % 2 ? height : width))),
    ) as Box
    const answer = this.#named(thing, confused) ?? this.#answer(sku, random.chance(confused))
    return [{ ...answer, box: moved }]
  }

  /** As it is named all the time, and in some frames as another photograph of it; null where nobody gave any. */
  #named(thing: Thing, confused: number): Answer | null {
    const { random, goods } = this
    const photos = goods.answers?.get(thing.sku)
    if (!photos) return null
    thing.photo ??= random.whole(0, photos.length - 1)
    return random.chance(confused) ? random.pick(photos) : photos[thing.photo % photos.length]!
  }

  #answer(sku: string, wrong: boolean): Omit<Observation, 'box'> {
    const { random } = this
    const { skus } = this.goods
    // Its look-alike half of the times, anything otherwise.
    const alike = skus[(skus.indexOf(sku) + 1) % skus.length]!
    const other = random.chance(0.5) ? alike : random.pick(skus.filter(one => one !== sku))
    const best = Math.max(0.4, Math.min(0.99, 0.85 + 0.1 * random.normal()))
    const second = (1 - best) * random.between(0.3, 0.9)
    const [first, then] = wrong ? [other, sku] : [sku, other]
    const sure = best > 0.7
    return {
      decision: sure ? 'sure' : 'ask',
      auto: false,
      askReason: sure ? null : 'confidence',
      candidates: [candidate(first, best), candidate(then, second)],
    }
  }

  /** Nothing is drawn from `random` without a haunt: scripts that have none stay as they were. */
  #haunted(): Observation[] {
    const { random, haunt } = this
    if (!haunt || !random.chance(haunt.share)) return []
    const box = haunt.box.map(value => value + 0.01 * random.normal()) as Box
    return [{ ...this.#answer(random.pick(this.goods.skus), false), box }]
  }

  /** Boxes around nothing, for a frame or two. */
  #falseBoxes(): Observation[] {
    const { random } = this
    const again = this.#falseBox
    this.#falseBox = null
    if (again && random.chance(0.3)) return [again]
    if (!random.chance(this.#faults.falseBoxes)) return []
    const [x, y] = [random.between(0, 0.8), random.between(0, 0.8)]
    this.#falseBox = {
      ...this.#answer(random.pick(this.goods.skus), false),
      box: [x, y, x + random.between(0.1, 0.2), y + random.between(0.1, 0.2)],
    }
    return [this.#falseBox]
  }

  #render(): Float32Array {
    const { random, things, hand, sun } = this
    const gain = 1 + this.#faults.flicker * random.between(-1, 1)
    this.#gain = gain
    return Float32Array.from(this.#texture, (texture, cell) => {
      const x = ((cell % columns) + 0.5) / columns
      const y = (Math.floor(cell / columns) + 0.5) / rows
      const within = (box: Box | null) =>
        box !== null && x >= box[0] && x < box[2] && y >= box[1] && y < box[3]
      let value = 140 + texture
      for (const thing of things) {
        if (within(thing.box)) value = thing.luma + ((cell * 37 * thing.id) % 31) - 15
      }
      if (within(sun)) value *= 1.4
      if (within(hand)) value = this.handRests ? 190 + texture : 190 + random.between(-30, 30)
      return Math.max(0, Math.min(1, (value * gain + random.normal() * 1.5) / 255))
    })
  }
}
