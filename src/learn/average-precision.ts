// How well boxes are found, as COCO counts it, without classes: average precision over overlaps, and recall. Pure.
import { iouOf } from '../boxes.js'
import type { Box } from '../recognition/types.js'

/** One picture: what is there, and what was found, best first. */
export interface FoundBoxes {
  boxes: readonly Box[]
  crowd: readonly boolean[]
  detections: readonly { box: Box; score: number }[]
}

/** Rates 0..1. */
export interface DetectionMetrics {
  images: number
  boxes: number
  /** Mean over the overlaps 0.50, 0.55, … 0.95. */
  ap: number
  ap50: number
  ap75: number
  /** Of the boxes, at an overlap of 0.5, with all detections. */
  recall: number
  /** The same with so many detections that a picture has one false box on average. */
  recallAt1fp: number
}

const overlaps = Array.from({ length: 10 }, (_, at) => 0.5 + 0.05 * at)
const recallPoints = 100
/** So many of a picture count. */
const mostDetections = 100

interface Match {
  score: number
  isRight: boolean
}

/** Each detection takes the free box that it overlaps most; crowds are neither right nor wrong. */
function matchesOf({ boxes, crowd, detections }: FoundBoxes, overlap: number): Match[] {
  const taken = new Set<number>()
  const matches: Match[] = []
  for (const { box, score } of detections.slice(0, mostDetections)) {
    let best = -1
    let bestIou = overlap
    boxes.forEach((one, index) => {
      if (crowd[index] || taken.has(index)) return
      const iou = iouOf(box, one)
      if (iou < bestIou) return
      best = index
      bestIou = iou
    })
    if (best >= 0) taken.add(best)
    // In a crowd, boxes are not told apart: what lies mostly inside is left out.
    else if (boxes.some((one, index) => crowd[index] && insideOf(box, one) >= overlap)) continue
    matches.push({ score, isRight: best >= 0 })
  }
  return matches
}

/** The share of a box that lies in another. */
function insideOf(box: Box, other: Box): number {
  const width = Math.min(box[2], other[2]) - Math.max(box[0], other[0])
  const height = Math.min(box[3], other[3]) - Math.max(box[1], other[1])
  const area = (box[2] - box[0]) * (box[3] - box[1])
  return width > 0 && height > 0 ? (width * height) / area : 0
}

/** Best first. */
const allMatches = (pictures: readonly FoundBoxes[], overlap: number): Match[] =>
  pictures.flatMap(picture => matchesOf(picture, overlap)).sort((a, b) => b.score - a.score)

function averagePrecision(matches: readonly Match[], boxes: number): number {
  if (boxes === 0) return 0
  let right = 0
  const points = matches.map(({ isRight }, index) => {
    if (isRight) right++
    return { recall: right / boxes, precision: right / (index + 1) }
  })
  // The best precision at this recall or more.
  for (let at = points.length - 2; at >= 0; at--)
    points[at]!.precision = Math.max(points[at]!.precision, points[at + 1]!.precision)
  let sum = 0
  let at = 0
  for (let point = 0; point <= recallPoints; point++) {
    while (at < points.length && points[at]!.recall < point / recallPoints) at++
    sum += points[at]?.precision ?? 0
  }
  return sum / (recallPoints + 1)
}

export function measureDetections(pictures: readonly FoundBoxes[]): DetectionMetrics {
  const boxes = pictures.reduce((sum, one) => sum + one.crowd.filter(crowd => !crowd).length, 0)
  const aps = overlaps.map(overlap => averagePrecision(allMatches(pictures, overlap), boxes))
  const matches = allMatches(pictures, 0.5)
  let [right, wrong, rightAt1fp] = [0, 0, 0]
  for (const { isRight } of matches) {
    if (isRight) right++
    else wrong++
    if (wrong <= pictures.length) rightAt1fp = right
  }
  const share = (count: number) => (boxes === 0 ? 0 : count / boxes)
  return {
    images: pictures.length,
    boxes,
    ap: aps.reduce((sum, one) => sum + one, 0) / aps.length,
    ap50: aps[0]!,
    ap75: aps[5]!,
    recall: share(right),
    recallAt1fp: share(rightAt1fp),
  }
}
