// The gallery: products by pictures, every change undoable but forgetting, and answers from it, with the shipped network as the embedder.
import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import sharp from 'sharp'
import t from 'tap'
import { keepPicture, sharpnessOf } from '../src/gallery/picture.js'
import { GalleryStore } from '../src/gallery/store.js'
import { VectorFile } from '../src/gallery/vectors.js'
import { productOf } from '../src/gallery/product.js'
import { probeRuntime } from '../src/inference/addon.js'
import { unit } from '../src/recognition/embedder.js'
import { probabilities } from '../src/recognition/gallery-classifier.js'
import { GallerySearch } from '../src/recognition/gallery/similarity.js'
import { readPicture } from '../src/recognition/picture.js'

t.setTimeout(120_000)

const hasRuntime = (['openvino', 'onnxruntime'] as const).some(name => probeRuntime(name).found)
const skip = hasRuntime ? false : 'no runtime is here'
const demo = resolve('deploy/demo/pictures')
const pictureOf = (name: string) =>
  join(
    demo,
    readdirSync(demo).find(file => file.includes(name))!,
  )

const clock = { wall: () => Date.UTC(2026, 10, 25) }
const product = (sku: string, name = sku) => ({ sku, name, plu: null, gtin: null })
const bytes = (text: string) => Buffer.from(text)

function open(dir: string): GalleryStore {
  const store = new GalleryStore({ dir, clock })
  store.start()
  return store
}

const entriesOf = (store: GalleryStore) => store.content.entries.map(one => one.sku)
const message = (call: () => unknown) => {
  try {
    return call()
  } catch (error) {
    return `${(error as { code: string }).code} ${(error as Error).message}`
  }
}

t.test('what is enrolled is there after the next start, and a picture counts once', async t => {
  const dir = t.testdir()
  const store = open(dir)
  t.same([store.version, store.content], [0, { products: [], entries: [] }])
  t.same(store.enrol(product('a', 'Apple'), [bytes('1'), bytes('2')]), { version: 1, pictures: 2 })
  t.same(store.enrol(product('a', 'Red apple'), [bytes('2'), bytes('3'), bytes('3')]), {
    version: 2,
    pictures: 1,
  })
  store.enrol({ ...product('b'), plu: '4011' }, [bytes('2')])
  const again = open(dir)
  t.equal(again.version, 3)
  t.same(again.content.products, [product('a', 'Red apple'), { ...product('b'), plu: '4011' }])
  t.same(entriesOf(again), ['a', 'a', 'a', 'b'], 'one picture may show two products')
  t.equal(again.picture(again.content.entries[0]!.picture).toString(), '1')
  t.equal(readdirSync(join(dir, 'pictures')).length, 3)
  t.match(again.history.map(({ version, at, change }) => ({ version, at, ...change })).at(-1), {
    version: 3,
    at: '2026-11-25T00:00:00.000Z',
    op: 'enrol',
    sku: 'b',
    pictures: 1,
  })
})

t.test('every change is taken back, one after the other, and changes go on from there', async t => {
  const dir = t.testdir()
  const store = open(dir)
  store.enrol(product('a'), [bytes('1')])
  store.enrol(product('b'), [bytes('2')])
  store.enrol(product('c'), [bytes('3')])
  t.match(store.undo(), { version: 4, pictures: 1, undone: { op: 'enrol', sku: 'c' } })
  t.same(entriesOf(store), ['a', 'b'])
  t.match(store.undo(), { version: 5, undone: { sku: 'b' } })
  t.same(entriesOf(store), ['a'])
  store.enrol(product('d'), [bytes('4')])
  t.same(entriesOf(store), ['a', 'd'])
  const again = open(dir)
  t.match(again.undo(), { undone: { sku: 'd' } })
  t.same(entriesOf(again), ['a'])
  t.match(again.undo(), { undone: { sku: 'a' } })
  t.same(entriesOf(again), [])
  t.equal(
    message(() => again.undo()),
    `GALLERY_NOTHING_TO_UNDO Expected a change of the gallery ${dir} that can be undone but there is none; the last 50 are kept`,
  )
  again.enrol(product('e'), [bytes('5')])
  t.same(entriesOf(again), ['e'])
  for (let more = 0; more < 60; more++) again.enrol(product(`m${more}`), [])
  t.equal(readdirSync(join(dir, 'versions')).length, 50)
  for (let back = 0; back < 49; back++) again.undo()
  t.ok(readdirSync(join(dir, 'versions')).length <= 100)
  t.equal(open(dir).content.products.length, again.content.products.length)
  t.match(
    message(() => again.undo()),
    /^GALLERY_NOTHING_TO_UNDO/,
    'older ones are not kept',
  )
})

