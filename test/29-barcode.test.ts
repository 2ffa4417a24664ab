// Barcodes: digits to GTINs, codes drawn on photographs and read again without a network, and what a read decides.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import t from 'tap'
import { judge } from '../src/counter/consensus.js'
import type { EngineInput } from '../src/inference/addon.js'
import { gtinOf, gtin14, hasCheckDigit } from '../src/recognition/barcode/gtin.js'
import { BarcodeReader } from '../src/recognition/barcode/reader.js'
import type { Namer } from '../src/recognition/crops.js'
import type { Box, Decision, Observation, Product } from '../src/recognition/types.js'
import { WithBarcode, withCodes } from '../src/recognition/with-barcode.js'
import { together } from '../src/recognition/with-gallery.js'
import { sharp } from '../src/sharp.js'
import { drawCode } from './helpers/barcode.js'

const pictures = join(import.meta.dirname, '..', 'deploy', 'demo', 'pictures')
const photograph = () => readFileSync(join(pictures, '14-arla-standard-milk.jpg'))
const whole: Box = [0, 0, 1, 1]
const milkCode = '7310865004703'
const otherCode = '4006381333931'

interface Drawing {
  code?: string
  module?: number
  turn?: number
  blur?: number
}

/** A code on the photograph of a milk carton, at 900 px. */
async function onPhotograph({ code = milkCode, module = 3, turn = 0, blur = 0 }: Drawing) {
  const drawn = await drawCode(code, { module, turn, height: module * 30 })
  const put = sharp(photograph())
    .resize(900, 900)
    .composite([{ input: drawn, left: 200, top: 240 }])
  const jpeg = await put.jpeg({ quality: 85 }).toBuffer()
  return blur === 0 ? jpeg : sharp(jpeg).blur(blur).jpeg().toBuffer()
}

const pixels = async (jpeg: Uint8Array) => {
  const { data, info } = await sharp(jpeg).raw().toBuffer({ resolveWithObject: true })
  return { rgb: data, width: info.width, height: info.height }
}

t.test('digits', async t => {
  const read = (format: string, text: string) => gtinOf({ format, text })
  t.equal(read('EAN13', milkCode), milkCode)
  t.equal(read('EAN13', '7310865004704'), null, 'a wrong check digit')
  t.equal(read('EAN8', '73513537'), '0000073513537')
  t.equal(read('UPCA', '036000291452'), '0036000291452')
  t.equal(read('DataBar', '(01)04006381333931'), otherCode)
  t.equal(read('DataBar', '0104006381333931'), otherCode)
  t.equal(read('EAN13', ''), null)
  t.equal(read('EAN13', '73108650047O3'), null)
  // One for each way to leave zeros out.
  for (const [short, long] of [
    ['04252614', '0042100005264'],
    ['01234531', '0012300000451'],
    ['01234543', '0012340000053'],
    ['01234558', '0012345000058'],
  ] as const)
    t.equal(read('UPCE', short), long, `UPC-E ${short}`)
  t.equal(gtin14('036000291452'), gtin14('0036000291452'), 'one product, however it is written')
  t.test('what the shop numbers itself is never a GTIN', async t => {
    const withCheck = (digits: string) =>
      [...'0123456789'].map(check => digits + check).find(hasCheckDigit)!
    for (const prefix of ['02', ...Array.from({ length: 10 }, (_, index) => `2${index}`)])
      t.equal(read('EAN13', withCheck(`${prefix}1234501299`)), null, prefix)
    t.equal(read('UPCA', withCheck('21234501299')), null, 'UPC-A of number system 2')
    t.equal(read('EAN8', withCheck('2123450')), null)
    t.equal(read('DataBar', withCheck('9400638133393')), null, 'GTIN-14 of variable measure')
    t.equal(read('EAN13', withCheck('312345012345')), withCheck('312345012345'))
  })
  fc.assert(
    fc.property(fc.string(), fc.constantFrom('UPCE', 'EAN13'), (text, format) => {
      const gtin = gtinOf({ format, text })
      return gtin === null || (/^\d{13,14}$/.test(gtin) && hasCheckDigit(gtin))
    }),
  )
})

t.test('the library is loaded without a network', async t => {
  // Its own way to its wasm is fetch, from a CDN. A thread has globals of its own, so the traps are laid inside of it.
  const traps = `
    globalThis.fetch = () => { throw new Error('fetch was called') }
    const refuse = () => { throw new Error('a connection was opened') }
    require('node:net').Socket.prototype.connect = refuse
    require('node:dns').lookup = refuse
    import(require('node:worker_threads').workerData.url)`
  const url = new URL('../src/recognition/barcode/worker.mjs', import.meta.url).href
  const workerData = { url, formats: ['EAN13'] }
  const worker = new Worker(traps, { eval: true, workerData })
  t.teardown(() => worker.terminate())
  t.strictSame(await once(worker, 'message'), ['ready'])
  worker.postMessage({ ...(await pixels(await onPhotograph({}))), box: whole })
  t.strictSame(await once(worker, 'message'), [[{ format: 'EAN13', text: milkCode }]])
})

