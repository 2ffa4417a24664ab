// What the answers of a sale teach: shoppers many and slowly, attendants at once, and 200 cheats nothing.
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { AnswerStore } from '../src/gallery/answers.js'
import { alikeTo, isNews, type ShopperAnswer, whyNotTaught } from '../src/gallery/quarantine.js'
import { Shoppers } from '../src/gallery/shoppers.js'
import { GalleryStore } from '../src/gallery/store.js'
import { VectorFile } from '../src/gallery/vectors.js'
import { seededRandom } from '../src/learn/random.js'
import type { PriceOf } from '../src/recognition/catalogue.js'
import { thresholdsOf } from '../src/recognition/decision.js'
import { answerOf, asProduct } from '../src/recognition/gallery-classifier.js'
import { GallerySearch } from '../src/recognition/gallery/similarity.js'
import { chequered, colourModel } from './helpers/colour-models.js'
import { type Heard, Listener, startDaemon } from './helpers/daemon.js'

t.setTimeout(180_000)

const dayMs = 24 * 3600_000
const began = Date.UTC(2026, 10, 2, 9)
const clock = { now: began, wall: (): number => clock.now }

const sha = 'e'.repeat(64)
const dims = 32

// ---- the rules one by one

const answer = (id: string, more: Partial<ShopperAnswer> = {}): ShopperAnswer => ({
  id,
  at: 0,
  day: 'monday',
  session: id,
  sku: 'grapes',
  name: 'Grapes',
  plu: null,
  gtin: null,
  picture: id,
  decision: 'ask',
  candidates: [{ sku: 'onions', name: 'Onions', score: 0.4 }],
  ...more,
})
const prices: Record<string, number> = { onions: 100, grapes: 400, kiwis: 100 }
const priceOf: PriceOf = sku =>
  sku in prices ? { price: prices[sku]!, unit: 'g', meanGrams: null } : null
/** Nine pictures that the shop answers for, so that one of ten may be a shopper's. */
const enrolled = (sku: string, count = 9) =>
  Array.from({ length: count }, (_, index) => ({ picture: `${sku}${index}`, sku }))
const five = (more: Partial<ShopperAnswer> = {}) =>
  ['a', 'b', 'c', 'd', 'e'].map((id, index) =>
    answer(id, { day: index < 4 ? 'monday' : 'tuesday', ...more }),
  )

t.test('a shopper teaches where enough others agree who gain nothing by it', t => {
  const shop = { priceOf, entries: enrolled('grapes') }
  const why = (alike: ShopperAnswer[], more = shop) => whyNotTaught(alike.at(-1)!, alike, more)
  t.equal(why(five()), null)
  t.equal(why(five().slice(1)), 'sessions')
  t.equal(why(five({ session: 's' })), 'sessions', 'one session has one voice')
  t.equal(why(five({ day: 'monday' })), 'days')

  const other = (id: string) => answer(id, { sku: 'kiwis', name: 'Kiwis' })
  t.equal(why([other('x'), ...five()]), 'agreement', 'five of six')
  const nine = [...five(), ...['f', 'g', 'h', 'i'].map(id => answer(id))]
  t.equal(why([other('x'), ...nine]), null, 'nine of ten')
  t.equal(why([other('x'), other('y'), ...nine]), 'agreement', 'nine of eleven')
  t.equal(why([other('a'), ...five()]), 'agreement', 'who says both is heard for both')

  const best = (sku: string) => ({ candidates: [{ sku, name: sku, score: 0.4 }] })
  t.equal(why(five({ sku: 'onions', ...best('grapes') })), 'cheaper')
  t.equal(why(five({ sku: 'kiwis' }), { ...shop, entries: enrolled('kiwis') }), null, 'as dear')
  t.equal(why([...five(), answer('f', best('mango'))]), 'priceUnknown')
  t.equal(why(five({ sku: 'mango' })), 'priceUnknown')
  const each: PriceOf = sku => ({
    price: prices[sku]!,
    unit: sku === 'grapes' ? 'each' : 'g',
    meanGrams: null,
  })
  t.equal(why(five(), { ...shop, priceOf: each }), 'priceUnknown', 'a bag is no kilogram')
  t.equal(why(five({ candidates: [] })), 'unseen')
  const fooled = { sku: 'kiwis', entries: enrolled('kiwis') }
  const mixed = [answer('f', { sku: 'kiwis', ...best('grapes') }), ...five({ sku: 'kiwis' })]
  t.equal(
    why(mixed, { ...shop, ...fooled }),
    'cheaper',
    'than what any picture of it was taken for',
  )

  t.equal(why([answer('f', { decision: 'sure' }), ...five()]), 'sure', 'never against a certainty')
  t.equal(why(five({ decision: 'sure', ...best('grapes') })), null, 'but with it')

  t.equal(why(five(), { ...shop, entries: enrolled('grapes', 8) }), 'share', 'one of nine')
  const taught = { picture: 'z', sku: 'grapes', by: 'shopper' as const }
  t.equal(why(five(), { ...shop, entries: [...enrolled('grapes', 17), taught] }), 'share')
  t.equal(why(five(), { ...shop, entries: [...enrolled('grapes', 18), taught] }), null, '2 of 20')
  t.end()
})

