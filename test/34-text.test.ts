// The text on a pack: lines found and read, products found by it, and when it is read at all.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'
import { systemClock } from '../src/clock.js'
import { GalleryDesk } from '../src/desks/gallery-desk.js'
import { createLog } from '../src/log.js'
import { judge } from '../src/counter/consensus.js'
import type { Down } from '../src/protocol.js'
import type { Classification } from '../src/recognition/classifier.js'
import { readPicture } from '../src/recognition/picture.js'
import { alphabetOf, decodeText } from '../src/recognition/text/ctc.js'
import { cropLine } from '../src/recognition/text/line-crop.js'
import { TextMatcher, wordsOf } from '../src/recognition/text/match.js'
import { TextReader } from '../src/recognition/text/reader.js'
import { Crops } from '../src/recognition/crops.js'
import { linesIn } from '../src/recognition/text/regions.js'
import { smallestRectangle } from '../src/recognition/text/smallest-rectangle.js'
import type { TextLine } from '../src/recognition/text/types.js'
import type { Observation } from '../src/recognition/types.js'
import { withWords, WithText } from '../src/recognition/with-text.js'

t.setTimeout(400_000)

const models = { detector: 'pp-ocr-detector', recogniser: 'pp-ocr-recogniser' }

/** A map of 0 with a turned bar of 1. */
function barMap(
  side: number,
  [x, y]: [number, number],
  length: number,
  height: number,
  angle: number,
) {
  const data = new Float32Array(side * side)
  const [ux, uy] = [Math.cos(angle), Math.sin(angle)]
  for (let at = 0; at < data.length; at++) {
    const [dx, dy] = [(at % side) - x, Math.floor(at / side) - y]
    const inside =
      Math.abs(dx * ux + dy * uy) <= length / 2 && Math.abs(dy * ux - dx * uy) <= height / 2
    data[at] = inside ? 1 : 0
  }
  return { data, width: side, height: side }
}

t.test('a bar in the map is a turned rectangle, grown, and its text runs right or down', t => {
  for (const degrees of [0, 20, -35, 60, 90, 120]) {
    const angle = (degrees * Math.PI) / 180
    const [line, ...others] = linesIn(barMap(160, [80, 70], 80, 16, angle))
    t.equal(others.length, 0)
    const { x, y, along, length, height } = line!
    t.ok(Math.hypot(x - 80, y - 70) < 1, `${degrees}: in the middle`)
    // area x 1.6 / girth on each side
    const by = (80 * 16 * 1.6) / (2 * 96)
    t.ok(Math.abs(length - 80 - 2 * by) < 4, `${degrees}: ${length} long`)
    t.ok(Math.abs(height - 16 - 2 * by) < 4, `${degrees}: ${height} high`)
    const turned = Math.abs(along[0] * Math.sin(angle) - along[1] * Math.cos(angle))
    t.ok(turned < 0.05, `${degrees}: along the bar`)
    t.ok(
      Math.abs(along[0]) >= Math.abs(along[1]) - 0.02 ? along[0] > 0 : along[1] > 0,
      `${degrees}: readable`,
    )
  }
  t.equal(linesIn(barMap(60, [30, 30], 40, 2, 0)).length, 0, 'a hair is no line')
  const faint = barMap(60, [30, 30], 40, 10, 0)
  t.equal(
    linesIn({ ...faint, data: faint.data.map(one => one * 0.4) }).length,
    0,
    'faint is no line',
  )
  t.match(smallestRectangle([[3, 4]]), { x: 3, y: 4, length: 0, height: 0 })
  t.end()
})

t.test('a line becomes a level strip: its left end left, the rest grey', t => {
  // Left half red, right half blue, and the line runs to the left: upside down.
  const rgb = new Uint8Array(40 * 10 * 3)
  for (let at = 0; at < 400; at++) rgb[3 * at + (at % 40 < 20 ? 0 : 2)] = 250
  const line = { x: 20, y: 5, along: [-1, 0] as [number, number], length: 40, height: 10 }
  const { rgb: strip } = cropLine({ rgb, width: 40, height: 10 }, line, { width: 64, height: 8 })
  const at = (column: number) => [
    ...strip.subarray(3 * (4 * 64 + column), 3 * (4 * 64 + column) + 3),
  ]
  t.strictSame(at(4), [0, 0, 250])
  t.strictSame(at(28), [250, 0, 0])
  t.strictSame(at(40), [128, 128, 128], 'the line is four times as long as high')
  t.end()
})

