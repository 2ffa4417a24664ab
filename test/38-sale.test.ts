// A sale over a counter: lines, voids, weights and calls for help, played over both counters; the table of the till's words is whole.
import t from 'tap'
import { touchesFor } from '../src/cli/till-sim/book.js'
import { assistKinds, patienceMs } from '../src/counter/sale/assist.js'
import { dispositions, say, table, words } from '../src/counter/sale/dispositions.js'
import { itemFor, lineFor } from '../src/counter/sale/lines.js'
import { Moves } from '../src/counter/sale/moves.js'
import { initialScale, placedOn, read, takenOff } from '../src/counter/sale/scale.js'
import { verify } from '../src/counter/sale/verify.js'
import { canWeigh, piecesOf, weighed } from '../src/counter/sale/weigh.js'
import type { Item } from '../src/counter/types.js'
import type { Decision } from '../src/recognition/types.js'
import { candidate, lane, product, spots, whole } from './helpers/checkout-script.js'

const item = (disposition: Item['disposition'], more: Partial<Item> = {}): Item => ({
  ...{ itemId: 'i1', sku: 'apple', name: 'apple', plu: null, gtin: null },
  quantity: { value: null, unit: 'each', source: 'assumed', exact: false },
  ...{ weight: null, decision: 'ask', auto: false, askReason: 'confidence', score: 0.6 },
  ...{ alternatives: [candidate('apple', 0.6), candidate('pear', 0.3)], text: null, box: whole },
  ...{ disposition, lineId: disposition === 'sold' ? 'l1' : null },
  ...more,
})

t.test("the table of the till's words: every cell, and what it does", t => {
  t.same(Object.keys(table).sort(), [...dispositions].sort())
  const said = { product: candidate('pear', 0), lineId: 'l2', pieces: 3, grams: null }
  const of = (disposition: Item['disposition']) => {
    t.same(Object.keys(table[disposition]).sort(), [...words].sort(), disposition)
    return words.map(word => {
      const changed = say(word, item(disposition), {
        ...said,
        grams: word === 'weighed' ? 320 : null,
      })
      if (!changed) return '-'
      const { sku, quantity, lineId, decision } = changed.item
      const is = [
        changed.item.disposition,
        changed.reason,
        sku,
        decision,
        quantity.value,
        quantity.unit,
        lineId,
      ]
      return is.join(' ')
    })
  }
  const sells = 'sold bound pear sure 3 each l2'
  const ignores = 'ignored confirmed apple ask  each '
  for (const one of ['open', 'offered', 'voided'] as const)
    t.same(of(one), [sells, '-', '-', '-', ignores], one)
  t.same(of('ignored'), ['-', '-', '-', '-', '-'])
  t.same(of('sold'), [
    '-',
    'sold quantity apple ask 3 each l1',
    'sold quantity apple ask 320 g l1',
    'voided bound apple ask  each l1',
    '-',
  ])
  t.same(of('leftover'), ['-', '-', '-', '-', '-'])
  const three = item('sold', { quantity: { value: 3, unit: 'each', source: 'till', exact: true } })
  t.equal(say('changed', three, said), null, 'no news')
  t.match(say('bound', item('open'), { ...said, grams: 250 })?.item.quantity, {
    value: 250,
    unit: 'g',
  })
  t.end()
})