t.test('codes on a photograph are read', async t => {
  const reader = new BarcodeReader()
  t.teardown(() => reader.stop())
  await reader.start()
  const read = async (drawing: Drawing) =>
    reader.read(await pixels(await onPhotograph(drawing)), whole)
  t.strictSame(await read({}), [milkCode])
  t.strictSame(await read({ turn: 90 }), [milkCode], 'turned by 90 degrees')
  t.strictSame(await read({ turn: 180 }), [milkCode], 'upside down')
  t.strictSame(await read({ module: 2 }), [milkCode], 'small')
  t.strictSame(await read({ blur: 1.2 }), [milkCode], 'blurred')
  t.strictSame(await read({ code: '73513537' }), ['0000073513537'], 'EAN-8')
  t.strictSame(await read({ code: '2112345012991' }), [], 'variable measure')
  t.strictSame(await reader.read(await pixels(photograph()), whole), [], 'no code')
  const drawn = await pixels(await onPhotograph({}))
  t.strictSame(await reader.read(drawn, [0, 0.5, 1, 1]), [], 'outside of the box')
  t.strictSame(await reader.read(drawn, [0.1, 0.2, 0.9, 0.5]), [milkCode], 'inside of the box')
  const both = await Promise.all([reader.read(drawn, whole), reader.read(drawn, whole)])
  t.strictSame(both, [[milkCode], null], 'one at a time')
  const broken = { rgb: null as unknown as Uint8Array, width: 9, height: 9 }
  t.strictSame(await reader.read(broken, whole), [], 'a thread that fails is no answer')
  t.equal(await reader.read(drawn, whole), null, 'while it is loaded anew')
  await reader.start()
  t.strictSame(await reader.read(drawn, whole), [milkCode], 'and the next picture has a new one')
  await t.test('1,000 mutated pictures', async t => {
    const [width, height] = [120, 60]
    const code = await sharp(await drawCode(milkCode, { module: 1, height }))
      .resize(width, height, { fit: 'fill' })
      .removeAlpha()
      .toColourspace('srgb')
      .raw()
      .toBuffer()
    let wrong = 0
    for (let seed = 1; seed <= 1000; seed++) {
      const rgb = Uint8Array.from(code)
      let state = seed
      for (let change = 0; change < seed * 4; change++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0
        rgb[state % rgb.length] = state >>> 24
      }
      const gtins = await reader.read({ rgb, width, height }, whole)
      if (gtins === null || gtins.some(gtin => gtin !== milkCode)) wrong++
    }
    t.equal(wrong, 0)
  })
  await reader.stop()
  t.equal(await reader.read(drawn, whole), null, 'after stop')
})

const product = (sku: string, gtin: string | null): Product => {
  const none = { plu: null, meanGrams: null, group: null, coarse: null, variantOf: null }
  return { ...none, sku, name: sku, gtin, unit: 'each' }
}
const milk = product('milk', milkCode)
const juice = product('juice', otherCode)
const known = new Map([milk, juice].map(one => [gtin14(one.gtin!)!, one]))

const seen = (decision: Decision, ...skus: string[]): Observation => ({
  box: whole,
  decision,
  auto: false,
  askReason: decision === 'ask' ? 'confidence' : null,
  candidates: skus.map((sku, index) => {
    return { sku, name: sku, plu: null, gtin: null, score: 0.6 - index / 10 }
  }),
})

t.test('what a read decides', async t => {
  const rules = { autoAdd: false, top: 2 }
  const told = ({ decision, auto, askReason, candidates, gtin }: Observation) =>
    [
      decision,
      auto,
      askReason,
      candidates.map(({ sku, score }) => `${sku} ${score}`),
      gtin,
    ] as const
  const codes = (observation: Observation, ...gtins: string[]) =>
    told(withCodes(observation, gtins, known, rules))
  const wins = ['sure', false, null, ['milk 1', 'pear 0'], milkCode] as const
  t.strictSame(codes(seen('ask', 'pear', 'milk'), milkCode), wins)
  t.strictSame(codes(seen('unknown', 'pear'), milkCode), wins, 'where the picture knows nothing')
  t.strictSame(codes(seen('sure', 'milk', 'pear'), milkCode), wins, 'where it knows the same')
  t.equal(withCodes(seen('ask', 'milk'), [milkCode], known, { ...rules, autoAdd: true }).auto, true)
  t.strictSame(
    codes(seen('sure', 'pear', 'milk'), milkCode),
    ['ask', false, 'conflict', ['milk 1', 'pear 0.6'], milkCode],
    'the picture is sure of another',
  )
  const nobodys = '5901234123457'
  t.strictSame(
    withCodes(seen('ask', 'pear'), [nobodys], known, rules),
    { ...seen('ask', 'pear'), gtin: nobodys },
    'a GTIN that no product has',
  )
  t.strictSame(
    withCodes(seen('ask', 'pear'), [milkCode, otherCode], known, rules),
    seen('ask', 'pear'),
    'codes of two products',
  )
  t.test('among the votes of the counter', async t => {
    const read = withCodes(seen('sure', 'pear'), [milkCode], known, rules)
    const votes = [seen('sure', 'pear'), read, seen('sure', 'pear'), seen('sure', 'pear')]
    const of = (all: Observation[]) =>
      judge(
        all.map(observation => ({ observation, leads: true })),
        0.6,
      )
    t.match(of(votes), { decision: 'ask', askReason: 'conflict', auto: false })
    t.strictSame(
      together(read, { ...seen('sure', 'kiwi'), distance: 0 }, { distance: 1, top: 4 }),
      read,
      'and the gallery does not settle it',
    )
    t.equal(of(votes.filter(one => one !== read)).decision, 'sure')
  })
})

