// One frame of the tray: which thing is which, what is new, what is gone, and what the till hears of it. Pure.
import { iouOf } from '../../boxes.js'
import type { Box, FrameObservations, Observation } from '../../recognition/types.js'
import { why } from '../cell.js'
import type { Verdict } from '../consensus.js'
import { actionOf, askedAbout, identifiedAs, newItem } from '../item.js'
import type { Look, Moment } from '../state.js'
import type { ItemAction } from '../types.js'
import { apartFromArms } from './arms.js'
import { associate, likeness } from './associate.js'
import {
  carriedTo,
  contradiction,
  goneBecause,
  isAbout,
  mayCarry,
  missedIn,
  ripe,
  seenIn,
  type StillFrame,
  verdictOf,
} from './follow.js'
import { apart, covered } from './geometry.js'
import { type Around, learnBackground, looksChanged, looksUntouched } from './place.js'
import {
  isKnown,
  type KnownTrack,
  newTrack,
  type Track,
  type TraySettings,
  type TrayState,
  unseen,
} from './track.js'

export interface TrayResult {
  state: TrayState
  actions: ItemAction[]
  why: string | null
}

export const trayWhy = {
  ...why,
  hidden: 'something lies over a known item',
  arm: 'something that nobody knows reaches in from the edge',
  many: 'more things than one tray is counted with',
} as const

/** Place seen empty for so long tells a thing that was taken from one that something was put on, ms. */
const glimpseMs = 100

export const isSeen = (track: Track): boolean =>
  !track.disturbed && (track.place === null || track.place === 'same')

export const mayAnnounce = (state: TrayState, settings: TraySettings): boolean =>
  state.session !== null ? !state.session.suspended : !settings.needSession

/** The till hears of what is seen for certain, if it may and has not. */
export function announce(
  state: TrayState,
  moment: Moment,
  settings: TraySettings,
  actions: ItemAction[],
): TrayState {
  if (!mayAnnounce(state, settings)) return state
  const tracks = state.tracks.map(track => {
    if (!isKnown(track) || track.announced || !isSeen(track)) return track
    const item = track.presentAtOpen ? askedAbout(track.item) : track.item
    actions.push(actionOf('placed', null, item, state, moment))
    return { ...track, item, announced: true }
  })
  return { ...state, tracks }
}

/** Too long without a frame: what was new is forgotten, what is known must be seen again. */
const afterGap = (state: TrayState, at: number): TrayState => ({
  ...state,
  tracks: state.tracks.filter(isKnown).map(track => unseen(track, at)),
  stillSince: null,
  before: null,
})

/** What left its place is found again by many frames' word, never by one: see knownBefore. */
function pairUp(
  tracks: readonly Track[],
  observations: readonly Observation[],
  settings: TraySettings,
): (Observation | null)[] {
  const there = tracks.filter(track => track.emptyMs < glimpseMs)
  const pairs = associate(there, observations, settings)
  return tracks.map(track => pairs[there.indexOf(track)] ?? null)
}

/** While hands move nothing is decided; a thing that is seen all the same is followed. */
function whileMoving(
  state: TrayState,
  goods: readonly Observation[],
  at: number,
  settings: TraySettings,
) {
  const pairs = pairUp(state.tracks, goods, settings)
  const tracks = state.tracks.map((track, index): Track => {
    const observation = pairs[index]
    return observation && mayCarry(track, observation)
      ? carriedTo(track, observation)
      : { ...track, place: isKnown(track) ? (track.place ?? 'hand') : null, stirredAt: at }
  })
  return { ...state, tracks, stillSince: null, view: 'moving' as const }
}

/** Another new thing of its kind lies where it lay: that one is it. */
const isBackAt = (track: KnownTrack, fresh: Track, settings: TraySettings): boolean =>
  !isKnown(fresh) &&
  iouOf(track.box, fresh.box) > 0.5 &&
  isAbout(track.item, verdictOf(fresh, settings), settings)

/** The known thing that a new one is: not seen where it lay, of the same kind, gone since shortly before. */
function knownBefore(
  fresh: Track,
  verdict: Verdict,
  tracks: readonly Track[],
  settings: TraySettings,
): KnownTrack | null {
  const last = fresh.votes.findLast(one => one.leads)!.observation
  const lost = tracks.filter(isKnown).filter(
    track =>
      !isSeen(track) &&
      isAbout(track.item, verdict, settings) &&
      // A stranger is known by its place alone: another stranger elsewhere is another thing.
      (track.item.sku !== null || iouOf(track.box, fresh.box) > 0.2) &&
      !tracks.some(one => one !== fresh && isBackAt(track, one, settings)) &&
      (track.restored || fresh.bornAt - track.seenAt <= settings.refind),
  )
  const rank = (track: Track) =>
    likeness(track, last) - 0.2 * Math.min(1, apart(track.box, fresh.box))
  return lost.sort((a, b) => rank(b) - rank(a))[0] ?? null
}

