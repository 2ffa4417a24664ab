// grocerd gallery: what is enrolled, forgetting, undoing, and carrying it to another kiosk.
import { Command } from 'commander'
import type { GalleryStore } from '../gallery/store.js'
import type { GalleryPlace } from './gallery/open.js'

interface Options extends GalleryPlace {
  json?: boolean
}

async function onGallery(options: Options, use: (store: GalleryStore) => void): Promise<void> {
  const { withGallery } = await import('./gallery/open.js')
  await withGallery(options, use)
}

const counted = (count: number, one: string) => `${count} ${one}${count === 1 ? '' : 's'}`

function list({ content, version, dir }: GalleryStore, asJson: boolean): void {
  const pictures = new Map<string, number>()
  for (const { sku } of content.entries) pictures.set(sku, (pictures.get(sku) ?? 0) + 1)
  const products = content.products.map(one => ({ ...one, pictures: pictures.get(one.sku) ?? 0 }))
  if (asJson) {
    console.log(JSON.stringify({ version, products }))
    return
  }
  for (const { sku, name, plu, gtin, pictures } of products) {
    const codes = [plu && `PLU ${plu}`, gtin && `GTIN ${gtin}`].filter(Boolean).join(', ')
    console.log(`${sku}  ${name}${codes ? `  (${codes})` : ''}  ${counted(pictures, 'picture')}`)
  }
  console.log(
    `${counted(products.length, 'product')}, ${counted(content.entries.length, 'picture')}, version ${version} of ${dir}`,
  )
}

function history({ history }: GalleryStore, asJson: boolean): void {
  const shown = history.map(({ version, at, change }) => ({ version, at, ...change }))
  if (asJson) console.log(JSON.stringify(shown))
  else
    for (const { version, at, op, sku, pictures } of shown)
      console.log(`${version}  ${at}  ${op} ${sku ?? 'several'}, ${counted(pictures, 'picture')}`)
}

const say = (asJson: boolean | undefined, words: string, json: object) =>
  console.log(asJson ? JSON.stringify(json) : words)

/** One action with the options that all have. */
const action = (name: string, description: string) =>
  new Command(name)
    .description(description)
    .option('--config <file>', 'the configuration of the kiosk whose gallery it is')
    .option('--gallery <dir>', 'where the gallery is (default: gallery/ in the state directory)')
    .option('--json', 'for programs')

export const galleryCommand = (): Command =>
  new Command('gallery')
    .description('what is enrolled')
    .addCommand(
      action('list', 'products and how many pictures each has').action((options: Options) =>
        onGallery(options, store => list(store, options.json ?? false)),
      ),
    )
    .addCommand(
      action('history', 'the changes, oldest first').action((options: Options) =>
        onGallery(options, store => history(store, options.json ?? false)),
      ),
    )
    .addCommand(
      action('forget', 'remove a product with all its pictures, for good')
        .argument('<sku>')
        .action((sku: string, options: Options) =>
          onGallery(options, store => {
            const changed = store.forget(sku)
            const words = `${sku} is forgotten, with ${counted(changed.pictures, 'picture')} (version ${changed.version})`
            say(options.json, words, changed)
          }),
        ),
    )
    .addCommand(
      action('answers', 'what shoppers said and was not taught yet')
        .option('--accept <sku>', 'teach those of a product at once; or the id of one, of --json')
        .option('--drop <sku>', 'throw away those of a product')
        .option('--drop-all', 'throw all away')
        .action(
          async (options: Options & { accept?: string; drop?: string; dropAll?: boolean }) => {
            const { showAnswers } = await import('./gallery/answers.js')
            await onGallery(options, store => showAnswers(store, options))
          },
        ),
    )
    .addCommand(
      action('undo', 'take the last change back').action((options: Options) =>
        onGallery(options, store => {
          const { undone, ...changed } = store.undo()
          const what = undone ? `${undone.op} ${undone.sku ?? 'of several'}` : 'the last change'
          say(options.json, `taken back: ${what} (version ${changed.version})`, {
            ...changed,
            undone,
          })
        }),
      ),
    )
    .addCommand(
      action('export', 'write products and pictures into a folder')
        .argument('<dir>')
        .action(async (dir: string, options: Options) => {
          const { exportGallery } = await import('../gallery/carry.js')
          await onGallery(options, store => {
            const { products, pictures } = exportGallery(store, dir)
            const words = `${counted(products, 'product')} with ${counted(pictures, 'picture')} written to ${dir}`
            say(options.json, words, { products, pictures })
          })
        }),
    )
    .addCommand(
      action('import', 'add what another gallery exported')
        .argument('<dir>')
        .action(async (dir: string, options: Options) => {
          const { importGallery } = await import('../gallery/carry.js')
          await onGallery(options, store => {
            const changed = importGallery(store, dir)
            const words = `${counted(changed.pictures, 'picture')} imported (version ${changed.version})`
            say(options.json, words, changed)
          })
        }),
    )