t.test('alike are pictures that show the same thing', t => {
  const vectors = new Map([
    ['a', Float32Array.of(1, 0)],
    ['b', Float32Array.of(0.68, Math.sqrt(1 - 0.68 ** 2))],
    ['c', Float32Array.of(0.67, Math.sqrt(1 - 0.67 ** 2))],
  ])
  const all = ['a', 'b', 'c', 'd'].map(id => answer(id))
  const alike = (id: string) =>
    alikeTo(
      all.find(one => one.id === id)!,
      all,
      vectors,
    ).map(one => one.id)
  t.same(alike('a'), ['a', 'b'])
  t.same(alike('d'), ['d'], 'one without an embedding is like itself alone')
  t.end()
})

// ---- what is kept

const said = (session: string, more: Partial<ShopperAnswer> = {}) => {
  const { id: _, picture: __, ...rest } = answer('', { session, at: clock.now, ...more })
  return rest
}
const jpegOf = (name: string) => Buffer.from(`a picture of ${name}`)

t.test('answers are kept whole, few, for thirty days, and forgotten with the product', t => {
  const dir = t.testdir()
  const open = () => {
    const store = new AnswerStore({ dir, clock })
    store.start()
    return store
  }
  const files = (folder = '') => readdirSync(join(dir, 'answers', folder))
  const store = open()
  const first = store.add(said('s1'), jpegOf('one'))!
  t.same(store.add(said('s1'), jpegOf('one')), first, 'said twice counts once')
  store.add(said('s2'), jpegOf('one'))
  store.add(said('s3', { sku: 'kiwis' }), jpegOf('two'))
  t.equal(files('pictures').length, 2)
  t.same(open().all, store.all)
  t.same(store.picture(first.picture), jpegOf('one'))

  for (let at = 0; at < 20; at++) t.ok(store.add(said('greedy'), jpegOf(`greedy ${at}`)))
  t.equal(store.add(said('greedy'), jpegOf('one more')), null, 'one session has no more to say')
  store.remove(store.all.filter(one => one.session === 'greedy'))
  t.equal(files('pictures').length, 2)

  // A crash between the picture and its answer, a cut-off answer, and one of a newer version.
  writeFileSync(join(dir, 'answers', 'pictures', `${'f'.repeat(64)}.jpg`), 'nobody names it')
  writeFileSync(join(dir, 'answers', 'cut.json'), '{"format": 1, "id"')
  const again = open()
  t.match(again.damaged, [/cut\.json: Expected the answer of a shopper but /])
  t.equal(again.all.length, 3)
  t.equal(files('pictures').length, 2)
  t.notOk(existsSync(join(dir, 'answers', 'cut.json')))
  const newer = join(dir, 'answers', 'newer.json')
  writeFileSync(newer, '{"format": 2}')
  t.match(open().damaged, [/newer\.json: Expected format 1 but received 2, of a newer grocerd/])
  t.ok(existsSync(newer))
  rmSync(newer)

  const vectors = new VectorFile(again.dir, sha, 2)
  vectors.start()
  vectors.add(new Map(again.all.map(one => [one.picture, Float32Array.of(1, 0)])))
  t.equal(again.forget('kiwis'), 1)
  vectors.start()
  t.equal(vectors.missing([{ picture: first.picture, sku: '' }]).length, 0)
  const bytes = readFileSync(join(again.dir, 'vectors', `${sha.slice(0, 16)}.bin`))
  t.equal(bytes.length, 16 + 32 + 8 + 8, 'its embedding went with it')
  t.equal(again.all.length, 2)
  t.equal(again.forget('onions'), 1, 'what may show it goes, too: one picture, two answers')
  t.same(files().filter(name => name.endsWith('.json')).length + files('pictures').length, 0)

  again.add(said('s9'), jpegOf('old'))
  clock.now += 30 * dayMs
  t.equal(open().all.length, 1)
  clock.now += 1
  t.equal(open().all.length, 0)
  clock.now = began
  const few = new AnswerStore({ dir: t.testdir(), clock, most: 20 })
  few.start()
  for (let at = 0; at <= 20; at++) few.add(said(`s${at}`, { at: began + at }), jpegOf(`${at}`))
  t.equal(few.all.length, 19, 'the oldest tenth went')
  t.equal(few.all[0]!.session, 's2')
  t.end()
})

