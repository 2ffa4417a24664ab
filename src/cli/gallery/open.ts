// A gallery for one command: locked, read, given back. A running kiosk holds the lock of its own.
import { join } from 'node:path'
import { systemClock } from '../../clock.js'
import { defaultConfig, loadConfig } from '../../config/load.js'
import { GroceryError } from '../../errors.js'
import { GalleryStore } from '../../gallery/store.js'
import { takeLock } from '../../publish/outbox/lock.js'

export interface GalleryPlace {
  gallery?: string
  config?: string
}

/** In the state directory of the kiosk that is meant. Throws CONFIG_NOT_FOUND, CONFIG_INVALID. */
function folderOf({ gallery, config: file }: GalleryPlace): string {
  if (gallery !== undefined) return gallery
  const config = file === undefined ? defaultConfig(process.env) : loadConfig(file, process.env)
  return join(config.outbox.dir, 'gallery')
}

/** Throws STATE_LOCKED, STATE_UNWRITABLE, GALLERY_INVALID, CONFIG_NOT_FOUND, CONFIG_INVALID. */
export async function withGallery<T>(
  place: GalleryPlace,
  use: (store: GalleryStore) => Promise<T> | T,
): Promise<T> {
  const folder = folderOf(place)
  const release = await takeLock(folder).catch(cause => {
    if ((cause as GroceryError).code !== 'STATE_LOCKED') throw cause
    const words = `${(cause as GroceryError).message}; a running kiosk is taught by its commands enrol and forget (docs/10-gallery.md)`
    throw new GroceryError('STATE_LOCKED', words, { cause })
  })
  try {
    const store = new GalleryStore({ dir: folder, clock: systemClock })
    store.start()
    for (const words of store.damaged) process.stderr.write(`passed over: ${words}\n`)
    return await use(store)
  } finally {
    await release()
  }
}
