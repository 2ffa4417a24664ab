// Situations of a produce scale: one kind of goods at a time.
import type { Situation } from './types.js'

const single = ['single'] as const

export const singleOnly: Situation[] = [
  {
    name: 'next item on before the first is off',
    modes: single,
    steps: [
      [
        'an apple is laid down',
        p => p.frames(6, 'apple'),
        ['placed apple', 'basket complete: apple'],
      ],
      [
        'a pear comes beside it: both are seen',
        p => p.frames(2, 'moving').frames(5, '~apple'),
        ['basket complete: apple'],
      ],
      [
        'the apple goes',
        p => p.frames(2, 'moving').frames(6, 'pear'),
        ['removed taken apple', 'placed pear', 'basket complete: pear'],
      ],
    ],
  },
  {
    name: 'the same product twice',
    modes: single,
    steps: [
      [
        'a melon of 1,500 g is laid down',
        p => p.weigh(0, 'zero').frames(6, 'melon').weigh(1500),
        ['placed melon', 'changed quantity 1 melon by weight', 'basket complete: melon'],
      ],
      [
        'another of 1,600 g comes',
        p => p.frames(3, 'moving').frames(6, 'melon').weigh(3100),
        ['changed quantity 2 melon by weight', 'basket complete: melon'],
      ],
      [
        'it is taken off again',
        p => p.frames(3, 'moving').frames(6, 'melon').weigh(1500),
        ['changed quantity 1 melon by weight', 'basket complete: melon'],
      ],
    ],
    note: 'One item for all pieces of a kind; the scale counts them.',
  },
  {
    name: 'items added while being recognised',
    modes: single,
    steps: [
      [
        'a pear is laid down, and 0.2 s later two more',
        p => p.frames(2, 'pear').frames(3, 'moving').frames(2, 'pear'),
        ['basket incomplete, ok: nothing'],
      ],
      ['all lie still', p => p.frames(3, 'pear'), ['placed pear', 'basket complete: pear']],
    ],
  },
  {
    name: 'hand, sleeve or handbag left on the scale',
    modes: single,
    steps: [
      [
        'an apple is laid down',
        p => p.frames(6, 'apple'),
        ['placed apple', 'basket complete: apple'],
      ],
      [
        'a sleeve rests on it: nothing is known of it',
        p => p.frames(2, 'moving').frames(10, '?'),
        ['changed identity ? (unknown)', 'basket complete: ?'],
      ],
      ['for 9 s', p => p.frames(90, '?'), ['assist unknown ?', 'basket complete: ?']],
      [
        'it goes',
        p => p.frames(2, 'moving').frames(20, 'apple'),
        ['changed identity apple', 'assist unknown: cleared', 'basket complete: apple'],
      ],
    ],
    note: 'One picture of the whole plate: what covers the item looks like the item changed. A till asks while it is unknown.',
  },
  {
    name: 'bunch larger than the region',
    modes: single,
    steps: [
      [
        'only a part of it is seen, and the answers change',
        p => {
          for (let n = 0; n < 8; n++) p.frames(1, '~apple').frames(1, '~fig')
        },
        ['placed apple (confidence)', 'basket complete: apple'],
      ],
      ['for 9 s', p => p.frames(90, '~apple'), ['basket complete: apple']],
    ],
  },
  {
    name: 'two kinds in one bag',
    modes: single,
    steps: [
      [
        'the frames say now apple, now pear',
        p => {
          for (let n = 0; n < 10; n++) p.frames(1, 'apple').frames(1, 'pear')
        },
        ['placed pear (conflict)', 'basket complete: pear'],
      ],
      [
        'for 9 s',
        p => {
          for (let n = 0; n < 45; n++) p.frames(1, 'apple').frames(1, 'pear')
        },
        ['assist conflict pear', 'basket complete: pear'],
      ],
      [
        'a person says that it is nothing to sell',
        p => p.pos('voided', { itemId: p.checkout.items[0]!.itemId }).frames(10, '?'),
        [
          'changed confirmed pear (conflict), ignored',
          'assist conflict: cleared',
          'basket complete: pear',
        ],
      ],
    ],
  },
  {
    name: 'dirty but empty plate',
    modes: single,
    steps: [
      [
        'a leaf stays: contrast, and nothing known',
        p => p.frames(10, '?'),
        ['placed ? (unknown)', 'basket complete: ?'],
      ],
      ['for 9 s', p => p.frames(90, '?'), ['assist unknown ?', 'basket complete: ?']],
      [
        'a person says that it is nothing to sell',
        p => p.pos('voided', { itemId: p.checkout.items[0]!.itemId }).frames(10, '?'),
        ['changed confirmed ? (unknown), ignored', 'assist unknown: cleared', 'basket complete: ?'],
      ],
      [
        'an apple is laid down',
        p => p.frames(2, 'moving').frames(30, 'apple'),
        ['changed identity apple', 'basket complete: apple'],
      ],
    ],
    note: 'It is an object to mode single; more `counter.emptyContrast`, or a clean plate.',
  },
  {
    name: 'bag first, fruit after',
    modes: single,
    steps: [
      [
        'an empty bag is laid down',
        p => p.weigh(0, 'zero').frames(8, '?').weigh(4),
        ['placed ? (unknown)', 'basket complete: ?'],
      ],
      [
        'apples are put into it',
        p => p.frames(4, 'moving').frames(10, 'apple').weigh(900),
        ['changed identity apple', 'basket complete: apple'],
      ],
    ],
  },
  {
    name: 'multipack against singles',
    modes: single,
    steps: [
      [
        'four yoghurts, or a pack of four: 600 g',
        p => p.weigh(0, 'zero').frames(6, 'yoghurt').weigh(600),
        ['placed yoghurt', 'changed quantity 4 yoghurt by weight', 'basket complete: yoghurt'],
      ],
      [
        'the till scans the multipack',
        p => p.pos('scanned', { lineId: 'l1', sku: 'yoghurt-4' }),
        ['basket complete: yoghurt'],
      ],
    ],
    note: 'No picture of one pack says that it is four: where the two look alike, they are variants of one another (`variantOf`), and it is asked.',
  },
]