t.test(
  'a technician teaches what waits, all of a product or one answer, and only that',
  async t => {
    const dir = t.testdir()
    const gallery = () => {
      const store = new GalleryStore({ dir, clock })
      store.start()
      return store
    }
    const answers = new AnswerStore({ dir, clock: { wall: Date.now } })
    answers.start()
    const say = (session: string, sku: string, shown: string) =>
      answers.add({ ...said(session, { sku }), at: Date.now() }, jpegOf(shown))!
    say('s1', 'grapes', 'one')
    say('s2', 'grapes', 'one')
    say('s3', 'grapes', 'two')
    const kiwi = say('s4', 'kiwis', 'three')
    say('s5', 'kiwis', 'four')
    const run = (...more: string[]) =>
      spawnSync(
        process.execPath,
        ['dist/main.js', 'gallery', 'answers', '--gallery', dir, ...more],
        { encoding: 'utf8' },
      )
    t.equal(
      run('--accept', 'grapes').stdout,
      'grapes: answers accepted 3, pictures that are new 2 (version 1)\n',
    )
    t.same(
      gallery().content.entries.map(({ sku, by }) => [sku, by]),
      [
        ['grapes', undefined],
        ['grapes', undefined],
      ],
      'a technician answers for them, no shopper',
    )
    t.match(JSON.parse(run('--json', '--accept', kiwi.id).stdout), { sku: 'kiwis', accepted: 1 })
    t.equal(gallery().content.entries.length, 3)
    t.same(
      JSON.parse(run('--json').stdout).map((one: ShopperAnswer) => one.session),
      ['s5'],
      'the others wait on',
    )
    const none = run('--accept', 'grapes')
    t.equal(none.status, 1)
    t.match(
      none.stderr,
      /^GALLERY_SKU_UNKNOWN: Expected a sku of the answers that wait \(kiwis\), or the id of one, but received grapes/,
    )
  },
)

// ---- a shop of 5,000 honest confirms, and 200 cheats in it

