// One thing through one still frame: seen, or not seen and why; and what the frames then say it is. Pure.
import { iouOf } from '../../boxes.js'
import type { Observation } from '../../recognition/types.js'
import { addVote, judge, type Verdict } from '../consensus.js'
import { modelSku, sameThing } from '../frames.js'
import type { Item } from '../types.js'
import type { Look } from '../state.js'
import { between } from './geometry.js'
import { type Around, looksChanged, placeOf } from './place.js'
import { isKnown, type Track, type TraySettings, type TrayState } from './track.js'

/** A still frame, and how long the scene had been still before it. */
export interface StillFrame {
  at: number
  /** ms since the frame before, 0 where that one was not still. */
  stepMs: number
  look: Look
}

/** A box that jumped so far is not lying still. */
const leastSteady = 0.5
/** The item's box follows only what is more than jitter: each change is a new basket. */
const sameBox = 0.7
/** How fast a box and an embedding follow their newest. */
const following = 0.4
/** A new thing must be seen in this share of the frames, and at once again. */
const leastSeen = 0.6
/** Where they do not agree on what it is, so many of them for each one that missed it. */
const seenForAMiss = 3
const mostMisses = 3

/** How far the best, with its twins, is ahead of what is neither. */
function leadOf({ candidates, twins }: Verdict): number {
  const best = candidates[0]
  const second = candidates.find(({ sku }) => sku !== best?.sku && !twins.includes(sku))
  return best ? best.score - (second?.score ?? 0) : 0
}

/** What the votes agree on, weighted by their scores and with a lead; not settled otherwise. */
export function verdictOf(track: Track, settings: TraySettings): Verdict {
  const verdict = judge(track.votes, settings.consensus)
  const ahead = verdict.decision === 'unknown' || leadOf(verdict) >= settings.lead
  return { ...verdict, box: track.box, settled: verdict.settled && ahead }
}

/** Whether what the frames show can be this item: a question's answer that the best leads is none. */
export const isAbout = (item: Item, verdict: Verdict, { lead }: Pick<TraySettings, 'lead'>) =>
  sameThing(item, verdict) ||
  (verdict.decision === 'ask' &&
    verdict.candidates.some(
      ({ sku, score }) =>
        (sku === item.sku || sku === modelSku(item)) && score > verdict.candidates[0]!.score - lead,
    ))

/** What a new thing is once it lay still for long enough; a question where the frames do not agree by then. */
export function ripe(track: Track, settings: TraySettings): Verdict | null {
  const { hits, frames, steadyMs, votes } = track
  if (hits < leastSeen * frames || steadyMs < settings.stable) return null
  const verdict = verdictOf(track, settings)
  // A patch of sun that is taken for a thing now and then has another name each time.
  if (verdict.agreement < 1 && hits <= seenForAMiss * (frames - hits)) return null
  if (verdict.settled) return verdict
  const triedEnough = steadyMs >= Math.max(settings.giveUp, settings.stable) && votes.length >= 3
  return triedEnough ? { ...verdict, decision: 'ask', auto: false, askReason: 'conflict' } : null
}

/** Another product that the frames go on to agree on; null as long as they do not. */
export function contradiction(track: Track, at: number, settings: TraySettings): Verdict | null {
  const { item, confirmed, contrarySince } = track
  if (!item || confirmed || contrarySince === null) return null
  return at - contrarySince >= settings.giveUp ? verdictOf(track, settings) : null
}

/** Since when the frames agree on what the item is not; frames that know less are no news. */
function contrary(track: Track, at: number, settings: TraySettings): number | null {
  if (!isKnown(track)) return null
  const verdict = verdictOf(track, settings)
  const isNews =
    verdict.settled && verdict.decision !== 'unknown' && !sameThing(track.item, verdict)
  return isNews ? (track.contrarySince ?? at) : null
}

const follow = (old: Float32Array | null, now: Float32Array | undefined) =>
  old && now && old.length === now.length
    ? old.map((value, index) => value + following * (now[index]! - value))
    : (now ?? old)

