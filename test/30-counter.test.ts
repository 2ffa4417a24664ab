// The counter in single mode: its table is whole, and each situation at a till ends as a person would say.
import fc from 'fast-check'
import t from 'tap'
import { judge } from '../src/counter/consensus.js'
import { Counter } from '../src/counter/counter.js'
import { table } from '../src/counter/single.js'
import { inputKinds, phases } from '../src/counter/state.js'
import type { ItemAction } from '../src/counter/types.js'
import type {
  Decision,
  FrameObservations,
  Observation,
  SceneView,
} from '../src/recognition/types.js'
import { counterSettings } from './helpers/counter-settings.js'

const candidate = (sku: string, score: number) => ({ sku, name: sku, plu: null, gtin: null, score })

const seen = (sku: string, decision: Decision = 'sure', auto = false): Observation => ({
  box: [0, 0, 1, 1],
  decision,
  auto,
  askReason: decision === 'ask' ? 'confidence' : null,
  candidates: [candidate(sku, 0.9), candidate('other', 0.05)],
})

/** A counter with a clock of its own: 10 frames a second, described by words. */
function play(overrides: Partial<typeof counterSettings> = {}) {
  let ids = 0
  let at = 0
  const counter = new Counter({ ...counterSettings, ...overrides, newId: () => `item-${++ids}` })
  const actions: ItemAction[] = []
  let look: Uint8Array | undefined
  const frame = (view: SceneView, observation?: Observation): FrameObservations => ({
    ...(look ? { look } : {}),
    camera: 'counter',
    frame: at / 100,
    capturedAt: 1_000_000 + at,
    ageMs: 5,
    scene: { view, motion: 0, contrast: 0.2, brightness: 0.5 },
    observations: observation ? [observation] : [],
    stagesMs: { queue: 0, decode: 0, resize: 0, infer: 0 },
  })
  const now = () => ({ at, capturedAt: 1_000_000 + at, ageMs: 0, camera: 'counter' })
  let why: string | null = null
  const script = {
    counter,
    actions,
    now,
    get why() {
      return why
    },
    /** `times` frames of what lies there: a sku, or a view. */
    frames(times: number, what: string | Observation, leads = true) {
      for (let n = 0; n < times; n++) {
        const view = (['empty', 'moving', 'dark'] as const).find(one => one === what)
        const observation = view ? undefined : typeof what === 'string' ? seen(what) : what
        const outcome = counter.see(frame(view ?? 'object', observation), at, leads)
        actions.push(...outcome.actions)
        why = outcome.why
        if (leads) at += 100
      }
      return script
    },
    till(outcome: { actions: ItemAction[] }) {
      actions.push(...outcome.actions)
      return script
    },
    /** From now on the scene looks like this; the same number, the same look. */
    looks(like: number) {
      look = Uint8Array.from({ length: 768 }, (_, cell) => (cell * (like + 1) * 37) % 200)
      return script
    },
    wait(ms: number) {
      at += ms
      return script
    },
    /** What happened since the last time, in words. */
    said() {
      return actions
        .splice(0)
        .map(({ action, reason, item }) =>
          [action, reason, item.sku ?? '?', item.decision, item.itemId].filter(Boolean).join(' '),
        )
    },
  }
  return script
}

t.test('no cell of the table is empty', async t => {
  t.same(Object.keys(table), phases)
  for (const phase of phases) {
    t.same(Object.keys(table[phase]).sort(), [...inputKinds].sort(), phase)
    for (const cell of Object.values(table[phase])) t.type(cell, 'function')
  }
})

t.test('one item is one placed and one removed, however many frames show it', async t => {
  const p = play().frames(5, 'empty').frames(2, 'moving').frames(60, 'apple')
  t.same(p.said(), ['placed apple sure item-1'])
  p.frames(2, 'moving').frames(4, 'empty')
  t.same(p.said(), [], 'not gone for long enough')
  t.equal(p.why, 'waiting whether the item comes back')
  p.frames(2, 'empty')
  t.same(p.said(), ['removed taken apple sure item-1'])
  t.same(p.frames(20, 'empty').said(), [])
})

