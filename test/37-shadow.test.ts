// Mode shadow: which thing a line of the till is for, the figures of a scripted week, and a daemon that announces nothing.
import { execFile } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { dayIn } from '../src/clock.js'
import { DayFiles, readDay, shadowDays } from '../src/learn/shadow/day-files.js'
import { chargeOf, figuresOf } from '../src/learn/shadow/figures.js'
import { ShadowMatcher } from '../src/learn/shadow/match.js'
import type { Compared, Seen } from '../src/learn/shadow/types.js'
import type { PosMessage } from '../src/publish/messages.js'
import type { ShopPrice } from '../src/recognition/catalogue.js'
import { chequered, colourModel } from './helpers/colour-models.js'
import { Listener, startDaemon } from './helpers/daemon.js'

t.setTimeout(120_000)

const runCli = (args: string[]) => promisify(execFile)(process.execPath, ['dist/main.js', ...args])

const seen = (decision: Seen['decision'], ...skus: string[]): Seen => ({
  decision,
  candidates: skus.map((sku, at) => ({ sku, name: sku, score: 0.9 - at / 10 })),
})
let events = 0
const pos = (kind: PosMessage['kind'], more: Partial<PosMessage> = {}): PosMessage => ({
  eventId: `e${++events}`,
  session: 's1',
  kind,
  ...more,
})
const matcher = () =>
  new ShadowMatcher({
    product: ({ sku, gtin }) =>
      sku
        ? { sku, name: sku, plu: null }
        : gtin === '123'
          ? { sku: 'jam', name: 'Jam', plu: null }
          : null,
  })
const shortly = (compared: Compared[]) =>
  compared.map(one => {
    if (one.kind === 'skipped') return one.why
    const best = one.seen?.candidates[0]?.sku ?? 'nothing'
    return one.kind === 'unsold' ? `unsold ${best}` : `${one.sku}=${best}`
  })

t.test('a line is for what was recognised last before it', t => {
  const one = matcher()
  const end = (at: number) => shortly(one.hear(pos('paid'), at))
  one.sees('i1', seen('sure', 'apple'), 1000)
  one.loses('i1', 3000)
  one.sees('i2', seen('ask', 'pear'), 4000)
  one.hear(pos('added', { lineId: '1', sku: 'apple' }), 3900)
  one.hear(pos('added', { lineId: '2', sku: 'fig' }), 5000)
  one.hear(pos('added', { lineId: '3', sku: 'fig' }), 5001)
  t.same(end(6000), ['apple=apple', 'fig=pear', 'fig=nothing'])
  t.same(end(6001), [], 'paid once')

  // What it was recognised as when the line came counts, not what a frame says after it.
  one.sees('i3', seen('ask', 'pear'), 10_000)
  one.sees('i3', seen('sure', 'apple'), 11_000)
  one.hear(pos('added', { lineId: '1', sku: 'apple' }), 12_000)
  one.sees('i3', seen('sure', 'plum'), 13_000)
  t.same(end(13_500), ['apple=apple'])
  one.loses('i3', 14_000)

  // A correction of the till: the same thing, another line. A void without one leaves it unsold.
  one.sees('i4', seen('sure', 'apple'), 20_000)
  one.hear(pos('added', { lineId: '1', sku: 'pear' }), 21_000)
  one.hear(pos('voided', { lineId: '1' }), 22_000)
  one.hear(pos('added', { lineId: '2', sku: 'apple' }), 23_000)
  one.loses('i4', 24_000)
  one.sees('i5', seen('sure', 'kiwi'), 25_000)
  one.hear(pos('scanned', { lineId: '3', gtin: '123' }), 25_500)
  one.hear(pos('voided', { lineId: '3' }), 25_600)
  one.loses('i5', 26_000)
  t.same(end(27_000), ['apple=apple', 'unsold kiwi'])

  // Taken away too long ago; and what lies there when it is paid may be the next shopper's.
  one.sees('i6', seen('sure', 'apple'), 30_000)
  one.loses('i6', 31_000)
  one.sees('i7', seen('sure', 'plum'), 31_500)
  t.same(shortly(one.tick(61_000)), [])
  t.same(shortly(one.tick(61_001)), ['unsold apple'])
  t.same(end(61_002), [])
  one.hear(pos('scanned', { session: 's2', gtin: '123' }), 62_000)
  t.same(shortly(one.hear(pos('paid', { session: 's2' }), 63_000)), ['jam=plum'])
  t.end()
})