t.test('what is forgotten is nowhere any more, and does not come back', async t => {
  const dir = t.testdir()
  const store = open(dir)
  store.enrol(product('a'), [bytes('1'), bytes('both')])
  store.enrol(product('b'), [bytes('2'), bytes('both')])
  store.enrol(product('c'), [bytes('3')])
  const [stays, , gone] = store.content.entries.map(one => one.picture) as [string, string, string]
  const embedded = new VectorFile(dir, 'f'.repeat(64), 2)
  embedded.start()
  embedded.add(new Map([stays, gone].map(id => [id, Float32Array.of(1, 0)])))
  t.same(store.forget('b'), { version: 4, pictures: 2 })
  t.same(entriesOf(store), ['a', 'a', 'c'])
  const kept = readdirSync(join(dir, 'pictures')).map(file =>
    readFileSync(join(dir, 'pictures', file), 'utf8'),
  )
  t.same(kept.sort(), ['1', '3', 'both'], 'a picture of another product stays')
  const files = readdirSync(join(dir, 'versions'))
  t.equal(files.length, 4)
  for (const file of files)
    t.notMatch(
      JSON.stringify(JSON.parse(readFileSync(join(dir, 'versions', file), 'utf8')).entries),
      /"sku":"b"/,
    )
  const vectors = new VectorFile(dir, 'f'.repeat(64), 2)
  vectors.start()
  t.equal(vectors.get(gone), undefined, 'nor is its embedding')
  t.ok(vectors.get(stays))
  t.match(store.undo(), { undone: { op: 'forget' } })
  t.same(entriesOf(store), ['a', 'a'], 'what was done before it is taken back')
  store.undo()
  store.undo()
  t.same(entriesOf(store), [])
  t.equal(
    message(() => store.forget('b')),
    `GALLERY_SKU_UNKNOWN Expected a product of the gallery ${dir} but "b" is not among its 0`,
  )
})

t.test(
  'a crash while something is forgotten, and a damaged version, keep nothing of it',
  async t => {
    const dir = t.testdir()
    const store = open(dir)
    store.enrol(product('a'), [bytes('1')])
    store.enrol(product('b'), [bytes('2')])
    const before = ['00000001.json', '00000002.json'].map(file => {
      const path = join(dir, 'versions', file)
      return [path, readFileSync(path)] as const
    })
    const gone = store.content.entries[1]!.picture
    const picture = readFileSync(store.picturePath(gone))
    store.forget('b')
    // As after a kill -9 behind the first write: the older versions and the picture are still there.
    for (const [path, content] of before) writeFileSync(path, content)
    writeFileSync(store.picturePath(gone), picture)
    const again = open(dir)
    t.notOk(existsSync(again.picturePath(gone)), 'the next start ends it')
    t.same(JSON.parse(readFileSync(before[1]![0], 'utf8')).products, [product('a')])
    again.undo()
    t.same(entriesOf(again), ['a'], 'an undo does not bring it back')

    again.enrol(product('c'), [bytes('3')])
    writeFileSync(before[0]![0], 'damaged')
    const damaged = open(dir)
    t.equal(damaged.damaged.length, 1)
    const third = damaged.content.entries.find(one => one.sku === 'c')!.picture
    damaged.forget('c')
    t.notOk(existsSync(damaged.picturePath(third)), 'its picture goes, whatever else is damaged')
  },
)

t.test('a damaged version is passed over and named, a newer one is refused', async t => {
  const dir = t.testdir()
  const store = open(dir)
  store.enrol(product('a'), [bytes('1')])
  store.enrol(product('b'), [bytes('2')])
  const newest = join(dir, 'versions', '00000002.json')
  const text = readFileSync(newest, 'utf8')
  writeFileSync(newest, text.slice(0, -9))
  writeFileSync(join(dir, 'versions', '00000003.json.new'), 'a draft of a crash')
  const older = open(dir)
  t.same(entriesOf(older), ['a'])
  t.match(older.damaged, [new RegExp(`^${newest}: Expected a version of the gallery but `)])
  t.equal(readdirSync(join(dir, 'pictures')).length, 2, 'nothing is thrown away then')
  const stray = JSON.parse(text)
  stray.products.pop()
  writeFileSync(newest, JSON.stringify(stray))
  t.same(open(dir).damaged, [`${newest}: Expected a product b for a picture but there is none`])
  writeFileSync(newest, text.replace('"format":1', '"format":2'))
  t.equal(
    message(() => open(dir)),
    `GALLERY_INVALID ${newest}: Expected format 1 but received 2, of a newer grocerd`,
  )
  const blocked = t.testdir({ file: '' })
  t.match(
    message(() => open(join(blocked, 'file'))),
    /^STATE_UNWRITABLE .* received ENOTDIR$/,
  )
})

