// What the tray knows of one thing on it, and of all of them. Types and small makers only.
import type { Box, Observation } from '../../recognition/types.js'
import { type CounterSettings, type Look, type Session, type Vote, wholePicture } from '../state.js'
import type { BasketView, Item } from '../types.js'

export interface TraySettings extends CounterSettings {
  /** What is lifted and put back within this many ms, anywhere on the tray, is the same item. */
  putBack: number
  /** How long after it was last seen a thing that settles elsewhere may be a known one that was moved, ms. */
  refind: number
  /** Mean score that the best answer must be ahead of the second, 0..1. */
  lead: number
  /** Below this likeness, 0..1, what is seen at a place that was disturbed is another thing. */
  alike: number
  /** So many frames must be like it before a thing at a disturbed place is believed to be the same. */
  likes: number
  /** More things than this on the tray, and the basket says `many`. */
  most: number
  /** The part of the picture that the grid of a frame's `look` spans. */
  roi: Box
}

/** The rules of the tray that are not the counter's own settings. */
export const trayRules = {
  putBack: 2000,
  refind: 3000,
  lead: 0.15,
  alike: 0.25,
  likes: 2,
  most: 12,
  roi: wholePicture,
} as const satisfies Partial<TraySettings>

/** What is known of a place whose thing is not seen. unsure: the grid cannot tell it from the bare counter. */
export type Place = 'same' | 'empty' | 'hand' | 'goods' | 'unsure'

export interface Track {
  /** null while votes are gathered: nobody has been told of it, and it may be nothing. */
  item: Item | null
  announced: boolean
  confirmed: boolean
  /** It may have lain there before the session: it is asked about. */
  presentAtOpen: boolean
  /** Known from before a restart, and not seen again yet. */
  restored: boolean
  box: Box
  votes: Vote[]
  embedding: Float32Array | null
  /** Still frames since it began, and in how many of them it was seen. */
  frames: number
  hits: number
  /** Still frames in a row without it. */
  misses: number
  /** How long it lay still, ms of still frames. */
  steadyMs: number
  /** Monotonic ms. */
  bornAt: number
  seenAt: number
  /** Something moved at its place since it was last seen for certain: only what is like it is it. */
  disturbed: boolean
  /** Frames in which what is seen there was like it since: one alone may be a wrong answer. */
  likes: number
  /** The whole grid when it was last seen for certain; null where it was carried on since. */
  look: Look
  /** It was followed in a hand: where it is believed to be, no still frame has seen it yet. */
  carried: boolean
  /** How long its place was seen empty since, ms of still frames. */
  emptyMs: number
  /** Why it is not seen; null where it is. */
  place: Place | null
  /** When its place last changed, or was last covered by goods: what hides it lasts. */
  stirredAt: number
  /** Since when the frames agree on another product. */
  contrarySince: number | null
}

export interface TrayState {
  tracks: Track[]
  session: Session | null
  /** Monotonic ms of the last frame; null before the first, and when sight was lost. */
  lastAt: number | null
  /** Since when the frames are still; null while they are not. */
  stillSince: number | null
  view: BasketView
  /** What the bare counter looks like, cell by cell; NaN where it was never seen. */
  background: Float32Array | null
  /** The grid of the frame before. */
  before: Look
  /** The session opened on a tray that nobody could see: what is there at the first clear sight was there at open. */
  openUnseen: boolean
  /** Things in the newest still frame, whether known or not. */
  things: number
}

export const initialTray = (): TrayState => ({
  tracks: [],
  session: null,
  lastAt: null,
  stillSince: null,
  view: 'empty',
  background: null,
  before: null,
  openUnseen: false,
  things: 0,
})

const blank = {
  item: null,
  announced: false,
  confirmed: false,
  presentAtOpen: false,
  restored: false,
  votes: [],
  embedding: null,
  frames: 1,
  hits: 1,
  misses: 0,
  steadyMs: 0,
  disturbed: false,
  likes: 0,
  look: null,
  carried: false,
  emptyMs: 0,
  place: null,
  contrarySince: null,
} satisfies Partial<Track>

export const newTrack = (observation: Observation, at: number, look: Look): Track => ({
  ...blank,
  box: observation.box,
  votes: [{ observation, leads: true }],
  embedding: observation.embedding ?? null,
  bornAt: at,
  seenAt: at,
  stirredAt: at,
  look,
})

export type KeptTrack = Pick<Track, 'announced' | 'confirmed' | 'presentAtOpen'> & { item: Item }

/** A thing from before a restart: it must be seen again, from the first frame on. */
export const restoredTrack = (kept: KeptTrack): Track => ({
  ...blank,
  ...kept,
  box: kept.item.box,
  bornAt: 0,
  seenAt: 0,
  stirredAt: 0,
  restored: true,
  disturbed: true,
  place: 'unsure',
})

/** Anything may have happened to it: it must be seen again. */
export const unseen = (track: Track, at: number): Track => ({
  ...track,
  disturbed: true,
  likes: 0,
  look: null,
  carried: false,
  emptyMs: 0,
  place: 'unsure',
  seenAt: at,
  stirredAt: at,
  contrarySince: null,
  votes: [],
})

/** A thing that a till may be told of. */
export type KnownTrack = Track & { item: Item }
export const isKnown = (track: Track): track is KnownTrack => track.item !== null
