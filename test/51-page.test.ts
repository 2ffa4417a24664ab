// The live page in a real Chromium: it shows what the kiosk says, follows it, and stays within the widths it is made for.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import sharp from 'sharp'
import t, { type Test } from 'tap'
import { createLog } from '../src/log.js'
import { HttpServer } from '../src/observe/http/server.js'
import { Metrics } from '../src/observe/metrics.js'
import type { Box, Decision } from '../src/recognition/types.js'
import { appleEvent, appleFrame, appleItem, FakeView } from './helpers/fake-view.js'

const executablePath = '/usr/bin/chromium'
const skip = existsSync(executablePath)
  ? false
  : `no ${executablePath}: apt install chromium to run the page`

const picture = () =>
  sharp({ create: { width: 640, height: 480, channels: 3, background: '#6c7a70' } })
    .jpeg()
    .toBuffer()

async function open(
  t: Test,
  options: { width: number; height: number; colorScheme: 'light' | 'dark'; ownClock?: boolean },
): Promise<{ page: Page; view: FakeView; server: HttpServer; problems: string[] }> {
  const view = new FakeView()
  const jpeg = await picture()
  view.picture = async () => ({ jpeg, capturedAt: Date.now() })
  const server = new HttpServer({
    listen: '127.0.0.1:0',
    token: null,
    view,
    metrics: new Metrics({ version: '0.1.0' }),
    log: createLog('test', 'silent'),
  })
  const { port } = await server.start()
  t.teardown(() => server.stop())
  const { width, height, colorScheme } = options
  const page = await browser.newPage({ viewport: { width, height }, colorScheme })
  t.teardown(() => page.close())
  const problems: string[] = []
  page.on('pageerror', error => problems.push(error.message))
  page.on('console', message => {
    if (['error', 'warning'].includes(message.type())) problems.push(message.text())
  })
  page.on('request', request => {
    const { protocol, hostname } = new URL(request.url())
    if (!['data:', 'blob:'].includes(protocol) && hostname !== '127.0.0.1') {
      problems.push(`asked ${request.url()}`)
    }
  })
  if (options.ownClock) await page.clock.install()
  await page.goto(`http://127.0.0.1:${port}/`)
  await page.getByRole('status').getByText('Ready').waitFor()
  await page.locator('.shot img:not([hidden])').waitFor()
  return { page, view, server, problems }
}

let browser: Browser

