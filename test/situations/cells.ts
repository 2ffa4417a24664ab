// One short script for each cell of the counter's table: how a phase comes about, and an input in it.
import type { InputKind, Phase } from '../../src/counter/state.js'
import { candidate, type Lane } from '../helpers/checkout-script.js'

export const reach: Record<Phase, (p: Lane) => Lane> = {
  empty: p => p.frames(1, ''),
  settling: p => p.frames(2, 'apple'),
  placed: p => p.frames(6, 'apple'),
  disturbed: p => p.frames(6, 'apple').frames(1, 'moving'),
  leaving: p => p.frames(6, 'apple').frames(2, ''),
  restored: p => p.frames(6, 'apple').again(),
}

/** The item that a till would name; where none was told of, one that it made up. */
const itemId = (p: Lane) => p.checkout.items[0]?.itemId ?? 'i0'
const confirmed = (p: Lane) => ({
  session: 's1',
  itemId: itemId(p),
  product: candidate('fig', 0),
  lineId: null,
  quantity: null,
})

export const give: Record<InputKind, (p: Lane) => unknown> = {
  empty: p => p.frames(1, ''),
  moving: p => p.frames(1, 'moving'),
  dark: p => p.frames(1, 'dark'),
  object: p => p.frames(1, 'apple'),
  vote: p => p.frames(1, 'apple', 'object', false),
  open: p => p.till(p.checkout.open('s2', p.now())),
  close: p => p.till(p.checkout.close('s1', p.now())),
  suspend: p => p.till(p.checkout.suspend('s1', p.now())),
  resume: p => p.till(p.checkout.resume('s1', p.now())),
  confirm: p => p.till(p.checkout.confirm(confirmed(p), p.now())),
  revise: p => p.pos('voided', { itemId: itemId(p) }),
}

/** What the till hears of each, in the order of `inputKinds`; a code where the counter refuses it before the table is asked. */
export const cellsHear: Record<Phase, string[]> = {
  empty: [
    'basket complete: nothing',
    'basket incomplete, moving: nothing',
    'basket incomplete, dark: nothing',
    'basket incomplete, ok: nothing',
    'basket complete: nothing',
    'basket complete: nothing',
    'basket complete: nothing',
    'basket incomplete, empty: nothing',
    'basket complete: nothing',
    'ITEM_GONE',
    'basket complete: nothing',
  ],
  settling: [
    'basket complete: nothing',
    'basket incomplete, moving: nothing',
    'basket incomplete, dark: nothing',
    'basket incomplete, ok: nothing',
    'basket incomplete, ok: nothing',
    'basket incomplete, ok: nothing',
    'basket incomplete, ok: nothing',
    'basket incomplete, ok: nothing',
    'basket incomplete, ok: nothing',
    'ITEM_GONE',
    'basket incomplete, ok: nothing',
  ],
  placed: [
    'basket incomplete, empty: apple; hidden: apple',
    'basket incomplete, moving: apple; hidden: apple',
    'basket incomplete, dark: apple',
    'basket complete: apple',
    'basket complete: apple',
    'placed apple (presentAtOpen); basket complete: apple',
    'removed sessionEnd apple, leftover; basket incomplete, ok: nothing',
    'basket incomplete, ok: apple',
    'basket incomplete, ok: apple; hidden: apple',
    'changed confirmed fig, offered; basket complete: fig',
    'changed confirmed apple, ignored; basket complete: apple',
  ],
  disturbed: [
    'basket incomplete, empty: apple; hidden: apple',
    'basket incomplete, moving: apple; hidden: apple',
    'basket incomplete, dark: apple; hidden: apple',
    'basket incomplete, ok: apple; hidden: apple',
    'basket incomplete, moving: apple; hidden: apple',
    'basket incomplete, moving: nothing',
    'removed sessionEnd apple, leftover; basket incomplete, moving: nothing',
    'basket incomplete, moving: apple; hidden: apple',
    'basket incomplete, moving: apple; hidden: apple',
    'changed confirmed fig, offered; basket incomplete, moving: fig; hidden: fig',
    'changed confirmed apple, ignored; basket incomplete, moving: apple; hidden: apple',
  ],
  leaving: [
    'basket incomplete, empty: apple; hidden: apple',
    'basket incomplete, moving: apple; hidden: apple',
    'basket incomplete, dark: apple; hidden: apple',
    'basket incomplete, ok: apple; hidden: apple',
    'basket incomplete, empty: apple; hidden: apple',
    'basket incomplete, empty: nothing',
    'removed taken apple; basket complete: nothing',
    'basket incomplete, empty: apple; hidden: apple',
    'basket incomplete, empty: apple; hidden: apple',
    'changed confirmed fig, offered; basket incomplete, empty: fig; hidden: fig',
    'changed confirmed apple, ignored; basket incomplete, empty: apple; hidden: apple',
  ],
  restored: [
    'basket incomplete, empty: apple; hidden: apple',
    'basket incomplete, moving: apple; hidden: apple',
    'basket incomplete, dark: apple; hidden: apple',
    'basket incomplete, ok: apple; hidden: apple',
    'basket incomplete, empty: apple; hidden: apple',
    'basket incomplete, empty: nothing',
    'removed sessionEnd apple, leftover; basket incomplete, empty: nothing',
    'basket incomplete, empty: apple; hidden: apple',
    'basket incomplete, empty: apple; hidden: apple',
    'changed confirmed fig, offered; basket incomplete, empty: fig; hidden: fig',
    'changed confirmed apple, ignored; basket incomplete, empty: apple; hidden: apple',
  ],
}

/** Words of a line that come only to an item that the line has sold: the ledger asks the table for no other. */
export const unsaid = [
  'open x changed',
  'open x weighed',
  'open x voided',
  'offered x changed',
  'offered x weighed',
  'offered x voided',
  'sold x bound',
  'voided x changed',
  'voided x weighed',
  'voided x voided',
  'ignored x bound',
  'ignored x changed',
  'ignored x weighed',
  'ignored x voided',
  'leftover x bound',
  'leftover x changed',
  'leftover x weighed',
  'leftover x voided',
  'leftover x dismissed',
]