t.test('steps become a text: repeats once, a blank parts them', t => {
  const alphabet = alphabetOf('a\nb\n\u3000\n', 'alphabet.txt')
  t.strictSame(alphabet, ['', 'a', 'b', '\u3000', ' '])
  const steps = [1, 1, 0, 1, 4, 2, 2, 0]
  const data = new Float32Array(steps.length * 5)
  steps.forEach((symbol, step) => (data[step * 5 + symbol] = step === 4 ? 0.5 : 0.9))
  const { text, score } = decodeText(data, alphabet)
  t.equal(text, 'aa b')
  t.ok(Math.abs(score - (3 * 0.9 + 0.5) / 4) < 1e-6)
  t.strictSame(decodeText(new Float32Array(10), alphabet), { text: '', score: 0 })
  t.throws(() => alphabetOf('a\nbc\n', 'x/alphabet.txt'), {
    code: 'MANIFEST_INVALID',
    message: 'x/alphabet.txt:2: Expected one symbol a line but received "bc"',
  })
  t.end()
})

t.test(
  'products by their words: rare pieces count, numbers hardly, a misread letter does little',
  t => {
    t.strictSame(wordsOf('MJÖLK 3% à Øl'), ['mjolk', 'øl'])
    const names = ['Arla Standard Milk 3%', 'Arla Sour Cream 12%', 'Oatly Oat Milk']
    const matcher = new TextMatcher(names.map(name => ({ name, texts: [] })))
    const best = (text: string) => matcher.match(text)[0]?.product
    t.equal(best('ARLA SOUR CREAM'), 1)
    t.equal(best('0ATLY the original 0ATLV'), 2)
    t.equal(best('standart'), 0)
    t.equal(best('12% milk oat'), 2, 'a number is no name')
    t.strictSame(matcher.match('zzz 99'), [])
    t.ok(matcher.match('Oatly Oat Milk')[0]!.score > 0.999)
    const told = new TextMatcher([
      { name: 'x', texts: [] },
      { name: 'y', texts: ['lingon'] },
    ])
    t.equal(told.match('LINGON sylt')[0]?.product, 1)
    t.end()
  },
)

const candidate = (sku: string, score: number) => ({ sku, name: sku, plu: null, gtin: null, score })
const seen = (decision: Observation['decision'], ...skus: string[]): Observation => ({
  box: [0, 0, 1, 1],
  decision,
  auto: decision === 'sure',
  askReason: decision === 'ask' ? 'confidence' : null,
  candidates: skus.map(sku => candidate(sku, 0.6)),
})
const product = (sku: string, name: string) => ({ sku, name, plu: null, gtin: null })

t.test('what the words change: a question with the named first, never more', t => {
  const products = [product('4711', 'Quince jam'), product('4712', 'Plum jam')]
  const say = (observation: Observation, ...scores: number[]) =>
    withWords(observation, 'QUINCE JAM', scores.map((score, at) => ({ product: at, score })), products, { top: 3 }) // prettier-ignore
  const named = say(seen('unknown', 'a', 'b', 'c'), 0.9, 0.35)
  t.match(named, { decision: 'ask', auto: false, askReason: 'confidence', text: 'QUINCE JAM' })
  t.strictSame(named.candidates.map(one => [one.sku, one.score]), [['4711', 0.9], ['4712', 0.35], ['a', 0.35]]) // prettier-ignore
  t.strictSame(
    say(seen('unknown', 'a'), 0.2),
    { ...seen('unknown', 'a'), text: 'QUINCE JAM' },
    'too little',
  )
  t.strictSame(say(seen('sure', 'a'), 0.9).candidates, seen('sure', 'a').candidates)
  const variant = { ...seen('ask', 'a', 'b'), askReason: 'variant' as const }
  t.strictSame(say(variant, 0.9), { ...variant, text: 'QUINCE JAM' })
  t.strictSame(withWords(seen('ask', 'a'), '', [], products, { top: 3 }), seen('ask', 'a'))
  const vote = (observation: Observation) => ({ observation, leads: true }) as never
  t.equal(judge([vote(named), vote(seen('ask', 'a'))], 0.6).text, 'QUINCE JAM', 'staff see it')
  t.equal(judge([vote(seen('ask', 'a'))], 0.6).text, null)
  t.end()
})

