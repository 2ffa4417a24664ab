// grocerd commission: a technician, a real daemon, a camera whose pictures the test changes, a scale over MQTT, to a sheet that says pass or fail.
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'mqtt'
import { chromium } from 'playwright-core'
import t, { type Test } from 'tap'
import { namedIn, placeOf, productNamed } from '../src/cli/commission/items.js'
import { figure, figureWords, limitWords, toleranceOf } from '../src/cli/commission/limits.js'
import { bandsOf, flickerOf, focusOf, glareOf, lightOf } from '../src/cli/commission/measure.js'
import { meanOf, regionOf } from '../src/cli/commission/region.js'
import { readingOf } from '../src/cli/commission/scale.js'
import { hasTurboJpeg, probeRuntime } from '../src/inference/addon.js'
import { referenceFile } from '../src/recognition/view/reference.js'
import { freePort } from './helpers/brokers.js'
import { live, photograph, scenes, Technician } from './helpers/commissioning.js'
import { type RunningDaemon, startDaemon } from './helpers/daemon.js'
import { appleFrame } from './helpers/fake-view.js'
import { FakeCamera } from './helpers/fake-camera.js'

t.setTimeout(300_000)

const hasRuntime = (['openvino', 'onnxruntime'] as const).some(name => probeRuntime(name).found)
const skip = hasRuntime && hasTurboJpeg() ? false : 'a runtime and libturbojpeg are wanted'
const executablePath = '/usr/bin/chromium'

const whole = { id: 'counter', roi: [0, 0, 1, 1] as [number, number, number, number] }
const camera = { ...whole, rotate: 0 as const, mask: null }
const regions = async (...scene: Parameters<typeof live>) =>
  Promise.all((await live(...scene)).map(jpeg => regionOf(jpeg, camera)))

t.test('a page is sharp or not, whatever it is blurred by, and noise is no sharpness', async t => {
  const width = async (blur: number) =>
    focusOf(meanOf(await regions(scenes.page, { blur }))).edgeWidth!
  const widths = [await width(0), await width(3), await width(6), await width(12)]
  t.same(
    widths,
    [...widths].sort((a, b) => a - b),
    widths.join(', '),
  )
  const isSharp = widths.map(value => figure('edgeWidth', value).ok)
  t.same(isSharp, [true, true, false, false], 'the limit is a blur of about 4/1000 of the width')
  t.same(focusOf(meanOf(await regions(scenes.plain))), { edges: 0, edgeWidth: null })
})

t.test('light, flicker and glare are what was painted', async t => {
  const [empty] = await regions(scenes.empty)
  t.ok(Math.abs(lightOf(empty!).brightness! - 54.2) < 0.5, String(lightOf(empty!).brightness))
  t.equal(lightOf(empty!).black, 0)
  t.same(glareOf(empty!), { glare: 0, glareSpot: 0, where: 'top left' })
  const [glary] = await regions(scenes.glary)
  const found = glareOf(glary!)
  t.ok(Math.abs(found.glare! - 5.37) < 0.2, String(found.glare))
  t.equal(found.where, 'top right')
  t.ok(flickerOf((await regions(scenes.empty)).map(bandsOf)) < 1, 'noise is no flicker')
  const beating = flickerOf((await regions(scenes.empty, { light: [1, 0.9] })).map(bandsOf))
  t.ok(Math.abs(beating - 13.8) < 1, String(beating))
})

t.test('nothing of a mask is measured, and nothing beyond the roi', async t => {
  const mask = [[0.6, 0, 1, 0.5] as [number, number, number, number]]
  const [jpeg] = await live(scenes.glary)
  const masked = await regionOf(jpeg!, { ...camera, mask })
  t.equal(glareOf(masked).glare, 0)
  const left = await regionOf(jpeg!, { ...camera, roi: [0, 0, 0.5, 1] })
  t.same([left.width, left.height], [312, 480], 'a rim is left out where the roi ends')
  t.equal(glareOf(left).glare, 0)
})

