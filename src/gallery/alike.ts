// What speaks against a picture of a product: that it is much like another product's, or that the trained model calls it one. Pure.
import type { GallerySearch } from '../recognition/gallery/similarity.js'
import type { GalleryContent } from '../recognition/gallery/types.js'
import type { Observation } from '../recognition/types.js'

/** More like another product than this is worth a question. */
const alikeFrom = 0.9

/** For people; none where it is like no other. @param embedding of length 1 */
export function likeOthers(
  sku: string,
  embedding: Float32Array,
  { search, content }: { search: Pick<GallerySearch, 'search'>; content: GalleryContent },
): string[] {
  const other = search
    .search(embedding)
    .find(one => content.products[one.product]!.sku !== sku && one.similarity >= alikeFrom)
  if (!other) return []
  const { sku: known, name } = content.products[other.product]!
  return [`it is much like ${name} (${known}), ${other.similarity.toFixed(2)} of 1`]
}

/** For people; none where the trained model does not say for certain that it is another product. */
export function calledAnother(
  sku: string,
  { decision, candidates }: Pick<Observation, 'decision' | 'candidates'>,
): string[] {
  const best = candidates[0]
  if (decision !== 'sure' || !best || best.sku === sku) return []
  return [
    `the trained model is sure that it is ${best.name} (${best.sku}): such pictures stay a question, with what was taught first`,
  ]
}
