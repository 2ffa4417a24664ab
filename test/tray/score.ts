// Plays a clip to a tray counter and holds what it says against the truth: events, ids, and how soon they came.
import { iouOf } from '../../src/boxes.js'
import type { TraySettings } from '../../src/counter/tray/track.js'
import { TrayCounter } from '../../src/counter/tray/tray-counter.js'
import type { ItemAction } from '../../src/counter/types.js'
import { counterSettings } from '../helpers/counter-settings.js'
import type { Clip } from './scenarios.js'
import type { TruthFrame } from './stage.js'

export interface Score {
  clips: number
  frames: number
  /** Placed and removed of the truth, of the counter, and how many of them are the same. */
  wanted: number
  said: number
  right: number
  changed: number
  things: number
  /** Times that a thing that lies there is another item than before. */
  switches: number
  /** ms from the first still frame of a thing to its event, and from the first still frame without it. */
  placedAfterMs: number[]
  removedAfterMs: number[]
  /** Frames whose basket calls itself complete, and those of them in which it is not what lies there. */
  complete: number
  completeButWrong: number
  /** What went wrong, in words. */
  faults: string[]
}

export interface PlayOptions {
  settings?: Partial<TraySettings>
  /** false: the frames come without their brightness grid. */
  look?: boolean
}

interface Truth {
  id: number
  sku: string
  placedAt: number
  removedAt: number | null
  box: TruthFrame['things'][number]['box']
  item: string | null
  leftAs: string | null
}

/** A late answer is a wrong one. */
const placedWithinMs = 2500
const removedWithinMs = 4500

export const isStill = ({ frame }: TruthFrame) => ['object', 'empty'].includes(frame.scene.view)

/** When each thing first lay there for all to see, and when it was first seen to be gone for good. */
function truthOf(clip: Clip): Map<number, Truth> {
  const truth = new Map<number, Truth>()
  const lastRest = new Map<number, number>()
  for (const [index, one] of clip.frames.entries()) {
    for (const { id, sku, rests, visible, box } of one.things) {
      if (!rests) continue
      lastRest.set(id, index)
      if (!truth.has(id) && visible >= 0.4 && isStill(one)) {
        const { at: placedAt } = one
        truth.set(id, { id, sku, placedAt, removedAt: null, box, item: null, leftAs: null })
      }
    }
  }
  for (const [id, index] of lastRest) {
    const after = clip.frames.slice(index + 1).find(isStill)
    if (after) truth.get(id)!.removedAt = after.at
  }
  return truth
}

export const emptyScore = (): Score => ({
  clips: 0,
  frames: 0,
  wanted: 0,
  said: 0,
  right: 0,
  changed: 0,
  things: 0,
  switches: 0,
  placedAfterMs: [],
  removedAfterMs: [],
  complete: 0,
  completeButWrong: 0,
  faults: [],
})

export function play(clip: Clip, score: Score, { settings = {}, look = true }: PlayOptions = {}) {
  let ids = 0
  const counter = new TrayCounter({
    ...counterSettings,
    ...settings,
    newId: () => `item-${++ids}`,
  })
  const truth = truthOf(clip)
  const fault = (at: number, words: string) =>
    score.faults.push(`clip ${clip.seed} at ${at / 1000} s: ${words}`)
  const judge = ({ action, item }: ItemAction, one: TruthFrame) => {
    if (action === 'changed') {
      score.changed++
      fault(one.at, `changed to ${item.sku}`)
      return
    }
    score.said++
    const all = [...truth.values()]
    if (action === 'placed') {
      const meant = all.find(
        thing =>
          thing.item === null &&
          thing.sku === item.sku &&
          one.at >= thing.placedAt &&
          one.at - thing.placedAt <= placedWithinMs &&
          one.things.some(({ id, box }) => id === thing.id && iouOf(box, item.box) > 0.3),
      )
      if (!meant) return fault(one.at, `placed ${item.itemId} ${item.sku} for nothing`)
      meant.item = item.itemId
      score.right++
      score.placedAfterMs.push(one.at - meant.placedAt)
      return
    }
    // Of equal things only the number is promised.
    const meant = all.find(
      thing =>
        thing.sku === item.sku &&
        thing.item !== null &&
        thing.leftAs === null &&
        thing.removedAt !== null &&
        one.at >= thing.removedAt &&
        one.at - thing.removedAt <= removedWithinMs,
    )
    if (!meant) return fault(one.at, `removed ${item.itemId} ${item.sku}, which lies there`)
    meant.leftAs = item.itemId
    score.right++
    score.removedAfterMs.push(one.at - meant.removedAt!)
  }
  const known = new Map<number, string>()
  for (const one of clip.frames) {
    const frame = look ? one.frame : { ...one.frame, look: undefined }
    for (const action of counter.see(frame, one.at, true).actions) judge(action, one)
    if (!isStill(one)) continue
    const { items } = counter
    for (const { id, box, sku, rests, visible } of one.things) {
      if (!rests || visible < 0.4) continue
      const item = items.find(item => item.sku === sku && iouOf(item.box, box) > 0.4)
      if (!item || known.get(id) === item.itemId) continue
      if (known.has(id)) {
        score.switches++
        fault(one.at, `${sku} was ${known.get(id)} and is ${item.itemId}`)
      }
      known.set(id, item.itemId)
    }
    const basket = counter.basket(one.at)
    if (!basket.complete) continue
    score.complete++
    const there = one.things.map(({ sku }) => sku).sort()
    if (JSON.stringify(there) !== JSON.stringify(basket.items.map(({ sku }) => sku).sort()))
      score.completeButWrong++
  }
  for (const { item, sku, placedAt, removedAt, leftAs } of truth.values()) {
    score.wanted += removedAt === null ? 1 : 2
    if (item === null) fault(placedAt, `never placed ${sku}`)
    if (removedAt !== null && leftAs === null) fault(removedAt, `never removed ${sku} ${item}`)
  }
  score.things += truth.size
  score.clips++
  score.frames += clip.frames.length
}

export const percentile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[
    Math.min(values.length - 1, Math.floor(values.length * share))
  ] ?? 0

export const figures = (score: Score) => ({
  clips: score.clips,
  frames: score.frames,
  things: score.things,
  events: score.wanted,
  precision: score.right / score.said,
  recall: score.right / score.wanted,
  idSwitches: score.switches / score.things,
  changed: score.changed,
  placedP95Ms: percentile(score.placedAfterMs, 0.95),
  removedP50Ms: percentile(score.removedAfterMs, 0.5),
  removedP95Ms: percentile(score.removedAfterMs, 0.95),
  completeShare: score.complete / score.frames,
  completeButWrong: score.completeButWrong / score.complete,
})
