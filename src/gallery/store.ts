// The gallery on disk: versions, of which the newest counts, and the pictures that they name. It has one writer.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../clock.js'
import { describeError, GroceryError } from '../errors.js'
import { hash } from '../inference/manifest.js'
import { unwritable } from '../json-file.js'
import {
  emptyGallery,
  type GalleryContent,
  type GalleryProduct,
} from '../recognition/gallery/types.js'
import { writeWhole } from '../whole-file.js'
import { pruneVectors } from './vectors.js'
import {
  fileOf,
  galleryFormat,
  type GalleryVersion,
  readVersion,
  versionOf,
} from './version-file.js'

/** So many changes can be undone. */
const keptVersions = 50

export interface GalleryStoreOptions {
  dir: string
  clock: Pick<Clock, 'wall'>
}

/** What a change did. */
export interface Changed {
  version: number
  /** Pictures that came or went. */
  pictures: number
}

const without = <T extends GalleryContent>(content: T, sku: string): T => ({
  ...content,
  products: content.products.filter(product => product.sku !== sku),
  entries: content.entries.filter(entry => entry.sku !== sku),
})

export class GalleryStore {
  readonly #options: GalleryStoreOptions
  /** Oldest first; none of an empty gallery that nothing was done to. */
  #versions: GalleryVersion[] = []
  /** Files of versions that cannot be read, with the reason. */
  readonly damaged: string[] = []

  constructor(options: GalleryStoreOptions) {
    this.#options = options
  }

  get dir(): string {
    return this.#options.dir
  }

  /** 0: nothing was ever enrolled. */
  get version(): number {
    return this.#newest?.version ?? 0
  }

  get content(): GalleryContent {
    return this.#newest ?? emptyGallery
  }

  /** Oldest first. */
  get history(): readonly Pick<GalleryVersion, 'version' | 'at' | 'change' | 'parent'>[] {
    return this.#versions
  }

  /**
   * Reads what is there; a version that cannot be read is passed over, and stands in `damaged`.
   * @throws GALLERY_INVALID where a newer grocerd wrote it, STATE_UNWRITABLE
   */
  start(): void {
    const folder = this.#folder('versions')
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      mkdirSync(this.#folder('pictures'), { recursive: true, mode: 0o700 })
    } catch (cause) {
      throw unwritable(`the gallery ${this.dir}`, cause)
    }
    for (const file of readdirSync(folder).sort()) {
      if (versionOf(file) === null) continue
      try {
        this.#versions.push(readVersion(join(folder, file)))
      } catch (error) {
        const { details } = error as { details?: { newer?: boolean } }
        if (details?.newer) throw error
        this.damaged.push(describeError(error).message)
      }
    }
    for (const { version, change } of [...this.#versions])
      if (change.op === 'forget' && change.sku !== null) this.#clear(change.sku, version)
    this.#sweep()
  }

  /**
   * Adds pictures of a product, which is made or named anew by it. Pictures that it has already count once.
   * @param pictures JPEGs as they are to be kept
   * @param by shopper: nobody of the shop answers for them
   */
  enrol(product: GalleryProduct, pictures: readonly Uint8Array[], by?: 'shopper'): Changed {
    return this.enrolAll([{ product, pictures }], 'enrol', by)
  }

  /** The same of several products in one change. */
  enrolAll(
    groups: readonly { product: GalleryProduct; pictures: readonly Uint8Array[] }[],
    op: 'enrol' | 'import',
    by?: 'shopper',
  ): Changed {
    const products = new Map(this.content.products.map(one => [one.sku, one]))
    const entries = [...this.content.entries]
    const known = new Set(entries.map(({ picture, sku }) => `${picture} ${sku}`))
    let added = 0
    for (const { product, pictures } of groups) {
      products.set(product.sku, product)
      for (const jpeg of pictures) {
        const picture = this.#keep(jpeg)
        const key = `${picture} ${product.sku}`
        if (known.has(key)) continue
        known.add(key)
        entries.push({ picture, sku: product.sku, ...(by && { by }) })
        added++
      }
    }
    const sku = groups.length === 1 ? groups[0]!.product.sku : null
    this.#write({ op, sku, pictures: added }, { products: [...products.values()], entries })
    return { version: this.version, pictures: added }
  }

  /**
   * Removes a product everywhere: from this version, from all that could be gone back to, and its pictures from the disk.
   * It cannot be undone. @throws GALLERY_SKU_UNKNOWN
   */
  forget(sku: string): Changed {
    if (!this.content.products.some(one => one.sku === sku)) {
      const known = this.content.products.map(one => one.sku)
      throw new GroceryError(
        'GALLERY_SKU_UNKNOWN',
        `Expected a product of the gallery ${this.dir} but "${sku}" is not among its ${known.length}`,
      )
    }
    const pictures = this.content.entries.filter(entry => entry.sku === sku).length
    // An undo after it takes back what was done before.
    const parent = this.#newest!.parent
    this.#write({ op: 'forget', sku, pictures }, without(this.content, sku), { parent })
    // The newest is right already; after a crash in between the next start does the rest.
    this.#clear(sku, this.version)
    this.#sweep()
    return { version: this.version, pictures }
  }

  /** Takes the last change back; again: the one before it. @throws GALLERY_NOTHING_TO_UNDO */
  undo(): Changed & { undone: GalleryVersion['change'] | null } {
    const newest = this.#newest
    const before = this.#find(newest?.parent ?? null)
    if (!newest || newest.parent === null || (newest.parent > 0 && !before)) {
      const words = `Expected a change of the gallery ${this.dir} that can be undone but there is none; the last ${keptVersions} are kept`
      throw new GroceryError('GALLERY_NOTHING_TO_UNDO', words)
    }
    const undone = this.#find(newest.as)?.change ?? null
    const content = before ?? emptyGallery
    const pictures = Math.abs(this.content.entries.length - content.entries.length)
    const change = { op: 'undo', sku: undone?.sku ?? null, pictures } as const
    this.#write(change, content, { parent: before?.parent ?? null, as: before?.as ?? 0 })
    return { version: this.version, pictures, undone }
  }

  /** A kept picture. Throws where it is gone. */
  picture(id: string): Buffer {
    return readFileSync(this.picturePath(id))
  }

  picturePath(id: string): string {
    return join(this.#folder('pictures'), `${id}.jpg`)
  }

  /** What a product's forgetting leaves nowhere: it, its pictures and their embeddings, in all versions before. */
  #clear(sku: string, before: number): void {
    const gone = new Set<string>()
    for (const [at, version] of this.#versions.entries()) {
      if (version.version >= before || !version.products.some(one => one.sku === sku)) continue
      for (const entry of version.entries) if (entry.sku === sku) gone.add(entry.picture)
      const cleared = without(version, sku)
      this.#versions[at] = cleared
      writeWhole(this.#pathOf(version.version), JSON.stringify(cleared))
    }
    const named = this.#named()
    for (const id of gone) if (named.has(id)) gone.delete(id)
    for (const id of gone) rmSync(this.picturePath(id), { force: true })
    if (gone.size > 0) pruneVectors(this.dir, id => !gone.has(id))
  }

  /** Pictures of any version. */
  #named(): Set<string> {
    return new Set(this.#versions.flatMap(one => one.entries.map(({ picture }) => picture)))
  }

  get #newest(): GalleryVersion | undefined {
    return this.#versions.at(-1)
  }

  #find(version: number | null): GalleryVersion | undefined {
    return this.#versions.find(one => one.version === version)
  }

  #folder(name: 'versions' | 'pictures'): string {
    return join(this.dir, name)
  }

