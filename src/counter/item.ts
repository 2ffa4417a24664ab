// Makes items and the actions on them. Pure; ids come from outside.
import type { Product } from '../recognition/types.js'
import type { Verdict } from './consensus.js'
import type { CounterState, Moment } from './state.js'
import type { Action, Item, ItemAction, Reason } from './types.js'

/** What a verdict says of an item's identity. */
function identityOf(verdict: Verdict) {
  const best = verdict.decision === 'unknown' ? undefined : verdict.candidates[0]
  return {
    sku: best?.sku ?? null,
    name: best?.name ?? null,
    plu: best?.plu ?? null,
    gtin: best?.gtin ?? null,
    decision: verdict.decision,
    auto: verdict.auto,
    askReason: verdict.askReason,
    score: verdict.candidates[0]?.score ?? 0,
    alternatives: verdict.candidates,
    text: verdict.text,
    box: verdict.box,
  }
}

// One kind of goods lies on a produce scale; how many or how heavy only the scale or the till knows.
const unknownQuantity: Item['quantity'] = {
  value: null,
  unit: 'each',
  source: 'assumed',
  exact: false,
}

export const newItem = (itemId: string, verdict: Verdict): Item => ({
  itemId,
  ...identityOf(verdict),
  quantity: unknownQuantity,
  weight: null,
  disposition: 'open',
  lineId: null,
})

/** Under another name. What a person called nothing to sell was the thing under its old one. */
export const identifiedAs = (item: Item, verdict: Verdict): Item => {
  const identity = identityOf(verdict)
  const isOffered = item.disposition === 'ignored' && identity.sku !== null
  return { ...item, ...identity, disposition: isOffered ? 'open' : item.disposition }
}

/** What may have lain there before the session is a question, however certain the model is. */
export const askedAbout = (item: Item): Item => ({
  ...item,
  decision: item.decision === 'sure' ? 'ask' : item.decision,
  auto: false,
  askReason: item.decision === 'unknown' ? null : 'presentAtOpen',
})

/** The same thing for the next session: nothing that the last one's till said of it holds. */
export const forgetTill = (item: Item): Item => ({
  ...item,
  quantity: unknownQuantity,
  disposition: 'open',
  lineId: null,
})

/** What lies there when its session ends: sold, nothing to sell, or left over. */
export const leftBehind = (item: Item): Item => {
  const { disposition } = item
  const isDone = disposition === 'sold' || disposition === 'ignored'
  return isDone ? item : { ...item, disposition: 'leftover' }
}

/** The same item after a person said what it is. */
export function confirmedAs(
  item: Item,
  product: Pick<Product, 'sku' | 'name' | 'plu' | 'gtin'>,
  lineId: string | null,
  quantity: number | null,
): Item {
  return {
    ...item,
    sku: product.sku,
    name: product.name,
    plu: product.plu,
    gtin: product.gtin,
    decision: 'sure',
    auto: false,
    askReason: null,
    score: item.alternatives.find(one => one.sku === product.sku)?.score ?? 0,
    quantity:
      quantity === null
        ? item.quantity
        : { ...item.quantity, value: quantity, source: 'till', exact: true },
    disposition: lineId === null ? 'offered' : 'sold',
    lineId: lineId ?? item.lineId,
  }
}

export const actionOf = (
  action: Action,
  reason: Reason | null,
  item: Item,
  state: Pick<CounterState, 'session'>,
  { capturedAt, ageMs, camera }: Moment,
): ItemAction => ({
  action,
  reason,
  item,
  camera,
  session: state.session?.id ?? null,
  capturedAt,
  ageMs,
})