t.test('which thing a line is about, and which line a thing', t => {
  const pear = candidate('pear', 0)
  const one = (itemId: string, more: Partial<Item>) => item('open', { itemId, ...more })
  const find = (items: Item[], recent: string[] = []) =>
    itemFor(pear, items, id => recent.includes(id))?.itemId ?? null
  const named = { sku: 'pear', decision: 'sure' as const }
  const strange = { sku: null, decision: 'unknown' as const, alternatives: [] }
  t.equal(
    find([one('a', {}), one('b', named), one('c', named)]),
    'b',
    'the oldest of the equal ones',
  )
  t.equal(find([item('sold', { itemId: 'a', ...named }), one('b', {})]), 'b', 'sold is sold')
  t.equal(find([one('a', {}), one('b', {})]), null, 'nothing tells which')
  t.equal(find([one('a', { decision: 'sure' })]), null, 'sure of another')
  t.equal(find([one('a', strange), one('b', strange)], ['b']), 'b')
  t.equal(find([one('a', strange)]), null, 'it lay there long before')
  t.equal(find([one('a', strange), one('b', strange)], ['a', 'b']), null)
  const gtin = { ...pear, sku: 'other', gtin: '4006381333931' }
  t.equal(itemFor(gtin, [one('a', { gtin: '04006381333931' })], () => false)?.itemId, 'a')

  const line = (lineId: string, sku: string, more = {}) => ({
    ...{
      lineId,
      product: candidate(sku, 0),
      pieces: null,
      grams: null,
      at: 0,
      itemIds: [] as string[],
      guess: null,
    },
    ...more,
  })
  const lineOf = (lines: ReturnType<typeof line>[], more: Partial<Item> = {}, at = 5000) =>
    lineFor(item('open', more), lines, at)?.lineId ?? null
  t.equal(lineOf([line('1', 'pear'), line('2', 'apple')]), '2')
  t.equal(lineOf([line('1', 'pear'), line('2', 'fig')]), '1', 'among what it may be')
  t.equal(lineOf([line('1', 'pear')], { decision: 'sure' }), null, 'sure of another')
  t.equal(lineOf([line('1', 'fig')], strange), '1', 'the only thing that was scanned')
  t.equal(lineOf([line('1', 'fig'), line('2', 'tea')], strange), null)
  t.equal(lineOf([line('1', 'apple', { itemIds: ['x'] })]), null, 'it has its thing')
  t.equal(lineOf([line('1', 'apple', { itemIds: ['x'], pieces: 2 })]), '1', 'and wants one more')
  t.equal(lineOf([line('1', 'apple')], {}, 10_001), null, 'too long ago')
  t.end()
})

for (const mode of ['single', 'tray'] as const) {
  t.test(`${mode}: what the till has scanned is never offered, and one line sells one thing`, t => {
    const thing = mode === 'tray' ? 'apple@left' : 'apple'
    const p = lane(mode)
    p.frames(6, thing)
    t.same(p.said(), ['placed apple open'])
    p.pos('scanned', { lineId: 'l1', sku: 'apple' })
    t.same(p.said(), ['changed bound apple sold@l1'], 'seen first')
    p.pos('scanned', { lineId: 'l1', sku: 'apple' }).pos('added', { lineId: 'l1', sku: 'apple' })
    t.same(p.said(), [], 'the same line')
    p.pos('voided', { lineId: 'l1' })
    t.same(p.said(), ['changed bound apple voided@l1'])
    const { itemId } = p.checkout.items[0]!
    const confirm = {
      session: 's1',
      itemId,
      product: candidate('fig', 0),
      lineId: 'l2',
      quantity: null,
    }
    p.till(p.checkout.confirm(confirm, p.now()))
    t.same(p.said(), ['changed confirmed fig sold@l2'], 'what was given up can be sold anew')
    p.pos('added', { lineId: 'l2', sku: 'fig' })
    t.same(p.said(), [], 'the line of the confirmation')
    p.frames(40, '')
    t.same(p.said(), ['removed taken fig sold@l2'])

    p.pos('scanned', { lineId: 'l3', sku: 'apple' }).wait(2000).frames(6, thing)
    t.same(p.said(), ['placed apple sold@l3'], 'scanned first: told as sold, never as open')
    p.frames(40, '').frames(6, thing)
    t.same(
      p.said(),
      ['removed taken apple sold@l3', 'placed apple open'],
      'the next one is none of it',
    )
    p.frames(40, '')
    p.said()
    p.pos('scanned', { lineId: 'l4', sku: 'tea' }).frames(20, mode === 'tray' ? '?@left' : '?')
    t.same(p.said(), ['placed tea sold@l4'], 'a pack that nobody knows by its look')
    t.match(p.checkout.items[0], { decision: 'sure', sku: 'tea' })
    p.frames(40, '')
    p.said()
    p.pos('scanned', { lineId: 'l5', sku: 'apple' }).wait(10_000).frames(8, thing)
    t.same(p.said(), ['placed apple open'], 'too long after')
    p.pos('scanned', { lineId: 'l6', sku: 'apple', session: 's0' })
    t.same(p.said(), [], 'another session')
    const held = { eventId: 'twice', lineId: 'l7', sku: 'apple' }
    p.pos('scanned', held).pos('voided', { lineId: 'l7' }).pos('scanned', held)
    t.same(
      p.said(),
      ['changed bound apple sold@l7', 'changed bound apple voided@l7'],
      'said before',
    )
    p.pos('voided', { itemId: p.checkout.items[0]!.itemId })
    t.same(p.said(), ['changed confirmed apple ignored@l7'], 'nothing to sell')
    p.till(p.checkout.close('s1', p.now()))
    t.same(p.said(), ['removed sessionEnd apple ignored@l7'])
    t.end()
  })

  t.test(
    `${mode}: a restart between the scan and the thing, and a session that its till left`,
    t => {
      const thing = mode === 'tray' ? 'apple@left' : 'apple'
      const p = lane(mode)
      p.pos('scanned', { lineId: 'l1', sku: 'apple' }).again().frames(8, thing)
      t.match(p.said(), [/^placed apple sold@l1$/])
      p.pos('paid').again()
      p.frames(5, thing).wait(899_000).frames(1, thing)
      t.same(p.till(p.checkout.tick(p.now())).said(), [])
      p.wait(2000)
      t.same(p.till(p.checkout.tick(p.now())).said(), ['removed sessionEnd apple sold@l1'])
      t.equal(p.checkout.session, null)
      t.end()
    },
  )
}