t.test('figures, limits, weights and products in words', t => {
  t.equal(
    figureWords(figure('edgeWidth', 4.14)),
    'width of an edge 4.1 ‰ of the region (at most 7)',
  )
  t.equal(figureWords(figure('edges', null)), 'places with an edge not measured (12 or more)')
  t.same([limitWords({ min: 20, max: 80 }), limitWords({})], ['20 to 80', ''])
  t.same([toleranceOf(500), toleranceOf(5000)], [10, 50])
  t.same(readingOf('{"grams": 512, "state": "stable"}', 7), { grams: 512, isStable: true, at: 7 })
  t.same(readingOf('{"grams": 1, "state": "zero"}', 7), { grams: 0, isStable: true, at: 7 })
  const weighed = { eventId: 'e', kind: 'weighed', weight: 300 }
  t.same(readingOf(JSON.stringify(weighed), 7), { grams: 300, isStable: true, at: 7 })
  t.equal(readingOf(JSON.stringify({ ...weighed, lineId: 'l' }), 7), null, 'a line of the receipt')
  t.equal(readingOf('offline', 7), null)
  const product = (sku: string, name: string, plu: string | null) => ({
    sku,
    name,
    plu,
    gtin: null,
  })
  const all = [
    product('banana', 'Banana', '4011'),
    product('pl', 'Pink Lady', '4128'),
    product('pg', 'Pink Grapefruit', null),
  ]
  for (const text of ['banana', '4011', ' BANANA ', 'ban'])
    t.equal(productNamed(text, all).sku, 'banana', text)
  t.equal(placeOf([0.2, 0, 0.4, 1], [0, 0, 1, 1]), 'left')
  t.equal(placeOf([0.2, 0, 0.4, 1], [0.2, 0, 0.5, 1]), 'middle', 'of the region')
  t.equal(placeOf([0.9, 0, 1, 1], [0, 0, 1, 1]), 'right')
  const frame = { ...appleFrame, observations: [...appleFrame.observations] }
  t.equal(namedIn([frame, frame, frame], 0.6)[0]!.sku, 'apple-pink-lady')
  const two = { ...frame, observations: [...frame.observations, ...frame.observations] }
  t.same(namedIn([frame, two, frame], 0.6), [], 'several things are none')
  t.throws(() => productNamed('pink', all), {
    code: 'PRODUCT_UNKNOWN',
    message:
      'Expected the sku, PLU, GTIN or name of a product that the kiosk can name but it may be Pink Lady (pl), Pink Grapefruit (pg): "pink"',
  })
  t.throws(() => productNamed('bananna', all), {
    message:
      'Expected the sku, PLU, GTIN or name of a product that the kiosk can name but none is; did you mean "Banana"?: "bananna"',
  })
  t.end()
})

interface Shop {
  dir: string
  state: string
  config: string
  camera: FakeCamera
  daemon: RunningDaemon
  ports: { http: number; mqtt: number }
}

