// The counter in tray mode: scripts of observations with their truth (no pictures), the till's words, and what holds for every input.
import fc from 'fast-check'
import t from 'tap'
import { assign } from '../src/counter/tray/assign.js'
import { TrayCounter } from '../src/counter/tray/tray-counter.js'
import type { TraySettings } from '../src/counter/tray/track.js'
import type { ItemAction } from '../src/counter/types.js'
import type {
  Box,
  Decision,
  FrameObservations,
  Observation,
  SceneView,
} from '../src/recognition/types.js'
import { counterSettings } from './helpers/counter-settings.js'
import { clipOf, emptyClip, hauntedClip } from './tray/scenarios.js'
import { emptyScore, figures, play as playClip, type PlayOptions } from './tray/score.js'

t.setTimeout(300_000)

const spots: Record<string, Box> = {
  left: [0.05, 0.3, 0.25, 0.55],
  middle: [0.4, 0.3, 0.6, 0.55],
  right: [0.75, 0.3, 0.95, 0.55],
  nearLeft: [0.15, 0.3, 0.35, 0.55],
  edge: [0.4, 0.5, 0.6, 0.99],
  onEdge: [0.42, 0.5, 0.58, 0.7],
}
/** Of those that have embeddings. */
const looks: Record<string, number[]> = { melon: [1, 0], '?hand': [0, 1] }
const candidate = (sku: string, score: number) => ({ sku, name: sku, plu: null, gtin: null, score })
const seen = (sku: string, box: Box, decision: Decision = 'sure'): Observation => ({
  box,
  decision,
  auto: false,
  askReason: decision === 'ask' ? 'confidence' : null,
  candidates: [candidate(sku, 0.9), candidate('other', 0.05)],
  ...(sku in looks ? { embedding: Float32Array.from(looks[sku]!) } : {}),
})

/** A tray at 10 frames a second, described by words: `apple@left pear@right`. */
function tray(overrides: Partial<TraySettings> = {}) {
  let ids = 0
  let at = 0
  const newId = () => `item-${++ids}`
  const make = () => new TrayCounter({ ...counterSettings, ...overrides, newId })
  let counter = make()
  const actions: ItemAction[] = []
  let why: string | null = null
  const script = {
    get counter() {
      return counter
    },
    get why() {
      return why
    },
    get basket() {
      return counter.basket(at)
    },
    now: () => ({ at, capturedAt: 1_000_000 + at, ageMs: 0, camera: 'tray' }),
    frames(times: number, what: string, view: SceneView = 'object', other: string | null = null) {
      const things = (words: string) =>
        words
          .split(' ')
          .filter(Boolean)
          .map(one => {
            const [sku, spot] = one.split('@') as [string, string]
            return seen(sku, spots[spot]!, sku.startsWith('?') ? 'unknown' : 'sure')
          })
      const observations = things(what)
      for (let n = 0; n < times; n++) {
        at += 100
        const frame: FrameObservations = {
          camera: 'tray',
          frame: at / 100,
          capturedAt: 1_000_000 + at,
          ageMs: 5,
          scene: { view, motion: 0, contrast: 0.2, brightness: 0.5 },
          observations,
          stagesMs: { queue: 0, decode: 0, resize: 0, infer: 0 },
        }
        const outcome = counter.see(frame, at, true)
        actions.push(...outcome.actions)
        why = outcome.why
        if (other === null) continue
        const others = { ...frame, camera: 'other', observations: things(other) }
        t.same(counter.see(others, at, false).actions, [], 'another camera announces nothing')
      }
      return script
    },
    /** Frames of two cameras in turn; the other one has places of its own. */
    both: (times: number, what: string, other: string) =>
      script.frames(times, what, 'object', other),
    hand: (times = 5) => script.frames(times, '', 'moving'),
    till(outcome: { actions: ItemAction[] }) {
      actions.push(...outcome.actions)
      return script
    },
    wait(ms: number) {
      at += ms
      return script
    },
    restart() {
      const kept = JSON.parse(JSON.stringify(counter.keep()))
      counter = make()
      counter.restore(kept)
      return script
    },
    said: () =>
      actions
        .splice(0)
        .map(({ action, reason, item }) =>
          [action, reason, item.sku ?? '?', item.decision, item.itemId].filter(Boolean).join(' '),
        ),
  }
  return script
}

