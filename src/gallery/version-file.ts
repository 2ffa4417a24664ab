// One version of a gallery as a file: what is enrolled, and what change made it. Written whole, never changed after.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { GroceryError } from '../errors.js'

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
  entries: z.array(z.object({ picture: z.string().regex(/^[0-9a-f]{64}$/), sku })),
})

export type GalleryVersion = z.infer<typeof versionSchema>

export const fileOf = (version: number): string => `${String(version).padStart(8, '0')}.json`
export const versionOf = (file: string): number | null =>
  /^\d{8}\.json$/.test(file) ? Number(file.slice(0, 8)) : null

const invalid = (path: string, what: string) =>
  new GroceryError('GALLERY_INVALID', `${path}: ${what}`)

/** Throws GALLERY_INVALID; `newer` in its details says that a newer grocerd wrote it. */
export function readVersion(path: string): GalleryVersion {
  let json: { format?: unknown } | null
  try {
    json = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw invalid(path, `Expected a version of the gallery but ${(error as Error).message}`)
  }
  if (typeof json?.format === 'number' && json.format > galleryFormat) {
    const words = `${path}: Expected format ${galleryFormat} but received ${json.format}, of a newer grocerd`
    throw new GroceryError('GALLERY_INVALID', words, { details: { newer: true } })
  }
  const result = versionSchema.safeParse(json)
  if (!result.success) {
    const issue = result.error.issues[0]!
    throw invalid(path, `${issue.path.join('.')}: ${issue.message}`)
  }
  const { products, entries } = result.data
  const known = new Set(products.map(one => one.sku))
  const stray = entries.find(one => !known.has(one.sku))
  if (stray) throw invalid(path, `Expected a product ${stray.sku} for a picture but there is none`)
  return result.data
}
