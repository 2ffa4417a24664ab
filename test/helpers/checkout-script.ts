// A script player for sales: observations, words of the till and weights over a checkout with a clock of its own.
import { Counter } from '../../src/counter/counter.js'
import type { ItemCounter } from '../../src/counter/item-counter.js'
import type { Assist } from '../../src/counter/sale/assist.js'
import { Checkout, type CheckoutSettings } from '../../src/counter/sale/checkout.js'
import type { PosWord } from '../../src/counter/sale/types.js'
import { TrayCounter } from '../../src/counter/tray/tray-counter.js'
import type { ItemAction } from '../../src/counter/types.js'
import type {
  Box,
  Decision,
  FrameObservations,
  Observation,
  Product,
  SceneView,
} from '../../src/recognition/types.js'
import { counterSettings } from './counter-settings.js'

export const candidate = (sku: string, score: number) => ({
  sku,
  name: sku,
  plu: null,
  gtin: null,
  score,
})
export const spots: Record<string, Box> = {
  left: [0.05, 0.3, 0.25, 0.55],
  middle: [0.4, 0.3, 0.6, 0.55],
  right: [0.75, 0.3, 0.95, 0.55],
}
export const whole: Box = [0, 0, 1, 1]
const decisions: Record<string, Decision> = { '?': 'unknown', '~': 'ask' }

/** `apple`: sure; `~apple`: asked about, with pear; `?`: unknown. */
function seen(what: string, box: Box): Observation {
  const decision = decisions[what[0]!] ?? 'sure'
  const sku = what.replace(/^[~?]/, '')
  const candidates = sku === '' ? [] : [candidate(sku, 0.6), candidate('pear', 0.3)]
  const askReason = decision === 'ask' ? 'confidence' : null
  return { box, decision, auto: false, askReason, candidates }
}

const grams: Record<string, [unit: 'each' | 'g', meanGrams: number | null]> = {
  melon: ['each', 1500],
  apple: ['g', 180],
  yoghurt: ['each', 150],
  pear: ['g', 170],
}
export const product = (sku: string): Product | undefined => {
  const known = grams[sku]
  if (!known) return undefined
  const [unit, meanGrams] = known
  const none = { group: null, coarse: null, variantOf: null, plu: null, gtin: null }
  return { sku, name: sku, unit, meanGrams, ...none }
}

/**
 * A checkout at 10 frames a second over one of the counters.
 * @param asks whether it is asked once a second what an attendant should see to, as the daemon does
 */
