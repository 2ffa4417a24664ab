// Non-maximum suppression: of boxes that lie on one another the best stays. Pure.
import { iouOf } from '../../boxes.js'
import type { Found } from './types.js'

export interface NmsOptions {
  /** Below it a box is nothing. */
  minScore: number
  /** Boxes that share more (intersection over union) are one thing. */
  iou: number
  /** So many stay at most. */
  most: number
}

/** More are not compared: the best are among them, and the time is their square. */
const mostCompared = 1000

/** @returns the places of the boxes that stay, best first; of equal scores the earlier box. What is not a number never stays. */
export function nms({ boxes, scores }: Found, { minScore, iou, most }: NmsOptions): number[] {
  const order: number[] = []
  for (let at = 0; at < scores.length; at++) if (scores[at]! >= minScore) order.push(at)
  order.sort((a, b) => scores[b]! - scores[a]! || a - b)
  const kept: number[] = []
  for (const one of order.slice(0, mostCompared)) {
    if (kept.length >= most) break
    const isFree = kept.every(other => iouOf(boxes, boxes, 4 * one, 4 * other) <= iou)
    if (isFree) kept.push(one)
  }
  return kept
}