t.test('the assignment is the cheapest there is', async () => {
  const cheapest = (
    costs: number[][],
    alone: number,
    row = 0,
    taken = new Set<number>(),
  ): number =>
    row === costs.length
      ? 0
      : Math.min(
          alone + cheapest(costs, alone, row + 1, taken),
          ...costs[row]!.flatMap((cost, column) =>
            taken.has(column) || cost >= alone
              ? []
              : [cost + cheapest(costs, alone, row + 1, new Set([...taken, column]))],
          ),
        )
  const cost = fc.oneof(fc.integer({ min: 0, max: 12 }), fc.constant(Number.POSITIVE_INFINITY))
  const matrix = fc
    .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 4 }))
    .chain(([rows, columns]) =>
      fc.array(fc.array(cost, { minLength: columns, maxLength: columns }), {
        minLength: rows,
        maxLength: rows,
      }),
    )
  fc.assert(
    fc.property(matrix, costs => {
      const found = assign(costs, 10)
      const columns = found.filter(column => column >= 0)
      const sum = found.reduce(
        (all, column, row) => all + (column < 0 ? 10 : costs[row]![column]!),
        0,
      )
      return new Set(columns).size === columns.length && sum === cheapest(costs, 10)
    }),
    { numRuns: 500, seed: 7 },
  )
})

t.test('another camera votes on the one thing that has no name yet', async t => {
  const asked = (p: ReturnType<typeof tray>) =>
    p.counter.items.map(({ sku, decision, askReason }) => [sku, decision, askReason])
  const alone = tray().both(20, 'apple@left', 'apple@edge')
  t.same(alone.said(), ['placed apple sure item-1'], 'both agree')
  const quarrel = tray().both(20, 'apple@left', 'pear@edge')
  t.same(asked(quarrel), [['apple', 'ask', 'conflict']], 'they disagree')
  t.same(quarrel.counter.items[0]!.alternatives.map(({ sku }) => sku).slice(0, 2), [
    'apple',
    'pear',
  ])
  t.same(quarrel.both(60, 'apple@left', 'pear@edge').said().length, 1, 'and go on to disagree')

  // Where others lie: which of the other camera's is the new one is known by elimination.
  const among = (other: string) => {
    const p = tray().frames(4, 'apple@left plum@right')
    p.said()
    return p.hand().both(20, 'apple@left pear@middle plum@right', other)
  }
  t.same(among('plum@edge pear@left apple@right').said(), ['placed pear sure item-3'], 'agreed')
  const disagreed = among('plum@left kiwi@middle apple@right')
  t.same(asked(disagreed).at(-1), ['pear', 'ask', 'conflict'])
  for (const [other, what] of [
    ['', 'it is blind'],
    ['apple@left plum@right', 'it does not see the new thing'],
    ['plum@left kiwi@middle apple@right kiwi@edge', 'it sees one thing more'],
    ['kiwi@left kiwi@middle apple@right', 'it does not know the plum again'],
    ['plum@left ?@middle apple@right', 'it does not know the new thing'],
  ] as const)
    t.same(among(other).said(), ['placed pear sure item-3'], what)

  const two = tray().both(20, 'apple@left pear@right', 'kiwi@left kiwi@right')
  t.same(two.said().length, 2)
  t.same(
    asked(two).map(([, decision]) => decision),
    ['sure', 'sure'],
    'of two new ones neither',
  )
  const known = tray().frames(4, 'apple@left').both(60, 'apple@left', 'pear@left')
  t.same(known.said(), ['placed apple sure item-1'], 'what has a name keeps it')
  const asleep = tray().both(2, 'apple@left', 'pear@left').frames(10, 'apple@left')
  t.same(asleep.said(), ['placed apple sure item-1'], 'what it said before it went blind ages')
})

t.test('several things are an item each, and equal ones too', async t => {
  const p = tray().frames(4, 'apple@left apple@middle pear@right')
  t.same(p.said(), [
    'placed apple sure item-1',
    'placed apple sure item-2',
    'placed pear sure item-3',
  ])
  t.same([p.basket.complete, p.basket.view, p.basket.items.length, p.why], [true, 'ok', 3, null])
  p.hand().frames(40, 'apple@left pear@right')
  t.same(p.said(), ['removed taken apple sure item-2'])
  t.same(p.frames(100, 'apple@left pear@right').said(), [])
})