async function shop(t: Test, seen: object = {}): Promise<Shop> {
  const dir = mkdtempSync(join(tmpdir(), 'grocerd-commission-'))
  const eyes = new FakeCamera(join(dir, 'camera'))
  eyes.start()
  eyes.show(await live(scenes.empty))
  const ports = { http: await freePort(), mqtt: await freePort() }
  const daemon = await startDaemon(dir, {
    kiosk: { id: 'lane-3', site: 'shop-12' },
    cameras: [{ id: 'counter', source: eyes.source, fps: 10, ...seen }],
    mqtt: { url: 'embedded', listen: `127.0.0.1:${ports.mqtt}` },
    http: { listen: `127.0.0.1:${ports.http}` },
  })
  t.teardown(async () => {
    daemon.process.kill('SIGKILL')
    await daemon.ended
    eyes.stop()
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
  })
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${ports.http}/readyz`)
    if (answer.ok) break
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  return {
    dir,
    state: join(dir, 'state'),
    config: join(dir, 'grocerd.yaml'),
    camera: eyes,
    daemon,
    ports,
  }
}

const goods = [
  ...['banana', 'lime', 'pineapple', 'cucumber', 'kiwi'],
  ...['lemon', 'leek', 'watermelon', 'zucchini', 'cabbage'],
]

t.test('a kiosk that is set up well passes, and keeps its reference picture', { skip }, async t => {
  const lane = await shop(t)
  const file = referenceFile(lane.state, 'counter')
  const scale = connect(`mqtt://127.0.0.1:${lane.ports.mqtt}`)
  t.teardown(() => scale.endAsync(true))
  const weighs = (grams: number, state: string) =>
    scale.publishAsync('grocerd/lane-3/scale', JSON.stringify({ grams, state }))
  const { products } = (await (
    await fetch(`http://127.0.0.1:${lane.ports.http}/api/v1/products`)
  ).json()) as { products: { sku: string; name: string; plu: string | null }[] }
  t.ok(products.length >= 81, 'the daemon says what it can name')

  const one = new Technician(['--config', lane.config, '--json'])
  t.teardown(() => one.process.kill('SIGKILL'))
  // With --json all words go to standard error.
  one.follows('stderr')
  await one.hears('Your name, for the sheet:')
  one.types('Ada L.')
  await one.hears('1 of 7  Focus')
  await one.hears('Enter: measure, s: skip')
  lane.camera.show(await live(scenes.page, { blur: 10 }))
  one.types('')
  const blurred = await one.hears('Enter: measure again, s: leave it so')
  t.match(blurred, /FAIL {2}width of an edge \d+(\.\d)? ‰ of the region \(at most 7\)\n/)
  t.match(blurred, /=> FAIL\n {5}Clean the lens and its window, turn the focus/)
  lane.camera.show(await live(scenes.page))
  one.types('')
  t.match(await one.hears('=> pass'), /ok {4}width of an edge/, 'tried again')
  await one.hears('2 of 7  Light')
  lane.camera.show(await live(scenes.empty))
  for (const next of ['3 of 7  Glare', '4 of 7  Region']) {
    await one.hears('Enter: measure, s: skip')
    one.types('')
    await one.hears(next)
  }
  await one.hears('s: skip')
  one.types('')
  const looked = await one.hears('y or n:')
  const picture = /The picture: (\S+),/.exec(looked)![1]!
  t.equal(readFileSync(picture).subarray(0, 2).toString('hex'), 'ffd8', 'a JPEG to look at')
  one.types('y')
  await one.hears('5 of 7  Scale')
  t.notOk(existsSync(picture), 'which does not stay')
  await one.hears('s: skip')
  one.types('')
  await one.hears('(none: there is no scale; s: skip)')
  lane.camera.show(await live(photograph('banana')))
  await weighs(204, 'moving')
  await weighs(503, 'stable')
  one.types('500')
  await one.hears('Take the weight away again, then Enter')
  lane.camera.show(await live(scenes.empty))
  await weighs(0, 'zero')
  one.types('')
  await one.hears('6 of 7  Ten items')
  await one.hears('s: skip')
  one.types('')
  for (const [index, name] of goods.entries()) {
    const place = ['left', 'middle', 'right'][index % 3]
    await one.hears(`Item ${index + 1} of 10, ${place} in the picture`)
    lane.camera.show(await live(photograph(name)))
    if (index === 0) one.types('bananna')
    one.types(name)
  }
  await one.hears('7 of 7  Reference picture')
  lane.camera.show(await live(scenes.empty))
  one.types('')
  await one.hears('PASS: ')
  t.equal(await one.ended, 0, one.error)
  t.match(one.error, 'but none is; did you mean "Banana"?: "bananna"')

  const sheet = JSON.parse(one.out)
  t.match(sheet, {
    ...{ format: 1, passed: true, technician: 'Ada L.' },
    kiosk: { id: 'lane-3', site: 'shop-12' },
    model: { name: 'grocery81', version: 2 },
  })
  const verdicts = sheet.steps.map((step: { id: string; verdict: string; tries: number }) => [
    ...[step.id, step.verdict, step.tries],
  ])
  t.same(verdicts, [
    ['focus', 'pass', 2],
    ['light', 'pass', 1],
    ['glare', 'pass', 1],
    ['region', 'pass', 1],
    ['scale', 'pass', 1],
    ['items', 'pass', 1],
    ['reference', 'pass', 1],
  ])
  const [weight] = sheet.steps[4].figures
  t.same([weight.value, weight.limit], [3, { max: 10 }])
  t.equal(sheet.steps[5].laid.length, 10)
  t.same(sheet.steps[5].notes, ['Named first: left 4 of 4, middle 3 of 3, right 3 of 3.'])
  const kept = JSON.parse(readFileSync(file, 'utf8'))
  t.same(kept.view, { roi: [0, 0, 1, 1], rotate: 0, mask: null })
  t.ok(kept.takenAt >= sheet.startedAt, 'the reference is of now')
  t.equal(statSync(file).mode & 0o777, 0o600)
  const folder = join(lane.state, 'commission')
  const files = readdirSync(folder).sort()
  t.match(files, [/^lane-3-counter-.*Z\.html$/, /^lane-3-counter-.*Z\.json$/])
  t.equal(files.length, 2)
  t.same(JSON.parse(readFileSync(join(folder, files[1]!), 'utf8')), sheet)

  await t.test('the sheet prints on two pages at most and asks nobody', async t => {
    if (!existsSync(executablePath)) return void t.comment(`skipped: no ${executablePath}`)
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
    t.teardown(() => browser.close())
    const page = await browser.newPage({ viewport: { width: 900, height: 1200 } })
    const asked: string[] = []
    page.on('request', request => void asked.push(request.url()))
    await page.goto(`file://${join(folder, files[0]!)}`)
    t.equal(await page.title(), 'lane-3: commissioning passed')
    t.equal(await page.getByRole('status').locator('strong').textContent(), 'PASS')
    const words = await page.locator('body').innerText()
    for (const said of ['Ada L.', 'shop-12', 'grocery81 2', sheet.model.sha256, 'Banana'])
      t.ok(words.includes(said), said)
    const shown = await page
      .locator('img')
      .evaluateAll(all => all.map(one => (one as unknown as { naturalWidth: number }).naturalWidth))
    t.same(shown, [480, 480, 480, 480], 'focus, glare, region, reference')
    const overflows = await page.evaluate('document.documentElement.scrollWidth > innerWidth')
    t.equal(overflows, false)
    await page.setViewportSize({ width: 390, height: 844 })
    t.equal(await page.evaluate('document.documentElement.scrollWidth'), 390, 'fits a phone')
    const pdf = (await page.pdf({ format: 'A4' })).toString('latin1')
    const pages = pdf.match(/\/Type\s*\/Page\b/g)?.length ?? 0
    t.ok(pages >= 1 && pages <= 2, `${pages} pages`)
    t.same(
      asked.filter(url => !/^(file|data):/.test(url)),
      [],
    )
    if (process.env.COMMISSION_PICTURES)
      await page.screenshot({ path: process.env.COMMISSION_PICTURES, fullPage: true })
  })
})