t.test('lines change, come twice, late, without a name, or are never paid', t => {
  const one = matcher()
  const added = pos('added', { lineId: '1', sku: 'apple', quantity: 2, at: '2026-11-02T09:00:00Z' })
  const nine = Date.parse(added.at!)
  // The till's clock is an hour behind, which is no delay.
  const at = nine + 3600_000
  t.same(one.hear(added, at), [])
  t.same(one.hear(added, at + 1), [])
  one.hear(pos('weighed', { lineId: '1', weight: 250 }), at + 2)
  one.hear(pos('changed', { lineId: '1', sku: 'pear', price: 199 }), at + 3)
  one.hear(pos('changed', { lineId: 'nobody', sku: 'fig' }), at + 4)
  const said = (ms: number) => new Date(nine + ms).toISOString()
  const late = pos('added', { sku: 'fig', at: said(0) })
  t.same(shortly(one.hear(late, at + 5001)), ['late'])
  t.same(shortly(one.hear(pos('added', { sku: 'fig', lineId: '2', at: said(1) }), at + 5001)), [])
  t.same(shortly(one.hear(pos('scanned', { gtin: '999' }), at + 6000)), ['unnamed'])
  const idle = at + 6000 + 15 * 60_000
  t.same(one.tick(idle), [])
  const over = one.tick(idle + 1)
  t.same(shortly(over), ['pear=nothing', 'fig=nothing'])
  t.match(over[0], { kind: 'sold', paid: false, at, quantity: 2, weight: 250, price: 199 })
  t.end()
})

t.test('what so much of it costs', t => {
  const byKg: ShopPrice = { price: 200, unit: 'g', meanGrams: 150 }
  const each: ShopPrice = { price: 50, unit: 'each', meanGrams: 100 }
  const line = (quantity: number | null, weight: number | null) => ({ quantity, weight })
  t.equal(chargeOf(byKg, line(null, 750), null), 150, 'a weight by the kilogram')
  t.equal(chargeOf(byKg, line(3, null), 100), 60, 'three of what weighs 100 g')
  t.equal(chargeOf(byKg, line(3, null), null), null)
  t.equal(chargeOf(each, line(3, 750), null), 150, 'a quantity goes before a weight')
  t.equal(chargeOf(each, line(null, null), null), 50)
  t.equal(chargeOf(each, line(null, 320), null), 150, 'three of 100 g are nearest')
  t.equal(chargeOf(each, line(null, 20), null), 50, 'one at least')
  t.equal(chargeOf({ ...each, meanGrams: null }, line(null, 320), null), null)
  const unsaid = { price: 200, unit: null, meanGrams: null }
  t.equal(chargeOf(unsaid, line(null, 500), null), 100)
  t.equal(chargeOf(unsaid, line(2, null), null), 400)
  t.equal(chargeOf(null, line(1, null), null), null)
  t.end()
})

/** A week of five sessions; each thing is laid down, sold, taken; what the model says and what it is. */
const week: [day: number, lines: [sku: string, said: Seen | null, more: Partial<PosMessage>][]][] =
  [
    [
      0,
      [
        ['onions', seen('sure', 'onions', 'leeks'), { weight: 500 }],
        ['jam', seen('ask', 'tea', 'jam'), { quantity: 2 }],
      ],
    ],
    [1, [['grapes', seen('ask', 'onions', 'plums', 'figs', 'grapes'), { weight: 1000 }]]],
    [
      2,
      [
        ['onions', seen('sure', 'grapes', 'onions'), { weight: 200 }],
        ['jam', null, { quantity: 1 }],
      ],
    ],
    [3, [['grapes', seen('sure', 'grapes'), { weight: 400, price: 500 }]]],
    [4, [['mango', seen('unknown', 'figs', 'plums', 'kiwis', 'limes', 'mango'), { quantity: 1 }]]],
  ]
const catalogue = `sku,name,unit,price,meanGrams
onions,Onions,g,100,
grapes,Grapes,g,400,
jam,Jam,each,250,
tea,Tea,each,300,
mango,Mango,each,150,
`

