// The step of ten items: each is laid down at its place, said by the technician, and held against what the kiosk names it.
import { setTimeout as sleep } from 'node:timers/promises'
import { didYouMean } from '../../config/nearest.js'
import { judge } from '../../counter/consensus.js'
import { GroceryError } from '../../errors.js'
import type { FrameView, ProductView } from '../../observe/view.js'
import type { Box } from '../../recognition/types.js'
import { itemCount, places } from './limits.js'
import { outcomeOf } from './pictures.js'
import type { Context, Laid, Step } from './step.js'
import { calmMs, framesFor, showsThing, whileWatching } from './watching.js'

/** As many as the counter wants before it believes, and a few more. */
const votes = 5
const patienceMs = 5000
/** Among how many a shopper finds it. */
const listed = 4

/**
 * The product that somebody means by a sku, PLU, GTIN, name or the beginning of a name that is only one's.
 * Throws PRODUCT_UNKNOWN.
 */
export function productNamed(text: string, products: readonly ProductView[]): ProductView {
  const wanted = text.trim().toLowerCase()
  const is = (code: string | null) => code?.toLowerCase() === wanted
  const exact = products.filter(({ sku, name, plu, gtin }) => [sku, name, plu, gtin].some(is))
  const begins = products.filter(({ name }) => name.toLowerCase().startsWith(wanted))
  const found = exact.length > 0 ? exact : begins
  if (found.length === 1) return found[0]!
  const names = products.map(({ name }) => name)
  const words =
    found.length === 0
      ? `but none is${didYouMean(text, names)}`
      : `but it may be ${found
          .map(({ name, sku }) => `${name} (${sku})`)
          .slice(0, 5)
          .join(', ')}`
  throw new GroceryError(
    'PRODUCT_UNKNOWN',
    `Expected the sku, PLU, GTIN or name of a product that the kiosk can name ${words}: ${JSON.stringify(text)}`,
  )
}

/** What the kiosk makes of these frames, as its counter does; none where it sees several things at once. */
export function namedIn(frames: readonly FrameView[], consensus: number): Laid['named'] {
  if (frames.length === 0 || frames.some(({ observations }) => observations.length > 1)) return []
  const ballots = frames.map(({ observations }) => ({ observation: observations[0]!, leads: true }))
  const { candidates } = judge(ballots, consensus)
  return candidates.slice(0, listed).map(({ sku, name, score }) => ({ sku, name, score }))
}

/** The place that a box lies at, as the picture shows it. */
export function placeOf(box: Box, [left, , right]: Box): string {
  const centre = ((box[0] + box[2]) / 2 - left) / (right - left)
  return places[Math.max(0, Math.min(places.length - 1, Math.floor(centre * places.length)))]!
}

const shown = ({ name, plu }: ProductView) => (plu === null ? name : `${name} (PLU ${plu})`)

/** null: no more answers; 'skip': not this one. */
async function askProduct(
  { dialogue, products, items }: Context,
  index: number,
  place: string,
): Promise<ProductView | 'skip' | null> {
  const wanted = items[index % Math.max(1, items.length)]
  const head = `  Item ${index + 1} of ${itemCount}, ${place} in the picture, nothing else: lay down`
  for (;;) {
    const answer = await dialogue.ask(
      wanted
        ? `${head} ${shown(wanted)}, then Enter (or what lies there instead; s: skip)`
        : `${head} one thing, then type its PLU or name (s: skip)`,
    )
    if (answer === null || dialogue.isAlone) return null
    if (answer.toLowerCase() === 's') return 'skip'
    if (answer === '' && wanted) return wanted
    try {
      return productNamed(answer, products)
    } catch (error) {
      dialogue.say(`  ${(error as Error).message}`, 'bad')
    }
  }
}

/** One thing at its place; null and 'skip' as askProduct. How long an answer takes shows while it is laid down, what it is once it lies. */
async function lay(context: Context, index: number): Promise<Laid | 'skip' | null> {
  const place = places[index % places.length]!
  const { kiosk, config, camera } = context
  const { result, frames } = await whileWatching(kiosk, async () => {
    const product = await askProduct(context, index, place)
    if (product === null || product === 'skip') return product
    await sleep(calmMs)
    const still = await framesFor(context, patienceMs, { most: votes, fits: showsThing })
    return { product, still }
  })
  if (result === null || result === 'skip') return result
  const named = namedIn(result.still, config.counter.consensus)
  const at = named.findIndex(({ sku }) => sku === result.product.sku)
  const answers = frames.filter(showsThing).map(({ latencyMs }) => latencyMs)
  // Elsewhere than in mode tray the box is the whole region.
  const box = camera.mode === 'tray' ? result.still.at(-1)?.observations[0]?.box : undefined
  return {
    place: box ? placeOf(box, camera.roi) : place,
    product: result.product,
    named,
    rank: at < 0 ? null : at + 1,
    latencyMs: answers.length === 0 ? null : Math.max(...answers),
  }
}

const laidWords = ({ product, named, rank }: Laid): string => {
  const best = named[0]
  if (!best) return `not seen as one thing (expected ${product.name})`
  const score = `${Math.round(best.score * 100)} %`
  if (rank === 1) return `${best.name} ${score}`
  return `${best.name} ${score}; ${product.name} ${rank === null ? 'is not among the first four' : `is number ${rank}`}`
}

const median = (values: number[]): number | null =>
  values.length === 0 ? null : values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!

export const items: Step = {
  wish: 'Have ten things at hand that this shop sells loose; each lies alone on the counter.',
  run: async context => {
    const laid: Laid[] = []
    for (let index = 0; index < itemCount; index++) {
      const one = await lay(context, index)
      if (one === null) break
      if (one === 'skip') continue
      laid.push(one)
      context.dialogue.say(`    ${laidWords(one)}`, one.rank === 1 ? 'good' : 'bad')
    }
    const count = (fits: (rank: number) => boolean) =>
      laid.filter(({ rank }) => rank !== null && fits(rank)).length
    const outcome = outcomeOf({
      first: count(rank => rank === 1),
      listed: count(rank => rank <= listed),
      fewest: Math.min(...places.map(place => laid.filter(one => one.place === place).length)),
      latency: median(laid.flatMap(({ latencyMs }) => latencyMs ?? [])),
    })
    const found = places.map(place => {
      const there = laid.filter(one => one.place === place)
      return `${place} ${there.filter(({ rank }) => rank === 1).length} of ${there.length}`
    })
    const notes = [`Named first: ${found.join(', ')}.`]
    if (laid.length === itemCount) return { ...outcome, laid, notes }
    // Ten are wanted, or the limits mean nothing.
    const missing = `${laid.length} of ${itemCount} items were laid down.`
    return {
      verdict: 'notDone',
      figures: laid.length > 0 ? outcome.figures : [],
      remedies: [],
      laid,
      notes: laid.length > 0 ? [...notes, missing] : [missing],
    }
  },
}