t.test(
  'what is not well, not done or not there is said so, and the sheet fails',
  { skip },
  async t => {
    const roi = [0.1, 0, 1, 1]
    const lane = await shop(t, { roi })
    const file = referenceFile(lane.state, 'counter')
    const scale = connect(`mqtt://127.0.0.1:${lane.ports.mqtt}`)
    t.teardown(() => scale.endAsync(true))
    const one = new Technician(['--config', lane.config, '--technician', 'Bo', '--items', '4011'])
    t.teardown(() => one.process.kill('SIGKILL'))
    await one.hears('Enter: measure, s: skip')
    one.types('s')
    await one.hears('2 of 7')
    await one.hears('s: skip')
    lane.camera.show(await live(scenes.dim))
    one.types('')
    const dim = await one.hears('s: leave it so')
    t.match(dim, /FAIL {2}mean brightness 1\d(\.\d)? % \(20 to 80\)/)
    one.types('s')
    await one.hears('3 of 7')
    await one.hears('s: skip')
    lane.camera.show(await live(scenes.glary))
    one.types('')
    const glary = await one.hears('s: leave it so')
    t.match(glary, /FAIL {2}overexposed 6(\.\d)? % of the region \(at most 1\)\n/)
    t.match(
      glary,
      '  Most of it is at the top right of the region.\n  => FAIL\n     Turn or shade the lamp',
    )
    one.types('s')
    await one.hears('4 of 7')
    await one.hears('s: skip')
    lane.camera.show(await live(photograph('banana')))
    one.types('')
    const busy = await one.hears('s: leave it so')
    t.match(busy, 'FAIL  pictures with something on the empty counter 100 % (at most 0)')
    lane.camera.show(await live(scenes.empty))
    one.types('')
    await one.hears('y or n:')
    one.types('n')
    t.match(await one.hears('s: leave it so'), 'Not the counter alone, says who looked.')
    one.types('s')
    await one.hears('s: skip')
    one.types('')
    await one.hears('(none: there is no scale; s: skip)')
    const told = setInterval(
      () => void scale.publish('grocerd/lane-3/scale', '{"grams": 0, "state": "zero"}'),
      200,
    )
    t.teardown(() => clearInterval(told))
    one.types('a pound')
    await one.hears('  Expected grams such as 500 but received "a pound"\n')
    one.types('none')
    t.match(
      await one.hears('s: leave it so'),
      'A scale was said not to be there, but one sends to grocerd/lane-3/scale.',
    )
    one.types('s')
    await one.hears('s: skip')
    one.types('')
    await one.hears('lay down Banana (PLU 4011), then Enter (or what lies there instead; s: skip)')
    lane.camera.show(await live(photograph('lime')))
    one.types('')
    t.match(await one.hears('Item 2 of 10'), /Lime \d\d %; Banana is not among the first four\n/)
    for (let item = 2; item <= 10; item++) one.types('s')
    t.match(await one.hears('=> not done'), '1 of 10 items were laid down.')
    one.types('s')
    await one.hears('7 of 7')
    await one.hears('s: skip')
    const first = readFileSync(file, 'utf8')
    lane.camera.show(await live(scenes.plain))
    one.types('')
    const plain = await one.hears('s: leave it so')
    t.match(plain, /FAIL {2}places that can be known again \d of 48 \(6 or more\)/)
    t.notOk(existsSync(`${file}.before`))
    one.process.stdin!.end()
    await one.hears('FAIL: ')
    t.equal(await one.ended, 1, one.error)
    t.equal(readFileSync(file, 'utf8'), first, 'the old reference is in its place')
    const folder = join(lane.state, 'commission')
    const name = readdirSync(folder).find(one => one.endsWith('.html'))!
    const page = readFileSync(join(folder, name), 'utf8')
    t.match(page, '<title>lane-3: commissioning failed</title>')
    t.match(
      page,
      '<span>Focus: not done, Light: FAIL, Glare: FAIL, Region: FAIL, Scale: FAIL, Ten items in three places: not done, Reference picture: FAIL</span>',
    )
    const uri = /<img[^>]*src="data:image\/jpeg;base64,([^"]+)"[^>]*alt="Glare"/.exec(page)![1]!
    const shown = await regionOf(Buffer.from(uri, 'base64'), { ...camera, roi: [0, 0, 0.09, 1] })
    t.ok(Math.max(...shown.luma) <= 4, 'nothing beyond the roi is on the sheet')

    await t.test('Ctrl-C ends it, and nothing was kept', async t => {
      lane.camera.show(await live(scenes.empty))
      const out = join(lane.dir, 'out')
      const other = new Technician(
        ['--config', lane.config, '--technician', 'Bo', '--out', out].concat(
          '--steps',
          'reference,region',
        ),
      )
      await other.hears('1 of 2  Region')
      await other.hears('s: skip')
      other.types('')
      await other.hears('y or n:')
      other.process.kill('SIGINT')
      t.equal(await other.ended, 1)
      t.equal(
        other.error,
        'COMMISSION_STOPPED: Expected the last step to be done but the commissioning was stopped before it\n' +
          '  Start it again; no sheet was written, and the reference picture is the old one. --steps runs only some of its steps.\n',
      )
      t.same(readdirSync(out), [])
      t.equal(readFileSync(file, 'utf8'), first)
      t.notOk(existsSync(`${file}.before`))
    })

    await t.test('where it cannot begin it says why', async t => {
      const ends = async (words: string[]) => {
        const other = new Technician(['--technician', 'Bo', ...words])
        return [await other.ended, other.error.split('\n')[0], other.out]
      }
      t.same(await ends(['--config', lane.config, '--camera', 'door']), [
        ...[1, 'CAMERA_UNKNOWN: Expected one of the cameras counter but received door', ''],
      ])
      t.same(await ends(['--config', lane.config, '--items', 'bananna']), [
        1,
        'PRODUCT_UNKNOWN: Expected the sku, PLU, GTIN or name of a product that the kiosk can name but none is; did you mean "Banana"?: "bananna"',
        '',
      ])
      const changed = JSON.parse(readFileSync(lane.config, 'utf8'))
      const other = join(lane.dir, 'other.yaml')
      writeFileSync(
        other,
        JSON.stringify({ ...changed, cameras: [{ ...changed.cameras[0], roi: [0, 0, 1, 1] }] }),
      )
      t.same(await ends(['--config', other]), [
        1,
        'DAEMON_OTHER_CONFIG: Expected the running daemon to have for camera counter the roi [0,0,1,1] but received [0.1,0,1,1]',
        '',
      ])
      t.same(await ends(['--config', lane.config, '--out', join(lane.config, 'sheet')]), [
        1,
        `STATE_UNWRITABLE: Expected to write ${join(lane.config, 'sheet')} and ${lane.state} but received ENOTDIR: ENOTDIR: not a directory, mkdir '${join(lane.config, 'sheet')}'`,
        '',
      ])
      writeFileSync(other, JSON.stringify({ ...changed, outbox: { dir: t.testdir() } }))
      const [code, words] = await ends(['--config', other])
      t.equal(code, 1)
      t.match(
        words,
        /^DAEMON_OTHER_CONFIG: Expected the running daemon to hold \S+ but nobody does$/,
      )
      writeFileSync(other, JSON.stringify({ ...changed, http: { listen: '127.0.0.1:9' } }))
      t.same(await ends(['--config', other]), [
        1,
        'DAEMON_UNREACHABLE: Expected the running daemon at http://127.0.0.1:9 but received: bad port',
        '',
      ])
    })
  },
)

