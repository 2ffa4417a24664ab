// From a folder of photographs to the set of embeddings that a head is fitted on.
import { createHash } from 'node:crypto'
import { describeError } from '../../errors.js'
import type { Label } from '../../inference/labels.js'
import { viewsVersion } from '../augment.js'
import { problemsIn } from '../csv.js'
import type { EmbeddingSet } from '../head.js'
import { type EmbeddingCache, openCache } from './cache.js'
import { type ClassFolder, scanClasses } from './classes.js'
import { embedPictures, type Embedded, viewsFor } from './embed.js'
import type { Embedder } from './embedder.js'
import { groupsByLook } from './groups.js'
import { fewestPictures, type Pictures, readPictures, tooFew, wantedPictures } from './pictures.js'
import type { TrainOptions } from './train.js'

/** Folders, names and exact copies: all that can be wrong before a picture is decoded. */
export async function readData(
  options: TrainOptions,
  taken: readonly Label[],
): Promise<{ classes: ClassFolder[]; data: Pictures }> {
  const { images, onProgress } = options
  const names = [...new Set(taken.flatMap(({ sku, name }) => [sku, name]))]
  const scan = scanClasses(images, names)
  const data = await readPictures(images, scan.classes, share => onProgress?.('reading', share))
  const problems = [...scan.problems, ...data.problems]
  if (problems.length > 0) throw problemsIn('DATASET_INVALID', images, problems)
  return { classes: scan.classes, data }
}

/** The rows of one base depend on its weights, on how pictures reach it, and on what views are. */
function cacheKey({ bytes, names, model }: Embedder): string {
  const facts = [bytes.sha256, names.embedding, model.manifest.input, viewsVersion]
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex')
}

export async function embedAll(
  options: TrainOptions,
  embedder: Embedder,
  data: Pictures,
  warnings: string[],
): Promise<Embedded> {
  let cache: EmbeddingCache | null = null
  try {
    if (options.cache !== null) cache = openCache(options.cache, cacheKey(embedder), embedder.dims)
  } catch (error) {
    warnings.push(`no cache of embeddings: ${describeError(error).message}`)
  }
  try {
    return await embedPictures({
      embedder,
      pictures: data.pictures,
      views: viewsFor(data.pictures.length),
      inFlight: options.runtime.streams + 1,
      cache,
      onProgress: (done, total) => options.onProgress?.('embedding', done / total),
    })
  } finally {
    const failed = cache?.close()
    if (failed) warnings.push(`the cache of embeddings could not be written: ${failed}`)
  }
}

/** Classes that lost too much to unreadable files are refused, small ones are told. */
export function countClasses(
  images: string,
  names: readonly string[],
  { pictures, unreadable }: Embedded,
  warnings: string[],
): { name: string; pictures: number }[] {
  const counts = names.map(() => 0)
  for (const { truth } of pictures) counts[truth]!++
  const problems = names.flatMap((name, truth) =>
    counts[truth]! < fewestPictures ? [tooFew(name, counts[truth]!)] : [],
  )
  if (problems.length > 0) {
    const reasons = unreadable.map(({ code, message }) => `${code} ${message}`)
    throw problemsIn('DATASET_INVALID', images, [...problems, ...reasons])
  }
  const small = names.filter((_, truth) => counts[truth]! < wantedPictures)
  if (small.length > 0) {
    const shown = small.slice(0, 5).join(', ')
    const rest = small.length > 5 ? ` and ${small.length - 5} more` : ''
    warnings.push(`fewer than ${wantedPictures} pictures, which is little: ${shown}${rest}`)
  }
  return names.map((name, truth) => ({ name, pictures: counts[truth]! }))
}

/** The row of each picture as it is. */
export const plainRows = ({ rows, pictures, views }: Embedded, dims: number): Float32Array[] =>
  pictures.map((_, index) => rows.subarray(index * views * dims, (index * views + 1) * dims))

/** @param first the class that the folder's first one is: behind those of the base with --add */
export function embeddingSet(
  embedded: Embedded,
  dims: number,
  first: number,
  classes: number,
): EmbeddingSet {
  const { rows, pictures, views } = embedded
  const labels = Int32Array.from(pictures, one => first + one.truth)
  return {
    rows,
    dims,
    picture: Int32Array.from({ length: pictures.length * views }, (_, i) => Math.floor(i / views)),
    labels,
    groups: groupsByLook(plainRows(embedded, dims), labels),
    classes,
  }
}