t.test(
  'nothing is announced while the scene moves, is dark or is empty, and it says why',
  async t => {
    for (const [what, why] of [
      ['moving', 'the scene moves'],
      ['dark', 'the picture is dark'],
      ['empty', 'nothing lies there'],
    ] as const) {
      const p = play().frames(50, what)
      t.same(p.said(), [])
      t.equal(p.why, why)
    }
  },
)

t.test('an item is announced when the frames agree for long enough, not before', async t => {
  const p = play().frames(3, 'apple')
  t.same(p.said(), [])
  t.equal(p.why, 'waiting for it to lie still')
  t.same(p.frames(1, 'apple').said(), ['placed apple sure item-1'])
  t.equal(p.why, null)
})

t.test('frames that do not agree end in a question', async t => {
  const p = play()
  for (const sku of ['a', 'b', 'c', 'a', 'b', 'c', 'a', 'b', 'c', 'a', 'b', 'c', 'a', 'b', 'c'])
    p.frames(1, sku)
  t.same(p.said(), [])
  t.equal(p.why, 'the frames do not agree yet')
  p.frames(1, 'a')
  t.match(p.actions[0]?.item, { decision: 'ask', askReason: 'conflict', auto: false })
})

t.test('an unknown thing is placed without a product', async t => {
  const p = play().frames(10, seen('apple', 'unknown'))
  t.match(p.actions[0]?.item, { sku: null, name: null, decision: 'unknown' })
  t.same(p.said(), ['placed ? unknown item-1'])
})

t.test(
  'the next item on before the first is off: the first is removed, then the next placed',
  async t => {
    const p = play().frames(10, 'apple').frames(1, 'moving').frames(10, 'pear')
    t.same(p.said(), [
      'placed apple sure item-1',
      'removed taken apple sure item-1',
      'placed pear sure item-2',
    ])
  },
)

t.test('a hand that passes leaves the item what it was', async t => {
  const p = play().frames(10, 'apple').frames(5, 'moving').frames(10, 'apple')
  t.same(p.said(), ['placed apple sure item-1'])
})

t.test('picked up and put back at once is the same item', async t => {
  const p = play().frames(10, 'apple').frames(2, 'moving').frames(3, 'empty').frames(2, 'moving')
  t.same(p.frames(10, 'apple').said(), ['placed apple sure item-1'])
})

t.test('the light goes out: nothing is removed', async t => {
  const p = play().frames(10, 'apple').frames(100, 'dark').frames(5, 'apple')
  t.same(p.said(), ['placed apple sure item-1'])
  p.frames(1, 'dark')
  t.match(p.counter.basket(p.now().at), {
    complete: false,
    view: 'dark',
    items: [{ sku: 'apple' }],
  })
})

t.test('frames that go on to say another product change what the item is, once', async t => {
  const p = play().frames(10, 'apple').frames(10, 'pear')
  t.same(p.said(), ['placed apple sure item-1'], 'a second of doubt is not enough')
  t.same(p.frames(10, 'pear').said(), ['changed identity pear sure item-1'])
  t.same(p.frames(30, 'pear').said(), [])
})

t.test('what a person confirmed no frame changes', async t => {
  const p = play({ needSession: true })
  p.till(p.counter.open('s1', p.now())).frames(10, 'apple')
  p.said()
  const product = { sku: 'pear', name: 'Pear', plu: '4409', gtin: null }
  const confirm = { session: 's1', itemId: 'item-1', product, lineId: 'l1', quantity: 2 }
  p.till(p.counter.confirm(confirm, p.now()))
  t.match(p.actions[0]?.item, {
    sku: 'pear',
    plu: '4409',
    disposition: 'sold',
    lineId: 'l1',
    quantity: { value: 2, source: 'till', exact: true },
  })
  t.same(p.said(), ['changed confirmed pear sure item-1'])
  t.same(p.frames(40, 'apple').said(), [])
  p.till(p.counter.confirm(confirm, p.now()))
  t.same(p.said(), [], 'the same confirmation again does nothing')
  t.throws(() => p.counter.confirm({ ...confirm, product: { ...product, sku: 'fig' } }, p.now()), {
    code: 'ALREADY_CONFIRMED',
    message: 'item item-1 was confirmed as pear before, not as fig',
  })
  t.throws(() => p.counter.confirm({ ...confirm, itemId: 'x' }, p.now()), {
    code: 'ITEM_GONE',
    message: 'Expected an item x on the counter but it is not there',
  })
  t.throws(() => p.counter.confirm({ ...confirm, session: 's2' }, p.now()), {
    code: 'SESSION_CLOSED',
    message: 'Expected the open session s1 but received s2',
  })
})

