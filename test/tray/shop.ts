// A scripted shop: the shoppers of a clip and their till over the real counter and sale, and what went wrong between them.
import { touchesFor } from '../../src/cli/till-sim/book.js'
import type { Assist } from '../../src/counter/sale/assist.js'
import { Checkout } from '../../src/counter/sale/checkout.js'
import { isUnsold } from '../../src/counter/sale/lines.js'
import { makeCounter } from '../../src/counter/make-counter.js'
import { wholePicture } from '../../src/counter/state.js'
import type { Item, ItemAction } from '../../src/counter/types.js'
import { GroceryError } from '../../src/errors.js'
import type { FrameObservations } from '../../src/recognition/types.js'
import { iouOf } from '../../src/boxes.js'
import { counterSettings } from '../helpers/counter-settings.js'
import type { Names } from './names.js'
import { randomOf } from './random.js'
import type { shopClip } from './scenarios.js'
import { percentile } from './score.js'
import type { Goods, TruthFrame } from './stage.js'

export interface ShopScore {
  sessions: number
  loose: number
  packs: number
  touches: number
  /** The same, where the till does not show what an unknown thing may be above its menu. */
  touchesIfHidden: number
  /** Loose things that never came into the list: the shopper took the till's menu. */
  unlisted: number
  /** Of each loose thing: from the stable weight to its place in the till's list, or to the till's own menu. */
  toListMs: number[]
  /** Placed as something to sell: a thing that was placed before in its session, one that was sold before. */
  twice: number
  afterSold: number
  /** Placed again under another id, and told as sold: never offered. */
  retold: number
  /** Placed, and nothing lies there. */
  ghosts: number
  /** Sessions in which somebody was called: because of us, and because of what the shopper did. */
  attendedForUs: number
  attendedForThem: number
  faults: string[]
}

export const emptyShopScore = (): ShopScore => ({
  ...{ sessions: 0, loose: 0, packs: 0, touches: 0, touchesIfHidden: 0, unlisted: 0 },
  ...{
    toListMs: [],
    twice: 0,
    afterSold: 0,
    retold: 0,
    ghosts: 0,
    attendedForUs: 0,
    attendedForThem: 0,
    faults: [],
  },
})

export const shopFigures = (score: ShopScore) => ({
  sessions: score.sessions,
  loose: score.loose,
  packs: score.packs,
  unlisted: score.unlisted,
  touchesPerLoose: score.touches / score.loose,
  touchesIfHidden: score.touchesIfHidden / score.loose,
  toListP50Ms: percentile(score.toListMs, 0.5),
  toListP95Ms: percentile(score.toListMs, 0.95),
  announcedTwice: score.twice,
  announcedAfterSold: score.afterSold,
  toldAgainAsSold: score.retold,
  ghostsPerThousand: (1000 * score.ghosts) / score.sessions,
  attendedForUs: score.attendedForUs / score.sessions,
  attendedForThem: score.attendedForThem / score.sessions,
})

/** All that the model names on a tray; on a scale one loose thing, as large as half of the picture. */
export function shopGoods(mode: 'single' | 'tray', { products, answers }: Names): Goods {
  const skus = [...answers.keys()]
  if (mode === 'tray') return { skus, answers }
  const loose = skus.filter(sku => products.get(sku)!.group === 'loose')
  return { skus: loose, answers, sizes: { across: [0.5, 0.7], down: [0.5, 0.7] } }
}

/** A shopper who does not find a thing in the list waits so long, and takes the till's own menu, ms. */
const menuAfterMs = 4000

interface Thing {
  id: number
  sku: string
  visit: number
  isPack: boolean
  grams: number
  box: TruthFrame['things'][number]['box']
  /** Rests now; when it last did; whether enough of it is seen. */
  rests: boolean
  restedAt: number
  visible: number
  /** When the till sells a pack. */
  scanAt: number
  isSold: boolean
  stableAt: number | null
  touchAt: number | null
  itemId: string | null
  wasPlaced: boolean
}

type Shopping = ReturnType<typeof shopClip>