t.test('a look from afar: --yes on a folder of pictures, some steps only', { skip }, async t => {
  const pictures = t.testdir()
  writeFileSync(join(pictures, 'empty.jpg'), (await live(scenes.empty))[0]!)
  const lane = await shop(t, { source: `dir:${pictures}` })
  const look = async (steps: string) => {
    const one = new Technician(['--config', lane.config, '--yes', '--json', '--steps', steps])
    const code = await one.ended
    const { passed, steps: done } = JSON.parse(one.out)
    return [
      code,
      passed,
      done.map((step: { id: string; verdict: string }) => `${step.id} ${step.verdict}`),
    ]
  }
  t.same(await look('glare,light'), [0, true, ['light pass', 'glare pass']])
  t.same(await look('region,scale,items,reference'), [
    ...[1, false],
    ['region notDone', 'scale notConfigured', 'items notDone', 'reference notConfigured'],
  ])
  const one = new Technician(['--config', lane.config, '--yes', '--json', '--steps', 'items'])
  await one.ended
  const [{ figures, notes }] = JSON.parse(one.out).steps
  t.same([figures, notes], [[], ['0 of 10 items were laid down.']], 'nothing is bad of nothing')
  t.equal(one.error.match(/Item \d+ of 10/g)?.length, 1, 'and nobody is asked ten times')
})