t.test('a hand hides and never takes; what is put on another hides it', async t => {
  const p = tray().frames(4, 'apple@left pear@right')
  p.said()
  p.hand(60)
  t.same(p.said(), [])
  t.same([p.basket.complete, p.basket.view, p.basket.items.length], [false, 'moving', 2])
  p.frames(2, 'apple@left pear@right')
  t.same([p.said(), p.basket.complete], [[], true])
  p.hand().frames(100, 'plum@left pear@right')
  t.same(p.said(), ['placed plum sure item-3'])
  t.same([p.counter.hidden, p.basket.complete, p.basket.items.length], [['item-1'], false, 3])
  t.equal(p.why, 'something lies over a known item')
  p.hand().frames(40, 'apple@left pear@right')
  t.same(p.said(), ['removed taken plum sure item-3'])
  t.same([p.counter.hidden, p.basket.complete], [[], true])
})

t.test('what nobody knows and the edge cuts is an arm; what is known there is a thing', async t => {
  const p = tray().frames(4, 'apple@left')
  p.said()
  p.hand().frames(80, 'apple@left ?@edge ?@onEdge')
  t.same([p.said(), p.basket.complete, p.basket.view], [[], false, 'hand'])
  t.equal(p.why, 'something that nobody knows reaches in from the edge')
  p.hand().frames(3, 'apple@left')
  t.same([p.said(), p.basket.complete, p.basket.view], [[], true, 'ok'])
  p.hand().frames(4, 'apple@left pear@edge')
  t.same(p.said(), ['placed pear sure item-2'])
  p.hand().frames(6, 'apple@left pear@edge ?@right')
  t.same(p.said(), ['placed ? unknown item-3'])
})

t.test('what nobody knows over a known thing may be a hand on it for a while', async t => {
  const p = tray().frames(4, 'melon@left')
  p.said()
  p.hand().frames(15, '?hand@left')
  t.same([p.said(), p.basket.complete], [[], false])
  p.hand().frames(3, 'melon@left')
  t.same([p.said(), p.basket.complete], [[], true])
})

t.test('what nobody knows carries nothing away', async t => {
  const p = tray().frames(4, 'apple@left')
  p.frames(2, '?@nearLeft', 'moving').frames(5, 'apple@left apple@nearLeft', 'moving')
  p.frames(5, 'apple@left apple@nearLeft')
  t.same(
    p.basket.items.map(({ itemId, box }) => [itemId, box]),
    [
      ['item-1', spots.left],
      ['item-2', spots.nearLeft],
    ],
  )
})

t.test('what is moved, traded or put back keeps its id', async t => {
  const p = tray().frames(4, 'apple@left pear@right')
  p.said()
  p.hand().frames(6, 'apple@middle pear@right')
  p.hand().frames(6, 'pear@middle apple@right')
  p.hand().frames(8, 'pear@middle').hand(4).frames(6, 'pear@middle apple@left')
  t.same(p.said(), [])
  t.same(
    p.basket.items.map(({ itemId, sku }) => `${itemId} ${sku}`),
    ['item-1 apple', 'item-2 pear'],
  )
})

t.test('a second of disagreement renames nothing; a sustained clear one does', async t => {
  const p = tray().frames(4, 'apple@left')
  p.said()
  p.frames(12, 'pear@left').frames(10, 'apple@left')
  t.same(p.said(), [])
  t.same(p.frames(30, 'pear@left').said(), ['changed identity pear sure item-1'])
})