t.test('tray: a line that was about what nobody knows goes to what is called so', t => {
  const p = lane('tray')
  p.frames(10, '?@left')
  p.pos('scanned', { lineId: 'l1', sku: 'tea' })
  t.same(p.said(), ['placed ? open', 'changed bound tea sold@l1'], 'a guess: nothing else came')
  p.frames(10, '?@left tea@right')
  t.same(p.said(), ['changed bound ? open', 'placed tea sold@l1'], 'the pack comes: it was no tea')
  p.pos('voided', { lineId: 'l1' })
  t.same(p.said(), ['changed bound tea voided@l1'])
  p.pos('scanned', { lineId: 'l2', sku: 'fig' })
  t.same(p.said(), ['changed bound fig sold@l2'], 'the same guess')
  p.again().frames(10, '?@left tea@right fig@middle')
  t.same(p.said(), ['changed bound ? open', 'placed fig sold@l2'], 'kept over a restart')
  t.end()
})

for (const mode of ['single', 'tray'] as const) {
  t.test(`${mode}: a line that was weighed is about nothing that comes after it`, t => {
    const p = lane(mode)
    const maybe = mode === 'tray' ? '~fig@left' : '~fig'
    // What lies there looks like the counter: nobody sees it, and the till's menu sells it.
    p.weigh(0, 'zero').weigh(310)
    p.pos('weighed', { lineId: 'l1', sku: 'pear', grams: 310 })
    p.weigh(0, 'zero').wait(1000).frames(8, maybe).weigh(150)
    t.same(p.said(), ['placed fig open'], 'it is offered, not sold by the line before')
    p.frames(40, '').weigh(0, 'zero').said()
    p.pos('weighed', { lineId: 'l2', sku: 'pear', grams: 200 }).weigh(200)
    p.frames(8, maybe)
    t.same(p.said(), ['placed pear sold@l2'], 'its own weight may be told late')
    t.end()
  })
}

/** An apple of 180 g is laid down, weighed and sold on a tray. */
const sold = () => {
  const p = lane('tray').weigh(0, 'zero').frames(6, 'apple@left').weigh(180)
  p.pos('weighed', { lineId: 'l1', sku: 'apple', grams: 180 })
  t.same(p.said(), ['placed apple open', 'changed bound apple sold@l1'])
  return p.frames(2, 'apple@left')
}