t.test('embeddings are kept, and what rots is missing and made again', async t => {
  const dir = t.testdir()
  const embedder = 'e'.repeat(64)
  const file = (dims = 3) => {
    const one = new VectorFile(dir, embedder, dims)
    one.start()
    return one
  }
  const [a, b, c] = ['a', 'b', 'c'].map(one => one.repeat(64)) as [string, string, string]
  const vectors = file()
  vectors.add(new Map([[a, Float32Array.of(1, 2, 3)]]))
  vectors.add(
    new Map([
      [b, Float32Array.of(4, 5, 6)],
      [c, Float32Array.of(7, 8, 9)],
    ]),
  )
  t.same([...file().get(c)!], [7, 8, 9])
  const path = join(dir, 'vectors', `${'e'.repeat(16)}.bin`)
  const whole = readFileSync(path)
  const flipped = Buffer.from(whole)
  flipped[16 + 52 + 40]! ^= 1
  writeFileSync(path, flipped)
  const after = file()
  t.same([after.get(b), [...after.get(c)!]], [undefined, [7, 8, 9]])
  after.add(new Map([[b, Float32Array.of(4, 5, 6)]]))
  t.same([...file().get(b)!], [4, 5, 6])
  for (let length = 0; length < whole.length; length += 7) {
    writeFileSync(path, whole.subarray(0, length))
    const cut = file()
    t.equal(cut.get(c), undefined, `cut at ${length}`)
    cut.add(new Map([[c, Float32Array.of(7, 8, 9)]]))
    t.same([...file().get(c)!], [7, 8, 9])
  }
  writeFileSync(path, whole)
  t.equal(file(4).get(a), undefined, 'of another length')
  writeFileSync(path, whole)
  const few = file()
  few.keepOnly(id => id === b)
  t.same([file().get(a), [...file().get(b)!]], [undefined, [4, 5, 6]])
  const newer = Buffer.from(whole)
  newer.writeUInt32LE(9, 8)
  writeFileSync(path, newer)
  t.match(
    message(() => file()),
    /^GALLERY_INVALID .*: Expected format 1 but received 9, of a newer grocerd$/,
  )
})

t.test('likeness: the nearest picture and the middle of all, half each', async t => {
  const content = {
    products: [product('a'), product('b'), product('empty')],
    entries: ['a', 'a', 'b'].map((sku, at) => ({ sku, picture: String(at) })),
  }
  const vectors = Float32Array.of(1, 0, 0, 1, 0.6, 0.8)
  const search = new GallerySearch(content, vectors, 2)
  const asked = unit(Float32Array.of(3, 1))
  const middle = (asked[0]! + asked[1]!) / Math.SQRT2
  const found = search.search(asked)
  t.same(
    found.map(({ product: at, similarity }) => [at, Math.round(similarity * 1e5)]),
    [
      [0, Math.round(((asked[0]! + middle) / 2) * 1e5)],
      [1, Math.round((0.6 * asked[0]! + 0.8 * asked[1]!) * 1e5)],
    ],
    'what has no picture is like nothing',
  )
  t.same(new GallerySearch({ products: [], entries: [] }, new Float32Array(0), 2).search(asked), [])
  const likely = probabilities(
    [
      { product: 1, similarity: 0.8 },
      { product: 0, similarity: 0.7 },
    ],
    3,
    0.1,
  )
  t.same(
    [...likely].map(one => Math.round(one * 1000)),
    [269, 731, 0],
  )
  t.throws(() => unit(new Float32Array(3)), {
    code: 'INFERENCE_FAILED',
    message: 'Expected a finite embedding that is not zero but received one of length 0',
  })
})