t.test('it is read beside the frames, once, and only where it can change the answer', async t => {
  let now = 0
  let changed = 0
  let answer = seen('unknown', 'a')
  const reads: ((lines: TextLine[]) => void)[] = []
  const inner = {
    classify: async () => ({ observation: answer }) as Classification,
    stop: async () => {},
  }
  const words = new WithText(inner, { top: 3, changed: () => changed++ }, () => now)
  const input = { jpeg: new Uint8Array(1), box: [0, 0, 1, 1] as [number, number, number, number] }
  const ask = async () => (await words.classify(input)).observation
  const bare = { products: [product('4711', 'Quince jam')], entries: [] }
  words.use(bare)
  await ask()
  t.equal(reads.length, 0, 'no reader, no reading')
  words.with({ read: () => new Promise(done => reads.push(done)) })
  words.use({ ...bare, entries: [{ sku: '4711', picture: 'p' }] })
  await ask()
  t.equal(reads.length, 0, 'all products have pictures')
  words.use(bare)
  answer = seen('sure', 'a')
  await ask()
  t.equal(reads.length, 0, 'the picture is sure')
  answer = seen('unknown', 'a')
  t.strictSame(await ask(), answer, 'the frame does not wait')
  t.strictSame(await ask(), answer)
  t.equal(reads.length, 1, 'one reading at a time')
  reads[0]!([{ text: 'QUINCE', score: 0.9 }, { text: 'JAM', score: 0.9 }]) // prettier-ignore
  await new Promise(setImmediate)
  t.equal(changed, 1, 'the same picture is asked again')
  t.match(await ask(), { decision: 'ask', text: 'QUINCE JAM', candidates: [{ sku: '4711' }, {}] })
  now = 1000
  t.match(await ask(), { decision: 'ask' })
  // On a tray, too: a place stays the same place when it is asked about anew.
  const crops = new Crops(words, { motion: 0.02 } as never, { mono: () => now })
  const rgb = new Uint8Array(64 * 64 * 3).fill(90)
  const boxes: [number, number, number, number][] = [[0.1, 0.1, 0.5, 0.5]]
  const onTray = async () =>
    (await crops.name({ rgb, width: 64, height: 64 }, boxes, [0, 0, 1, 1], Infinity))
      .observations[0]
  t.notOk((await onTray())?.text)
  reads[1]!([{ text: 'QUINCE JAM', score: 0.9 }])
  await new Promise(setImmediate)
  t.equal(changed, 2)
  crops.forget()
  t.match(await onTray(), { decision: 'ask', text: 'QUINCE JAM', box: boxes[0] })
  answer = seen('unknown', 'other')
  t.match(await ask(), { decision: 'unknown' }, 'another thing lies there')
  t.equal(reads.length, 3)
  reads[2]!([])
  await new Promise(setImmediate)
  t.equal(changed, 2, 'nothing was read')
  now = 5000
  await ask()
  t.equal(reads.length, 4, 'what was read has become old')
  reads[3]!([])
  await words.stop()
})

t.test('a product by its name alone, by the till and by the command line', async t => {
  const dir = t.testdir()
  const sent: Down[] = []
  const config = (text: unknown) =>
    ({ models: { embedder: 'e', text }, outbox: { dir }, cameras: [] }) as never
  const deskWith = (text: unknown) =>
    new GalleryDesk({
      config: config(text),
      vision: { send: message => void sent.push(message) },
      counter: { items: [], placeOf: () => null },
      leader: null,
      priceOf: () => null,
      setReason: () => {},
      changed: () => {},
      clock: systemClock,
      log: createLog('test', 'silent'),
    })
  const request = { requestId: '1', sku: '4711', name: 'Quince jam' }
  for (const text of [null, models]) {
    const desk = deskWith(text)
    await desk.start()
    desk.hear({ type: 'embedder', sha256: 'a'.repeat(64), dims: 4 })
    if (text === null)
      await t.rejects(desk.enrol(request), {
        code: 'COMMAND_INVALID',
        message:
          'Expected from (a picture), or models.text in the configuration to know a product by its name alone',
      })
    else {
      t.strictSame(await desk.enrol(request), {
        sku: '4711',
        version: 1,
        pictures: 0,
        warnings: [],
      })
      t.match(sent.at(-1), {
        type: 'gallery',
        content: { products: [{ sku: '4711' }], entries: [] },
      })
    }
    await desk.stop()
  }
  const args = [
    'dist/main.js',
    'enrol',
    '--gallery',
    join(dir, 'other'),
    '--sku',
    '4712',
    '--name',
    'Plum jam',
  ]
  const ran = spawnSync(process.execPath, args, { encoding: 'utf8' })
  t.equal(
    ran.stdout,
    '4712 "Plum jam" is known by its name alone: set models.text (version 1)\n',
    ran.stderr,
  )
})

