// grocerd enrol: a new product from one picture or more, or by its name alone, without training.
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { Command } from 'commander'
import { GroceryError } from '../errors.js'
import type { KeptPicture } from '../gallery/picture.js'
import type { GalleryStore } from '../gallery/store.js'
import type { GalleryProduct } from '../recognition/gallery/types.js'
import { type ProductOptions, productOf } from '../gallery/product.js'
import type { GalleryPlace } from './gallery/open.js'
import { addRuntimeOptions, type ModelOptions } from './model-options.js'

interface Options
  extends
    ProductOptions,
    GalleryPlace,
    Pick<ModelOptions, 'device' | 'runtime' | 'threads' | 'streams'> {
  model: string
  images?: string
  json?: boolean
}

interface Group {
  product: GalleryProduct
  files: string[]
}

/** --images: a folder a sku; its name is the product's, unless a product of that sku has one. */
function groupsIn(folder: string, store: GalleryStore): Group[] {
  const names = new Map(store.content.products.map(one => [one.sku, one]))
  const skus = readdirSync(folder, { withFileTypes: true })
    .filter(one => one.isDirectory())
    .map(one => one.name)
    .sort()
  if (skus.length === 0) {
    throw new GroceryError(
      'DATASET_INVALID',
      `${folder}: Expected a folder per sku but it has none`,
    )
  }
  return skus.map(sku => ({
    product: names.get(sku) ?? productOf({ sku, name: sku }),
    files: readdirSync(join(folder, sku))
      .filter(name => /\.(jpe?g|png)$/i.test(name))
      .sort()
      .map(name => join(folder, sku, name)),
  }))
}

/** Without a terminal nobody can answer: it is taken, and said. */
async function isWanted(question: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return true
  const ask = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y/i.test(await ask.question(`${question} Take it? [y/N] `))
  } finally {
    ask.close()
  }
}

async function enrol(files: string[], options: Options): Promise<void> {
  const byName = files.length === 0 && options.images === undefined && options.sku !== undefined
  if (!byName && files.length > 0 === (options.images !== undefined)) {
    throw new GroceryError('USAGE', 'Expected pictures, or --images DIR with a folder per sku')
  }
  if (byName) return enrolName(options)
  const { Embedder } = await import('../recognition/embedder.js')
  const { GallerySearch } = await import('../recognition/gallery/similarity.js')
  const { readPicture } = await import('../recognition/picture.js')
  const { keepPicture } = await import('../gallery/picture.js')
  const { embedGallery } = await import('../gallery/embed.js')
  const { likeOthers } = await import('../gallery/alike.js')
  const { hash } = await import('../inference/manifest.js')
  const { classifierOptions } = await import('./model-options.js')
  const { withGallery } = await import('./gallery/open.js')

  const { model, runtime } = classifierOptions(options)
  const embedder = new Embedder({ model, runtime })
  const said: { file: string; sku: string; warnings: string[]; taken: boolean }[] = []
  await withGallery(options, async store => {
    const groups = options.images
      ? groupsIn(options.images, store)
      : [{ product: productOf(options), files }]
    const info = await embedder.start()
    try {
      const { content, vectors, vectorFile } = await embedGallery(store, info, embedder)
      const search = new GallerySearch(content, vectors, info.dims)
      const taken: { product: GalleryProduct; pictures: Uint8Array[] }[] = []
      const fresh = new Map<string, Float32Array>()
      for (const { product, files } of groups) {
        const pictures: Uint8Array[] = []
        for (const file of files) {
          const input = await readPicture(readFileSync(file), file)
          const { jpeg, warnings }: KeptPicture = await keepPicture(input, file)
          const { embedding } = await embedder.embed({ jpeg })
          warnings.push(...likeOthers(product.sku, embedding, { search, content }))
          const isTaken =
            warnings.length === 0 || (await isWanted(`${basename(file)}: ${warnings.join('; ')}.`))
          if (isTaken) {
            pictures.push(jpeg)
            fresh.set(hash(jpeg), embedding)
          }
          said.push({ file, sku: product.sku, warnings, taken: isTaken })
        }
        if (pictures.length > 0) taken.push({ product, pictures })
      }
      const changed =
        taken.length > 0 ? store.enrolAll(taken, 'enrol') : { version: store.version, pictures: 0 }
      // Kept now, so that the next question is answered at once.
      for (const id of fresh.keys()) if (vectorFile.get(id)) fresh.delete(id)
      vectorFile.add(fresh)
      report(options.json ?? false, said, changed, store)
    } finally {
      await embedder.stop()
    }
  })
}

/** No model is loaded: what stands on the pack is to be read when it lies there. */
async function enrolName(options: Options): Promise<void> {
  const { withGallery } = await import('./gallery/open.js')
  const product = productOf(options)
  await withGallery(options, async store => {
    const { version } = store.enrol(product, [])
    if (options.json) {
      console.log(JSON.stringify({ version, added: 0, pictures: [] }))
      return
    }
    const own = store.content.entries.filter(({ sku }) => sku === product.sku).length
    const known = own > 0 ? `has ${own} pictures` : 'is known by its name alone: set models.text'
    console.log(`${product.sku} "${product.name}" ${known} (version ${version})`)
  })
}

function report(
  asJson: boolean,
  said: { file: string; sku: string; warnings: string[]; taken: boolean }[],
  { version, pictures }: { version: number; pictures: number },
  store: GalleryStore,
): void {
  for (const { file, warnings, taken } of said)
    for (const words of warnings)
      process.stderr.write(`${file}: ${words}; ${taken ? 'taken all the same' : 'left out'}\n`)
  const { products, entries } = store.content
  if (asJson) {
    console.log(JSON.stringify({ version, added: pictures, pictures: said }))
    return
  }
  const known = said.filter(one => one.taken).length - pictures
  console.log(
    `${pictures} ${pictures === 1 ? 'picture' : 'pictures'} enrolled${known > 0 ? `, ${known} known already` : ''}; the gallery has ${products.length} products with ${entries.length} pictures (version ${version})`,
  )
}

export const enrolCommand = (): Command =>
  addRuntimeOptions(
    new Command('enrol')
      .description(
        'teach a product by pictures (one is enough, five are better), or a pack by the name on it',
      )
      .argument('[image...]', 'JPEG or PNG files that show the product alone')
      .option('--model <dir>', 'an embedder: a name under models/ or a folder', 'grocery-embedder')
      .option('--config <file>', 'the configuration of the kiosk whose gallery it is')
      .option('--gallery <dir>', 'where the gallery is (default: gallery/ in the state directory)')
      .option('--sku <sku>', 'of the product')
      .option('--name <name>', 'of the product, for people')
      .option('--plu <plu>', '4 or 5 digits')
      .option('--gtin <gtin>', '8, 12, 13 or 14 digits')
      .option('--images <dir>', 'a folder per sku instead')
      .option('--json', 'one object: {version, added, pictures}'),
  ).action(enrol)