t.test('the page in Chromium', { skip }, async t => {
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  t.teardown(() => browser.close())
  const pictures = t.testdir({})

  await t.test(
    'shows the picture, the candidates, the basket, the events and the system',
    async t => {
      const { page, problems } = await open(t, { width: 1280, height: 800, colorScheme: 'light' })
      t.equal(await page.title(), 'lane-3: grocerd')
      const camera = page.getByRole('article', { name: 'Camera lane' })
      t.equal(await camera.locator('.headline').textContent(), 'Pink Lady apple')
      t.equal(await camera.locator('.verdict').textContent(), 'Sure')
      t.same(await camera.locator('.candidate').allTextContents(), [
        'Pink Lady applePLU 412894 %',
        'Royal Gala applePLU 41733 %',
        'NectarinePLU 43771 %',
        'Plum<1 %',
      ])
      t.equal(await camera.locator('.boxes .box').count(), 1)
      t.equal(await page.locator('#session').textContent(), 'Session s-1042')
      t.match(await page.locator('#basket').textContent(), /1 ×Pink Lady appleSure/)
      t.match(await page.locator('#events').textContent(), /Pink Lady appleSure.*Placed94 %412 ms/)
      const system = await page.locator('#system').textContent()
      for (const words of [
        'MQTTConnectedmqtt://127.0.0.1:1883',
        'Outbox2 waiting0 lost',
        'Modelgrocery81 1',
        'RuntimeOpenVINO 2026.4.1',
        'DeviceCPU',
        'Memory220 MiBpeak 261 MiB',
      ]) {
        t.ok(system?.includes(words), words)
      }
      await page.screenshot({ path: join(pictures, 'ready.png') })
      t.same(problems, [], 'no errors, nothing asked elsewhere')
    },
  )

  await t.test('follows the kiosk and says what to do when it is not well', async t => {
    const { page, view, problems } = await open(t, {
      width: 1280,
      height: 800,
      colorScheme: 'dark',
    })
    view.nowReady = {
      status: 'degraded',
      reasons: [
        {
          code: 'MQTT_DISCONNECTED',
          message: 'No broker at mqtt://127.0.0.1:1883',
          since: '2026-11-22T10:00:00.000Z',
        },
      ],
    }
    view.nowBroker = { ...view.nowBroker, connected: false }
    view.tell('state', { ...view.nowState, outbox: { depth: 7, dropped: 1 } })
    await page.getByRole('status').getByText('Needs attention').waitFor()
    const reason = await page.locator('.reason').textContent()
    t.match(reason, 'No broker at mqtt://127.0.0.1:1883')
    t.match(reason, 'grocerd reconnects by itself')
    t.match(await page.locator('#system').textContent(), 'Outbox7 waiting1 lost')

    const scene = { ...appleFrame.scene, view: 'moving' as const }
    view.tell('frame', { ...appleFrame, scene, observations: [], reason: 'the scene moves' })
    await page.getByText('Something is moving').waitFor()
    t.equal(await page.locator('.candidate').count(), 0)
    view.tell('frame', { ...appleFrame, reason: 'waiting for it to lie still' })
    await page.getByText('Not announced: waiting for it to lie still.').waitFor()

    view.tell('basket', { ...view.nowBasket, session: null, complete: false, items: [] })
    await page.getByText('Nothing lies here.').waitFor()
    const name = '<img src=x onerror=alert(1)>'
    view.tell('event', { ...appleEvent, id: 'second', seq: 42, item: { ...appleItem, name } })
    await page.getByText(name).waitFor()
    t.equal(await page.locator('#events img').count(), 0, 'a name is never markup')
    t.match(await page.locator('#events li').first().textContent(), name, 'newest first')
    await page.screenshot({ path: join(pictures, 'degraded.png') })
    t.same(problems, [])
  })

  await t.test('names each of several things at its box, and lists them', async t => {
    const { page, view, problems } = await open(t, {
      width: 1280,
      height: 800,
      colorScheme: 'light',
    })
    const [apple] = appleFrame.observations
    const thing = (name: string, decision: Decision, box: Box) => ({
      ...apple!,
      box,
      decision,
      candidates: [{ ...apple!.candidates[0]!, name }, apple!.candidates[1]!],
    })
    const observations = [
      thing('Plum', 'unknown', [0.4, 0.5, 0.6, 0.8]),
      thing('Lemon', 'ask', [0.75, 0.02, 0.98, 0.4]),
      thing('Arla medium fat milk', 'sure', [0.05, 0.2, 0.2, 0.9]),
    ]
    view.tell('frame', { ...appleFrame, observations })
    const camera = page.getByRole('article', { name: 'Camera lane' })
    await camera.getByRole('heading', { name: '3 things' }).waitFor()
    t.same(await camera.locator('.thing').allTextContents(), [
      'Arla medium fat milkSure',
      'Not recognisedUnknown',
      'LemonNot sure',
    ])
    t.same(await camera.locator('.label').allTextContents(), [
      'Arla medium fat milk',
      'Not recognised',
      'Lemon',
    ])
    const shot = (await camera.locator('.shot').boundingBox())!
    for (const [index, [x0, y0, x1]] of [
      observations[2]!.box,
      observations[0]!.box,
      observations[1]!.box,
    ].entries()) {
      const label = camera.locator('.label').nth(index)
      const { x, y, width, height } = (await label.boundingBox())!
      const tone = await label.getAttribute('data-tone')
      t.equal(tone, ['good', 'bad', 'ask'][index])
      const [left, right] = [shot.x + x0 * shot.width, shot.x + x1 * shot.width]
      t.ok(x < right && x + width > left, 'over its box')
      const top = shot.y + y0 * shot.height
      t.ok(Math.abs(index === 2 ? y - top : y + height - top) < 2, 'at its upper edge')
      t.ok(x >= shot.x && x + width <= shot.x + shot.width + 1 && y >= shot.y, 'in the picture')
    }
    const pear = { ...appleItem, itemId: 'item-2', name: 'Pear', decision: 'ask' as const }
    const sold = { ...appleItem, disposition: 'sold' as const }
    const basket = { ...view.nowBasket, complete: false, view: 'many' as const }
    view.tell('basket', { ...basket, items: [sold, pear] })
    await page.getByText('More things than a tray is counted with').waitFor()
    t.same(await page.locator('#basket li').allTextContents(), [
      '1 ×Pink Lady appleSold',
      '1 ×PearNot sure',
    ])
    await page.screenshot({ path: join(pictures, 'several.png') })
    const uncounted = { ...pear, quantity: { ...pear.quantity, value: null } }
    view.tell('basket', { ...basket, view: 'ok', items: [uncounted] })
    await page.getByText('Something is hidden or moving: the list may be incomplete.').waitFor()
    t.same(await page.locator('#basket li').allTextContents(), ['PearNot sure'])
    const pausedSince = '2026-11-28T12:00:00.000Z'
    view.tell('state', {
      ...view.nowState,
      cameras: view.nowState.cameras.map(camera => ({ ...camera, pausedSince })),
    })
    await page.getByText('The camera is paused: the list may be incomplete.').waitFor()
    view.tell('frame', { ...appleFrame, observations: [observations[2]!] })
    await camera.getByRole('heading', { name: 'Arla medium fat milk' }).waitFor()
    t.equal(await camera.locator('.label, .thing').count(), 0, 'one thing is the headline')
    t.same(problems, [])
  })

  await t.test('shows no old result for a camera or a kiosk that is gone', async t => {
    const { page, view, server } = await open(t, { width: 390, height: 844, colorScheme: 'light' })
    const reason = { code: 'CAMERA_STALLED', message: 'No frame for 3 s' }
    view.nowCameras = [{ ...view.nowCameras[0]!, status: 'stalled', reason }]
    view.tell('state', view.nowState)
    await page.getByRole('heading', { name: 'No picture' }).waitFor()
    t.equal(await page.locator('.meaning').textContent(), 'No frame for 3 s')
    t.equal(await page.locator('.candidate').count(), 0)
    t.match(await page.locator('.camera-age').textContent(), /^last seen \d\d:\d\d:\d\d$/)
    await server.stop()
    await page.getByRole('status').getByText('No connection').waitFor()
  })

  await t.test('asks for pictures only while somebody can see them', async t => {
    const { page, view } = await open(t, {
      width: 1280,
      height: 800,
      colorScheme: 'light',
      ownClock: true,
    })
    const look = (visibility: string) =>
      page.evaluate(`Object.defineProperty(document, 'visibilityState',
        { configurable: true, get: () => '${visibility}' })`)
    const nextPicture = async () => {
      const answer = page.waitForResponse(/frame\.jpg/)
      await page.clock.runFor(600)
      await answer
    }
    await nextPicture()
    await look('hidden')
    await page.clock.runFor(600)
    const before = view.previews
    await page.clock.runFor(10_000)
    // Whatever the page has asked for by now, it asked before this.
    await page.evaluate(`fetch('/healthz').then(answer => answer.text())`)
    t.equal(view.previews, before, 'none while hidden')
    await look('visible')
    await nextPicture()
    t.pass('and again when it is seen')
  })

  await t.test('fits a telephone and a kiosk screen', async t => {
    for (const [width, height] of [
      [390, 844],
      [768, 1024],
      [1920, 1080],
    ] as const) {
      const { page, problems } = await open(t, { width, height, colorScheme: 'dark' })
      t.equal(await page.evaluate('document.documentElement.scrollWidth'), width, `${width} px`)
      const size = await page.evaluate<string>(
        `getComputedStyle(document.querySelector('.headline')).fontSize`,
      )
      t.ok(Number.parseFloat(size) >= 36, `the name of the product has ${size} at ${width} px`)
      await page.screenshot({ path: join(pictures, `${width}.png`), fullPage: true })
      t.same(problems, [])
    }
  })
})
