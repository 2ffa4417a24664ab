// The gallery as one embedder sees it: what it has embedded before comes from the disk, the rest from the kept pictures.
import { Embedder, type EmbedderInfo } from '../recognition/embedder.js'
import type { EmbeddedGallery } from '../recognition/gallery-classifier.js'
import { readPicture } from '../recognition/picture.js'
import type { GalleryStore } from './store.js'
import { VectorFile } from './vectors.js'

/** @param onProgress pictures embedded of those that had to be. Throws as Embedder.embed does, GALLERY_INVALID. */
export async function embedGallery(
  store: GalleryStore,
  { model, dims }: EmbedderInfo,
  embedder: Pick<Embedder, 'embed'>,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<EmbeddedGallery & { vectorFile: VectorFile }> {
  const { content } = store
  const vectorFile = new VectorFile(store.dir, model.sha256, dims)
  vectorFile.start()
  const ids = [...new Set(content.entries.map(one => one.picture))]
  const missing = ids.filter(id => !vectorFile.get(id))
  const batch = new Map<string, Float32Array>()
  for (const [done, id] of missing.entries()) {
    const input = await readPicture(store.picture(id), store.picturePath(id))
    batch.set(id, (await embedder.embed(input)).embedding)
    onProgress(done + 1, missing.length)
  }
  if (batch.size > 0) vectorFile.add(batch)
  const vectors = new Float32Array(content.entries.length * dims)
  content.entries.forEach(({ picture }, at) => vectors.set(vectorFile.get(picture)!, at * dims))
  return { content, vectors, vectorFile }
}