const shopProducts = ['onions', 'limes', 'kiwis', 'leeks', 'grapes', 'mango', 'dates']
const shopPrices = [100, 150, 200, 250, 400, 500, 600]
const shopPriceOf: PriceOf = sku => {
  const price = shopPrices[shopProducts.indexOf(sku)]
  return price === undefined ? null : { price, unit: 'g', meanGrams: null }
}
/** Few pictures of dates: shoppers may never be a tenth of them. */
const picturesOf = (sku: string) => (sku === 'dates' ? 4 : 20)

const unit = (values: number[]) => {
  const length = Math.hypot(...values)
  return Float32Array.from(values, value => value / length)
}
const middle = (...of: [Float32Array, number][]) =>
  unit(Array.from({ length: dims }, (_, d) => of.reduce((sum, [one, w]) => sum + w * one[d]!, 0)))

interface Confirm {
  session: string
  day: number
  sku: string
  vector: Float32Array
}

/** What lies on the scale in two weeks, and what is said of it. */
function script() {
  const random = seededRandom('a shop')
  const uniform = () => random() / 2 ** 32
  const gauss = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
  const direction = () => unit(Array.from({ length: dims }, gauss))
  const near = (look: Float32Array, spread: number) => middle([look, 1], [direction(), spread])
  /** Products have nothing in common, and what makes a look doubtful is like none of them. */
  const clear = new Map(
    shopProducts.map((sku, at) => [
      sku,
      Float32Array.from({ length: dims }, (_, d) => +(d === at)),
    ]),
  )
  const unlikeAll = () => unit([...direction()].map((value, d) => (d < clear.size ? 0 : value)))
  const mixed = (...of: [string, number][]) =>
    middle(...of.map(([sku, part]) => [clear.get(sku)!, part] as [Float32Array, number]), [
      unlikeAll(),
      0.7,
    ])
  /** Where the model is in doubt: a little more like one product than like another. */
  const between = (best: string, next: string) => mixed([best, 0.55], [next, 0.52])
  const bagged = new Map(shopProducts.map(sku => [sku, mixed([sku, 0.62])]))
  /** Leeks in a bag that makes them look like grapes or mangos: honest, and never learned, since leeks are cheaper. */
  const disguised = between('grapes', 'mango')
  const honest: Confirm[] = Array.from({ length: 5000 }, (_, index) => {
    const isDisguised = index % 100 === 0
    const sku = isDisguised ? 'leeks' : shopProducts[Math.floor(uniform() * shopProducts.length)]!
    const look = uniform() < 0.1 ? bagged.get(sku)! : clear.get(sku)!
    const day = Math.floor(index / 360)
    const vector = near(isDisguised ? disguised : look, 0.3)
    return { session: `h${Math.floor(index / 4)}`, day, sku, vector }
  })
  const looks: Float32Array[] = []
  /** @param at number of the confirm, 0.. -> who says it, and when */
  const crew = (
    look: Float32Array,
    sku: string,
    count: number,
    at: (index: number) => Pick<Confirm, 'session' | 'day'>,
  ): Confirm[] => {
    looks.push(look)
    const id = looks.length
    return Array.from({ length: count }, (_, index) => {
      const { session, day } = at(index)
      return { session: `c${id} ${session}`, day, sku, vector: near(look, 0.15) }
    })
  }
  const patient = (index: number) => ({ session: `${index}`, day: 1 + (index % 12) })
  const cheats = [
    // "Grapes for onions": many people, many days, all agree.
    ...crew(between('grapes', 'onions'), 'onions', 50, patient),
    // One person, again and again over two days.
    ...crew(between('kiwis', 'mango'), 'mango', 20, index => ({
      session: '',
      day: 3 + (index % 2),
    })),
    // Ten people on one day.
    ...crew(between('limes', 'grapes'), 'grapes', 30, index => ({
      session: `${index % 10}`,
      day: 5,
    })),
    // Many, of what others answer honestly.
    ...crew(disguised, 'mango', 40, patient),
    // Few pictures that could be drowned.
    ...crew(between('leeks', 'dates'), 'dates', 30, patient),
    // Of what the model knows for certain.
    ...crew(middle([clear.get('limes')!, 0.85], [clear.get('mango')!, 0.5]), 'mango', 30, patient),
  ]
  const probes = [...clear.values(), ...bagged.values(), ...looks].flatMap(look =>
    Array.from({ length: 40 }, () => near(look, 0.3)),
  )
  const enrolled = shopProducts.map(sku => ({
    product: { sku, name: sku, plu: null, gtin: null },
    vectors: Array.from({ length: picturesOf(sku) }, () => near(clear.get(sku)!, 0.3)),
  }))
  return { enrolled, honest, cheats, probes }
}

