// Situations of a tray: several things, hands over them, and one on the other.
import { cell } from '../helpers/tray-scene.js'
import type { Situation } from './types.js'

const tray = ['tray'] as const
const six = [0, 1, 2, 3, 4, 5].map(n => [`yoghurt${n}`, cell(n % 3, Math.floor(n / 3))] as const)

export const trayOnly: Situation[] = [
  {
    name: 'next item on before the first is off',
    modes: tray,
    steps: [
      [
        'an apple is laid down',
        (_, s) => s.still(10).put('apple', 'left').still(6),
        ['placed apple', 'basket complete: apple'],
      ],
      [
        'a pear comes beside it',
        (_, s) => s.put('pear', 'right').still(6),
        ['placed pear', 'basket complete: apple, pear'],
      ],
      [
        'the apple goes',
        (_, s) => s.take('apple').still(25),
        ['removed taken apple', 'basket complete: pear'],
      ],
    ],
  },
  {
    name: 'the same product twice',
    modes: tray,
    steps: [
      [
        'two apples are laid down',
        (_, s) => s.still(10).put('apple1', 'left').put('apple2', 'right').still(6),
        ['placed apple', 'placed apple', 'basket complete: apple, apple'],
      ],
      [
        'one is sold',
        p => p.pos('added', { lineId: 'l1', sku: 'apple' }),
        ['changed bound apple, sold', 'basket complete: apple, apple'],
      ],
    ],
  },
  {
    name: 'items added while being recognised',
    modes: tray,
    steps: [
      [
        'an apple is laid down, and 0.1 s later a pear',
        (_, s) => s.still(10).put('apple', 'left').put('pear', 'right').still(1),
        ['basket incomplete, ok: nothing'],
      ],
      [
        'both lie still',
        (_, s) => s.still(6),
        ['placed apple', 'placed pear', 'basket complete: apple, pear'],
      ],
    ],
  },
  {
    name: 'hand, sleeve or handbag left on the tray',
    modes: tray,
    steps: [
      [
        'an apple and a pear are laid down',
        (_, s) => s.still(10).put('apple', 'left').put('pear', 'right').still(6),
        ['placed apple', 'placed pear', 'basket complete: apple, pear'],
      ],
      [
        'a hand covers the apple for 6 s, and moves',
        (_, s) => s.hand('left', 60),
        ['basket incomplete, moving: apple, pear; hidden: apple, pear'],
      ],
      ['and goes', (_, s) => s.away().still(6), ['basket complete: apple, pear']],
      [
        'a handbag is left on it: 2.5 s',
        (_, s) => s.cover('left').still(25),
        ['basket incomplete, hand: apple, pear; hidden: apple'],
      ],
      ['for 2 s more', (_, s) => s.still(20), ['removed hidden apple', 'basket complete: pear']],
      [
        'it is taken away',
        (_, s) => s.hand('left', 3).away().still(8),
        ['placed apple', 'basket complete: pear, apple'],
      ],
    ],
    note: 'What never moves for `counter.settle` and is no goods takes the item from the basket; seen again, it is a new item.',
  },
  {
    name: 'hidden under another',
    modes: tray,
    steps: [
      [
        'an apple is laid down',
        (_, s) => s.still(10).put('apple', 'left').still(6),
        ['placed apple', 'basket complete: apple'],
      ],
      [
        'a pear is put on it',
        (_, s) => s.put('pear', s.box('apple')).still(10),
        ['placed pear', 'basket incomplete, ok: apple, pear; hidden: apple'],
      ],
      [
        'for 9 s',
        (_, s) => s.still(90),
        ['assist hidden apple', 'basket incomplete, ok: apple, pear; hidden: apple'],
      ],
      [
        'the pear is taken',
        (_, s) => s.take('pear').still(30),
        ['removed taken pear', 'assist hidden: cleared', 'basket complete: apple'],
      ],
    ],
  },
  {
    name: 'six equal yoghurts, one taken',
    modes: tray,
    steps: [
      [
        'six are laid down',
        (_, s) => {
          s.still(10)
          for (const [name, at] of six) s.put(name, at).still(6)
          s.still(8)
        },
        [
          'placed yoghurt',
          'placed yoghurt',
          'placed yoghurt',
          'placed yoghurt',
          'placed yoghurt',
          'placed yoghurt',
          'basket complete: yoghurt, yoghurt, yoghurt, yoghurt, yoghurt, yoghurt',
        ],
      ],
      [
        'two are sold',
        p => p.pos('added', { lineId: 'l1', sku: 'yoghurt', pieces: 2 }),
        [
          'changed bound 1 yoghurt, sold',
          'changed bound 1 yoghurt, sold',
          'basket complete: yoghurt, yoghurt, yoghurt, yoghurt, yoghurt, yoghurt',
        ],
      ],
      [
        'one is taken',
        (_, s) => s.take('yoghurt4').still(25),
        ['removed taken yoghurt', 'basket complete: yoghurt, yoghurt, yoghurt, yoghurt, yoghurt'],
      ],
    ],
  },
  {
    name: 'two people, four hands',
    modes: tray,
    steps: [
      [
        'an apple is laid down',
        (_, s) => s.still(10).put('apple', 'left').still(6),
        ['placed apple', 'basket complete: apple'],
      ],
      [
        'one lays a pear down while the other takes the apple',
        (_, s) => s.put('pear', 'right').take('apple').still(25),
        ['placed pear', 'removed taken apple', 'basket complete: pear'],
      ],
    ],
  },
  {
    name: 'bag put down holding things',
    modes: tray,
    steps: [
      [
        'an unknown bag is put down for 10 s',
        p => p.frames(100, '?@middle'),
        ['placed ? (unknown)', 'assist unknown ?', 'basket complete: ?'],
      ],
      [
        'an apple is taken out of it',
        p => p.frames(3, 'moving').frames(6, '?@middle apple@left'),
        ['placed apple', 'basket complete: ?, apple'],
      ],
      [
        'a person says that the bag is nothing to sell',
        p => p.pos('voided', { itemId: p.checkout.items[0]!.itemId }),
        ['changed confirmed ? (unknown), ignored', 'basket complete: ?, apple'],
      ],
    ],
    note: 'What is in a closed bag nobody sees: the attendant is called for the bag.',
  },
  {
    name: 'tray to bag',
    modes: tray,
    steps: [
      [
        'an apple and a tea are laid down and sold',
        (p, s) => {
          s.still(10).put('apple', 'left').put('tea', 'right').still(6)
          p.pos('added', { lineId: 'l1', sku: 'apple' }).pos('scanned', {
            lineId: 'l2',
            sku: 'tea',
          })
        },
        [
          'placed apple',
          'placed tea',
          'changed bound apple, sold',
          'changed bound tea, sold',
          'basket complete: apple, tea',
        ],
      ],
      [
        'both go into the bag',
        (_, s) => s.take('apple').take('tea').still(25),
        ['removed taken apple, sold', 'removed taken tea, sold', 'basket complete: nothing'],
      ],
      [
        'it is paid, and closed',
        p => p.pos('paid').till(p.checkout.close('s1', p.now())),
        ['basket complete: nothing'],
      ],
    ],
    note: '`removed` says that it is no longer seen, never that it is not bought: only the till’s lines are the receipt.',
  },
  {
    name: 'sun or a screen on the tray',
    modes: tray,
    steps: [
      [
        'an apple is laid down',
        (_, s) => s.still(10).put('apple', 'left').still(6),
        ['placed apple', 'basket complete: apple'],
      ],
      [
        'a patch of sun comes to an empty place',
        (_, s) => {
          s.stage.sun = [0.5, 0.2, 0.9, 0.7]
          s.still(40)
        },
        ['basket complete: apple'],
      ],
      [
        'and to the apple',
        (_, s) => {
          s.stage.sun = [0, 0.2, 0.4, 0.7]
          s.still(40)
        },
        ['basket complete: apple'],
      ],
      [
        'and goes',
        (_, s) => {
          s.stage.sun = null
          s.still(20)
        },
        ['basket complete: apple'],
      ],
    ],
  },
  {
    name: 'bunch larger than the region',
    modes: tray,
    steps: [
      [
        'only a part of it is seen, and the answers change',
        p => {
          for (let n = 0; n < 10; n++) p.frames(1, '~apple@left').frames(1, '~fig@left')
        },
        ['placed apple (conflict)', 'basket complete: apple'],
      ],
    ],
  },
  {
    name: 'two kinds in one bag',
    modes: tray,
    steps: [
      [
        'the frames say now apple, now pear, of one box',
        p => {
          for (let n = 0; n < 55; n++) p.frames(1, 'apple@left').frames(1, 'pear@left')
        },
        ['placed pear (conflict)', 'assist conflict pear', 'basket complete: pear'],
      ],
    ],
  },
  {
    name: 'dirty but empty plate',
    modes: tray,
    steps: [
      [
        'a stain has contrast, and the detector sees no goods: 10 s',
        p => p.frames(100, ''),
        ['basket complete: nothing'],
      ],
    ],
  },
  {
    name: 'bag first, fruit after',
    modes: tray,
    steps: [
      [
        'an empty bag is laid down',
        p => p.frames(8, '?@left'),
        ['placed ? (unknown)', 'basket complete: ?'],
      ],
      [
        'apples are put into it',
        p => p.frames(4, 'moving').frames(25, 'apple@left'),
        ['changed identity apple', 'basket complete: apple'],
      ],
    ],
  },
  {
    name: 'multipack against singles',
    modes: tray,
    steps: [
      [
        'two singles and a multipack are laid down',
        p => p.frames(6, 'yoghurt@left yoghurt@middle yoghurt-4@right'),
        [
          'placed yoghurt',
          'placed yoghurt',
          'placed yoghurt-4',
          'basket complete: yoghurt, yoghurt, yoghurt-4',
        ],
      ],
      [
        'the till scans the multipack',
        p => p.pos('scanned', { lineId: 'l1', sku: 'yoghurt-4' }),
        ['changed bound yoghurt-4, sold', 'basket complete: yoghurt, yoghurt, yoghurt-4'],
      ],
    ],
  },
]
