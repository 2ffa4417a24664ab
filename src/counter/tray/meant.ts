// Which thing on a tray a till means that asks without naming one: what is not yet dealt with, or the last that came. Pure.
import { iouOf } from '../../boxes.js'
import type { Observation } from '../../recognition/types.js'
import type { Meant } from '../item-counter.js'
import type { Item } from '../types.js'
import type { KnownTrack } from './track.js'

/** An observation overlaps the thing that it is of at least so much. */
const leastOverlap = 0.3

const isOpen = ({ disposition }: Item) => disposition === 'open' || disposition === 'offered'

/** @param tracks what the till was told of, oldest first; `isSeen` for each of them */
export function meantOn(
  tracks: KnownTrack[],
  isSeen: (track: KnownTrack) => boolean,
  frames: Observation[][],
): Meant {
  const seen = tracks.filter(isSeen)
  const trackOf = ({ box }: Observation) =>
    seen
      .map(track => ({ track, share: iouOf(track.box, box) }))
      .filter(({ share }) => share >= leastOverlap)
      .sort((a, b) => b.share - a.share)[0]?.track ?? null
  const open = tracks.filter(({ item }) => isOpen(item))
  const newest = open.filter(isSeen).at(-1) ?? null
  // What was sold and still lies there is not asked about.
  const left = frames.map(observations =>
    observations
      .map(observation => ({ observation, track: trackOf(observation) }))
      .filter(({ track }) => track === null || isOpen(track.item)),
  )
  // A false box comes for a frame or two; a second thing is in most frames.
  const crowded = left.filter(one => one.length > 1).length * 2 > frames.length
  const observations = left.flatMap(one => {
    const ofNewest = one.filter(({ track }) => newest !== null && track === newest)
    const best = (newest === null ? one : ofNewest).toSorted(
      (a, b) => score(b.observation) - score(a.observation),
    )[0]
    return best ? [best.observation] : []
  })
  return { observations, itemId: newest?.item.itemId ?? null, many: open.length > 1 || crowded }
}

const score = ({ candidates }: Observation) => candidates[0]?.score ?? 0
