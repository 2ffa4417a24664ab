// Another camera's word on the one thing that has no name yet: by elimination, for boxes of two cameras are not of one plane. Pure.
import type { FrameObservations, Observation } from '../../recognition/types.js'
import { addOtherVote, judge } from '../consensus.js'
import { assign } from './assign.js'
import { likeness } from './associate.js'
import { isAbout } from './follow.js'
import { isSeen } from './see.js'
import { isKnown, type KnownTrack, type TraySettings, type TrayState } from './track.js'

/** A thing that is like nothing is assigned all the same: there must be as many as there are. */
const alone = 2

/**
 * Of all that the other camera sees, the one that is none of the known things; null where it does not know each of those
 * again, or where another of them could as well be the new one and is called otherwise.
 */
function leftOver(
  known: readonly KnownTrack[],
  observations: readonly Observation[],
  settings: TraySettings,
): Observation | null {
  const costs = known.map(track => observations.map(one => 1 - likeness(track, one)))
  const pairs = assign(costs, alone).map(index => observations[index]!)
  const rest = observations.find(one => !pairs.includes(one))!
  const mayBe = (track: KnownTrack, one: Observation) =>
    isAbout(track.item, judge([{ observation: one, leads: true }], 1), settings)
  const nameOf = ({ decision, candidates }: Observation) =>
    decision === 'unknown' ? null : candidates[0]?.sku
  const isCertain = known.every(
    (track, index) =>
      mayBe(track, pairs[index]!) &&
      (!mayBe(track, rest) || nameOf(rest) === nameOf(pairs[index]!)),
  )
  return isCertain ? rest : null
}

/** It counts only where both cameras see as many things, all known ones among them, and exactly one has no name yet. */
export function hear(
  state: TrayState,
  { scene, observations }: FrameObservations,
  settings: TraySettings,
): TrayState {
  const { tracks, stillSince, session } = state
  const isStill = stillSince !== null && (scene.view === 'object' || scene.view === 'empty')
  if (!isStill || session?.suspended || observations.length !== tracks.length) return state
  const known = tracks.filter(isKnown)
  if (known.length !== tracks.length - 1 || !known.every(isSeen)) return state
  const observation = leftOver(known, observations, settings)
  if (!observation) return state
  return {
    ...state,
    tracks: tracks.map(track =>
      isKnown(track)
        ? track
        : { ...track, votes: addOtherVote(track.votes, { observation, leads: false }) },
    ),
  }
}
