// Situations that both modes answer alike: one thing at a time, and the till's own words.
import { candidate, type Lane } from '../helpers/checkout-script.js'
import type { Situation } from './types.js'

const both = ['single', 'tray'] as const
const apple = (frames: number) => (p: Lane) => p.frames(frames, 'apple@left')
const empty = (frames: number) => (p: Lane) => p.frames(frames, '')

/** @param unseen what of it counts as hidden: single says it at once, a tray only of what lies under something */
const cleaned = (mode: 'single' | 'tray', unseen: string): Situation => ({
  name: 'the counter is cleaned while its camera is paused',
  modes: [mode],
  steps: [
    [
      'an apple is laid down and sold',
      p => apple(6)(p).pos('added', { lineId: 'l1', sku: 'apple' }),
      ['placed apple', 'changed bound apple, sold', 'basket complete: apple'],
    ],
    [
      '`pause`; a cloth wipes, presses on the scale and stays: 20 s',
      p => (p.checkout.pause(true), p.frames(50, 'moving').weigh(900).frames(150, '?@middle')),
      [`basket incomplete, ok: apple${unseen}`],
    ],
    [
      '`resume`; the apple lies there as before',
      p => (p.checkout.pause(false), p.weigh(180).frames(40, 'apple@left')),
      ['basket complete: apple'],
    ],
    [
      '`pause`; the apple is taken away',
      p => (p.checkout.pause(true), p.frames(50, '')),
      [`basket incomplete, ok: apple${unseen}`],
    ],
    [
      '`resume`',
      p => (p.checkout.pause(false), p.frames(40, '')),
      ['removed taken apple, sold', 'basket complete: nothing'],
    ],
    [
      'a pear is laid down; `pause`, and the till closes its session',
      p => {
        p.frames(6, 'pear@left').checkout.pause(true)
        p.till(p.checkout.close('s1', p.now())).frames(20, 'pear@left')
      },
      ['placed pear', 'removed sessionEnd pear, leftover', 'basket incomplete, ok: nothing'],
    ],
    [
      'it opens the next one, and `resume`',
      p => {
        p.till(p.checkout.open('s2', p.now())).frames(20, 'pear@left').checkout.pause(false)
        p.frames(20, 'pear@left')
      },
      ['placed pear (presentAtOpen)', 'basket complete: pear'],
    ],
  ],
  note: 'What lies there is neither gone nor another thing while nobody looks; the till’s own words go on being heard, and nobody is called.',
})

