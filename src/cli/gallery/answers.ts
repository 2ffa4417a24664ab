// What shoppers said and was not taught: shown by product, taught at a technician's word, or thrown away.
import { systemClock } from '../../clock.js'
import { AnswerStore } from '../../gallery/answers.js'
import { GroceryError } from '../../errors.js'
import type { GalleryStore } from '../../gallery/store.js'

interface Options {
  json?: boolean
  accept?: string
  drop?: string
  dropAll?: boolean
}

/** A technician answers for them: all of a product, or the one of this id. Throws GALLERY_SKU_UNKNOWN. */
function accept(gallery: GalleryStore, answers: AnswerStore, which: string) {
  const meant = answers.all.filter(one => one.sku === which || one.id === which)
  const [first] = meant
  if (!first) {
    const waiting = [...new Set(answers.all.map(one => one.sku))].join(', ') || 'none'
    throw new GroceryError(
      'GALLERY_SKU_UNKNOWN',
      `Expected a sku of the answers that wait (${waiting}), or the id of one, but received ${which}`,
    )
  }
  const { sku, name, plu, gtin } = first
  // What the gallery calls the product stays.
  const known = gallery.content.products.find(one => one.sku === sku)
  const pictures = meant.map(one => answers.picture(one.picture))
  const changed = gallery.enrol(known ?? { sku, name, plu, gtin }, pictures)
  answers.remove(meant)
  return { sku, accepted: meant.length, ...changed }
}

/** Throws STATE_UNWRITABLE, GALLERY_SKU_UNKNOWN. */
export function showAnswers(
  gallery: GalleryStore,
  { json, accept: accepted, drop, dropAll }: Options,
): void {
  const { dir } = gallery
  const answers = new AnswerStore({ dir, clock: systemClock })
  answers.start()
  if (accepted !== undefined) {
    const taught = accept(gallery, answers, accepted)
    const words = `${taught.sku}: answers accepted ${taught.accepted}, pictures that are new ${taught.pictures} (version ${taught.version})`
    console.log(json ? JSON.stringify(taught) : words)
    return
  }
  const gone = answers.all.filter(one => dropAll || one.sku === drop)
  if (dropAll || drop !== undefined) {
    answers.remove(gone)
    console.log(json ? JSON.stringify({ dropped: gone.length }) : `dropped: ${gone.length}`)
    return
  }
  if (json) {
    console.log(JSON.stringify(answers.all))
    return
  }
  for (const sku of new Set(answers.all.map(one => one.sku))) {
    const own = answers.all.filter(one => one.sku === sku)
    const [sessions, days] = [own.map(one => one.session), own.map(one => one.day)]
    const taken = new Set(own.map(one => one.candidates[0]?.name ?? 'nothing'))
    console.log(
      `${sku}  ${own[0]!.name}  answers ${own.length}, sessions ${new Set(sessions).size}, days ${new Set(days).size}; recognised: ${[...taken].join(', ')}`,
    )
  }
  console.log(`answers ${answers.all.length}, in ${answers.dir}`)
}