export function lane(
  mode: 'single' | 'tray',
  { asks = false, ...overrides }: Partial<CheckoutSettings> & { asks?: boolean } = {},
) {
  let ids = 0
  let at = 0
  const newId = () => `i${++ids}`
  const settings = { ...counterSettings, needSession: true, newId }
  let counter: ItemCounter
  const make = () => {
    counter = mode === 'tray' ? new TrayCounter(settings) : new Counter(settings)
    return new Checkout(counter, {
      orphanAfter: 900_000,
      pieceIsItem: mode === 'tray',
      product,
      newId: () => `a${++ids}`,
      ...overrides,
    })
  }
  let checkout = make()
  const actions: ItemAction[] = []
  const called: Assist[] = []
  let look: Uint8Array | undefined
  let words = 0
  const now = () => ({ at, capturedAt: 1_000_000 + at, ageMs: 0, camera: 'top' })
  const script = {
    get checkout() {
      return checkout
    },
    now,
    /** `moving`, `dark`, or what lies there: a sku, `apple@left pear@right`, or nothing. */
    frames(times: number, what: string, view: SceneView = 'object', leads = true) {
      const isView = what === 'moving' || what === 'dark'
      const things = isView ? [] : what.split(' ').filter(Boolean)
      const observations = things.map(thing => {
        const [sku, spot] = thing.split('@') as [string, string?]
        return seen(sku, spot ? spots[spot]! : whole)
      })
      const seenAs = isView ? what : things.length > 0 ? view : 'empty'
      const scene = { view: seenAs, motion: 0, contrast: 0.2, brightness: 0.5 }
      for (let n = 0; n < times; n++) {
        const stagesMs = { queue: 0, decode: 0, resize: 0, infer: 0 }
        const frame = { camera: 'top', frame: at / 100, capturedAt: 0, ageMs: 5 }
        script.show({ ...frame, scene, observations, stagesMs, ...(look && { look }) }, leads)
      }
      return script
    },
    /** One frame, now; the clock runs on with the frames of the camera that announces. */
    show(frame: FrameObservations, leads = true) {
      const now = { ...frame, frame: at / 100, capturedAt: 1_000_000 + at }
      actions.push(...checkout.see(now, at, leads).actions)
      if (!leads) return script
      at += 100
      if (asks && at % 1000 === 0) script.tick()
      return script
    },
    /** From now on the scene looks like this; the same number, the same look. */
    looks(like: number) {
      look = Uint8Array.from({ length: 768 }, (_, cell) => (cell * (like + 1) * 37) % 200)
      return script
    },
    tick() {
      const { actions: closed, assists } = checkout.tick(now())
      actions.push(...closed)
      called.push(...assists)
      return script
    },
    wait(ms: number) {
      at += ms
      return script
    },
    till(outcome: { actions: ItemAction[] }) {
      actions.push(...outcome.actions)
      return script
    },
    pos(kind: PosWord['kind'], more: Partial<PosWord> & { sku?: string } = {}) {
      const { sku, ...rest } = more
      const sold = sku === undefined ? null : { sku, name: sku, plu: null, gtin: null }
      const nothing = { session: 's1', lineId: null, itemId: null, pieces: null, grams: null }
      const word = { eventId: `e${++words}`, kind, product: sold, ...nothing, ...rest }
      return script.till(checkout.pos(word, now()))
    },
    weigh(grams: number, state: 'stable' | 'moving' | 'zero' | 'over' = 'stable') {
      return script.till(checkout.weigh({ grams, state }, now()))
    },
    /** kill -9, and another start from what was kept. */
    again() {
      const kept: unknown = JSON.parse(JSON.stringify(checkout.keep()))
      checkout = make()
      checkout.takeUp(kept, at, inner => (counter.restore(inner), []))
      return script
    },
    said() {
      return actions.splice(0).map(({ action, reason, item }) => {
        const line = item.lineId === null ? '' : `@${item.lineId}`
        return [action, reason, item.sku ?? '?', item.disposition + line].filter(Boolean).join(' ')
      })
    },
    /** All that a till hears since the last time, and the basket as it is now, in words. */
    hears() {
      const nameOf = (itemId: string | null) =>
        checkout.items.find(one => one.itemId === itemId)?.sku ?? (itemId === null ? null : '?')
      const events = actions.splice(0).map(({ action, reason, item }) => {
        const asked = item.decision === 'sure' ? '' : ` (${item.askReason ?? item.decision})`
        const { value, unit, source } = item.quantity
        const pieces = value === null ? '' : `${value} ${unit === 'g' ? 'g ' : ''}`
        const by = source === 'scale' ? ' by weight' : ''
        const is = item.disposition === 'open' ? '' : `, ${item.disposition}`
        const what = `${pieces}${item.sku ?? '?'}${by}${asked}${is}`
        return [action, reason, what].filter(Boolean).join(' ')
      })
      const calls = called.splice(0).map(({ kind, itemId, clearedAt }) => {
        const about = clearedAt === null ? nameOf(itemId) : null
        const what = ['assist', kind, about].filter(Boolean).join(' ')
        return clearedAt === null ? what : `${what}: cleared`
      })
      const { complete, view, items } = checkout.basket(at)
      const hidden = checkout.hidden.map(nameOf)
      const lies = items.map(one => one.sku ?? '?').join(', ') || 'nothing'
      const out = hidden.length === 0 ? '' : `; hidden: ${hidden.join(', ')}`
      const basket = `basket ${complete ? 'complete' : `incomplete, ${view}`}: ${lies}${out}`
      return [...events, ...calls, basket]
    },
    assists: () =>
      checkout.tick(now()).assists.map(one => `${one.kind} ${one.itemId} ${one.clearedAt}`),
  }
  script.frames(5, '')
  script.till(checkout.open('s1', now()))
  actions.splice(0)
  return script
}

export type Lane = ReturnType<typeof lane>
