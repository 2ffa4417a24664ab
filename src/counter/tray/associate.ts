// Which of a frame's observations is which known thing: by place, and by what it is where the place was disturbed. Pure.
import { iouOf } from '../../boxes.js'
import type { Observation } from '../../recognition/types.js'
import { cosine } from '../../vectors.js'
import { assign } from './assign.js'
import { apart } from './geometry.js'
import type { Track, TraySettings } from './track.js'

/** Boxes that touch less, and are further apart than half a size, are of different things. */
const leastOverlap = 0.2
const farthest = 0.5
/** A pair that costs more is none. */
const alone = 1.2
/** What is not seen must be likelier by so much than what is: else one frame's wrong answer would wake it. */
const wakeCost = 0.1

/** Scores by sku of what the track is known as, or of its votes so far. */
function scoresOf(track: Track): Map<string, number> {
  const scores = new Map<string, number>()
  const { item, votes } = track
  if (item) {
    for (const { sku, score } of item.alternatives) scores.set(sku, score)
    // What it was named, by the frames or by a person, is what it is.
    if (item.sku !== null) scores.set(item.sku, Math.max(0.9, scores.get(item.sku) ?? 0))
    return scores
  }
  for (const { observation } of votes) {
    for (const { sku, score } of observation.candidates) {
      scores.set(sku, (scores.get(sku) ?? 0) + score / votes.length)
    }
  }
  return scores
}

/** 0..1: a thing in the open is nearer to itself than 0.75, another, and one that is half hidden, seldom than 0.5. */
const nearness = (a: Float32Array, b: Float32Array) => Math.max(0, 2 * cosine(a, b) - 1)

/**
 * How well an observation fits what a track is known as, 0..1: Bhattacharyya coefficient of the scores, and how near
 * the embeddings are where both have one. Where one of them is unknown only the embeddings tell: 0.5 without them.
 */
export function likeness(track: Track, observation: Observation): number {
  const { embedding, candidates, decision, twins = [] } = observation
  const unknown = decision === 'unknown' || (track.item !== null && track.item.sku === null)
  const scores = scoresOf(track)
  const isTwin = twins.some(sku => sku === track.item?.sku)
  const byScores = unknown
    ? 0.5
    : isTwin
      ? 1
      : candidates.reduce(
          (sum, { sku, score }) => sum + Math.sqrt(score * (scores.get(sku) ?? 0)),
          0,
        )
  const names = Math.min(1, byScores)
  if (!embedding || track.embedding?.length !== embedding.length) return names
  const looks = nearness(track.embedding, embedding)
  return unknown ? looks : (names + looks) / 2
}

function pairCost(track: Track, observation: Observation, alike: number): number {
  const iou = iouOf(track.box, observation.box)
  const distance = apart(track.box, observation.box)
  if (iou < leastOverlap && distance > farthest) return Number.POSITIVE_INFINITY
  const like = likeness(track, observation)
  if (track.disturbed && like < alike) return Number.POSITIVE_INFINITY
  const wake = track.disturbed && track.place !== null ? wakeCost : 0
  return 0.6 * (1 - iou) + 0.2 * Math.min(1, distance) + 0.4 * (1 - like) + wake
}

/** For each track the observation that is it, or null; no observation is two tracks. */
export function associate(
  tracks: readonly Track[],
  observations: readonly Observation[],
  { alike }: Pick<TraySettings, 'alike'>,
): (Observation | null)[] {
  const costs = tracks.map(track => observations.map(one => pairCost(track, one, alike)))
  return assign(costs, alone).map(index => observations[index] ?? null)
}
