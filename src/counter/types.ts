// What the counter speaks: items, and the actions that become events. Types only.
import type { AskReason, Box, Candidate, Decision } from '../recognition/types.js'

export type Action = 'placed' | 'changed' | 'removed'
export type Reason =
  'taken' | 'hidden' | 'retracted' | 'sessionEnd' | 'identity' | 'quantity' | 'confirmed' | 'bound'
export type Disposition = 'open' | 'offered' | 'sold' | 'voided' | 'ignored' | 'leftover'

export interface Quantity {
  value: number | null
  unit: 'each' | 'g'
  source: 'assumed' | 'counted' | 'scale' | 'till'
  exact: boolean
}

/** Evidence, never for pricing. */
export interface Weight {
  grams: number
  stable: boolean
  at: string
}

/** One physical thing on the counter; sku is null while nobody knows what it is. */
export interface Item {
  itemId: string
  sku: string | null
  name: string | null
  plu: string | null
  gtin: string | null
  quantity: Quantity
  weight: Weight | null
  decision: Decision
  auto: boolean
  askReason: AskReason | null
  score: number
  alternatives: Candidate[]
  text: string | null
  box: Box
  disposition: Disposition
  lineId: string | null
}

/** One physical fact: what the counter says happened, before it gets its place in the log. */
export interface ItemAction {
  action: Action
  reason: Reason | null
  item: Item
  camera: string
  session: string | null
  /** Wall clock of the frame that decided it, ms since 1970. */
  capturedAt: number
  /** Age of that frame when the counter decided, ms. */
  ageMs: number
}

export type BasketView = 'ok' | 'moving' | 'hand' | 'dark' | 'empty' | 'many'

/** The present physical state, as the retained basket shows it. */
export interface BasketContent {
  session: string | null
  complete: boolean
  view: BasketView
  items: Item[]
}