t.test('tray: what is sold, is moved and is called otherwise there: the scale tells', t => {
  const isSold = ['placed apple sold@l1']
  const isFreed = ['placed apple sold@l1', 'changed bound ? open']
  const moved = (what = '?apple@right') => sold().frames(4, 'moving').frames(2, what)
  let p = moved().weigh(181).frames(6, '?apple@right')
  t.same(p.said(), isSold, 'weighed before it has a name')
  t.match(p.checkout.items.at(-1), { sku: 'apple', decision: 'sure', lineId: 'l1' })
  p = moved().frames(6, '?apple@right').weigh(178)
  p.wait(1000).weigh(500).frames(1, '?apple@right')
  t.same(p.said(), isSold, 'and after it; what comes later is another thing')
  p.frames(40, '?apple@right').pos('voided', { lineId: 'l1' })
  t.same(p.said(), ['removed taken apple sold@l1', 'changed bound apple voided@l1'])
  p = moved().frames(4, '?apple@right').wait(4100).frames(2, '?apple@right').weigh(250)
  t.same(p.said(), isSold, 'a scale that says nothing says that nothing changed')
  p = sold().frames(4, 'moving').weigh(0, 'zero').frames(8, 'moving').frames(2, '~fig@right')
  t.same(
    p.weigh(180).frames(4, '~fig@right').said(),
    isSold,
    'lifted and laid down: one list has the other',
  )

  p = moved().weigh(190).frames(4, '?apple@right')
  t.same(p.said(), ['placed ? open'], 'exchanged for what is heavier')
  p = moved().frames(4, '?apple@right').weigh(190)
  t.same(p.said(), isFreed, 'and weighed later')
  p.weigh(180).pos('voided', { lineId: 'l1' })
  t.same(p.said(), ['changed bound apple voided@l1'], 'the line is about the other one')
  p = moved().frames(4, '?apple@right').again().weigh(190)
  t.same(p.said(), isFreed, 'also after a restart')
  p = sold().frames(2, 'moving').weigh(180).frames(2, 'moving').frames(6, '?apple@right').weigh(190)
  t.same(p.said(), isFreed, 'what was weighed under a hand says nothing')
  p = lane('tray').weigh(0, 'zero').frames(6, 'apple@left').weigh(180)
  p.pos('weighed', { lineId: 'l1', sku: 'apple', grams: 180 }).frames(10, '').weigh(0, 'zero')
  p.said()
  t.same(
    p.frames(6, '~fig@right').said(),
    ['placed fig open'],
    'an empty scale is not what it lay on',
  )
  p = sold().frames(10, '').weigh(0, 'zero').frames(22, '')
  t.same(
    p.frames(6, '~fig@right').said(),
    ['removed taken apple sold@l1', 'placed fig open'],
    'bagged, and the next',
  )
  p = moved('fig@right').weigh(180).frames(4, 'fig@right')
  t.same(p.said(), ['placed fig open'], 'as heavy, and surely another')
  p = moved().weigh(180).frames(4, '?apple@right').frames(6, 'apple@left ?apple@right')
  t.same(p.said(), isFreed, 'it lies where it lay')
  p = sold().frames(6, 'apple@left pear@middle').weigh(430)
  p.pos('weighed', { lineId: 'l2', sku: 'pear', grams: 250 }).frames(2, 'apple@left pear@middle')
  p.said()
  p.frames(4, 'moving').frames(2, '?pear@right').weigh(430).frames(4, '?pear@right')
  t.same(p.said(), ['placed pear sold@l2'], 'of two the one that it is called')
  p = sold().frames(4, 'moving').weigh(0, 'zero').wait(4000)
  t.same(
    p.frames(2, '?apple@right').weigh(180).frames(4, '?apple@right').said(),
    ['placed ? open'],
    'it was away too long',
  )

  p = lane('tray')
    .frames(6, 'apple@left')
    .pos('weighed', { lineId: 'l1', sku: 'apple', grams: 180 })
  p.said()
  p.frames(4, 'moving').frames(6, '?apple@right')
  t.same(p.said(), ['placed ? open'], 'without a scale nothing tells')
  p = sold().frames(6, 'apple@left ~fig@middle').weigh(430)
  p.said()
  p.frames(4, 'moving').frames(6, '?apple@right')
  t.same(p.said(), ['placed ? open'], 'it may be the one that is not sold')
  for (const away of ['pause', 'suspend'] as const) {
    p = sold()
    if (away === 'pause') p.checkout.pause(true)
    else p.checkout.suspend('s1', p.now())
    p.wait(1000)
    if (away === 'pause') p.checkout.pause(false)
    else p.checkout.resume('s1', p.now())
    t.same(
      p.frames(6, '?apple@right').said(),
      ['placed ? open'],
      `${away}: anything may have been done`,
    )
  }
  t.end()
})

