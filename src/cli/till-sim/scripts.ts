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
  /** The till asks whether the line that was sold last by weight lies there. */
  | { do: 'verify' }
  /** The shopper puts something on what lies there, and takes it away again; the scale shows both together, and the rest. */
  | { do: 'cover' | 'uncover'; what: string; grams: number }
  | { do: 'pay' }
  | { do: 'close' }

const loose = (what: string, grams: number, ...between: Step[]): Step[] => [
  { do: 'lay', what, grams },
  { do: 'recognise', what, grams },
  { do: 'confirm' },
  ...between,
  { do: 'lift', what },
]
const [pack, packGrams] = ['bravo-orange-juice', 1040]
const pepper = 164

export const scripts: Record<string, Step[]> = {
  /** On a tray: three loose things with their weight, a pack that is put on one of them and hides it, a void. */
  sale: [
    { do: 'open' },
    ...loose('vine-tomato', 412),
    ...loose(
      'green-bell-pepper',
      pepper,
      { do: 'scan', sku: pack, name: 'Orange juice 1 l', gtin: '07310865004703' },
      { do: 'cover', what: pack, grams: pepper + packGrams },
      { do: 'uncover', what: pack, grams: pepper },
      { do: 'verify' },
    ),
    { do: 'void', line: 3 },
    ...loose('solid-potato', 350),
    { do: 'pay' },
    { do: 'close' },
  ],
  /** One thing. */
  short: [{ do: 'open' }, ...loose('vine-tomato', 412), { do: 'pay' }, { do: 'close' }],
}