export function playShop(
  clip: Shopping,
  mode: 'single' | 'tray',
  { products }: Names,
  score: ShopScore,
): void {
  let ids = 0
  let at = 0
  let visit = -1
  let open: string | null = null
  let lines = 0
  // The clip's own numbers stay as they are.
  const random = randomOf(clip.seed + 7_000_000)
  const newId = () => `i${++ids}`
  const counter = makeCounter(
    { mode, roi: wholePicture },
    { ...counterSettings, needSession: true, newId },
  )
  const checkout = new Checkout(counter, {
    ...{ orphanAfter: 900_000, pieceIsItem: mode === 'tray', newId },
    product: sku => products.get(sku),
  })
  const things = new Map<number, Thing>()
  const scale = { key: '', settledAt: 0 }
  const called = { us: new Set<number>(), them: new Set<number>() }
  const now = () => ({ at, capturedAt: 1_000_000 + at, ageMs: 0, camera: 'tray' })
  const fault = (words: string) =>
    score.faults.push(`${mode} ${clip.seed} visit ${visit} at ${at / 1000} s: ${words}`)
  const soldAs = (sku: string) => products.get(sku)!
  const of = (itemId: string | null) => [...things.values()].find(one => one.itemId === itemId)

  const placed = ({ item }: ItemAction) => {
    const near = [...things.values()]
      .filter(one => one.rests || at - one.restedAt <= 1000)
      .filter(one => mode === 'single' || iouOf(one.box, item.box) > 0.3)
    const couldBe = ({ sku }: Thing) => item.alternatives.some(one => one.sku === sku)
    const rank = (one: Thing) => (one.itemId === null ? 2 : 0) + (couldBe(one) ? 1 : 0)
    const thing = near.sort((a, b) => rank(b) - rank(a))[0]
    const what = `${item.sku} (${item.decision}, ${item.disposition})`
    if (!thing) {
      score.ghosts++
      return fault(`ghost ${what}`)
    }
    // What the shopper before left there is asked about.
    if (thing.visit !== visit) return void (thing.itemId = item.itemId)
    if (isUnsold(item) && thing.isSold) {
      score.afterSold++
      fault(`${what} is ${thing.sku}, sold before`)
    } else if (thing.wasPlaced && !isUnsold(item)) score.retold++
    else if (thing.wasPlaced) {
      score.twice++
      fault(`${what} is ${thing.sku}, placed before`)
    }
    thing.itemId = item.itemId
    thing.wasPlaced = true
  }
  const tell = ({ actions }: { actions: readonly ItemAction[] }) => {
    for (const one of actions) {
      if (one.action === 'placed') placed(one)
      const thing = one.action === 'removed' && of(one.item.itemId)
      if (thing) thing.itemId = null
    }
  }

  /** Called for by us, unless what the shopper did is what it says. */
  const call = ({ kind, itemId }: Assist) => {
    const thing = itemId === null ? undefined : of(itemId)
    const isLeft = kind === 'leftover' && thing?.rests && !thing.isSold
    const isCovered = kind === 'hidden' && thing?.rests && thing.visible < 0.4
    called[isLeft || isCovered ? 'them' : 'us'].add(visit)
    if (!isLeft && !isCovered) fault(`called for ${kind}: ${thing?.sku ?? 'nothing'}`)
  }

  const turn = (one: Shopping['visits'][number], index: number) => {
    if (one.open === at) {
      visit = index
      open = `v${index}`
      score.sessions++
      for (const thing of things.values()) thing.wasPlaced = false
      tell(checkout.open(open, now()))
    }
    if (one.paid === at) pos('paid', null, null, null)
    if (one.close !== at || open === null) return
    tell(checkout.close(open, now()))
    open = null
  }
  const pos = (
    kind: 'scanned' | 'weighed' | 'paid',
    sku: string | null,
    lineId: string | null,
    grams: number | null,
  ) => {
    const product = sku === null ? null : soldAs(sku)
    const eventId = `e${++lines}`
    const word = {
      eventId,
      kind,
      session: open,
      lineId,
      itemId: null,
      product,
      pieces: null,
      grams,
    }
    tell(checkout.pos(word, now()))
  }

  /** What lies there in truth. */
  const look = (frame: TruthFrame) => {
    for (const thing of things.values()) thing.rests = false
    for (const { id, sku, box, rests, visible } of frame.things) {
      let thing = things.get(id)
      if (!thing) {
        const isPack = products.get(sku)!.group === 'packed'
        const grams = Math.round(isPack ? random.between(150, 1500) : random.between(60, 900))
        thing = {
          ...{ id, sku, visit, isPack, grams, box, rests, restedAt: 0, visible },
          ...{ isSold: false, stableAt: null, touchAt: null, itemId: null, wasPlaced: false },
          // Most are scanned on their way, some when they lie there.
          scanAt: at + (random.chance(0.8) ? -1 : random.between(1500, 3500)),
        }
        things.set(id, thing)
        if (isPack) score.packs++
        else score.loose++
      }
      Object.assign(thing, { box, rests, visible })
      if (rests) thing.restedAt = at
    }
  }

  const weigh = () => {
    const lying = [...things.values()].filter(one => one.rests)
    const key = lying.map(({ id }) => id).join()
    if (key !== scale.key) {
      Object.assign(scale, { key, settledAt: at + random.between(400, 900) })
    }
    if (scale.settledAt === Infinity || at < scale.settledAt) return
    scale.settledAt = Infinity
    const grams = lying.reduce((sum, one) => sum + one.grams, Math.round(random.normal()))
    const state = lying.length > 0 ? ('stable' as const) : ('zero' as const)
    tell(checkout.weigh({ grams, state }, now()))
    for (const thing of lying) thing.stableAt ??= at
  }

  const sell = (thing: Thing, item: Item | null) => {
    const lineId = `l${++lines}`
    const seen = item && { decision: item.decision, candidates: item.alternatives }
    score.touches += touchesFor(seen, thing.sku)
    score.touchesIfHidden += touchesFor(seen?.decision === 'unknown' ? null : seen, thing.sku)
    thing.isSold = true
    const product = soldAs(thing.sku)
    const itemId = item?.itemId
    try {
      if (itemId)
        tell(checkout.confirm({ session: open, itemId, product, lineId, quantity: null }, now()))
    } catch (error) {
      if (!(error instanceof GroceryError)) throw error
      fault(`${error.code}: ${thing.sku}`)
    }
    pos('weighed', thing.sku, lineId, thing.grams)
  }

  /** The shopper looks at the till's list, touches what it is, or gives up looking. */
  const shop = (thing: Thing) => {
    const { isPack, isSold, rests, stableAt } = thing
    if (isSold || thing.visit !== visit) return
    if (isPack) {
      if (at < thing.scanAt) return
      thing.isSold = true
      return pos('scanned', thing.sku, `l${++lines}`, null)
    }
    if (!rests || stableAt === null) return
    const item = checkout.items.find(one => one.itemId === thing.itemId && isUnsold(one)) ?? null
    if (thing.touchAt === null) {
      if (!item && at - stableAt < menuAfterMs) return
      score.toListMs.push(at - stableAt)
      if (!item) {
        score.unlisted++
        fault(`${thing.sku} is not in the list`)
      }
      thing.touchAt = at + random.between(800, 2000)
    }
    if (at >= thing.touchAt) sell(thing, item)
  }

  for (const one of clip.frames) {
    at = one.at
    look(one)
    clip.visits.forEach(turn)
    if (open !== null) for (const thing of things.values()) shop(thing)
    weigh()
    tell(checkout.see(mode === 'tray' ? one.frame : asOne(one.frame), at, true))
    if (at % 1000 !== 0) continue
    const { assists, ...outcome } = checkout.tick(now())
    tell(outcome)
    for (const assist of assists) if (assist.clearedAt === null) call(assist)
  }
  score.attendedForUs += called.us.size
  score.attendedForThem += called.them.size
}

/** As a camera in mode `single` gives it: one answer about the whole picture. */
function asOne(frame: FrameObservations): FrameObservations {
  const observations = frame.observations.slice(0, 1).map(one => ({ ...one, box: wholePicture }))
  return { ...frame, observations }
}