t.test('the figures of a scripted week, from the files of its days', async t => {
  const state = t.testdir()
  const dir = join(state, 'shadow')
  const files = new DayFiles(dir)
  const one = matcher()
  const monday = Date.UTC(2026, 10, 2, 9)
  for (const [day, lines] of week) {
    const began = monday + day * 24 * 3600_000
    const keep = (compared: Compared[]) => files.append(compared, dayIn('UTC', began))
    lines.forEach(([sku, said, more], index) => {
      const at = began + index * 60_000
      if (said) one.sees(`${day} ${index}`, said, at)
      keep(
        one.hear(
          pos('added', { session: `day ${day}`, lineId: `${index}`, sku, ...more }),
          at + 1000,
        ),
      )
      one.loses(`${day} ${index}`, at + 2000)
    })
    if (day === 4) {
      one.sees('bag', seen('unknown', 'tea'), began + 200_000)
      one.loses('bag', began + 201_000)
    }
    keep(one.hear(pos('paid', { session: `day ${day}` }), began + 300_000))
  }
  // A session that was never paid is no sale; and a crash cuts a line off.
  one.hear(pos('added', { session: 'left', sku: 'onions' }), monday + 5 * 24 * 3600_000)
  const saturday = dayIn('UTC', monday + 5 * 24 * 3600_000)
  files.append(one.tick(monday + 6 * 24 * 3600_000), saturday)
  appendFileSync(join(dir, `${saturday}.jsonl`), '{"format":1,"at":"2026-11')
  files.append([{ kind: 'skipped', why: 'late', at: monday }], saturday)
  t.same(
    shadowDays(dir),
    [2, 3, 4, 5, 6, 7].map(day => `2026-11-0${day}`),
  )
  t.equal(readDay(dir, saturday).passedOver, 1)
  t.equal(readDay(dir, saturday).records.length, 2)

  writeFileSync(join(state, 'catalogue.csv'), catalogue)
  const page = join(state, 'week.html')
  const args = ['shadow', '--state', state, '--catalogue', join(state, 'catalogue.csv')]
  const { stdout, stderr } = await runCli([...args, '--json', '--html', page])
  t.equal(stderr, 'passed over: 1 lines that cannot be read\n')
  const { days, plus, ...figures } = JSON.parse(stdout)
  t.equal(days.length, 6)
  t.match(figures, {
    sessions: 5,
    lines: 7,
    seen: { count: 6, share: 6 / 7 },
    // Right: onions, grapes. Among four: jam and the wrong grapes and onions, too; mango is the fifth.
    top1: { count: 2, share: 2 / 6 },
    top4: { count: 5, share: 5 / 6 },
    sure: { coverage: { count: 3, share: 0.5 }, precision: { count: 2, share: 2 / 3 } },
    unsold: 1,
    skipped: { late: 1, unnamed: 0 },
    onlyPaid: true,
    // 50 onions, 500 and 250 jam, 500 grapes (said by another line), 20 onions, 200 grapes, 150 mango.
    turnover: 50 + 500 + 250 + 500 + 20 + 200 + 150,
    // Tea for jam 600 - 500; onions for grapes 100 - 500; grapes for onions 100 - 20; figs have no price.
    first: { mistakes: 4, overcharge: 100 + 80, undercharge: 400, unreckoned: 1 },
    sureOnly: { mistakes: 1, overcharge: 80, undercharge: 0, unreckoned: 0 },
  })
  t.same(
    plus.map(
      (one: {
        sku: string
        lines: number
        top1: number
        top4: number
        confusions: { sku: string }[]
      }) => [one.sku, one.lines, one.top1, one.top4, ...one.confusions.map(({ sku }) => sku)],
    ),
    [
      ['onions', 2, 1, 2, 'grapes'],
      ['grapes', 2, 1, 2, 'onions'],
      ['jam', 1, 0, 1, 'tea'],
      ['mango', 1, 0, 0, 'figs'],
    ],
  )
  const text = (await runCli(args)).stdout
  for (const words of [
    '2026-11-02 to 2026-11-07: 5 sessions, 7 lines, 16.70 sold',
    '  top 1            33.3 % (2 of 6; 95 %: 9.7 to 70.0 %)',
    'If the first answer had always been sold, 4 mistakes: 1.80 too much, 4.00 too little; 1 of them without a price or a weight.',
    '1 things were seen and not sold.',
    '  onions  onions: 1 of 2 (grapes 1)',
  ])
    t.ok(text.includes(words), words)
  const html = readFileSync(page, 'utf8')
  t.match(html, /<title>grocerd shadow: 2026-11-07<\/title>/)
  t.match(html, /<td class="number">1\.80<\/td>/)
  t.match((await runCli(['shadow', '--state', t.testdir()])).stdout, /^no day: 0 sessions, 0 lines/)
  t.equal(figuresOf([], () => null).top1.share, null)
})

