// The sales that a scripted till can play: what the shopper does and what the till does, in order.
export type Step =
  | { do: 'open' }
  /** The shopper lays it down, and the scale stands still. */
  | { do: 'lay'; what: string; grams: number }
  /** The till asks what lies there, and the shopper touches what it is. */
  | { do: 'recognise'; what: string; grams: number }
  /** The till tells the kiosk what the step before has sold. */
  | { do: 'confirm' }
  | { do: 'lift'; what: string }
  /** The laser scanner read a pack. */
  | { do: 'scan'; sku: string; name: string; gtin: string }
  /** A line of the receipt is taken back, by its number from 1 on. */
  | { do: 'void'; line: number }
  | { do: 'verify' }
  /** Something hides the counter, and goes away. */
  | { do: 'cover' }
  | { do: 'uncover' }
  | { do: 'pay' }
  | { do: 'close' }

const loose = (what: string, grams: number, ...between: Step[]): Step[] => [
  { do: 'lay', what, grams },
  { do: 'recognise', what, grams },
  { do: 'confirm' },
  ...between,
  { do: 'lift', what },
]
const milk = { sku: 'till-milk', name: 'Milk 1 l', gtin: '07310865004703' }

export const scripts: Record<string, Step[]> = {
  /** Three loose things with their weight, a pack, a void, a hidden thing. */
  sale: [
    { do: 'open' },
    ...loose('banana', 412),
    { do: 'scan', ...milk },
    ...loose('lemon', 118, { do: 'cover' }, { do: 'uncover' }),
    { do: 'void', line: 2 },
    ...loose('cucumber', 350),
    { do: 'pay' },
    { do: 'close' },
  ],
  /** One thing. */
  short: [{ do: 'open' }, ...loose('banana', 412), { do: 'pay' }, { do: 'close' }],
}