t.test('what is sold and what was taken for it: two names of one place are one thing', t => {
  const wrongAt = (spot: string) => {
    const moves = new Moves(true)
    const before = item('sold', { itemId: 'a', box: spots.left! })
    const came = item('open', { itemId: 'b', box: spots[spot]! })
    moves.saw([before], [before], 180, 0)
    t.equal(moves.came(came, [], 180, 1000), before)
    return moves.wrong([before, came], 2000).map(({ was, from }) => [was.itemId, from])
  }
  t.same(wrongAt('right'), [['b', 'a']], 'both lie there')
  t.same(wrongAt('left'), [])
  t.end()
})

t.test('single: what is weighed and sold, and is not seen for a while, is not sold again', t => {
  const p = lane('single').weigh(0, 'zero').frames(6, 'apple').weigh(180)
  p.pos('weighed', { lineId: 'l1', sku: 'apple', grams: 180 })
  p.frames(2, 'apple').said()
  // It looks like the plate, until a hand comes near.
  p.frames(200, '').frames(6, '?apple')
  t.same(p.said(), ['removed taken apple sold@l1', 'placed apple sold@l1'])
  p.frames(10, '').weigh(0, 'zero').frames(2, '?apple').weigh(180).frames(6, '?apple')
  t.same(p.said(), ['removed taken apple sold@l1', 'placed ? open'], 'the next one, as heavy')

  const next = lane('single').weigh(0, 'zero').frames(6, 'apple').weigh(180)
  next.pos('weighed', { lineId: 'l1', sku: 'apple', grams: 180 }).frames(2, 'apple').said()
  next.frames(10, '').frames(6, '~fig')
  t.same(
    next.said(),
    ['removed taken apple sold@l1', 'placed fig open'],
    'the next one, not weighed yet',
  )
  p.frames(2, '?apple').frames(2, '').pos('weighed', { lineId: 'l2', sku: 'apple', grams: 180 })
  p.frames(20, '').frames(6, '?apple')
  const again = [
    'changed bound apple sold@l2',
    'removed taken apple sold@l2',
    'placed apple sold@l2',
  ]
  t.same(p.said(), again, 'sold while it was not seen')

  // Nobody saw it, and the menu sold it.
  const n = lane('single').pos('weighed', { lineId: 'l1', sku: 'pear', grams: 310 }).wait(20_000)
  t.same(
    n.frames(8, '~fig').said(),
    ['placed fig open'],
    'without a scale nobody knows what lies there',
  )
  const q = lane('single').weigh(310)
  q.pos('weighed', { lineId: 'l1', sku: 'pear', grams: 310 }).wait(20_000).frames(8, '~fig')
  t.same(q.said(), ['placed pear sold@l1'], 'the load is what was sold')
  q.weigh(600)
  t.same(q.said(), ['changed bound fig open'], 'something came: it was another')
  q.frames(40, '').weigh(0, 'zero').weigh(310)
  q.pos('weighed', { lineId: 'l2', sku: 'pear', grams: 310 })
    .frames(8, '~fig')
    .wait(4100)
    .weigh(600)
  t.same(
    q.said(),
    ['removed taken fig open', 'placed pear sold@l2'],
    'long after: something came to it',
  )
  q.frames(40, '').weigh(0, 'zero')
  q.said()
  q.frames(8, '~fig')
  t.same(q.said(), ['placed fig open'], 'and went')
  t.end()
})

