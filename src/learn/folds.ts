// Deals pictures to the folds of a cross-validation: stratified, and near-copies stay together. Pure.
import { randomOf } from './random.js'

export interface FoldOptions {
  /** By picture: its class. */
  labels: Int32Array
  /** By picture: near-copies share a number. */
  groups: Int32Array
  classes: number
  folds: number
  seed: number
}

/** In every training side: its class has no other group to learn from. */
export const alwaysTrained = -1

function shuffled<T>(items: T[], random: () => number): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const other = Math.floor(random() * (i + 1))
    ;[items[i], items[other]] = [items[other]!, items[i]!]
  }
  return items
}

/**
 * The fold of each picture: 0 up to folds - 1, or alwaysTrained. A class is spread over as many folds
 * as it has groups; a group goes as a whole, the largest first, to where its classes are scarcest.
 */
export function assignFolds({ labels, groups, classes, folds, seed }: FoldOptions): Int32Array {
  const members = new Map<number, number[]>()
  for (const [picture, group] of groups.entries()) {
    const own = members.get(group)
    if (own) own.push(picture)
    else members.set(group, [picture])
  }
  const random = randomOf(seed)
  const order = shuffled([...members.values()], random).sort((a, b) => b.length - a.length)

  const counts = new Int32Array(folds * classes)
  const sizes = new Int32Array(folds)
  const chosen = order.map(pictures => {
    let best = 0
    let least = [Number.POSITIVE_INFINITY, 0]
    for (let fold = 0; fold < folds; fold++) {
      let same = 0
      for (const picture of pictures) same += counts[fold * classes + labels[picture]!]!
      if (same < least[0]! || (same === least[0] && sizes[fold]! < least[1]!)) {
        best = fold
        least = [same, sizes[fold]!]
      }
    }
    for (const picture of pictures) counts[best * classes + labels[picture]!]!++
    sizes[best]! += pictures.length
    return best
  })

  // A class that would be missing from a training side keeps its smallest group there.
  const foldsOf = Array.from({ length: classes }, () => new Set<number>())
  order.forEach((pictures, index) => {
    for (const picture of pictures) foldsOf[labels[picture]!]!.add(chosen[index]!)
  })
  const result = new Int32Array(labels.length)
  for (let index = order.length - 1; index >= 0; index--) {
    const own = [...new Set(order[index]!.map(picture => labels[picture]!))]
    const kept = own.some(label => foldsOf[label]!.size === 1)
    if (kept) for (const label of own) foldsOf[label]!.add(alwaysTrained)
    for (const picture of order[index]!) result[picture] = kept ? alwaysTrained : chosen[index]!
  }
  return result
}
