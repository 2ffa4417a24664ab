// Which thing on the counter a scale's reading is about: what came between two stable readings weighs their difference. Pure.

/** A reading of the whole surface, net of tare, grams. */
export interface Reading {
  grams: number
  state: 'stable' | 'moving' | 'zero' | 'over'
}

export interface ScaleState {
  /** Of the last stable reading; null before the first. */
  grams: number | null
  /** Grams that came since, and that no thing explains yet; with the monotonic ms. */
  waiting: { grams: number; at: number } | null
  /** Things that were placed since the last stable reading. */
  placed: string[]
  /** Whether anything was taken since then: then a difference is that of several things. */
  mixed: boolean
}

export const initialScale = (): ScaleState => ({
  grams: null,
  waiting: null,
  placed: [],
  mixed: false,
})

/** A weight may be stable before the picture is, and the other way round, by this much, ms. */
export const weighsWithin = 4000
/** Less than this is the scale's own noise, grams. */
export const noiseGrams = 3

export interface Weighing {
  state: ScaleState
  /** The thing that weighs so much; null where the reading says nothing of one thing. */
  of: { itemId: string; grams: number } | null
}

/** @param at monotonic ms now */
export function read(state: ScaleState, { grams, state: said }: Reading, at: number): Weighing {
  if (said === 'moving' || said === 'over') return { state, of: null }
  const now = said === 'zero' ? 0 : grams
  const delta = now - (state.grams ?? 0)
  if (Math.abs(delta) < noiseGrams) return { state: { ...state, grams: now }, of: null }
  const next = { grams: now, waiting: null, placed: [], mixed: false }
  if (delta < 0 || state.mixed || state.placed.length > 1) return { state: next, of: null }
  const [itemId] = state.placed
  if (itemId !== undefined) return { state: next, of: { itemId, grams: delta } }
  return { state: { ...next, waiting: { grams: delta, at } }, of: null }
}

/** A thing came into view. @param at monotonic ms now */
export function placedOn(state: ScaleState, itemId: string, at: number): Weighing {
  const { waiting } = state
  if (waiting && at - waiting.at <= weighsWithin)
    return { state: { ...state, waiting: null }, of: { itemId, grams: waiting.grams } }
  return { state: { ...state, waiting: null, placed: [...state.placed, itemId] }, of: null }
}

/** A thing went. */
export const takenOff = (state: ScaleState): ScaleState => ({
  ...state,
  waiting: null,
  mixed: true,
})
