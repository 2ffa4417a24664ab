// The counter's state, its inputs and its results: everything that the table speaks of. Types and small makers only.
import type { Box, Observation, Product } from '../recognition/types.js'
import type { Item, ItemAction, Reason } from './types.js'

/**
 * empty: nothing lies there. settling: something does, votes are gathered. placed: an item is known.
 * disturbed: it was known, and the scene moved. leaving: it was known, and nothing is seen.
 * restored: known from before a restart, and not seen again yet.
 */
export const phases = ['empty', 'settling', 'placed', 'disturbed', 'leaving', 'restored'] as const
export type Phase = (typeof phases)[number]

export const inputKinds = [
  'empty',
  'moving',
  'dark',
  'object',
  'vote',
  'open',
  'close',
  'suspend',
  'resume',
  'confirm',
  'revise',
] as const
export type InputKind = (typeof inputKinds)[number]

/** When a frame was taken; at is monotonic ms, capturedAt wall ms. */
export interface Moment {
  at: number
  capturedAt: number
  ageMs: number
  camera: string
}

export type Input = Moment &
  (
    | { kind: 'empty' | 'moving' | 'dark' }
    | { kind: 'object' | 'vote'; observation: Observation; look: Look }
    | { kind: 'open'; session: string }
    | { kind: 'close' | 'suspend' | 'resume'; session: string }
    | {
        kind: 'confirm'
        itemId: string
        product: Pick<Product, 'sku' | 'name' | 'plu' | 'gtin'>
        lineId: string | null
        quantity: number | null
      }
    /** What a line of the till or a weight makes of it; reason null: nobody is told. */
    | { kind: 'revise'; item: Item; confirmed: boolean; reason: Reason | null }
  )

export interface Session {
  id: string
  suspended: boolean
}

/** What one frame says the thing is. */
export interface Vote {
  observation: Observation
  /** false: another camera's word. */
  leads: boolean
}

/** Brightness of the scene on a coarse grid, to know an untouched thing again; null where nobody gave it. */
export type Look = Uint8Array | null

export interface CounterState {
  phase: Phase
  /** Monotonic ms since when the phase, or the contrary evidence in it, lasts. */
  since: number
  votes: Vote[]
  item: Item | null
  /** Whether the till has been told of the item. */
  announced: boolean
  confirmed: boolean
  /** Whether what lies there may have lain there before the session: then it is asked about, never told. */
  presentAtOpen: boolean
  /** How the item looked when it was last seen for certain. */
  look: Look
  /** Monotonic ms since when the item has not been seen for certain. */
  missingSince: number
  /** Monotonic ms of the last frame; null before the first. */
  lastAt: number | null
  session: Session | null
  /** How the last frame looked, for the basket. */
  view: 'ok' | 'moving' | 'dark' | 'empty'
}

export interface CounterSettings {
  needSession: boolean
  /** After a restart: how long contrary evidence must last before a restored item is believed gone. */
  settle: number
  /** How long a consensus must last before an item is announced. */
  stable: number
  /** How long to try for a consensus before asking. */
  giveUp: number
  /** How long nothing must be seen before an item is removed. */
  gone: number
  /** Share of frames that must agree. */
  consensus: number
  /** Without a frame for so long, what was seen before is no evidence any more. */
  blind: number
  newId(): string
}

export interface Result {
  state: CounterState
  actions: ItemAction[]
  /** Why nothing is announced now; null where there is nothing to explain. */
  why: string | null
}

export const initialState = (): CounterState => ({
  phase: 'empty',
  since: 0,
  votes: [],
  item: null,
  announced: false,
  confirmed: false,
  presentAtOpen: false,
  look: null,
  missingSince: 0,
  lastAt: null,
  session: null,
  view: 'empty',
})

/** What the box of an item of the whole picture is. */
export const wholePicture: Box = [0, 0, 1, 1]
