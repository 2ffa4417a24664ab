// The parts of a tray's frames where things lie, each with its answer: what looks as it did is not asked about again.
import { iouOf } from '../boxes.js'
import type { Clock } from '../clock.js'
import type { EngineInput, UprightPicture } from '../inference/addon.js'
import type { Classification } from './classifier.js'
import { type GateSettings, MotionGate, sameScene } from './gate.js'
import { lumaGrid } from './scene.js'
import type { Box, Observation } from './types.js'

/** What names one part of a picture, with its embedding where there is an embedder. */
export interface Namer {
  classify(input: EngineInput, wanted: { embedding: boolean }): Promise<Classification>
}

/** Cells of a part's grid; each is the mean of enough pixels to be still where the sensor is not. */
const gridSize = { columns: 8, rows: 8 }
/** A box that shares less with the one that was asked about shows something else. */
const sameBox = 0.8
/** The detector may miss a thing for so long before its answer is forgotten, ms. */
const keptMs = 1000
/** As many as the cores that the smallest kiosk has: the one is prepared while the other runs. */
export const cropsAtOnce = 2
/** Of the box's sides, on each of its sides: a detector cuts into what it finds. */
const margin = 0.05

/** One place, and what was said of it. */
interface Crop {
  /** Of the thing. */
  box: Box
  /** What the networks see: always this object, by which a barcode that was read there is kept. */
  shown: Box
  gate: MotionGate<Classification>
  /** The newest answer while it looks as it did then. */
  answer: Classification | null
  /** How it looked then. */
  grid: Float32Array | null
  askedAt: number
  seenAt: number
}

export interface Named {
  /** In the order of the boxes, without those that there was no time for and that nothing was known of. */
  observations: Observation[]
  /** Of the parts that were asked about now. */
  asked: Classification[]
  /** Whether every box that had to be asked about was. */
  complete: boolean
}

/** Whether two answers would be the same vote. */
const sameVote = (a: Classification, b: Classification): boolean =>
  a.observation.decision === b.observation.decision &&
  a.observation.candidates[0]?.sku === b.observation.candidates[0]?.sku

/** A little more than the box, within the roi. */
function shownOf([x0, y0, x1, y1]: Box, roi: Readonly<Box>): Box {
  const [across, down] = [margin * (x1 - x0), margin * (y1 - y0)]
  return [
    Math.max(roi[0], x0 - across),
    Math.max(roi[1], y0 - down),
    Math.min(roi[2], x1 + across),
    Math.min(roi[3], y1 + down),
  ]
}

export class Crops {
  readonly #namer: Namer
  readonly #settings: GateSettings
  readonly #clock: Pick<Clock, 'mono'>
  #crops: Crop[] = []

  constructor(namer: Namer, settings: GateSettings, clock: Pick<Clock, 'mono'>) {
    this.#namer = namer
    this.#settings = settings
    this.#clock = clock
  }

  /** Somebody asks what lies there now, or another model answers: no answer counts any more. */
  forget(): void {
    // The places stay: what was read there, a barcode or a text, is still of them.
    for (const crop of this.#crops) {
      crop.answer = null
      crop.gate.wake()
    }
  }

  /**
   * What is new goes first, then what was asked about longest ago.
   * @param until monotonic ms after which no more are asked about; the first ones always are
   * Throws as the namer does.
   */
  async name(
    picture: UprightPicture,
    boxes: readonly Box[],
    roi: Readonly<Box>,
    until: number,
  ): Promise<Named> {
    const { rgb, width, height } = picture
    const now = this.#clock.mono()
    const crops = this.#pairUp(boxes, roi, now)
    const grids = new Map<Crop, Float32Array>()
    for (const crop of crops) {
      const grid = lumaGrid(rgb, width, height, crop.box, gridSize)
      grids.set(crop, grid)
      if (crop.grid && !sameScene(grid, crop.grid)) crop.answer = null
    }
    const due = crops.filter(crop => !crop.gate.known(grids.get(crop)!))
    const askedAt = (crop: Crop) => (crop.answer ? crop.askedAt : Number.NEGATIVE_INFINITY)
    const queue = due.toSorted((a, b) => askedAt(a) - askedAt(b))
    const asked: Classification[] = []
    const work = async () => {
      const isFirst = () => due.length - queue.length < cropsAtOnce
      while (queue.length > 0 && (isFirst() || this.#clock.mono() < until)) {
        const crop = queue.shift()!
        const input = { rgb, width, height, box: crop.shown }
        const answer = await this.#namer.classify(input, { embedding: true })
        crop.grid = grids.get(crop)!
        crop.gate.answered(crop.grid, answer)
        crop.answer = answer
        crop.askedAt = now
        asked.push(answer)
      }
    }
    await Promise.all(Array.from({ length: cropsAtOnce }, work))
    const observations = crops.flatMap((crop, index) =>
      // The name is of the place that was asked about, the box is where the thing lies now.
      crop.answer ? [{ ...crop.answer.observation, box: boxes[index]! }] : [],
    )
    return { observations, asked, complete: queue.length === 0 }
  }

  /** For each box the place that it is, or a new one. Boxes come best first. */
  #pairUp(boxes: readonly Box[], roi: Readonly<Box>, now: number): Crop[] {
    const free = new Set(this.#crops)
    const paired = boxes.map(box => {
      let best: Crop | null = null
      for (const crop of free) {
        if (iouOf(crop.box, box) >= (best ? iouOf(best.box, box) : sameBox)) best = crop
      }
      if (best) free.delete(best)
      const crop = best ?? this.#newCrop(box, roi)
      crop.seenAt = now
      return crop
    })
    const missed = [...free].filter(crop => now - crop.seenAt < keptMs)
    this.#crops = [...paired, ...missed]
    return paired
  }

  #newCrop(box: Box, roi: Readonly<Box>): Crop {
    const gate = new MotionGate(this.#settings, this.#clock, sameVote)
    return { box, shown: shownOf(box, roi), gate, answer: null, grid: null, askedAt: 0, seenAt: 0 }
  }
}
