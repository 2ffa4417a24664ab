// A gallery as what classify and evaluate run: read while nobody writes it, embedded by the model that they name.
import { requireEnrolled, GalleryClassifier } from '../../recognition/gallery-classifier.js'
import type { ClassifierOptions, PictureClassifier } from '../../recognition/classifier.js'
import { embedGallery } from '../../gallery/embed.js'
import { withGallery } from './open.js'

/** Its start throws STATE_LOCKED, GALLERY_EMPTY, GALLERY_INVALID and as Embedder.start does. */
export const galleryClassifier = (dir: string, options: ClassifierOptions): PictureClassifier =>
  new GalleryClassifier({
    ...options,
    gallery: (info, embedder) =>
      withGallery({ gallery: dir }, store => {
        requireEnrolled(store.content, dir)
        return embedGallery(store, info, embedder)
      }),
  })