  #pathOf(version: number): string {
    return join(this.#folder('versions'), fileOf(version))
  }

  #keep(jpeg: Uint8Array): string {
    const id = hash(jpeg)
    if (!existsSync(this.picturePath(id))) writeWhole(this.picturePath(id), jpeg)
    return id
  }

  #write(
    change: GalleryVersion['change'],
    content: GalleryContent,
    more: Partial<Pick<GalleryVersion, 'parent' | 'as'>> = {},
  ): void {
    const version = this.version + 1
    const next: GalleryVersion = {
      format: galleryFormat,
      version,
      at: new Date(this.#options.clock.wall()).toISOString(),
      change,
      parent: this.version,
      as: version,
      ...more,
      products: [...content.products],
      entries: [...content.entries],
    }
    writeWhole(this.#pathOf(next.version), JSON.stringify(next))
    this.#versions.push(next)
    this.#dropOld()
  }

  /** The newest stay, and those that undoing leads to: an undo is a version, too. */
  #dropOld(): void {
    const kept = new Set(this.#versions.slice(-keptVersions).map(one => one.version))
    let back = this.#newest
    for (let steps = 0; back && steps < keptVersions; steps++) {
      kept.add(back.version).add(back.as)
      back = this.#find(back.parent)
    }
    for (const { version } of this.#versions)
      if (!kept.has(version)) rmSync(this.#pathOf(version), { force: true })
    this.#versions = this.#versions.filter(one => kept.has(one.version))
  }

  /** Pictures that no version names go, and drafts that a crash left. */
  #sweep(): void {
    // What a damaged version names is not known: then nothing is thrown away.
    if (this.damaged.length > 0) return
    const named = this.#named()
    for (const file of readdirSync(this.#folder('pictures')))
      if (!named.has(file.replace(/\.jpg$/, '')))
        rmSync(join(this.#folder('pictures'), file), { force: true })
    pruneVectors(this.dir, id => named.has(id))
  }
}