/** A gallery with shoppers, played through the search that a kiosk runs. */
async function play(
  dir: string,
  { enrolled, probes }: ReturnType<typeof script>,
  confirms: Confirm[],
) {
  clock.now = began
  const gallery = new GalleryStore({ dir, clock })
  gallery.start()
  const answers = new AnswerStore({ dir, clock })
  answers.start()
  const shoppers = new Shoppers({ answers, gallery, priceOf: shopPriceOf })
  await shoppers.use({ sha256: sha, dims }, () => Promise.reject(new Error('nothing is kept yet')))
  const vectors = new Map<string, Float32Array>()
  const jpegFor = (vector: Float32Array) => Buffer.from(vector.buffer)
  for (const { product, vectors } of enrolled) gallery.enrol(product, vectors.map(jpegFor))
  const calibration = { temperature: 0.05, distance: 0.45, sureDistance: 0.3 }
  const thresholds = thresholdsOf([{ sure: 0.9, auto: null, unknown: 0, margin: 0 }], { top: 4 })
  let search!: GallerySearch
  let products = gallery.content.products.map(asProduct)
  const look = () => {
    const { content } = gallery
    for (const { picture } of content.entries)
      if (!vectors.has(picture)) {
        const bytes = Uint8Array.from(gallery.picture(picture))
        vectors.set(picture, new Float32Array(bytes.buffer))
      }
    const rows = new Float32Array(content.entries.length * dims)
    content.entries.forEach(({ picture }, at) => rows.set(vectors.get(picture)!, at * dims))
    search = new GallerySearch(content, rows, dims)
    products = content.products.map(asProduct)
  }
  const answerTo = (vector: Float32Array) =>
    answerOf(search.search(vector), products, thresholds, calibration)
  look()
  let kept = 0
  const taught: string[] = []
  for (const { session, day, sku, vector } of confirms) {
    clock.now = began + day * dayMs
    const { decision, candidates } = answerTo(vector)
    const word = { sku, name: sku, plu: null, gtin: null, decision, candidates }
    if (!isNews(word)) continue
    const said = { ...word, session, day: `day ${day}`, at: clock.now }
    const heard = shoppers.hear(said, jpegFor(vector), vector)
    if (heard.answer) kept++
    if (heard.waits !== null) continue
    taught.push(`${session[0]} ${sku}`)
    look()
  }
  const decisions = probes.map(vector => {
    const { decision, candidates } = answerTo(vector)
    return `${decision} ${candidates[0]?.sku}`
  })
  return { kept, taught, decisions }
}

