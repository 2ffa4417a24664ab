// A gallery as a folder that can be carried: gallery.json and the pictures of each sku. No embeddings: another embedder makes its own.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { GroceryError } from '../errors.js'
import { readJpegHeader } from '../inference/addon.js'
import type { Changed, GalleryStore } from './store.js'

const exportFormat = 1
const name = 'gallery.json'
/** Of one picture; kept ones have some 40 kB. */
const maxPictureBytes = 2 * 1024 * 1024

const exportSchema = z.object({
  format: z.literal(exportFormat),
  products: z.array(
    z.object({
      sku: z.string().min(1).max(200),
      name: z.string().min(1),
      plu: z.string().nullable().default(null),
      gtin: z.string().nullable().default(null),
      pictures: z.array(
        z.string().regex(/^pictures\/[0-9a-f]{64}\.jpg$/, 'Expected pictures/<sha256>.jpg'),
      ),
    }),
  ),
})

/** @param dir must be empty or not be there. @throws GALLERY_INVALID, STATE_UNWRITABLE */
export function exportGallery(
  store: GalleryStore,
  dir: string,
): { products: number; pictures: number } {
  try {
    mkdirSync(join(dir, 'pictures'), { recursive: true })
    if (readdirSync(dir).length > 1) {
      throw new GroceryError(
        'GALLERY_INVALID',
        `${dir}: Expected an empty folder to export into but it holds something`,
      )
    }
    const { products, entries } = store.content
    const written = products.map(product => {
      const own = entries.filter(entry => entry.sku === product.sku)
      return { ...product, pictures: own.map(({ picture }) => `pictures/${picture}.jpg`) }
    })
    for (const { picture } of entries)
      writeFileSync(join(dir, `pictures/${picture}.jpg`), store.picture(picture))
    const text = JSON.stringify({ format: exportFormat, products: written }, null, 1)
    writeFileSync(join(dir, name), `${text}\n`)
    return { products: products.length, pictures: entries.length }
  } catch (cause) {
    if (cause instanceof GroceryError) throw cause
    const words = `${dir}: Expected a folder that can be written but ${(cause as Error).message}`
    throw new GroceryError('STATE_UNWRITABLE', words, { cause })
  }
}

/** All or nothing; products of the same sku are joined. @throws GALLERY_INVALID */
export function importGallery(store: GalleryStore, dir: string): Changed {
  const path = join(dir, name)
  const invalid = (words: string, cause?: unknown) =>
    new GroceryError('GALLERY_INVALID', `${path}: ${words}`, { cause })
  let json: unknown
  try {
    json = JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw invalid(`Expected an exported gallery but ${(cause as Error).message}`, cause)
  }
  const result = exportSchema.safeParse(json)
  if (!result.success) {
    const issue = result.error.issues[0]!
    throw invalid(`${issue.path.join('.')}: ${issue.message}`)
  }
  const groups = result.data.products.map(({ pictures, ...product }) => ({
    product,
    pictures: pictures.map(file => {
      const bytes = readPictureFile(join(dir, file), file, invalid)
      return bytes
    }),
  }))
  return store.enrolAll(groups, 'import')
}

function readPictureFile(
  path: string,
  file: string,
  invalid: (words: string, cause?: unknown) => GroceryError,
): Uint8Array {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
    readJpegHeader(bytes)
  } catch (cause) {
    throw invalid(`Expected a JPEG at ${file} but ${(cause as Error).message}`, cause)
  }
  if (bytes.length <= maxPictureBytes) return bytes
  throw invalid(`Expected at most ${maxPictureBytes} bytes in ${file} but received ${bytes.length}`)
}
