// One version of a gallery as a file: what is enrolled, and what change made it. Written whole, never changed after.
import { z } from 'zod'
import { GroceryError } from '../errors.js'
import { readJson } from '../json-file.js'

/** Rises when older versions of grocerd could not read what this one writes. */
export const galleryFormat = 1

const sku = z.string().min(1).max(200)
const versionSchema = z.object({
  format: z.literal(galleryFormat),
  version: z.int().min(1),
  /** UTC. */
  at: z.string(),
  change: z.object({
    op: z.enum(['enrol', 'forget', 'undo', 'import']),
    /** null: of several. */
    sku: sku.nullable(),
    pictures: z.int().min(0),
  }),
  /** The version that an undo goes back to; 0: the empty gallery, null: there is nothing before. */
  parent: z.int().min(0).nullable(),
  /** The version that first had this content: itself, but after an undo. */
  as: z.int().min(0),
  products: z.array(
    z.object({
      sku,
      name: z.string().min(1),
      plu: z.string().nullable(),
      gtin: z.string().nullable(),
    }),
  ),
  entries: z.array(
    z.object({
      picture: z.string().regex(/^[0-9a-f]{64}$/),
      sku,
      by: z.literal('shopper').optional(),
    }),
  ),
})

export type GalleryVersion = z.infer<typeof versionSchema>

export const fileOf = (version: number): string => `${String(version).padStart(8, '0')}.json`
export const versionOf = (file: string): number | null =>
  /^\d{8}\.json$/.test(file) ? Number(file.slice(0, 8)) : null

const invalid = (path: string, what: string) =>
  new GroceryError('GALLERY_INVALID', `${path}: ${what}`)

/** Throws GALLERY_INVALID; `newer` in its details says that a newer grocerd wrote it. */
export function readVersion(path: string): GalleryVersion {
  const what = 'a version of the gallery'
  const code = 'GALLERY_INVALID'
  const found = readJson(path, { schema: versionSchema, format: galleryFormat, code, what })
  if (!found) throw invalid(path, `Expected ${what} but it is gone`)
  const { products, entries } = found
  const known = new Set(products.map(one => one.sku))
  const stray = entries.find(one => !known.has(one.sku))
  if (stray) throw invalid(path, `Expected a product ${stray.sku} for a picture but there is none`)
  return found
}