/** What nobody knows carries nothing away that is known: it may be the hand itself, or the goods in it. */
export const mayCarry = (track: Track, observation: Observation): boolean =>
  observation.decision !== 'unknown' ||
  !track.item?.sku ||
  iouOf(track.box, observation.box) >= leastSteady

/** Followed in a moving frame: what it looked like where it lay says nothing of where it is now. */
export const carriedTo = (track: Track, observation: Observation): Track => {
  const jumped = iouOf(track.box, observation.box) < leastSteady
  const moved = movedTo(track, observation, 1)
  return jumped ? { ...moved, look: null, carried: true } : moved
}

/** Where the thing is now, and in its item where it moved by more than jitter. */
export function movedTo(track: Track, observation: Observation, share: number): Track {
  const box = between(track.box, observation.box, share)
  const { item } = track
  return { ...track, box, item: item && iouOf(item.box, box) < sameBox ? { ...item, box } : item }
}

export function seenIn(
  track: Track,
  observation: Observation,
  { at, stepMs, look }: StillFrame,
  settings: TraySettings,
): Track {
  const jumped = iouOf(track.box, observation.box) < leastSteady
  const moved = movedTo(track, observation, jumped ? 1 : following)
  const votes = addVote(jumped ? [] : track.votes, { observation, leads: true })
  const seen: Track = {
    ...moved,
    votes,
    embedding: follow(track.embedding, observation.embedding),
    frames: track.frames + 1,
    hits: track.hits + 1,
    misses: 0,
    steadyMs: jumped ? 0 : track.steadyMs + stepMs,
    seenAt: at,
    disturbed: track.disturbed && track.likes + 1 < settings.likes,
    likes: track.likes + 1,
    restored: false,
    look: look ?? track.look,
    carried: false,
    emptyMs: 0,
    place: null,
  }
  return { ...seen, contrarySince: contrary(seen, at, settings) }
}

/** Not seen in a still frame; null: it was nothing. */
export function missedIn(
  track: Track,
  around: Around,
  { at, stepMs, look }: StillFrame,
  { background, before }: TrayState,
  settings: TraySettings,
): Track | null {
  const misses = track.misses + 1
  if (!isKnown(track)) {
    if (misses >= mostMisses) return null
    // The clock of a new thing runs on over a missed frame: the next ones say whether it lies still.
    return {
      ...track,
      frames: track.frames + 1,
      misses,
      steadyMs: track.steadyMs + stepMs,
    }
  }
  const seems = placeOf(track, around, look, background, settings.roi)
  // Nothing comes back unseen to a place that was seen empty: what looks like it there is another thing.
  const place = seems === 'same' && track.emptyMs > 0 ? 'goods' : seems
  // It lies there as it did, and the detector missed it.
  if (place === 'same') return { ...track, misses, place, seenAt: at, disturbed: false, emptyMs: 0 }
  const stirs = place === 'goods' || looksChanged(track.box, look, before, settings.roi) === true
  return {
    ...track,
    misses,
    place,
    stirredAt: stirs ? at : track.stirredAt,
    emptyMs: place === 'empty' ? track.emptyMs + stepMs : track.emptyMs,
  }
}

/**
 * Why a thing that is not seen is believed gone; null while it is not.
 * taken: its place was seen empty for `gone`, and it was not put back in time; or, where no grid can tell, the
 * detector saw nothing there for `settle`. hidden: something that never moves lies over it for `settle`.
 */
export function goneBecause(
  track: Track,
  { at }: StillFrame,
  stillSince: number,
  settings: TraySettings,
): 'taken' | 'hidden' | null {
  const { place, emptyMs, seenAt, stirredAt, restored } = track
  const { gone, putBack, settle } = settings
  if (place === null || place === 'same' || at - stillSince < gone) return null
  const missing = at - seenAt
  if (emptyMs >= gone && missing >= Math.max(putBack, restored ? settle : 0)) return 'taken'
  const quiet = at - Math.max(stirredAt, seenAt)
  if (place === 'unsure' && quiet >= settle) return 'taken'
  return place === 'hand' && quiet >= settle ? 'hidden' : null
}
