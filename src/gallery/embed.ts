// The gallery as one embedder sees it: what it has embedded before comes from the disk, the rest from the kept pictures.
import { Embedder, type EmbedderInfo } from '../recognition/embedder.js'
import type { EmbeddedGallery } from '../recognition/gallery-classifier.js'
import { readPicture } from '../recognition/picture.js'
import type { GalleryStore } from './store.js'
import { embedMissing, VectorFile } from './vectors.js'

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
  const embed = async (id: string) => {
    const input = await readPicture(store.picture(id), store.picturePath(id))
    return (await embedder.embed(input)).embedding
  }
  await embedMissing(vectorFile, content.entries, embed, onProgress)
  return { content, vectors: vectorFile.rows(content.entries), vectorFile }
}