t.test('the files are bounded: 35 days, and so much a day', t => {
  const dir = join(t.testdir(), 'shadow')
  const files = new DayFiles(dir)
  const late: Compared = { kind: 'skipped', why: 'late', at: 0 }
  files.append([], '2026-01-01')
  t.notOk(existsSync(dir), 'nothing to keep, nothing made')
  for (let day = 0; day < 40; day++) files.append([late], dayIn('UTC', Date.UTC(2026, 0, 1 + day)))
  t.equal(shadowDays(dir).length, 35)
  t.equal(shadowDays(dir)[0], '2026-01-06')
  const path = join(dir, '2026-02-09.jsonl')
  writeFileSync(path, Buffer.alloc(8 * 1024 * 1024 + 1, '\n'))
  files.append([late], '2026-02-09')
  t.equal(readDay(dir, '2026-02-09').records.length, 0, 'no more of that day')
  files.append([late], '2026-02-10')
  t.equal(readDay(dir, '2026-02-10').records.length, 1)
  t.equal(dayIn('Pacific/Auckland', Date.UTC(2026, 0, 1, 12)), '2026-01-02', "the shop's own day")
  t.equal(dayIn('Nowhere/None', Date.UTC(2026, 0, 1, 12)), '2026-01-01')
  t.end()
})

t.test('a daemon in mode shadow says nothing of what it sees, and compares it', async t => {
  const dir = t.testdir()
  mkdirSync(join(dir, 'jam'))
  await chequered(join(dir, 'jam', 'a.jpg'), '#d02010')
  const classifier = colourModel(dir, 'trained', {
    skus: ['r', 'g', 'b'],
    weights: [9, 9, 9],
    calibration: { sure: 0.5, unknown: 0.1 },
  })
  const daemon = await startDaemon(dir, {
    models: { classifier },
    cameras: [
      { id: 'top', source: `dir:${join(dir, 'jam')}?hold=1s&gap=1s`, fps: 10, mode: 'shadow' },
    ],
  })
  t.teardown(() => daemon.process.kill('SIGKILL'))
  const till = new Listener(daemon.mqttUrl)
  t.teardown(() => till.stop())
  await till.until(one => one.topic === 'state' && one.message.readiness === 'ready', 'readiness')
  const say = (word: Partial<PosMessage>) =>
    till.client.publishAsync('grocerd/test/pos', JSON.stringify({ session: 's1', ...word }), {
      qos: 1,
    })
  const shadow = join(dir, 'state', 'shadow')
  const records = () =>
    shadowDays(shadow)
      .flatMap(day => readDay(shadow, day).records)
      .filter(one => one.kind === 'sold')
  // Sold again and again until the camera has seen something between two lines.
  for (let sale = 0; sale < 40 && !records().some(one => one.seen); sale++) {
    await say({ eventId: `a${sale}`, kind: 'added', lineId: '1', sku: 'r', quantity: 1 })
    await say({ eventId: `p${sale}`, kind: 'paid' })
    await new Promise(resolve => setTimeout(resolve, 250))
  }
  const compared = records().find(one => one.seen)
  t.match(compared, { sku: 'r', paid: true, seen: { candidates: [{ sku: 'r' }] } })
  t.same(till.events(), [], 'no item')
  const baskets = till.heard.filter(one => one.topic === 'basket')
  t.ok(
    baskets.length > 0 && baskets.every(one => one.message.items.length === 0),
    'an empty basket',
  )
  t.notOk(till.heard.some(one => one.topic.startsWith('frames/')))
  t.ok(readdirSync(shadow).length > 0)
})