/** A classifier of which the test says what it sees. */
class Told implements Namer {
  observation = seen('ask', 'pear')
  classify() {
    const stagesMs = { queue: 0, decode: 0, resize: 0, infer: 0 }
    return Promise.resolve({ scores: new Float32Array(), observation: this.observation, stagesMs })
  }
}

/** A model of these products. */
const modelOf = (labels: Product[]) => ({
  labels,
  thresholds: { sure: 0.9, auto: null, unknown: 0.1, margin: 0, autoAdd: false, top: 4 },
})

async function wrapped(labels: Product[]) {
  const inner = new Told()
  const found = { gtins: [] as string[] | null, starts: 0, reads: 0, now: 0 }
  const reader = {
    read: () => Promise.resolve((found.reads++, found.gtins)),
    start: () => Promise.resolve(void found.starts++),
    stop: () => Promise.resolve(),
  }
  const classifier = new WithBarcode(inner, reader, () => found.now)
  await classifier.know(modelOf(labels))
  const decide = async (input: EngineInput) =>
    (await classifier.classify(input)).observation.decision
  return { inner, found, decide, classifier }
}

t.test('when it reads', async t => {
  const rgb = new Uint8Array(3)
  const view = (): EngineInput => ({ rgb, width: 1, height: 1, box: [...whole] })
  const none = await wrapped([product('pear', null)])
  await none.decide(view())
  t.match(none.found, { starts: 0, reads: 0 }, 'never where no product has a GTIN')

  const { inner, found, decide } = await wrapped([milk, juice])
  const camera = view()
  t.equal(await decide(camera), 'ask')
  found.gtins = [milkCode]
  t.equal(await decide(camera), 'sure')
  t.equal(found.reads, 2, 'every frame that is not sure')
  found.gtins = []
  found.now = 999
  t.equal(await decide(camera), 'sure', 'one read holds for a second')
  t.equal(await decide(view()), 'ask', 'of its own camera')
  inner.observation = seen('ask', 'kiwi')
  t.equal(await decide(camera), 'ask', 'of what it was read on')
  inner.observation = seen('sure', 'kiwi')
  const before = found.reads
  for (let at = 1000; at < 3000; at += 100) {
    found.now = at
    await decide(camera)
  }
  t.equal(
    found.reads - before,
    1,
    'what is sure is read once a second, the first second after the last read',
  )
  const double = await wrapped([milk, { ...juice, gtin: milkCode }])
  double.found.gtins = [milkCode]
  t.equal(await double.decide(view()), 'ask', 'a GTIN of two products decides nothing')

  // What only the gallery knows, from the moment on when it is taught.
  const gallery = await wrapped([product('pear', null)])
  gallery.found.gtins = [milkCode]
  t.equal(await gallery.decide(view()), 'ask')
  t.match(gallery.found, { starts: 0, reads: 0 })
  await gallery.classifier.teach([milk])
  t.equal(await gallery.decide(view()), 'sure')
  await gallery.classifier.know({
    labels: [juice],
    thresholds: { autoAdd: false, top: 4 } as never,
  })
  t.equal(await gallery.decide(view()), 'sure', 'another model takes nothing from it')
  await gallery.classifier.teach([])
  t.equal(await gallery.decide(view()), 'ask', 'forgotten')
  t.equal(gallery.found.starts, 1)
})

t.test('a JPEG through all of it', async t => {
  const classifier = new WithBarcode(new Told())
  t.teardown(() => classifier.stop())
  await classifier.know(modelOf([milk]))
  const jpeg = await onPhotograph({ module: 2 })
  const { observation } = await classifier.classify({ jpeg, box: [...whole] })
  t.match(observation, { decision: 'sure', candidates: [{ sku: 'milk' }, { sku: 'pear' }] })
})