t.test(
  'without a session nothing is announced; what lies there at open is asked about',
  async t => {
    const p = play({ needSession: true }).frames(20, 'apple')
    t.same(p.said(), [])
    t.equal(p.counter.basket(p.now().at).items.length, 0)
    p.till(p.counter.open('s1', p.now()))
    t.match(p.actions[0], { session: 's1', item: { askReason: 'presentAtOpen', auto: false } })
    t.same(p.said(), ['placed apple ask item-1'])
    t.same(p.till(p.counter.open('s1', p.now())).said(), [], 'opening again changes nothing')
    t.same(p.till(p.counter.close('s1', p.now())).said(), ['removed sessionEnd apple ask item-1'])
    t.same(p.till(p.counter.close('s1', p.now())).said(), [])
  },
)

t.test('what is left at close is said to be left, and asked about in the next session', async t => {
  const p = play({ needSession: true }).frames(3, 'empty')
  p.till(p.counter.open('s1', p.now())).frames(10, 'apple')
  t.same(p.said(), ['placed apple sure item-1'])
  p.till(p.counter.open('s2', p.now()))
  t.match(p.actions, [
    { action: 'removed', reason: 'sessionEnd', session: 's1', item: { disposition: 'leftover' } },
    { action: 'placed', session: 's2', item: { askReason: 'presentAtOpen', disposition: 'open' } },
  ])
})

t.test('a suspended session sees nothing, and looks again when it resumes', async t => {
  const p = play({ needSession: true }).frames(3, 'empty')
  p.till(p.counter.open('s1', p.now())).frames(10, 'apple')
  p.said()
  p.till(p.counter.suspend('s1', p.now())).frames(20, 'empty').frames(20, 'pear')
  t.same(p.said(), [])
  t.equal(p.why, 'the session is suspended')
  p.till(p.counter.resume('s1', p.now())).frames(10, 'pear')
  t.same(p.said(), ['removed taken apple sure item-1', 'placed pear sure item-2'])
  t.throws(() => p.counter.suspend('s9', p.now()), { code: 'SESSION_CLOSED' })
})

t.test('a restart with an apple on the counter invents no second apple', async t => {
  const before = play().frames(10, 'apple')
  const kept = JSON.parse(JSON.stringify(before.counter.keep()))
  const p = play().wait(50_000)
  p.counter.restore(kept)
  t.match(p.counter.basket(p.now().at), { complete: false, items: [{ itemId: 'item-1' }] })
  t.same(p.frames(1, 'moving').frames(20, 'apple').said(), [])
  t.equal(p.counter.basket(p.now().at).complete, true)
  t.same(p.frames(1, 'moving').frames(6, 'empty').said(), ['removed taken apple sure item-1'])
})

t.test('after a restart a known item counts as taken only after counter.settle', async t => {
  const kept = play().frames(10, 'apple').counter.keep()
  const p = play()
  p.counter.restore(kept)
  t.same(p.frames(1, 'moving').frames(29, 'empty').said(), [])
  t.same(p.frames(3, 'empty').said(), ['removed taken apple sure item-1'])
  const q = play()
  q.counter.restore(kept)
  t.same(q.frames(1, 'moving').frames(29, 'pear').said(), [])
  t.same(q.frames(5, 'pear').said(), ['removed taken apple sure item-1', 'placed pear sure item-1'])
})

t.test('a hand over an untouched thing changes nothing, whatever the model says next', async t => {
  const p = play().looks(1).frames(10, seen('apple', 'ask'))
  t.same(p.said(), ['placed apple ask item-1'])
  for (const next of [seen('pear'), seen('x', 'unknown'), seen('plum', 'ask')]) {
    p.frames(3, 'moving').frames(10, next)
    t.notOk(p.said().some(words => /removed|placed/.test(words)))
  }
})