t.test('a kept picture is upright and small, and a poor one is told', async t => {
  const banana = readFileSync(pictureOf('banana'))
  const kept = await keepPicture(await readPicture(banana, 'banana'), 'banana')
  t.same(kept.warnings, [])
  const { width, height, orientation } = await sharp(kept.jpeg).metadata()
  t.ok(Math.max(width, height) <= 480 && orientation === undefined, `${width} x ${height}`)
  const turned = await sharp(banana).withMetadata({ orientation: 6 }).jpeg().toBuffer()
  const upright = await keepPicture(await readPicture(turned, 'turned'), 'turned')
  const size = await sharp(upright.jpeg).metadata()
  t.same([size.width, size.height], [height, width])
  const blurred = await sharp(banana).blur(8).jpeg().toBuffer()
  t.match((await keepPicture(await readPicture(blurred, 'x'), 'x')).warnings, [
    /^it is blurred or empty \(sharpness [\d.]+, wanted 8\)$/,
  ])
  t.ok((await sharpnessOf(banana)) > 8)
  const part = await keepPicture(await readPicture(banana, 'x'), 'x', [0.4, 0.4, 0.5, 0.9])
  t.match(part.warnings[0], /^it is \d+ x \d+ pixels; at least 64 x 64 are wanted$/)
})

t.test('what is said of a product is checked', async t => {
  const wrong: [object, string][] = [
    [{}, 'Expected --sku SKU but it is missing'],
    [{ sku: 'a' }, 'Expected --name NAME for a but it is missing'],
    [{ sku: 'a', name: 'A', plu: '12' }, 'Expected a PLU of 4 or 5 digits but received "12"'],
    [
      { sku: 'a', name: 'A', gtin: '4006381333932' },
      'Expected a GTIN of 8, 12, 13 or 14 digits with its check digit but received "4006381333932"',
    ],
    [
      { sku: 'a', name: 'A', gtin: '123456789' },
      'Expected a GTIN of 8, 12, 13 or 14 digits with its check digit but received "123456789"',
    ],
  ]
  for (const [options, words] of wrong)
    t.equal(
      message(() => productOf(options)),
      `GALLERY_PRODUCT_INVALID ${words}`,
    )
  t.same(productOf({ sku: ' a ', name: 'A', gtin: '4006381333931' }), {
    ...product('a', 'A'),
    gtin: '4006381333931',
  })
})

/** The shipped network, of which the embedding is taken. */
function embedderFolder(folder: string, more: object = {}): string {
  mkdirSync(folder, { recursive: true })
  const shipped = JSON.parse(readFileSync('models/grocery81/model.json', 'utf8'))
  const onnx = shipped.weights.find((one: { format: string }) => one.format === 'onnx')
  copyFileSync(join('models/grocery81', onnx.file), join(folder, onnx.file))
  writeFileSync(
    join(folder, 'model.json'),
    JSON.stringify({
      schema: 1,
      name: 'embedder',
      version: 1,
      kind: 'embedder',
      weights: [onnx],
      input: shipped.input,
      output: { embedding: 'embedding', dimension: 1280 },
      calibration: { temperature: 0.05, sure: 0.9, unknown: 0.3 },
      licence: shipped.licence,
      source: 'the test',
      ...more,
    }),
  )
  return folder
}