const demo = resolve('deploy/demo/pictures')
const packs = readdirSync(demo).filter(name => /oatly|alpro|arla|yoggi|god-morgon/.test(name)).map(name => join(demo, name)) // prettier-ignore

t.test('the models that ship read packs, in either runtime, whichever way up', async t => {
  for (const prefer of ['openvino', 'onnxruntime'] as const) {
    const reader = new TextReader({ ...models, runtime: { prefer, threads: 1 } })
    await reader.start()
    const read = async (rotate: 0 | 90 | 180 | 270) => {
      const jpeg = readFileSync(join(demo, '10-god-morgon-orange-juice.jpg'))
      return (await reader.read({ jpeg, rotate })).map(({ text }) => text.toLowerCase())
    }
    for (const rotate of [0, 90, 180, 270] as const) {
      const lines = await read(rotate)
      t.ok(
        lines.some(text => /morgon|orange|juice|god/.test(text)),
        `${prefer} ${rotate}: ${lines}`,
      )
    }
    const grey = { rgb: new Uint8Array(300 * 200 * 3).fill(128), width: 300, height: 200 }
    t.strictSame(await reader.read(grey), [], 'nothing is written there')
    await reader.stop()
  }
  const swapped = new TextReader({ detector: models.recogniser, recogniser: models.detector })
  await t.rejects(swapped.start(), {
    code: 'MODEL_SHAPE_MISMATCH',
    message: `${resolve('models/pp-ocr-recogniser')}: Expected a model of kind text-detector but received text-recogniser`,
  })
})

const python = process.env.GROCERD_REFERENCE_PYTHON
const skip =
  !python || spawnSync(python, ['-c', 'import rapidocr, onnxruntime']).status !== 0
    ? 'GROCERD_REFERENCE_PYTHON names no Python with rapidocr and onnxruntime'
    : false

/** Edits from one to the other. */
function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(
        Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)),
      )
    row = next
  }
  return row[b.length]!
}

t.test('what rapidocr reads for sure with the same weights is read here', { skip }, async t => {
  const shared = join(
    process.env.GROCERD_SHARED ?? resolve('..', 'shared'),
    'data',
    'grocery-store',
  )
  const more = existsSync(join(shared, 'val.txt'))
    ? readFileSync(join(shared, 'val.txt'), 'utf8').split('\n').map(row => row.split(',')[0]!.trim()).filter(path => path.includes('Packages')).map(path => join(shared, path)) // prettier-ignore
    : []
  if (more.length === 0)
    t.comment('the Grocery Store photographs are not here: the demo packs alone')
  const pictures = [...packs, ...more.filter((_, at) => at % 20 === 0)]
  const made = spawnSync(python!, ['models/training/reference_text.py', ...pictures], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
  })
  t.equal(made.status, 0, made.stderr.slice(-2000))
  const expected = JSON.parse(made.stdout) as TextLine[][]
  const reader = new TextReader({ ...models, runtime: { prefer: 'onnxruntime', threads: 1 } })
  await reader.start()
  let [symbols, wrong] = [0, 0]
  for (const [at, path] of pictures.entries()) {
    const lines = await reader.read(await readPicture(readFileSync(path), path))
    const ours = lines.map(({ text }) => text.replaceAll(' ', ''))
    const theirs = expected[at]!.filter(({ score }) => score >= 0.8)
    for (const text of theirs.map(one => one.text.replaceAll(' ', ''))) {
      const least = Math.min(text.length, ...ours.map(one => edits(text, one)))
      const used = ours.findIndex(one => edits(text, one) === least)
      if (used >= 0 && least < text.length) ours.splice(used, 1)
      symbols += text.length
      wrong += least
    }
  }
  await reader.stop()
  const share = 1 - wrong / symbols
  t.ok(symbols > 100)
  t.ok(
    share >= 0.88,
    `${(100 * share).toFixed(1)} % of ${symbols} symbols on ${pictures.length} packs`,
  )
})
