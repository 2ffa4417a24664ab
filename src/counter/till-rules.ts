// What the till may say of a session and of an item, whatever counts the things: the same words from every counter. Pure.
import { isDeepStrictEqual } from 'node:util'
import { GroceryError } from '../errors.js'
import type { Product } from '../recognition/types.js'
import type { Session } from './state.js'
import type { Item } from './types.js'

/** A basket older than this was not seen now, ms. */
export const freshMs = 2000

export interface Confirmation {
  session: string | null
  itemId: string
  product: Pick<Product, 'sku' | 'name' | 'plu' | 'gtin'>
  lineId: string | null
  quantity: number | null
}

/** Throws SESSION_CLOSED unless this session is the open one. */
export function expectOpen(current: Session | null, session: string | null): void {
  const open = current?.id ?? null
  if (session !== null && open === session) return
  throw new GroceryError(
    'SESSION_CLOSED',
    `Expected the open session ${open ?? '(none is open)'} but received ${session}`,
  )
}

/**
 * Whether a confirmation says anything new. Throws ITEM_GONE, ALREADY_CONFIRMED.
 * @param known the item that it is about, as the till was told of it; null where it is not there
 */
export function isNewConfirmation(
  known: { item: Item; confirmed: boolean } | null,
  { itemId, product, lineId, quantity }: Confirmation,
): boolean {
  if (!known) {
    throw new GroceryError(
      'ITEM_GONE',
      `Expected an item ${itemId} on the counter but it is not there`,
    )
  }
  const { item, confirmed } = known
  if (!confirmed) return true
  if (item.sku !== product.sku) {
    throw new GroceryError(
      'ALREADY_CONFIRMED',
      `item ${itemId} was confirmed as ${item.sku} before, not as ${product.sku}`,
    )
  }
  const before = { lineId: item.lineId, quantity: item.quantity.value }
  const says = { lineId: lineId ?? before.lineId, quantity: quantity ?? before.quantity }
  return !isDeepStrictEqual(before, says)
}