/** Known things that lay where a new one lies, and whose place was seen empty before it came. */
const makesRoom = (track: Track, fresh: Track): track is KnownTrack =>
  isKnown(track) && track.emptyMs >= glimpseMs && covered(track.box, fresh.box) > 0.3

/** What looks as it did was not touched, whatever the model says now. */
const isUntouched = (
  track: Track,
  fresh: Track,
  look: Look,
  background: Float32Array | null,
  roi: Box,
): boolean =>
  isKnown(track) &&
  !isSeen(track) &&
  track.emptyMs < glimpseMs &&
  // What looks like the counter itself looks the same when another such thing lies there.
  looksChanged(track.box, look, background, roi) === true &&
  iouOf(track.box, fresh.box) > 0.5 &&
  looksUntouched(track.box, look, track.look, roi)

/** What nobody knows over a known thing that is hidden may be a hand that rests on it: it is waited for longer. */
const mayBeHand = (fresh: Track, verdict: Verdict, tracks: readonly Track[], settle: number) =>
  verdict.decision === 'unknown' &&
  fresh.steadyMs < settle &&
  tracks.some(
    one =>
      isKnown(one) && !isSeen(one) && one.emptyMs < glimpseMs && covered(one.box, fresh.box) > 0.5,
  )

/** New things that lay still for long enough become items, or turn out to be known ones that were moved. */
function settle(
  state: TrayState,
  moment: Moment,
  look: Look,
  settings: TraySettings,
  actions: ItemAction[],
): TrayState {
  let tracks = state.tracks
  for (const fresh of state.tracks) {
    if (isKnown(fresh) || fresh.misses > 0) continue
    const verdict = ripe(fresh, settings)
    if (!verdict || mayBeHand(fresh, verdict, tracks, settings.settle)) continue
    const known = knownBefore(fresh, verdict, tracks, settings)
    if (known) {
      const { item, announced, confirmed, presentAtOpen } = known
      const found = {
        ...ownWord(fresh),
        announced,
        confirmed,
        presentAtOpen,
        item: { ...item, box: fresh.box },
      }
      tracks = tracks.filter(one => one !== fresh).map(one => (one === known ? found : one))
      continue
    }
    const untouched = tracks.find(one =>
      isUntouched(one, fresh, look, state.background, settings.roi),
    )
    if (untouched) {
      const again = { ...untouched, disturbed: false, place: null, seenAt: moment.at, emptyMs: 0 }
      tracks = tracks.filter(one => one !== fresh).map(one => (one === untouched ? again : one))
      continue
    }
    for (const track of tracks.filter(one => makesRoom(one, fresh))) {
      tracks = tracks.filter(one => one !== track)
      tell(track as KnownTrack, 'taken', state, moment, actions)
    }
    const item = newItem(settings.newId(), verdict)
    tracks = tracks.map(one => (one === fresh ? { ...ownWord(fresh), item } : one))
  }
  return { ...state, tracks }
}

/** Other cameras vote on what is new only: their words on it would soon be old. */
const ownWord = (fresh: Track): Track => ({
  ...fresh,
  votes: fresh.votes.filter(one => one.leads),
})

const tell = (
  track: KnownTrack,
  reason: 'taken' | 'hidden',
  state: TrayState,
  moment: Moment,
  actions: ItemAction[],
) => {
  if (track.announced) actions.push(actionOf('removed', reason, track.item, state, moment))
}

function removeGone(
  state: TrayState,
  moment: Moment,
  frame: StillFrame,
  settings: TraySettings,
  actions: ItemAction[],
): TrayState {
  const tracks = state.tracks.filter(track => {
    const reason = goneBecause(track, frame, state.stillSince ?? frame.at, settings)
    if (!isKnown(track) || !reason) return true
    // Something new may turn out to be it in a moment.
    const mayReturn = (one: Track) =>
      !isKnown(one) && one.hits > 1 && isAbout(track.item, verdictOf(one, settings), settings)
    if (track.item.sku !== null && state.tracks.some(mayReturn)) return true
    tell(track, reason, state, moment, actions)
    return false
  })
  return { ...state, tracks }
}

/** Only frames that go on to agree on another product change what an item is. */
function rename(
  state: TrayState,
  moment: Moment,
  settings: TraySettings,
  actions: ItemAction[],
): TrayState {
  const tracks = state.tracks.map(track => {
    const verdict = contradiction(track, moment.at, settings)
    if (!isKnown(track) || !verdict) return track
    const named = identifiedAs(track.item, verdict)
    const item = track.presentAtOpen ? askedAbout(named) : named
    if (track.announced) actions.push(actionOf('changed', 'identity', item, state, moment))
    return { ...track, item, contrarySince: null }
  })
  return { ...state, tracks }
}

/** Things that no known or new track explains begin one. */
function begin(
  state: TrayState,
  strangers: readonly Observation[],
  { at, look }: StillFrame,
): TrayState {
  const fresh = strangers.map(one => ({
    ...newTrack(one, at, look),
    presentAtOpen: state.openUnseen,
  }))
  return { ...state, tracks: [...state.tracks, ...fresh] }
}

