// Pictures to rows of embeddings, several views each, several under way, with what the cache has.
import { readFile } from 'node:fs/promises'
import { describeError } from '../../errors.js'
import { decodeJpeg, type UprightPicture } from '../../inference/addon.js'
import { named, type PictureInput, readPicture } from '../../recognition/picture.js'
import { makeView } from '../augment.js'
import type { Unreadable } from '../evaluate.js'
import { eachInFlight } from '../in-flight.js'
import type { EmbeddingCache } from './cache.js'
import type { Embedder } from './embedder.js'
import type { TrainingPicture } from './pictures.js'

export interface Embedded {
  /** In the order of the pictures, without the unreadable ones. */
  pictures: TrainingPicture[]
  views: number
  /** pictures x views x dims; the first view of a picture is the plain one. */
  rows: Float32Array
  unreadable: Unreadable[]
  /** Views that came from the cache. */
  cached: number
}

/** About 60 MB of rows with 1280 dimensions, whatever the number of pictures up to itself. */
const mostRows = 12_000
const mostViews = 8

export const viewsFor = (pictures: number): number =>
  Math.max(1, Math.min(mostViews, Math.floor(mostRows / Math.max(1, pictures))))

/** The pixels that views are made of: not many more than the model takes. */
async function pixelsOf(input: PictureInput, side: number): Promise<UprightPicture> {
  if ('rgb' in input) return input
  return decodeJpeg(input.jpeg, { maxSide: 2 * side })
}

/** One view of a picture's content, as training sees it; view 0 goes the way of `run`. */
export async function viewOf(
  input: PictureInput,
  sha256: Buffer,
  view: number,
  side: number,
): Promise<PictureInput> {
  if (view === 0) return input
  return makeView(await pixelsOf(input, side), sha256.readUInt32LE(0), view)
}

interface EmbedOptions {
  embedder: Embedder
  pictures: readonly TrainingPicture[]
  views: number
  inFlight: number
  cache: EmbeddingCache | null
  onProgress?: (done: number, total: number) => void
}

/** A picture that cannot be read is listed, not fatal. Throws the ENGINE_* codes and INFERENCE_FAILED. */
export async function embedPictures(options: EmbedOptions): Promise<Embedded> {
  const { embedder, pictures, views, inFlight, cache, onProgress } = options
  const { dims } = embedder
  const { width, height } = embedder.model.manifest.input
  const side = Math.max(width, height)
  const rows = new Float32Array(pictures.length * views * dims)
  const failures = new Map<number, Unreadable>()
  let cached = 0
  let done = 0

  const rowOf = (index: number, view: number) => {
    const at = (index * views + view) * dims
    return rows.subarray(at, at + dims)
  }
  const embedMissing = async (index: number, missing: number[]) => {
    const { path, file, sha256 } = pictures[index]!
    const plain = await readPicture(await readFile(path), file)
    // Decoded once for all views that are made.
    const pixels = missing.some(view => view > 0) ? await pixelsOf(plain, side) : plain
    for (const view of missing) {
      const input = view === 0 ? plain : await viewOf(pixels, sha256, view, side)
      const row = await embedder.embed(input)
      rowOf(index, view).set(row)
      cache?.write(sha256, view, row)
    }
  }
  await eachInFlight(pictures, inFlight, async ({ sha256, file }, index) => {
    const missing = Array.from({ length: views }, (_, view) => view).filter(
      view => !cache?.read(sha256, view, rowOf(index, view)),
    )
    cached += views - missing.length
    try {
      if (missing.length > 0) await embedMissing(index, missing)
    } catch (error) {
      const { code, message } = describeError(named(error, file))
      // ENOENT and its like: a file that went away while the training ran.
      const isPicture = code.startsWith('IMAGE_') || /^E[A-Z]+$/.test(code)
      if (!isPicture) throw error
      failures.set(index, { file, code, message })
    }
    onProgress?.(++done, pictures.length)
  })

  const readable = pictures.map((_, index) => index).filter(index => !failures.has(index))
  for (const [to, from] of readable.entries()) {
    if (to !== from)
      rows.copyWithin(to * views * dims, from * views * dims, (from + 1) * views * dims)
  }
  return {
    pictures: readable.map(index => pictures[index]!),
    views,
    rows: rows.subarray(0, readable.length * views * dims),
    unreadable: [...failures.keys()].sort((a, b) => a - b).map(index => failures.get(index)!),
    cached,
  }
}