t.test(
  'what nobody is sure of has its list: in the event, in the basket, and worth one touch',
  t => {
    const p = lane('tray')
    const events = p.frames(6, '?fig@left').checkout.basket(p.now().at).items
    const list = [{ sku: 'fig' }, { sku: 'pear' }]
    t.match(events, [{ sku: null, decision: 'unknown', alternatives: list }])
    const seen = { decision: 'unknown' as const, candidates: events[0]!.alternatives }
    t.same(
      ['pear', 'tea'].map(sku => touchesFor(seen, sku)),
      [1, 3],
    )
    t.equal(touchesFor({ ...seen, decision: 'sure' }, 'pear'), 3, 'preselected as another')
    t.end()
  },
)

t.test('tray: pieces, equal things, and a line that changes', t => {
  const p = lane('tray').frames(6, 'yoghurt@left yoghurt@middle yoghurt@right')
  t.equal(p.said().length, 3)
  p.pos('scanned', { lineId: 'l1', sku: 'yoghurt', pieces: 2 })
  t.same(p.said(), ['changed bound yoghurt sold@l1', 'changed bound yoghurt sold@l1'])
  t.same(
    p.checkout.items.map(one => one.quantity.value),
    [1, 1, null],
  )
  p.pos('changed', { lineId: 'l1', pieces: 3 })
  t.same(p.said(), ['changed bound yoghurt sold@l1'], 'one more')
  p.pos('changed', { lineId: 'l1', sku: 'fig' })
  t.same(
    p.said().slice(0, 3),
    Array(3).fill('changed bound yoghurt voided@l1'),
    'it was another product',
  )

  // The line's own word may come before the confirmation that it is about.
  const q = lane('tray').frames(6, 'apple@left apple@right')
  q.said()
  const [, second] = q.checkout.items
  q.pos('added', { lineId: 'l1', sku: 'apple' })
  const confirm = {
    session: 's1',
    itemId: second!.itemId,
    product: candidate('apple', 0),
    lineId: 'l1',
    quantity: null,
  }
  q.till(q.checkout.confirm(confirm, q.now()))
  t.same(q.said(), [
    'changed bound apple sold@l1',
    'changed confirmed apple sold@l1',
    'changed bound apple open',
  ])
  t.end()
})