t.test(
  'after a hand, knowing less of a turned thing keeps its id; only another product takes its place',
  async t => {
    const p = play().looks(1).frames(10, seen('apple', 'ask'))
    p.said()
    t.same(p.looks(2).frames(2, 'moving').frames(10, seen('x', 'unknown')).said(), [
      'changed identity ? unknown item-1',
    ])
    t.same(p.looks(3).frames(2, 'moving').frames(10, 'apple').said(), [
      'changed identity apple sure item-1',
    ])
    const maybe = {
      ...seen('pear', 'ask'),
      candidates: [candidate('pear', 0.5), candidate('apple', 0.4)],
    }
    t.same(
      p.looks(4).frames(2, 'moving').frames(10, maybe).said(),
      [],
      'a question with it among the answers',
    )
    t.same(p.looks(5).frames(2, 'moving').frames(10, 'pear').said(), [
      'removed taken apple sure item-1',
      'placed pear sure item-2',
    ])
  },
)

t.test(
  'a confirmed item stays confirmed under hands, in the dark, and after a restart',
  async t => {
    const p = play({ needSession: true }).frames(3, 'empty')
    p.till(p.counter.open('s1', p.now())).looks(1).frames(10, 'apple')
    const product = { sku: 'pear', name: 'Pear', plu: null, gtin: null }
    const confirm = { session: 's1', itemId: 'item-1', product, lineId: 'l1', quantity: 7 }
    p.till(p.counter.confirm(confirm, p.now()))
    p.said()
    p.looks(2)
      .frames(3, 'moving')
      .frames(20, 'apple')
      .frames(5, 'dark')
      .frames(20, seen('x', 'unknown'))
    t.same(p.said(), [])
    const q = play({ needSession: true })
    q.counter.restore(JSON.parse(JSON.stringify(p.counter.keep())))
    t.same(q.frames(1, 'moving').frames(60, 'apple').said(), [])
    t.same(
      p.till(p.counter.confirm({ ...confirm, quantity: 8 }, p.now())).said(),
      ['changed confirmed pear sure item-1'],
      'another quantity is another word',
    )
    p.till(p.counter.close('s1', p.now())).till(p.counter.open('s2', p.now())).frames(2, 'apple')
    t.match(p.actions.at(-1), {
      action: 'placed',
      session: 's2',
      item: { quantity: { value: null, source: 'assumed' }, lineId: null },
    })
  },
)

t.test(
  'what may have lain there at open is asked about, in whatever phase the session opens',
  async t => {
    const before = (...steps: ((p: ReturnType<typeof play>) => unknown)[]) => {
      const p = play({ needSession: true })
      for (const one of steps) one(p)
      return p.till(p.counter.open('s1', p.now()))
    }
    const asked = ['placed apple ask item-1']
    t.same(before().frames(9, 'apple').said(), asked, 'before the first frame')
    t.same(
      before(p => p.frames(2, 'apple'))
        .frames(9, 'apple')
        .said(),
      asked,
      'while it settles',
    )
    t.same(
      before(p => p.frames(9, 'apple').frames(2, 'moving'))
        .frames(9, 'apple')
        .said(),
      asked,
      'under a hand',
    )
    t.same(
      before(p => p.frames(9, 'apple').frames(2, 'empty'))
        .frames(9, 'empty')
        .said(),
      [],
      'on its way out',
    )
    t.same(
      before(p => p.frames(9, 'empty'))
        .frames(9, 'apple')
        .said(),
      ['placed apple sure item-1'],
      'an empty counter',
    )
    t.same(
      before(p => p.frames(9, 'empty').wait(60_000))
        .frames(9, 'apple')
        .said(),
      asked,
      'long unseen',
    )
    const p = before(p => p.frames(9, 'apple')).frames(40, 'pear')
    t.match(p.actions.at(-1), {
      action: 'changed',
      item: { sku: 'pear', decision: 'ask', auto: false, askReason: 'presentAtOpen' },
    })
  },
)

t.test('what was taken is not left behind: a close while it leaves says taken', async t => {
  const p = play({ needSession: true }).frames(3, 'empty')
  p.till(p.counter.open('s1', p.now())).frames(10, 'apple').frames(2, 'empty')
  p.till(p.counter.close('s1', p.now()))
  t.same(p.said(), ['placed apple sure item-1', 'removed taken apple sure item-1'])
})