t.test('from one picture to an answer, on the command line', { skip }, async t => {
  const dir = t.testdir()
  const model = embedderFolder(join(dir, 'model'))
  const gallery = join(dir, 'gallery')
  const run = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/main.js', ...args], {
      encoding: 'utf8',
    })
    return { status, stdout, stderr }
  }
  const on = ['--gallery', gallery, '--model', model]
  const names = ['banana', 'granny', 'lemon']
  for (const name of names) {
    const done = run('enrol', ...on, '--sku', name, '--name', `A ${name}`, pictureOf(name))
    t.equal(done.status, 0, done.stderr)
    t.match(
      done.stdout,
      /^1 picture enrolled; the gallery has \d products? with \d pictures? \(version \d\)$/m,
    )
  }
  const again = run(
    'enrol',
    ...on,
    '--sku',
    'lemon',
    '--name',
    'Lemon',
    '--json',
    pictureOf('lemon'),
  )
  t.match(JSON.parse(again.stdout), {
    version: 4,
    added: 0,
    pictures: [{ sku: 'lemon', taken: true }],
  })

  // The same things as another camera shows them.
  const seen = join(dir, 'seen')
  for (const name of names) {
    mkdirSync(join(seen, name), { recursive: true })
    const turned = await sharp(pictureOf(name)).rotate(12).resize(300).modulate({ brightness: 0.9 })
    await turned.jpeg({ quality: 70 }).toFile(join(seen, name, 'a.jpg'))
  }
  const asked = run('classify', ...on, '--json', ...names.map(name => join(seen, name, 'a.jpg')))
  const answers = asked.stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  t.same(
    answers.map(one => one.candidates[0].sku),
    names,
    asked.stderr,
  )
  t.match(answers[0].candidates[0], { name: 'A banana' })
  const judged = run('evaluate', ...on, '--images', seen, '--json', '-')
  t.match(JSON.parse(judged.stdout), { images: 3, top1: 1 }, judged.stderr)

  const listed = JSON.parse(run('gallery', 'list', '--gallery', gallery, '--json').stdout)
  t.match(listed, { version: 4, products: [{ sku: 'banana', pictures: 1 }, {}, { name: 'Lemon' }] })
  t.match(
    run('gallery', 'list', '--gallery', gallery).stdout,
    /^banana {2}A banana {2}1 picture\n[\s\S]*3 products, 3 pictures, version 4 of /,
  )
  // Another embedder: the kept pictures are embedded anew, and nobody has to do anything.
  const vectors = () => readdirSync(join(gallery, 'vectors'))
  t.equal(vectors().length, 1)
  const short = embedderFolder(join(dir, 'short'), {
    output: { embedding: 'embedding', dimension: 5 },
  })
  const kiosk = join(dir, 'kiosk.yaml')
  writeFileSync(kiosk, `outbox: { dir: ${dir} }\n`)
  t.same(JSON.parse(run('gallery', 'list', '--config', kiosk, '--json').stdout), listed)
  const refused = run('classify', '--gallery', gallery, '--model', short, pictureOf('lemon'))
  t.match(
    refused.stderr,
    `MODEL_SHAPE_MISMATCH: ${short}: Expected embeddings of 5 numbers but the model gives 1280`,
  )

  writeFileSync(join(gallery, 'vectors', vectors()[0]!), 'not ours')
  const anew = run('classify', ...on, '--json', join(seen, 'banana/a.jpg'))
  t.same(JSON.parse(anew.stdout).candidates, answers[0].candidates)

  // A poor picture and one that looks like another product: taken, and said.
  const copied = join(dir, 'copy.jpg')
  await sharp(pictureOf('banana')).resize(340).jpeg({ quality: 80 }).toFile(copied)
  const alike = run('enrol', ...on, '--sku', 'plantain', '--name', 'Plantain', copied)
  t.equal(alike.status, 0)
  t.match(
    alike.stderr,
    /copy\.jpg: it is much like A banana \(banana\), [\d.]+ of 1; taken all the same\n/,
  )
  t.match(
    run('gallery', 'undo', '--gallery', gallery).stdout,
    'taken back: enrol plantain (version 6)',
  )
  const forgotten = run('gallery', 'forget', 'lemon', '--gallery', gallery)
  t.match(forgotten.stdout, 'lemon is forgotten, with 1 picture (version 7)')
  const carried = join(dir, 'carried')
  t.match(
    run('gallery', 'export', carried, '--gallery', gallery).stdout,
    `2 products with 2 pictures written to ${carried}`,
  )
  const copy = join(dir, 'copy')
  t.match(
    run('gallery', 'import', carried, '--gallery', copy).stdout,
    '2 pictures imported (version 1)',
  )
  const there = run(
    'classify',
    '--gallery',
    copy,
    '--model',
    model,
    '--json',
    join(seen, 'banana/a.jpg'),
  )
  t.equal(JSON.parse(there.stdout).candidates[0].sku, 'banana')
  t.match(
    run('gallery', 'history', '--gallery', copy).stdout,
    /^1 {2}\d{4}-\d\d-\d\dT.* {2}import several, 2 pictures\n$/,
  )
  const picture = readdirSync(join(carried, 'pictures'))[0]!
  writeFileSync(join(carried, 'pictures', picture), 'text')
  const broken = run('gallery', 'import', carried, '--gallery', copy)
  t.equal(broken.status, 78)
  t.match(broken.stderr, `Expected a JPEG at pictures/${picture} but `)
  t.match(run('gallery', 'export', carried, '--gallery', copy).stderr, 'Expected an empty folder')

  const empty = run('classify', '--gallery', join(dir, 'empty'), '--model', model, copied)
  t.match(
    empty.stderr,
    /^GALLERY_EMPTY: .*\/empty: Expected a gallery with pictures but nothing is enrolled$/m,
  )
  const bulk = run('enrol', ...on, '--images', seen)
  t.match(bulk.stdout, /^3 pictures enrolled; the gallery has 3 products with 5 pictures/m)
  t.equal(run('enrol', ...on).status, 2)
  t.match(
    run('enrol', ...on, '--sku', 'x', copied).stderr,
    'GALLERY_PRODUCT_INVALID: Expected --name NAME for x',
  )
  const none = run('classify', '--model', model, copied)
  t.match(none.stderr, 'Expected a model of kind classifier but received embedder')
})