export const common: Situation[] = [
  {
    name: 'picked up and put back in 2 s',
    modes: ['tray'],
    steps: [
      ['an apple is laid down', apple(6), ['placed apple', 'basket complete: apple']],
      [
        'lifted, and put back after 1.5 s',
        p => p.frames(15, '').frames(8, 'apple@left'),
        ['basket complete: apple'],
      ],
    ],
    note: 'Mode single: within `counter.gone` (0.4 s); later it is another item.',
  },
  {
    name: 'picked up and put back in 2 s',
    modes: ['single'],
    steps: [
      ['an apple is laid down', apple(6), ['placed apple', 'basket complete: apple']],
      [
        'lifted, and put back after 0.3 s',
        p => p.frames(3, '').frames(8, 'apple@left'),
        ['basket complete: apple'],
      ],
      [
        'lifted, and put back after 1.5 s',
        p => p.frames(15, '').frames(8, 'apple@left'),
        ['removed taken apple', 'placed apple', 'basket complete: apple'],
      ],
    ],
  },
  {
    name: 'item turned to its back',
    modes: ['single'],
    steps: [
      ['a tea is laid down', p => p.frames(6, 'tea@left'), ['placed tea', 'basket complete: tea']],
      [
        'its back shows nothing that is known',
        p => p.frames(2, 'moving').frames(30, '?@left'),
        ['changed identity ? (unknown)', 'basket complete: ?'],
      ],
      [
        'and its front again',
        p => p.frames(2, 'moving').frames(30, 'tea@left'),
        ['changed identity tea', 'basket complete: tea'],
      ],
    ],
  },
  {
    name: 'item turned to its back',
    modes: ['tray'],
    steps: [
      ['a tea is laid down', p => p.frames(6, 'tea@left'), ['placed tea', 'basket complete: tea']],
      [
        'its back shows nothing that is known',
        p => p.frames(2, 'moving').frames(30, '?@left'),
        ['basket complete: tea'],
      ],
      [
        'and its front again',
        p => p.frames(2, 'moving').frames(30, 'tea@left'),
        ['basket complete: tea'],
      ],
    ],
  },
  {
    name: 'touching an item',
    modes: both,
    steps: [
      ['an apple is laid down', apple(6), ['placed apple', 'basket complete: apple']],
      [
        'a hand touches it',
        p => p.frames(8, 'moving'),
        ['basket incomplete, moving: apple; hidden: apple'],
      ],
      ['and goes', apple(5), ['basket complete: apple']],
    ],
  },
  {
    name: 'night light',
    modes: both,
    steps: [
      ['an apple is laid down', apple(6), ['placed apple', 'basket complete: apple']],
      [
        'the light goes out for 6 s',
        p => p.frames(60, 'dark'),
        ['assist cameraCovered', 'basket incomplete, dark: apple'],
      ],
      ['and on again', apple(10), ['assist cameraCovered: cleared', 'basket complete: apple']],
    ],
  },
  {
    name: 'sold by each against by weight',
    modes: both,
    steps: [
      [
        'yoghurts of 300 g are laid down',
        p => p.weigh(0, 'zero').frames(6, 'yoghurt@left').weigh(300),
        ['placed yoghurt', 'changed quantity 2 yoghurt by weight', 'basket complete: yoghurt'],
      ],
      [
        'the till sells one by each',
        p => p.pos('added', { lineId: 'l1', sku: 'yoghurt', pieces: 1 }),
        ['changed bound 1 yoghurt, sold', 'basket complete: yoghurt'],
      ],
      ['they are taken', empty(30), ['removed taken 1 yoghurt, sold', 'basket complete: nothing']],
      [
        'a pear of 170 g is laid down',
        p => p.weigh(0, 'zero').frames(6, 'pear@left').weigh(170),
        ['placed pear', 'basket complete: pear'],
      ],
      [
        'the till sells it by weight',
        p => p.pos('added', { lineId: 'l2', sku: 'pear', grams: 168 }),
        ['changed bound 168 g pear, sold', 'basket complete: pear'],
      ],
    ],
    note: 'The scale counts pieces as evidence only; what the till says holds.',
  },
  {
    name: 'weight stable before the picture',
    modes: both,
    steps: [
      [
        'the scale is stable, the picture moves for 2 s',
        p => p.weigh(0, 'zero').weigh(1500).frames(20, 'moving'),
        ['basket incomplete, moving: nothing'],
      ],
      [
        'the melon lies still',
        p => p.frames(6, 'melon@left'),
        ['placed 1 melon by weight', 'basket complete: melon'],
      ],
    ],
  },
  {
    name: 'picture stable before the weight',
    modes: both,
    steps: [
      [
        'the melon lies still, the scale moves',
        p => p.weigh(0, 'zero').frames(20, 'melon@left').weigh(900, 'moving'),
        ['placed melon', 'basket complete: melon'],
      ],
      [
        'the scale is stable',
        p => p.weigh(3050),
        ['changed quantity 2 melon by weight', 'basket complete: melon'],
      ],
    ],
  },
  {
    name: 'next shopper unloads before the first has paid',
    modes: both,
    steps: [
      [
        'the first has sold an apple and takes it',
        p => p.frames(6, 'apple@left').pos('added', { lineId: 'l1', sku: 'apple' }).frames(30, ''),
        [
          'placed apple',
          'changed bound apple, sold',
          'removed taken apple, sold',
          'basket complete: nothing',
        ],
      ],
      [
        "the next one's tea is laid down",
        p => p.frames(6, 'tea@right'),
        ['placed tea', 'basket complete: tea'],
      ],
      [
        'the first pays; 4 s',
        p => p.pos('paid').frames(40, 'tea@right'),
        ['assist leftover tea', 'basket complete: tea'],
      ],
      [
        'their session is closed',
        p => p.till(p.checkout.close('s1', p.now())),
        ['removed sessionEnd tea, leftover', 'basket incomplete, ok: nothing'],
      ],
      [
        "the next one's is opened",
        p => p.till(p.checkout.open('s2', p.now())).frames(10, 'tea@right'),
        ['placed tea (presentAtOpen)', 'assist leftover: cleared', 'basket complete: tea'],
      ],
    ],
    note: 'No picture says whose a thing is: it is offered to the first, called left over, and asked of the next.',
  },
  {
    name: 'daemon restart in a session',
    modes: both,
    steps: [
      [
        'an apple is laid down and sold',
        p => p.frames(6, 'apple@left').pos('added', { lineId: 'l1', sku: 'apple' }),
        ['placed apple', 'changed bound apple, sold', 'basket complete: apple'],
      ],
      ['kill -9, and a start', p => p.again(), ['basket incomplete, empty: apple; hidden: apple']],
      ['it is seen again', apple(10), ['basket complete: apple']],
      [
        "the till's word comes twice",
        p => p.pos('added', { lineId: 'l1', sku: 'apple' }),
        ['basket complete: apple'],
      ],
    ],
  },
  {
    name: 'till restart in a session',
    modes: both,
    steps: [
      ['an apple is laid down', apple(6), ['placed apple', 'basket complete: apple']],
      [
        'the till was away, and opens the same session',
        p => p.till(p.checkout.open('s1', p.now())).frames(5, 'apple@left'),
        ['basket complete: apple'],
      ],
      [
        'it lost its session, and opens another',
        p => p.till(p.checkout.open('s2', p.now())).frames(5, 'apple@left'),
        [
          'removed sessionEnd apple, leftover',
          'placed apple (presentAtOpen)',
          'basket complete: apple',
        ],
      ],
    ],
  },
  {
    name: 'model or gallery swap in a session',
    modes: both,
    steps: [
      ['an apple is laid down', apple(6), ['placed apple', 'basket complete: apple']],
      [
        'no frames for 1.5 s; then the new model is not so sure',
        p => p.wait(1500).frames(20, '~apple@left'),
        ['basket complete: apple'],
      ],
      [
        'the gallery learns that it is a fig',
        p => p.frames(30, 'fig@left'),
        ['changed identity fig', 'basket complete: fig'],
      ],
    ],
  },
  cleaned('single', '; hidden: apple'),
  cleaned('tray', ''),
  {
    name: "enrolment while a shopper's session is suspended",
    modes: both,
    steps: [
      ['an apple is laid down', apple(6), ['placed apple', 'basket complete: apple']],
      [
        'the session is suspended, and a jam is shown',
        p => p.till(p.checkout.suspend('s1', p.now())).frames(30, 'fig@left'),
        ['basket incomplete, ok: apple'],
      ],
      [
        'it goes on, and the apple lies there again',
        p => p.till(p.checkout.resume('s1', p.now())).frames(40, 'apple@left'),
        ['basket complete: apple'],
      ],
    ],
  },
  {
    name: 'an answer, and its line',
    modes: both,
    steps: [
      [
        'what may be an apple is laid down',
        p => p.frames(6, '~apple@left'),
        ['placed apple (confidence)', 'basket complete: apple'],
      ],
      [
        'a person says that it is a fig, line l1',
        p =>
          p.till(
            p.checkout.confirm(
              {
                session: 's1',
                itemId: p.checkout.items[0]!.itemId,
                product: candidate('fig', 0),
                lineId: 'l1',
                quantity: 2,
              },
              p.now(),
            ),
          ),
        ['changed confirmed 2 fig, sold', 'basket complete: fig'],
      ],
      [
        'the pictures go on to say apple',
        p => p.frames(30, 'apple@left'),
        ['basket complete: fig'],
      ],
      [
        'the line is voided',
        p => p.pos('voided', { lineId: 'l1' }),
        ['changed bound 2 fig, voided', 'basket complete: fig'],
      ],
      ['the void comes twice', p => p.pos('voided', { lineId: 'l1' }), ['basket complete: fig']],
      [
        'a scan of it is taken',
        p => p.pos('scanned', { lineId: 'l2', sku: 'fig' }).frames(30, ''),
        ['changed bound 2 fig, sold', 'removed taken 2 fig, sold', 'basket complete: nothing'],
      ],
    ],
  },
  {
    name: 'a weight of its line, and what is nothing to sell',
    modes: both,
    steps: [
      ['an apple is laid down', apple(6), ['placed apple', 'basket complete: apple']],
      [
        'a person says that it is an apple',
        p =>
          p.till(
            p.checkout.confirm(
              {
                session: 's1',
                itemId: p.checkout.items[0]!.itemId,
                product: candidate('apple', 0),
                lineId: null,
                quantity: null,
              },
              p.now(),
            ),
          ),
        ['changed confirmed apple, offered', 'basket complete: apple'],
      ],
      [
        'the till sells it',
        p => p.pos('added', { lineId: 'l1', sku: 'apple' }),
        ['changed bound apple, sold', 'basket complete: apple'],
      ],
      [
        'and weighs it: 182 g',
        p => p.pos('weighed', { lineId: 'l1', sku: 'apple', grams: 182 }),
        ['changed quantity 182 g apple, sold', 'basket complete: apple'],
      ],
      [
        'what is sold cannot be nothing to sell',
        p => p.pos('voided', { itemId: p.checkout.items[0]!.itemId }),
        ['basket complete: apple'],
      ],
      [
        'the line is voided, and it is nothing to sell',
        p =>
          p.pos('voided', { lineId: 'l1' }).pos('voided', { itemId: p.checkout.items[0]!.itemId }),
        [
          'changed bound 182 g apple, voided',
          'changed confirmed 182 g apple, ignored',
          'basket complete: apple',
        ],
      ],
      [
        'said again',
        p => p.pos('voided', { itemId: p.checkout.items[0]!.itemId }),
        ['basket complete: apple'],
      ],
      [
        'another is laid down after it was taken, and is nothing to sell',
        p => {
          p.frames(30, '').frames(6, 'apple@left')
          const { itemId } = p.checkout.items[0]!
          p.till(
            p.checkout.confirm(
              {
                session: 's1',
                itemId,
                product: candidate('apple', 0),
                lineId: null,
                quantity: null,
              },
              p.now(),
            ),
          ).pos('voided', { itemId })
        },
        [
          'removed taken 182 g apple, ignored',
          'placed apple',
          'changed confirmed apple, offered',
          'changed confirmed apple, ignored',
          'basket complete: apple',
        ],
      ],
    ],
  },
]