t.test('sessions ask about what lay there, and end with what is left', async t => {
  const p = tray({ needSession: true }).frames(6, 'apple@left')
  t.same([p.said(), p.why], [[], 'no session is open'])
  p.till(p.counter.open('s1', p.now())).hand().frames(5, 'apple@left pear@right')
  t.same(p.said(), ['placed apple ask item-1', 'placed pear sure item-2'])
  const pear = { sku: 'pear', name: 'pear', plu: null, gtin: null }
  const says = { session: 's1', itemId: 'item-2', product: pear, lineId: '7', quantity: null }
  p.till(p.counter.confirm(says, p.now())).till(p.counter.confirm(says, p.now()))
  t.same(p.said(), ['changed confirmed pear sure item-2'])
  t.throws(() => p.counter.confirm({ ...says, itemId: 'item-9' }, p.now()), {
    code: 'ITEM_GONE',
    message: 'Expected an item item-9 on the counter but it is not there',
  })
  t.throws(() => p.counter.confirm({ ...says, product: { ...pear, sku: 'fig' } }, p.now()), {
    code: 'ALREADY_CONFIRMED',
  })
  p.till(p.counter.suspend('s1', p.now())).frames(50, '')
  t.same([p.said(), p.basket.complete, p.why], [[], false, 'the session is suspended'])
  p.till(p.counter.resume('s1', p.now())).frames(2, 'apple@left pear@right')
  const last = p.counter.close('s1', p.now())
  t.same(
    last.actions.map(({ reason, item }) => `${reason} ${item.sku} ${item.disposition}`),
    ['sessionEnd apple leftover', 'sessionEnd pear sold'],
  )
  t.throws(() => p.counter.suspend('s1', p.now()), {
    code: 'SESSION_CLOSED',
    message: 'Expected the open session (none is open) but received s1',
  })
  p.till(p.counter.open('s2', p.now())).frames(2, 'apple@left pear@right')
  t.same(p.said(), ['placed apple ask item-3', 'placed pear ask item-4'], 'under ids of their own')
})

t.test('a restart invents nothing, and what was taken meanwhile is removed', async t => {
  const p = tray().frames(4, 'apple@left pear@right')
  p.said()
  p.restart().wait(5000).frames(1, '', 'moving').frames(40, 'apple@left')
  t.same(p.said(), ['removed taken pear sure item-2'])
  t.same(
    p.basket.items.map(({ itemId }) => itemId),
    ['item-1'],
  )
  t.throws(() => p.counter.restore({ format: 1, item: null }), {
    code: 'OUTBOX_INVALID',
    message: "Expected the tray's state in format tray-1 but received 1",
  })
})

t.test('more things than a tray is counted with, and the basket says so', async t => {
  const p = tray({ most: 2 }).frames(5, 'apple@left apple@middle pear@right')
  t.same([p.basket.view, p.basket.complete], ['many', false])
  t.equal(p.why, 'more things than one tray is counted with')
})

// Other seeds than the rules were made with.
const clips = Array.from({ length: 240 }, (_, index) => clipOf(5000 + index))
const run = (count: number, options: PlayOptions = {}) => {
  const score = emptyScore()
  for (const clip of clips.slice(0, count)) playClip(clip, score, options)
  return { ...figures(score), faults: score.faults }
}

t.test(`${clips.length} scripts of observations, not pictures: events, ids and time`, async t => {
  const { faults, ...all } = run(clips.length)
  t.comment(JSON.stringify(all))
  t.comment(faults.slice(0, 60).join('\n'))
  t.ok(all.precision >= 0.97, `precision ${all.precision}`)
  t.ok(all.recall >= 0.97, `recall ${all.recall}`)
  t.ok(all.idSwitches < 0.01, `id switches ${all.idSwitches} a thing`)
  t.ok(all.placedP95Ms <= 400, `placed after ${all.placedP95Ms} ms (p95)`)
})

t.test('each rule carries its figure: without it the figure falls', async t => {
  const count = 60
  const whole = run(count)
  const without = {
    look: run(count, { look: false }),
    putBack: run(count, { settings: { putBack: 0 } }),
    refind: run(count, { settings: { refind: 0 } }),
    alike: run(count, { settings: { alike: 0 } }),
    consensus: run(count, { settings: { stable: 0, consensus: 0, lead: 0 } }),
  }
  for (const [rule, { faults: _, ...all }] of Object.entries({ whole, ...without }))
    t.comment(`${rule}: ${JSON.stringify(all)}`)
  t.ok(without.look.recall < whole.recall - 0.01, 'the brightness grid: recall')
  t.ok(without.putBack.idSwitches > whole.idSwitches + 0.02, 'putBack: ids')
  t.ok(without.refind.idSwitches > whole.idSwitches + 0.05, 'refind: ids')
  t.ok(without.alike.recall < whole.recall - 0.02, 'likeness where a hand was: recall')
  t.ok(without.consensus.precision < whole.precision - 0.01, 'consensus: precision')
})

t.test('36,000 frames of an empty counter: no event', async t => {
  const score = emptyScore()
  for (let seed = 1; seed <= 10; seed++) playClip(emptyClip(seed, 3600), score)
  t.same([score.frames, score.said, score.changed], [36_000, 0, 0])
})