t.test('a weight is evidence', t => {
  t.same(
    [70, 80, 150, 160, 290, 320, 225].map(one => piecesOf(one, 150)),
    [null, null, 1, 1, 2, 2, null],
  )
  t.equal(piecesOf(100, null), null)
  t.same(
    [
      [12, 'melon'],
      [1400, 'melon'],
      [100, 'apple'],
      [80, 'apple'],
      [3, 'tea'],
      [300, 'tea'],
      [215, 'yoghurt'],
    ].map(([grams, sku]) => canWeigh(grams as number, product(sku as string))),
    ['cannot', 'fits', 'fits', 'cannot', 'cannot', 'open', 'cannot'],
  )
  const at = '2026-11-24T10:00:00.000Z'
  const melon = item('open', {
    ...{ sku: 'melon', decision: 'sure', auto: true, askReason: null },
    alternatives: [candidate('melon', 0.9), candidate('apple', 0.1)],
  })
  const light = weighed(melon, { grams: 200, at }, product)
  t.match(light, { sku: 'apple', decision: 'ask', auto: false, askReason: 'conflict', score: 0.1 })
  t.same(
    light.alternatives.map(one => one.sku),
    ['apple', 'melon'],
  )
  t.match(
    weighed(melon, { grams: 12, at }, product),
    { sku: 'melon', decision: 'ask' },
    'nothing it may be',
  )
  const heavy = weighed(melon, { grams: 3100, at }, product)
  t.match(heavy, { sku: 'melon', decision: 'sure', weight: { grams: 3100, stable: true, at } })
  t.same(heavy.quantity, { value: 2, unit: 'each', source: 'scale', exact: false })
  t.match(
    weighed({ ...melon, disposition: 'sold' }, { grams: 12, at }, product),
    { decision: 'sure' },
    'the till sold it',
  )

  let s = read(initialScale(), { grams: 500, state: 'stable' }, 0)
  t.equal(s.of, null)
  t.same(placedOn(s.state, 'a', 3000).of, { itemId: 'a', grams: 500 }, 'the weight first')
  t.equal(placedOn(s.state, 'a', 4001).of, null)
  s = placedOn(read(initialScale(), { grams: 0, state: 'zero' }, 0).state, 'a', 10)
  t.equal(read(s.state, { grams: 300, state: 'moving' }, 20).of, null)
  t.equal(read(s.state, { grams: 300, state: 'over' }, 20).of, null)
  t.equal(read(s.state, { grams: 2, state: 'stable' }, 20).of, null, 'noise')
  t.same(read(s.state, { grams: 300, state: 'stable' }, 20).of, { itemId: 'a', grams: 300 })
  const two = placedOn(s.state, 'b', 15).state
  t.equal(read(two, { grams: 300, state: 'stable' }, 20).of, null, 'of which?')
  t.equal(
    read(takenOff(s.state), { grams: 300, state: 'stable' }, 20).of,
    null,
    'one came, one went',
  )
  t.equal(read({ ...s.state, grams: 900 }, { grams: 300, state: 'stable' }, 20).of, null)

  const p = lane('single').weigh(0, 'zero').frames(6, 'melon').weigh(200)
  t.same(p.said(), ['placed melon open', 'changed identity pear open'], '200 g is no melon')
  p.frames(20, 'melon')
  const q = lane('tray').weigh(0, 'zero').weigh(310).frames(6, 'yoghurt@left')
  t.same(q.said(), ['placed yoghurt open'])
  t.match(q.checkout.items[0], { quantity: { value: 2, source: 'scale' }, weight: { grams: 310 } })
  q.pos('weighed', { grams: 460 })
  t.same(q.said(), [], 'nothing came')
  t.end()
})

t.test('what an attendant should see to is said once, and taken back', t => {
  const p = lane('tray')
  const after = (ms: number, what: string) => p.frames(ms / 100, what).assists()
  t.same(after(5000, '?@left'), [])
  const [unknown] = p.checkout.items
  t.same(after(9000, '?@left'), [`unknown ${unknown!.itemId} null`])
  t.same(after(1000, '?@left'), [], 'once')
  p.pos('added', { lineId: 'l1', sku: 'tea' }).pos('voided', { lineId: 'l1' })
  p.pos('attendantOn')
  t.match(p.assists(), [/^unknown i\d+ \d+$/], 'somebody is there')
  p.pos('attendantOff').pos('voided', { itemId: unknown!.itemId })
  t.same(after(9000, '?@left'), [], 'nothing to sell')

  const q = lane('single').frames(6, 'apple')
  q.assists()
  q.pos('paid').frames(5, 'apple')
  t.same(q.assists(), [])
  q.frames(40, 'apple')
  t.match(q.assists(), [/^leftover i1 null$/])
  q.checkout.mismatch('l9', true)
  t.match(q.assists(), [/^mismatch null null$/])
  q.checkout.mismatch('l9', false)
  t.match(q.assists(), [/^mismatch null \d+$/])
  q.checkout.loseSight()
  q.assists()
  q.wait(5000)
  t.match(q.assists(), [/^cameraCovered null null$/])
  q.till(q.checkout.close('s1', q.now()))
  t.equal(q.assists().length, 2, 'nobody waits any more')
  t.same(Object.keys(patienceMs), assistKinds)
  t.end()
})

