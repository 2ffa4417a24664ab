// What reaches in from the tray's edge: an arm that leans there is no thing, however long. Pure.
import type { Box, Observation } from '../../recognition/types.js'
import { covered } from './geometry.js'

/** A detector's box ends so near to the edge that cuts it, of the roi's sides. */
const edge = 0.02
/** What lies on an arm to this share is part of it. */
const within = 0.5

function touchesEdge(box: Box, roi: Box): boolean {
  const [across, down] = [edge * (roi[2] - roi[0]), edge * (roi[3] - roi[1])]
  return (
    box[0] <= roi[0] + across ||
    box[1] <= roi[1] + down ||
    box[2] >= roi[2] - across ||
    box[3] >= roi[3] - down
  )
}

/**
 * Goods are what somebody knows, wherever it lies, and what nobody knows but lies there whole. What nobody knows and
 * the edge cuts is an arm, or a thing of which too little is seen: either way it is no item, and the basket not complete.
 */
export function apartFromArms(
  observations: readonly Observation[],
  roi: Box,
): { goods: Observation[]; arms: Box[] } {
  const unknown = observations.filter(({ decision }) => decision === 'unknown')
  const reaching = unknown.filter(({ box }) => touchesEdge(box, roi))
  const isArm = (one: Observation) =>
    reaching.includes(one) ||
    (unknown.includes(one) && reaching.some(({ box }) => covered(one.box, box) > within))
  return {
    goods: observations.filter(one => !isArm(one)),
    arms: observations.filter(isArm).map(({ box }) => box),
  }
}