function whyNothing(state: TrayState, isReached: boolean, settings: TraySettings): string | null {
  const { tracks } = state
  if (state.view === 'many') return trayWhy.many
  if (isReached) return trayWhy.arm
  if (tracks.length === 0) return trayWhy.empty
  const fresh = tracks.find(track => !isKnown(track))
  if (fresh) return verdictOf(fresh, settings).settled ? trayWhy.still : trayWhy.disagree
  if (!mayAnnounce(state, settings)) return trayWhy.noSession
  if (tracks.some(track => track.place === 'empty')) return trayWhy.leaving
  return tracks.some(track => !isSeen(track)) ? trayWhy.hidden : null
}

function viewOf(
  { tracks, things }: TrayState,
  isReached: boolean,
  settings: TraySettings,
): TrayState['view'] {
  if (Math.max(things, tracks.filter(isKnown).length) > settings.most) return 'many'
  if (isReached || tracks.some(track => track.place === 'hand')) return 'hand'
  return tracks.length === 0 ? 'empty' : 'ok'
}

/**
 * What came to a place before a thing lies under it; everything else that is seen there may lie over it, and so may
 * what came later and the detector just missed.
 */
function aroundIt(
  track: Track,
  tracks: readonly Track[],
  observations: readonly Observation[],
  pairs: readonly (Observation | null)[],
): Around {
  const isUnder = (observation: Observation) => {
    const other = tracks[pairs.indexOf(observation)]
    return other !== undefined && isKnown(other) && other.bornAt < track.bornAt
  }
  const boxes = (wanted: boolean) =>
    observations.filter(one => isUnder(one) === wanted).map(({ box }) => box)
  const justMissed = tracks.filter(
    (one, index) => !pairs[index] && one.bornAt > track.bornAt && one.misses < 2 && !one.disturbed,
  )
  return { over: [...boxes(false), ...justMissed.map(({ box }) => box)], under: boxes(true) }
}

function whileStill(
  start: TrayState,
  observations: readonly Observation[],
  arms: readonly Box[],
  moment: Moment,
  frame: StillFrame,
  settings: TraySettings,
): TrayResult {
  const actions: ItemAction[] = []
  const isReached = arms.length > 0
  const pairs = pairUp(start.tracks, observations, settings)
  const tracks = start.tracks.flatMap((track, index): Track[] => {
    const observation = pairs[index]
    if (observation) return [seenIn(track, observation, frame, settings)]
    const around = aroundIt(track, start.tracks, observations, pairs)
    const missed = missedIn(track, around, frame, start, settings)
    return missed ? [missed] : []
  })
  const strangers = observations.filter(one => !pairs.includes(one))
  let state: TrayState = { ...start, tracks, things: observations.length }
  state = begin(state, strangers, frame)
  state = settle(state, moment, frame.look, settings, actions)
  state = rename(state, moment, settings, actions)
  state = removeGone(state, moment, frame, settings, actions)
  state = announce(state, moment, settings, actions)
  const busy = [...observations.map(({ box }) => box), ...arms]
  state = { ...state, background: learnBackground(state, frame.look, busy, settings.roi) }
  const cleared = frame.at - (state.stillSince ?? frame.at) >= settings.stable
  state = {
    ...state,
    openUnseen: state.openUnseen && !cleared,
    view: viewOf(state, isReached, settings),
  }
  return { state, actions, why: whyNothing(state, isReached, settings) }
}

/** @param at monotonic ms now, never before the frame before */
export function see(
  start: TrayState,
  frame: FrameObservations,
  at: number,
  settings: TraySettings,
): TrayResult {
  if (start.session?.suspended) return { state: start, actions: [], why: trayWhy.suspended }
  const blind = start.lastAt === null || at - start.lastAt > settings.blind
  const state: TrayState = { ...(blind ? afterGap(start, at) : start), lastAt: at }
  const stepMs = blind || start.stillSince === null ? 0 : at - start.lastAt!
  const { view } = frame.scene
  const look = frame.look ?? null
  // In the dark nothing is decided and nothing moved; the time is nobody's evidence.
  if (view === 'dark') {
    const dark = { ...state, stillSince: null, before: null, view: 'dark' as const }
    return { state: dark, actions: [], why: trayWhy.dark }
  }
  const { goods, arms } = apartFromArms(frame.observations, settings.roi)
  if (view === 'moving') {
    // After a hand only what is alike is the same thing, however little the grid changed.
    const tracks = state.tracks.map(track => ({ ...track, disturbed: true, likes: 0 }))
    const moving = whileMoving({ ...state, tracks }, goods, at, settings)
    return { state: { ...moving, before: look }, actions: [], why: trayWhy.moving }
  }
  const still = { ...state, stillSince: state.stillSince ?? at }
  // A small thing on a wide tray has little contrast: `empty` is what the detector says, not the view.
  const { capturedAt, ageMs, camera } = frame
  const moment: Moment = { at, capturedAt, ageMs, camera }
  const result = whileStill(still, goods, arms, moment, { at, stepMs, look }, settings)
  return { ...result, state: { ...result.state, before: look } }
}