t.test('verify: what fresh pictures say of a line', t => {
  const asked = (sku: string, decision: Decision, grams: number | null = null, known = true) =>
    verify(
      sku,
      {
        decision,
        candidates: [candidate('apple', 0.7), candidate('pear', 0.3)],
        twins: ['apple', 'fig'],
      },
      {
        ...{ known, grams, product: product(sku) },
      },
    )
  t.same(asked('apple', 'sure'), { verdict: 'match', score: 0.7 })
  t.match(asked('fig', 'ask'), { verdict: 'match' }, 'a twin')
  t.match(asked('pear', 'ask'), { verdict: 'cannotTell', score: 0.3 })
  t.match(asked('melon', 'sure'), { verdict: 'mismatch', score: 0 })
  t.match(asked('melon', 'ask'), { verdict: 'cannotTell' })
  t.match(asked('tea', 'sure', null, false), { verdict: 'cannotTell' }, 'no picture could name it')
  t.match(asked('apple', 'sure', 12), { verdict: 'mismatch' }, 'far too light')
  t.match(asked('apple', 'unknown'), { verdict: 'cannotTell' })
  t.same(verify('apple', null, { known: true, grams: null }), { verdict: 'cannotTell', score: 0 })

  // A hand on the scale right after something was laid down is not its weight.
  const q = lane('tray', { asks: true })
  q.frames(6, 'melon@left').checkout.pause(true)
  q.weigh(4500).frames(10, 'moving').weigh(1500)
  q.checkout.pause(false)
  q.frames(20, 'melon@left')
  t.same(q.hears(), ['placed melon', 'basket complete: melon'])
  t.end()
})

t.test(
  'what lay there before another model or catalogue came is called what that one calls it',
  t => {
    for (const mode of ['single', 'tray'] as const) {
      const p = lane(mode)
      const show = (name: string, times: number) => {
        const [candidates, box] = [[{ ...candidate('apple', 0.9), name }], spots.left!]
        const seen = { box, decision: 'sure', auto: false, askReason: null, candidates } as const
        for (let at = 0; at < times; at++)
          p.show({
            ...{ camera: 'top', frame: 0, capturedAt: 0, ageMs: 5, observations: [seen] },
            scene: { view: 'object', motion: 0, contrast: 0.2, brightness: 0.5 },
            stagesMs: { queue: 0, decode: 0, resize: 0, infer: 0 },
          })
      }
      show('Apple', 6)
      p.checkout.anew()
      show('New apple', 6)
      t.match(p.checkout.items, [{ name: 'Apple' }], `${mode}: what was told stays`)
      p.till(p.checkout.close('s1', p.now()))
      p.checkout.anew()
      show('New apple', 6)
      p.till(p.checkout.open('s2', p.now()))
      const asked = { name: 'New apple', askReason: 'presentAtOpen' }
      t.match(p.checkout.items, [asked], mode)
      p.till(p.checkout.close('s2', p.now()))
      p.till(p.checkout.open('s3', p.now()))
      p.checkout.anew()
      show('Newest apple', 6)
      t.match(p.checkout.items, [asked], 'told at once, so it stays')
    }
    t.end()
  },
)

t.test(
  'while it is paused the scale decides nothing, and afterwards it goes on from what it shows',
  t => {
    const p = lane('single', { asks: true })
    p.frames(6, 'yoghurt').weigh(300)
    t.same(p.hears(), [
      'placed yoghurt',
      'changed quantity 2 yoghurt by weight',
      'basket complete: yoghurt',
    ])
    p.checkout.pause(true)
    p.weigh(1200).frames(20, 'moving').weigh(300).weigh(310)
    t.same(p.hears(), ['basket incomplete, ok: yoghurt; hidden: yoghurt'])
    p.checkout.pause(false)
    p.frames(20, 'yoghurt').weigh(460)
    t.same(p.hears(), ['changed quantity 3 yoghurt by weight', 'basket complete: yoghurt'])
    t.end()
  },
)