// 33 without the least share of frames in which a new thing must be seen, 25 where those that disagree need no more.
t.test('4,800 frames with places that look like a thing: no event', async t => {
  const score = emptyScore()
  for (let seed = 101; seed <= 104; seed++) playClip(hauntedClip(seed, 1200), score)
  t.comment(score.faults.slice(0, 20).join('\n'))
  t.equal(score.frames, 4800)
  t.same([score.said, score.changed], [0, 0])
})

t.test('whatever is seen and said: ids, their order and the basket hold', async t => {
  const box = fc
    .tuple(fc.integer({ min: 0, max: 7 }), fc.integer({ min: 0, max: 7 }))
    .map(([x, y]): Box => [x / 10, y / 10, x / 10 + 0.2, y / 10 + 0.2])
  const thing = fc
    .tuple(
      fc.constantFrom('apple', 'pear', 'plum'),
      box,
      fc.constantFrom<Decision>('sure', 'ask', 'unknown'),
    )
    .map(([sku, where, decision]) => seen(sku, where, decision))
  const views = fc.constantFrom<SceneView>('object', 'object', 'object', 'empty', 'moving', 'dark')
  const look = fc.option(fc.integer({ min: 0, max: 3 }))
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.tuple(
        fc.constant('see' as const),
        fc.array(thing, { maxLength: 4 }),
        views,
        fc.integer({ min: 1, max: 12 }),
        look,
      ),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(
        fc.constantFrom(
          'open',
          'close',
          'suspend',
          'resume',
          'confirm',
          'restart',
          'blind',
          'anew',
          'wait' as const,
        ),
      ),
    },
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.boolean(), (steps, needSession) => {
      let ids = 0
      let at = 0
      let counter = new TrayCounter({ ...counterSettings, needSession, newId: () => `i${++ids}` })
      const known = new Set<string>()
      const gone = new Set<string>()
      const hear = (actions: ItemAction[]) => {
        for (const { action, item } of actions) {
          const there = known.has(item.itemId)
          if (action === 'placed') {
            if (there || gone.has(item.itemId)) throw new Error(`${item.itemId} is used again`)
            known.add(item.itemId)
          } else if (!there) throw new Error(`${action} ${item.itemId} was not placed`)
          if (action === 'removed') {
            known.delete(item.itemId)
            gone.add(item.itemId)
          }
        }
        const shown = counter.basket(at).items.map(({ itemId }) => itemId)
        if (new Set(shown).size !== shown.length) throw new Error('two items with one id')
        if (shown.length !== known.size || shown.some(id => !known.has(id)))
          throw new Error('the basket is not what was announced')
      }
      const quietly = (act: () => { actions: ItemAction[] }) => {
        try {
          hear(act().actions)
        } catch (error) {
          if (!('code' in (error as object))) throw error
        }
      }
      const now = () => ({ at, capturedAt: at, ageMs: 0, camera: 'tray' })
      for (const [kind, observations, view, times, grid] of steps) {
        if (kind === 'see') {
          for (let n = 0; n < (times as number); n++) {
            at += 100
            const frame = {
              ...(grid === null
                ? {}
                : { look: new Uint8Array(768).map((_, cell) => (cell * (grid as number)) % 200) }),
              camera: 'tray',
              frame: at,
              capturedAt: at,
              ageMs: 0,
              scene: { view: view!, motion: 0, contrast: 0, brightness: 0 },
              observations: observations!,
              stagesMs: { queue: 0, decode: 0, resize: 0, infer: 0 },
            }
            hear(counter.see(frame, at, true).actions)
          }
        } else if (kind === 'restart') {
          const kept = JSON.parse(JSON.stringify(counter.keep()))
          counter = new TrayCounter({ ...counterSettings, needSession, newId: () => `i${++ids}` })
          counter.restore(kept)
          hear([])
        } else if (kind === 'blind') counter.loseSight()
        else if (kind === 'anew') counter.anew()
        else if (kind === 'wait') at += 1500
        else if (kind === 'confirm') {
          const itemId = counter.items[0]?.itemId ?? 'none'
          const product = { sku: 'fig', name: 'fig', plu: null, gtin: null }
          const session = counter.session?.id ?? null
          quietly(() =>
            counter.confirm({ session, itemId, product, lineId: null, quantity: 1 }, now()),
          )
        } else quietly(() => counter[kind](`s${at % 3}`, now()))
      }
      return true
    }),
    { numRuns: 300, seed: 31 },
  )
  t.pass('300 runs')
})