t.test(
  'an item that was told of without a session ends there when one opens, and is asked about in it',
  async t => {
    const p = play().frames(10, 'apple')
    p.till(p.counter.open('s1', p.now()))
    t.match(p.actions.slice(1), [
      { action: 'removed', reason: 'sessionEnd', session: null },
      { action: 'placed', session: 's1', item: { askReason: 'presentAtOpen', itemId: 'item-1' } },
    ])
  },
)

t.test('a recognition is about the item only where the fresh pictures can show it', async t => {
  const p = play().frames(10, 'apple')
  const verdict = (sku: string) => judge([{ observation: seen(sku), leads: true }], 0)
  t.equal(p.counter.itemOf(verdict('apple'))?.itemId, 'item-1')
  t.equal(p.counter.itemOf(verdict('pear')), null)
  p.frames(1, 'moving')
  t.equal(p.counter.itemOf(verdict('apple')), null, 'not while the scene moves')
})

t.test('without sessions an item that lay there at a close is told of again', async t => {
  const p = play().frames(10, 'apple')
  p.till(p.counter.open('s1', p.now()))
  p.said()
  p.till(p.counter.close('s1', p.now())).frames(3, 'apple')
  t.same(
    p.said().map(words => words.split(' ')[0]),
    ['removed', 'placed'],
  )
})

t.test(
  'votes from before a gap count for nothing, and what is known must be seen again',
  async t => {
    const p = play().frames(2, 'apple').wait(600_000).frames(2, 'pear')
    t.same(p.said(), [])
    t.same(p.frames(3, 'pear').said(), ['placed pear sure item-1'])
    p.wait(600_000).frames(3, 'apple')
    t.same(p.said(), [], 'no word on the first frames')
    t.same(p.frames(3, 'apple').said(), [
      'removed taken pear sure item-1',
      'placed apple sure item-2',
    ])
    const q = play()
    q.counter.restore(p.counter.keep())
    t.same(q.wait(10_000).frames(20, 'empty').said(), [], 'settle begins with the first frame')
  },
)

t.test('a gone item goes, also where single frames claim that something is there', async t => {
  const p = play().frames(10, 'apple')
  for (let n = 0; n < 12; n++) p.frames(2, 'empty').frames(1, 'apple')
  t.same(p.said(), ['placed apple sure item-1', 'removed taken apple sure item-1'])
})

t.test('the basket is complete only where it was just seen for certain and told', async t => {
  const p = play()
  const complete = () => p.counter.basket(p.now().at).complete
  t.equal(complete(), false, 'before the first frame')
  p.frames(2, 'empty')
  t.equal(complete(), true)
  p.frames(2, 'apple')
  t.equal(complete(), false, 'while it settles')
  p.frames(5, 'apple')
  t.equal(complete(), true)
  p.wait(2500)
  t.equal(complete(), false, 'no frame for two seconds')
  const q = play({ needSession: true }).frames(9, 'apple')
  t.equal(
    q.counter.basket(q.now().at).complete,
    false,
    'something lies there that nobody was told of',
  )
})

t.test(
  'the time to find a restored item again ends, also where the scene goes on moving',
  async t => {
    const p = play().wait(60_000)
    p.counter.restore(play().frames(10, 'apple').counter.keep())
    for (const sku of ['pear', 'fig', 'plum']) {
      p.frames(1, 'moving').frames(19, sku).frames(1, 'moving').frames(7, 'empty')
    }
    t.same(p.said(), [
      'removed taken apple sure item-1',
      'placed fig sure item-1',
      'removed taken fig sure item-1',
      'placed plum sure item-2',
      'removed taken plum sure item-2',
    ])
  },
)

t.test('a state of a newer format is refused', async t => {
  t.throws(() => play().counter.restore({ format: 2 }), {
    code: 'OUTBOX_INVALID',
    message: "Expected the counter's state in format 1 but received 2",
  })
})

t.test('another camera votes, and never decides alone', async t => {
  const p = play().frames(50, 'apple', false)
  t.same(p.said(), [])
  p.frames(2, 'apple').frames(4, 'pear', false)
  t.same(
    p.frames(14, 'apple').said(),
    ['placed apple sure item-1'],
    'its votes leave the window in time',
  )
})

