// What the fits of a head share: scaled rows, and how much each of them counts. Pure.
import type { LinearHead } from '../inference/types.js'
import type { EmbeddingSet, HeadOptions } from './head.js'
import { type Scaling, scaledHead, scaleRows, scalingOf } from './standardise.js'

/** Of the gradient: ten times smaller costs three times the time and changes no figure. */
const tolerance = 1e-4

/** Scaled views of pictures, then the replayed rows. */
export interface Material {
  set: EmbeddingSet
  features: Float32Array
  labels: Int32Array
  /** By row: its picture; replayed rows are pictures of their own, after the others. */
  picture: Int32Array
  /** By picture: its class. */
  classOf: Int32Array
  /** By picture: the row of its plain view. */
  plain: Int32Array
  scaling: Scaling
  frozen: LinearHead | undefined
}

export function materialOf(set: EmbeddingSet, { frozen, replay }: HeadOptions): Material {
  const { dims } = set
  const old = replay ?? { rows: new Float32Array(), labels: new Int32Array() }
  const scaling = scalingOf([set.rows, old.rows], dims)
  const views = set.picture.length
  const pictures = set.labels.length
  const features = new Float32Array(set.rows.length + old.rows.length)
  scaleRows(set.rows, scaling, features, 0)
  scaleRows(old.rows, scaling, features, views)
  const classOf = Int32Array.from([...set.labels, ...old.labels])
  const picture = Int32Array.from({ length: views + old.labels.length }, (_, row) =>
    row < views ? set.picture[row]! : pictures + row - views,
  )
  const plain = new Int32Array(pictures)
  for (let row = views - 1; row >= 0; row--) plain[set.picture[row]!] = row
  return {
    set,
    features,
    labels: picture.map(one => classOf[one]!),
    picture,
    classOf,
    plain,
    scaling,
    frozen: frozen && scaledHead(frozen, scaling),
  }
}

export function problemOf({ set, features, labels, frozen }: Material) {
  return { features, dims: set.dims, labels, classes: set.classes, frozen, tolerance }
}

/** Every class of the training side counts the same, in it every picture, in it every view. */
export function rowWeights(
  { set, picture, classOf }: Material,
  isIn: (picture: number) => boolean,
) {
  const pictures = new Int32Array(set.classes)
  for (const [one, label] of classOf.entries()) if (isIn(one)) pictures[label]!++
  const views = new Int32Array(classOf.length)
  for (const one of picture) views[one]!++
  return Float32Array.from(picture, one =>
    isIn(one) ? 1 / (pictures[classOf[one]!]! * views[one]!) : 0,
  )
}