t.test('200 cheats among 5,000 honest confirms move no decision', async t => {
  const shop = script()
  t.equal(shop.honest.length, 5000)
  t.equal(shop.cheats.length, 200)
  // Memory where there is some: it is the rules that are tried here, not the disk.
  const root = existsSync('/dev/shm') ? mkdtempSync('/dev/shm/grocerd-') : t.testdir()
  t.teardown(() => rmSync(root, { recursive: true, force: true }))
  const inOrder = (confirms: Confirm[]) => confirms.sort((a, b) => a.day - b.day)
  const before = await play(join(root, 'before'), shop, [])
  const honest = await play(join(root, 'honest'), shop, inOrder([...shop.honest]))
  const both = await play(join(root, 'both'), shop, inOrder([...shop.honest, ...shop.cheats]))
  const count = (words: string[], one: string) => words.filter(word => word.startsWith(one)).length
  t.comment(
    `kept ${honest.kept} honest answers, ${both.kept} with the cheats'; taught ${honest.taught.length}; ` +
      `sure of ${count(before.decisions, 'sure')} of ${before.decisions.length} before, ${count(honest.decisions, 'sure')} after`,
  )
  t.ok(honest.taught.length > 0, 'the honest ones do teach')
  t.not(count(honest.decisions, 'sure'), count(before.decisions, 'sure'), 'and it counts')
  t.ok(both.kept > honest.kept + 100, 'the cheats were heard')
  t.same(
    both.taught.filter(one => one.startsWith('c')),
    [],
    'no cheat taught',
  )
  const moved = both.decisions.filter((decision, at) => decision !== honest.decisions[at])
  t.same(moved, [], 'no decision moved')
})

// ---- the running kiosk

t.test('an attendant teaches at once, a shopper waits, and a sale waits for neither', async t => {
  const dir = t.testdir()
  mkdirSync(join(dir, 'jam'))
  await chequered(join(dir, 'jam', 'a.jpg'), '#d02010')
  const classifier = colourModel(dir, 'trained', {
    skus: ['r', 'g', 'b'],
    weights: [1, 1, 1],
    calibration: { sure: 0.9, unknown: 0.1 },
  })
  const embedder = colourModel(dir, 'e1', {
    skus: [],
    weights: [1, 1, 1],
    kind: 'embedder',
    calibration: { distance: 0.2, temperature: 0.05, sure: 0.9 },
  })
  const config = {
    models: { classifier, embedder },
    cameras: [{ id: 'top', source: `dir:${join(dir, 'jam')}?hold=2s&gap=1s`, fps: 10 }],
    mqtt: {
      url: 'embedded',
      listen: '127.0.0.1:0',
      commands: ['confirm', 'session', 'forget'],
    },
  }
  const daemon = await startDaemon(dir, config)
  t.teardown(() => daemon.process.kill('SIGKILL'))
  const till = new Listener(daemon.mqttUrl)
  t.teardown(() => till.stop())
  await till.until(
    one => one.topic === 'state' && one.message.readiness === 'ready' && one.message.gallery === 0,
    'an empty gallery',
  )
  const session = 's1'
  await till.ask('session', { op: 'open', session })
  const placed = async (decision: string) => {
    const fits = (one: Heard) =>
      one.topic === 'items' &&
      one.message.action === 'placed' &&
      one.message.item.decision === decision
    const from = till.heard.length
    return (await till.until(fits, `an item to ${decision}`, { from })).message.item
  }
  const answers = () => readdirSync(join(dir, 'state', 'gallery', 'answers', 'pictures'))
  const first = await placed('ask')
  const word = { session, sku: 'quince', learn: true }
  const waits = await till.ask('confirm', { ...word, itemId: first.itemId, by: 'shopper' })
  t.same(waits.result, { itemId: first.itemId, sku: 'quince', learned: 'quarantined' })
  t.equal(answers().length, 1)
  t.match(await till.ask('forget', { sku: 'quince' }), { ok: true, result: { pictures: 1 } })
  t.equal(answers().length, 0, 'forgotten where it waits, too')

  const second = await placed('ask')
  const told = { session, itemId: second.itemId, sku: 'quince', by: 'attendant' }
  const taught = await till.ask('confirm', { ...told, learn: true })
  t.same(taught.result, { itemId: second.itemId, sku: 'quince', learned: 'taught' })
  const third = await placed('sure')
  t.equal(third.sku, 'quince', 'the same thing is sure next time')
  const plain = await till.ask('confirm', { ...told, itemId: third.itemId, by: 'shopper' })
  t.same(plain.result, { itemId: third.itemId, sku: 'quince' }, 'nothing is learned unasked')
})