t.test('two cameras that disagree are a question, in whatever order their frames come', async t => {
  for (const [first, second] of [
    [true, false],
    [false, true],
  ] as const) {
    for (const [leader, other] of [
      [1, 1],
      [1, 4],
      [2, 1],
    ] as const) {
      const p = play().frames(1, 'apple')
      const turn = (leads: boolean) =>
        leads ? p.frames(leader, 'apple') : p.frames(other, 'pear', false)
      while (p.actions.length === 0) {
        turn(first)
        turn(second)
      }
      t.match(
        p.actions,
        [{ item: { decision: 'ask', askReason: 'conflict' } }],
        `${leader}:${other}, the leading one ${first ? 'first' : 'last'}`,
      )
      const { alternatives } = p.actions[0]!.item
      t.same(alternatives.map(({ sku }) => sku).slice(0, 2), ['apple', 'pear'])
    }
  }
  const turns = (other: Observation | string) => {
    const p = play()
    for (let n = 0; n < 20; n++) p.frames(1, 'apple').frames(1, other, false)
    return p.said()
  }
  t.same(turns('apple'), ['placed apple sure item-1'])
  t.same(turns(seen('pear', 'unknown')), ['placed apple sure item-1'], 'it sees nothing of it')
  t.same(turns(seen('apple', 'ask')), ['placed apple sure item-1'], 'it sees it less well')
  t.same(turns('moving'), ['placed apple sure item-1'], 'it sees a hand')
  const quarrel = play()
  for (let n = 0; n < 20; n++) quarrel.frames(1, n % 2 ? 'pear' : 'apple').frames(1, 'apple', false)
  t.same(quarrel.said(), ['placed apple sure item-1'], 'it settles a quarrel')
})

t.test('a verdict is sure only where enough frames are sure of the same', async t => {
  const votes = (...list: Observation[]) => list.map(observation => ({ observation, leads: true }))
  t.match(judge(votes(seen('a'), seen('a'), seen('a', 'ask')), 0.6), {
    decision: 'sure',
    settled: true,
  })
  t.match(judge(votes(seen('a'), seen('a', 'ask'), seen('a', 'ask')), 0.6), {
    decision: 'ask',
    askReason: 'confidence',
  })
  t.match(judge(votes(seen('a'), seen('b')), 0.6), { settled: false })
  t.match(judge(votes(seen('a', 'unknown'), seen('b', 'unknown'), seen('c', 'unknown')), 0.6), {
    decision: 'unknown',
    settled: true,
  })
  t.match(
    judge(votes(seen('a', 'sure', true), seen('a', 'sure', true), seen('a', 'sure', true)), 0.6),
    { auto: true },
  )
  t.match(
    judge(votes(seen('a', 'sure', true), seen('a', 'sure', false), seen('a', 'sure', true)), 0.6),
    { auto: false },
  )
  t.match(judge([], 0.6), { settled: false, decision: 'ask', candidates: [] })
  const variant = (best: string, other: string) => {
    const candidates = [candidate(best, 0.48), candidate(other, 0.46), candidate('pear', 0.06)]
    const reason = { decision: 'ask', askReason: 'variant' } as const
    return { ...seen(best), ...reason, candidates, twins: [best, other] }
  }
  const [gala, organic] = [variant('gala', 'organic'), variant('organic', 'gala')]
  const twins = ['gala', 'organic']
  const asks = { decision: 'ask', auto: false, agreement: 1, settled: true, twins }
  t.match(judge(votes(gala, organic, gala), 0.6), { ...asks, askReason: 'variant' })
  const mean = judge(votes(gala, organic, gala), 0.6).candidates
  t.same(
    mean.map(({ sku, score }) => [sku, Number(score.toFixed(4))]),
    [
      ['gala', 0.4733],
      ['organic', 0.4667],
      ['pear', 0.06],
    ],
  )
  t.match(
    judge(votes(gala, seen('gala', 'sure', true), seen('gala', 'sure', true)), 0.6),
    { decision: 'sure', auto: false, askReason: null, twins: ['gala'] },
    'enough were sure of the one, yet none of them all',
  )
  t.match(
    judge(votes(gala, seen('gala'), organic, seen('organic')), 0.6),
    { ...asks, askReason: 'variant' },
    'sure of either is sure of the kind',
  )
  t.match(
    judge(votes(gala, { ...gala, askReason: 'confidence' }, seen('gala', 'ask')), 0.6),
    { ...asks, askReason: 'confidence' },
    'twins that most frames were not sure of',
  )
  const split = {
    ...gala,
    candidates: [candidate('gala', 0.3), candidate('organic', 0.3), candidate('pear', 0.4)],
  }
  t.match(
    judge(votes(split, split, split), 0.6),
    { ...asks, candidates: [{ sku: 'gala' }, { sku: 'organic' }, { sku: 'pear' }] },
    'twins stand first, although each alone has less',
  )
})

t.test(
  'whatever comes in whatever order: nothing is placed twice, and nothing is removed that is not there',
  async () => {
    const what = fc.constantFrom(
      'empty',
      'moving',
      'dark',
      'apple',
      'pear',
      'open',
      'close',
      'suspend',
      'resume',
    )
    fc.assert(
      fc.property(
        fc.array(fc.tuple(what, fc.integer({ min: 1, max: 12 })), { maxLength: 40 }),
        fc.boolean(),
        (steps, needSession) => {
          const p = play({ needSession })
          let session = 0
          for (const [kind, times] of steps) {
            const open = p.counter.session?.id ?? null
            if (kind === 'open') p.till(p.counter.open(`s${++session}`, p.now()))
            else if (kind === 'close') p.till(p.counter.close(open ?? 'none', p.now()))
            else if (kind === 'suspend' || kind === 'resume') {
              if (open) p.till(p.counter[kind](open, p.now()))
            } else p.frames(times, kind)
          }
          // An item may be told of again in a later session, but never twice at a time, nor after it went.
          const there = new Set<string>()
          for (const { action, item, session: inSession } of p.actions) {
            if (needSession && inSession === null) return false
            if ((action === 'placed') === there.has(item.itemId)) return false
            if (action === 'placed') there.add(item.itemId)
            if (action === 'removed') there.delete(item.itemId)
            if (there.size > 1) return false
          }
          return p.counter.basket(p.now().at).items.length === there.size
        },
      ),
      { numRuns: 300 },
    )
  },
)

t.test(
  'what no picture tells apart is one question, told once, until somebody answers',
  async t => {
    const variant = (best: string, other: string): Observation => ({
      ...seen(best),
      decision: 'ask',
      askReason: 'variant',
      candidates: [candidate(best, 0.47), candidate(other, 0.47), candidate('pear', 0.03)],
      twins: [best, other],
    })
    const [plain, organic] = [variant('banana', 'organic'), variant('organic', 'banana')]
    const p = play().frames(2, 'empty').frames(4, plain)
    t.match(p.actions[0], {
      action: 'placed',
      item: {
        sku: 'banana',
        decision: 'ask',
        auto: false,
        askReason: 'variant',
        score: 0.47,
        alternatives: [{ sku: 'banana' }, { sku: 'organic' }, { sku: 'pear' }],
      },
    })
    t.same(p.said(), ['placed banana ask item-1'])
    t.same(p.frames(40, organic).said(), [], 'its twin is no other thing')
    t.same(p.frames(2, 'moving').frames(20, organic).said(), [], 'nor is it after a hand')
    const { itemId } = p.counter.item!
    const product = { sku: 'organic', name: 'Organic banana', plu: '94011', gtin: null }
    p.till(
      p.counter.confirm({ session: null, itemId, product, lineId: null, quantity: null }, p.now()),
    )
    t.same(p.said(), ['changed confirmed organic sure item-1'])
    t.same(p.frames(40, plain).frames(2, 'moving').frames(20, plain).said(), [], 'it was answered')
    p.frames(2, 'moving').frames(20, 'pear')
    t.same(p.said(), ['removed taken organic sure item-1', 'placed pear sure item-2'])

    const named = play().frames(2, 'empty').frames(4, plain)
    named.said()
    t.same(
      named.frames(30, 'organic').said(),
      ['changed identity organic sure item-1'],
      'frames that are sure of the twin are news',
    )
  },
)
