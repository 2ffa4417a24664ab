// The whole daemon as a till, a monitor and a fault meet it: real processes, real photographs, a real broker.
import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import t from 'tap'
import { createLog } from '../src/log.js'
import { DemoBroker } from '../src/publish/broker.js'
import { hasFfmpeg, makeClip } from './helpers/clip.js'
import { type Heard, Listener, pictureFolder, startDaemon, visionOf } from './helpers/daemon.js'
import { loadValidators } from './helpers/till.js'

t.setTimeout(180_000)

const camera = (source: string, more: object = {}) => ({ id: 'counter', source, fps: 10, ...more })
const noSession = { needSession: false }
const sleep = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

async function get(port: number, path: string) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`)
  return { status: response.status, text: await response.text() }
}

async function untilGone(pid: number, ms = 3000): Promise<boolean> {
  for (const end = performance.now() + ms; performance.now() < end; await sleep(20)) {
    try {
      process.kill(pid, 0)
    } catch {
      return true
    }
  }
  return false
}

t.test(
  'photographs in, one placed and one removed each out, and all of it as the schemas say',
  async t => {
    const dir = t.testdir()
    const folder = pictureFolder(join(dir, 'pictures'), 'banana', 'carrots')
    const daemon = await startDaemon(dir, {
      cameras: [camera(`dir:${folder}?hold=1s&gap=800ms&loop=1`)],
      counter: noSession,
    })
    t.teardown(() => daemon.process.kill('SIGKILL'))
    const till = new Listener(daemon.mqttUrl)
    t.teardown(() => till.stop())
    await till.until(
      () => till.events().filter(event => event.action === 'removed').length >= 2,
      'two items gone',
    )

    const events = till.events()
    t.same(
      events.slice(0, 4).map(event => event.action),
      ['placed', 'removed', 'placed', 'removed'],
    )
    t.same(
      events.map(event => event.seq),
      events.map((_, index) => events[0].seq + index),
      'seq has no gap',
    )
    t.equal(events[0].item.itemId, events[1].item.itemId)
    t.not(events[1].item.itemId, events[2].item.itemId)
    t.same([...new Set(events.slice(0, 4).map(event => event.item.alternatives[0].sku))].sort(), [
      'banana',
      'carrots',
    ])

    const schemas = loadValidators()
    const schemaOf: Record<string, string> = { items: 'item' }
    for (const { topic, message } of till.heard) {
      const validate = schemas.get(schemaOf[topic] ?? topic.split('/')[0]!)
      if (!validate) t.fail(`no schema for ${topic}: ${[...schemas.keys()]}`)
      else if (!validate(message)) t.fail(`${topic}: ${JSON.stringify(validate.errors)}`)
    }
    const reasons = till.heard
      .filter(one => one.topic === 'frames/counter')
      .map(one => one.message.reason)
    t.ok(reasons.includes('the scene moves') && reasons.includes('nothing lies there'))
    const changes = reasons.every((reason, index) => reason !== reasons[index - 1])
    t.ok(changes, 'a reason is said when it changes, not with every frame')
    t.ok(
      new Set(till.heard.map(one => one.topic)).size >= 5,
      'status, state, basket, items and frames were heard',
    )

    const ready = await get(daemon.httpPort, '/readyz')
    t.equal(ready.status, 200, ready.text)
    t.equal((await get(daemon.httpPort, '/healthz')).status, 200)
    t.match(
      (await get(daemon.httpPort, '/metrics')).text,
      /grocerd_events_total\{action="placed",decision="\w+"\} \d/,
    )
    const jpeg = await fetch(`http://127.0.0.1:${daemon.httpPort}/api/v1/cameras/counter/frame.jpg`)
    t.equal(jpeg.headers.get('content-type'), 'image/jpeg')

    const from = till.heard.length
    daemon.process.kill('SIGTERM')
    await till.until(one => one.topic === 'status' && one.message === 'stopped', 'stopped', {
      from,
    })
    t.equal(await daemon.ended, 0)
  },
)

t.test('kill -9 on vision costs a restart and nothing else', async t => {
  const dir = t.testdir()
  const clip = join(dir, 'clip.mp4')
  if (hasFfmpeg) makeClip(clip, 5, '320x240')
  else t.comment('without ffmpeg: no file: camera in this test')
  const folder = pictureFolder(join(dir, 'pictures'), 'banana')
  const film = hasFfmpeg
    ? [{ id: 'film', source: `file:${clip}?loop=1`, fps: 5, mode: 'stream' }]
    : []
  const daemon = await startDaemon(dir, {
    cameras: [camera(`dir:${folder}?hold=1h`), ...film],
    counter: noSession,
  })
  t.teardown(() => daemon.process.kill('SIGKILL'))
  const till = new Listener(daemon.mqttUrl)
  t.teardown(() => till.stop())
  const placed = await till.until(one => one.topic === 'items', 'an event')
  if (hasFfmpeg) await till.until(one => one.topic === 'frames/film', 'a frame of the film')

  const vision = visionOf(daemon.process.pid!)
  const ffmpeg = spawnSync('pgrep', ['-P', String(vision), 'ffmpeg'])
    .stdout.toString()
    .trim()
  const from = till.heard.length
  const killedAt = performance.now()
  process.kill(vision, 'SIGKILL')
  const degraded = await till.until(
    one => one.topic === 'state' && one.message.readiness === 'degraded',
    'degraded',
    { from },
  )
  t.ok(degraded.at - killedAt < 1000, `degraded after ${Math.round(degraded.at - killedAt)} ms`)
  t.equal(degraded.message.reasons[0].code, 'VISION_CRASHED')
  t.equal((await get(daemon.httpPort, '/healthz')).status, 200)
  t.equal((await get(daemon.httpPort, '/readyz')).status, 503)
  if (hasFfmpeg) {
    t.match(ffmpeg, /^\d+$/)
    t.ok(await untilGone(Number(ffmpeg)), 'no ffmpeg is left behind')
    const frame = await till.until(
      one => one.topic === 'frames/film',
      'a frame after the restart',
      { from: till.heard.indexOf(degraded) },
    )
    t.ok(frame.at - killedAt < 5000, `first result after ${Math.round(frame.at - killedAt)} ms`)
  }
  await till.until(one => one.topic === 'state' && one.message.readiness === 'ready', 'ready', {
    from: till.heard.indexOf(degraded),
  })
  await sleep(1500)
  t.same(
    till.events().map(event => event.id),
    [placed.message.id],
    'the banana was placed once',
  )
  t.same(
    new Set(till.heard.filter(one => one.topic === 'status').map(one => one.message)),
    new Set(['online']),
  )
  daemon.process.kill('SIGTERM')
  t.equal(await daemon.ended, 0)
})

t.test('kill -9 on the daemon with an apple on the counter invents no second apple', async t => {
  const dir = t.testdir()
  const broker = new DemoBroker({ listen: '127.0.0.1:0', log: createLog('test', 'silent') })
  const { url } = await broker.start()
  t.teardown(() => broker.stop())
  const folder = pictureFolder(join(dir, 'pictures'), 'granny-smith')
  const config = { cameras: [camera(`dir:${folder}?hold=1h`)], counter: noSession, mqtt: { url } }
  const till = new Listener(url)
  t.teardown(() => till.stop())
  const first = await startDaemon(dir, config)
  t.teardown(() => first.process.kill('SIGKILL'))
  const placed = await till.until(one => one.topic === 'items', 'the apple')
  const vision = visionOf(first.process.pid!)
  const from = till.heard.length
  first.process.kill('SIGKILL')
  await till.until(one => one.topic === 'status' && one.message === 'offline', 'the will', { from })
  t.ok(await untilGone(vision), 'vision ends with its daemon')

  const second = await startDaemon(dir, config)
  t.teardown(() => second.process.kill('SIGKILL'))
  await till.until(
    one => one.topic === 'basket' && one.message.complete && one.message.items.length === 1,
    'the apple in the basket',
    { from },
  )
  await sleep(3500)
  const later = till.heard
    .slice(from)
    .filter(one => one.topic === 'items')
    .map(one => one.message)
  t.ok(
    later.every(event => event.id === placed.message.id && event.replayed),
    'what came again is marked as such',
  )
  const basket = till.heard.filter(one => one.topic === 'basket').at(-1)!.message
  t.same(
    basket.items.map((item: { itemId: string }) => item.itemId),
    [placed.message.item.itemId],
  )
  const empty = till.heard
    .slice(from)
    .find(one => one.topic === 'basket' && one.message.bootId !== placed.message.bootId)!
  t.equal(empty.message.items.length, 0, 'an empty basket of the new start goes before online')
  second.process.kill('SIGTERM')
  t.equal(await second.ended, 0)
})

t.test('a broker that is down at the start: events wait on disk and come in order', async t => {
  const dir = t.testdir()
  const log = createLog('test', 'silent')
  const probe = new DemoBroker({ listen: '127.0.0.1:0', log })
  const { url, port } = await probe.start()
  await probe.stop()
  const folder = pictureFolder(join(dir, 'pictures'), 'banana', 'carrots')
  const daemon = await startDaemon(dir, {
    cameras: [camera(`dir:${folder}?hold=600ms&gap=800ms`)],
    counter: noSession,
    mqtt: { url },
  })
  t.teardown(() => daemon.process.kill('SIGKILL'))
  for (;;) {
    const { status, text } = await get(daemon.httpPort, '/readyz')
    t.equal(status, 503)
    const { outbox } = JSON.parse((await get(daemon.httpPort, '/api/v1/state')).text)
    if (outbox.depth >= 3) {
      t.match(text, /MQTT_DISCONNECTED/)
      break
    }
    await sleep(200)
  }
  const broker = new DemoBroker({ listen: `127.0.0.1:${port}`, log })
  await broker.start()
  t.teardown(() => broker.stop())
  const till = new Listener(url)
  t.teardown(() => till.stop())
  await till.until(() => till.events().length >= 4, 'four events')
  const seqs = till.events().map(event => event.seq)
  t.same(
    seqs,
    [...seqs].sort((a, b) => a - b),
  )
  t.equal(seqs[0], 1)
  daemon.process.kill('SIGTERM')
  t.equal(await daemon.ended, 0)
})

t.test('a session: open, recognise, confirm, close, as the till owns it', async t => {
  const dir = t.testdir()
  const folder = pictureFolder(join(dir, 'pictures'), 'banana')
  const daemon = await startDaemon(dir, { cameras: [camera(`dir:${folder}?hold=1h`)] })
  t.teardown(() => daemon.process.kill('SIGKILL'))
  const till = new Listener(daemon.mqttUrl)
  t.teardown(() => till.stop())
  await till.until(one => one.topic === 'state' && one.message.readiness === 'ready', 'ready')
  t.match(await till.ask('recognise', { session: 's1', reason: 'weight' }), {
    ok: false,
    error: {
      code: 'SESSION_CLOSED',
      message: 'Expected the open session (none is open) but received s1',
    },
  })
  t.match(await till.ask('session', { op: 'open', session: 's1' }), {
    ok: true,
    result: { session: 's1', status: 'open' },
  })
  const placed = await till.until(one => one.topic === 'items', 'the banana')
  t.match(placed.message, { session: 's1', action: 'placed' })
  const answer = await till.ask('recognise', { session: 's1', reason: 'weight', top: 2 })
  t.match(answer, {
    ok: true,
    result: { itemId: placed.message.item.itemId, view: 'ok', candidates: [{ sku: 'banana' }, {}] },
  })
  t.ok(answer.result.pictureAgeMs < 1500)
  const confirm = {
    session: 's1',
    recognitionId: answer.result.recognitionId,
    sku: 'banana',
    lineId: 'l1',
    by: 'shopper',
  }
  t.match(await till.ask('confirm', confirm), { ok: true, result: { sku: 'banana' } })
  const changed = await till.until(
    one => one.topic === 'items' && one.message.action === 'changed',
    'confirmed',
  )
  t.match(changed.message, {
    reason: 'confirmed',
    item: { disposition: 'sold', lineId: 'l1', decision: 'sure', plu: '4011' },
  })
  t.match(await till.ask('confirm', { ...confirm, sku: 'lemon' }), {
    ok: false,
    error: { code: 'ALREADY_CONFIRMED' },
  })
  t.match(await till.ask('session', { op: 'close', session: 's1' }), {
    result: { status: 'closed' },
  })
  const gone = await till.until(
    one => one.topic === 'items' && one.message.action === 'removed',
    'the end of it',
  )
  t.match(gone.message, { reason: 'sessionEnd', session: 's1', item: { disposition: 'sold' } })
  daemon.process.kill('SIGTERM')
  t.equal(await daemon.ended, 0)
})

t.test('a technician looks, pauses and goes on, and the back office sends a catalogue', async t => {
  const dir = t.testdir()
  writeFileSync(join(dir, 'token'), 'a-token-of-this-test\n', { mode: 0o600 })
  writeFileSync(join(dir, 'shop.csv'), 'sku,name\nbanana,Banana of the file\n')
  const folder = pictureFolder(join(dir, 'pictures'), 'banana')
  const commands = ['session', 'recognise', 'enrol', 'snapshot', 'pause', 'resume', 'catalogue']
  const config = {
    cameras: [
      camera(`dir:${folder}?hold=1h`, { roi: [0, 0, 1, 0.9] }),
      { id: 'gone', source: `dir:${join(dir, 'nothing')}`, fps: 5, mode: 'stream' },
    ],
    catalogue: join(dir, 'shop.csv'),
    mqtt: { url: 'embedded', listen: '127.0.0.1:0', commands },
    http: { listen: '127.0.0.1:0', tokenFile: join(dir, 'token') },
  }
  let daemon = await startDaemon(dir, config)
  t.teardown(() => daemon.process.kill('SIGKILL'))
  let till = new Listener(daemon.mqttUrl)
  t.teardown(() => till.stop())
  const stateWith = (fits: (state: Heard['message']) => boolean, what: string, from = 0) =>
    till.until(one => one.topic === 'state' && fits(one.message), what, { from })
  const isLive = (state: Heard['message']) => state.model && state.cameras[0].status === 'live'
  const says = (state: Heard['message'], code: string) =>
    state.reasons.some((one: { code: string }) => one.code === code)
  const again = async () => {
    daemon.process.kill('SIGTERM')
    t.equal(await daemon.ended, 0)
    await till.stop()
    daemon = await startDaemon(dir, config)
    till = new Listener(daemon.mqttUrl)
    await stateWith(isLive, 'a live camera')
  }
  const overHttp = async (verb: string, body: object, token = 'a-token-of-this-test') => {
    const response = await fetch(`http://127.0.0.1:${daemon.httpPort}/api/v1/cmd/${verb}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ requestId: crypto.randomUUID(), ...body }),
    })
    return { status: response.status, reply: (await response.json()) as Heard['message'] }
  }
  await stateWith(isLive, 'a live camera')
  const refused = async (verb: string, payload: object, code: string) =>
    t.match(await till.ask(verb, payload), { ok: false, error: { code } })

  const { result: shot } = await till.ask('snapshot', { camera: 'counter', box: [0, 0, 1, 0.5] })
  t.match(shot, { camera: 'counter', box: [0, 0, 1, 0.5] })
  t.ok(Math.abs(Date.now() - Date.parse(shot.capturedAt)) < 3000, 'of now')
  const { width, height, format } = await sharp(Buffer.from(shot.jpeg, 'base64')).metadata()
  t.same({ width, height, format }, { width: shot.width, height: shot.height, format: 'jpeg' })
  const all = await overHttp('snapshot', { camera: 'counter' })
  t.match(all, { status: 200, reply: { ok: true, result: { box: [0, 0, 1, 0.9] } } })
  t.ok(JSON.stringify(all.reply).length <= 65_536)
  t.equal((await overHttp('snapshot', { camera: 'counter' }, 'another')).status, 401)
  await refused('snapshot', { camera: 'counter', box: [0, 0.95, 1, 1] }, 'COMMAND_INVALID')
  await refused('snapshot', { camera: 'side' }, 'CAMERA_UNKNOWN')
  await refused('snapshot', { camera: 'gone' }, 'CAMERA_NOT_FOUND')

  await till.ask('session', { op: 'open', session: 's1' })
  const placed = await till.until(one => one.topic === 'items', 'the banana')
  t.equal(placed.message.item.alternatives[0].name, 'Banana of the file')
  await till.until(one => one.topic === 'basket' && one.message.complete, 'a complete basket')
  const paused = await till.ask('pause', { camera: 'counter' })
  t.match(paused, { ok: true, result: { paused: [{ camera: 'counter' }] } })
  const [{ since }] = paused.result.paused
  t.match((await till.ask('pause', {})).result.paused, [
    { camera: 'counter', since },
    { camera: 'gone' },
  ])
  const resumed = await till.ask('resume', { camera: 'gone' })
  t.same(resumed.result, { paused: [{ camera: 'counter', since }] })
  await refused('recognise', { session: 's1', reason: 'attendant' }, 'CAMERA_PAUSED')
  const { itemId } = placed.message.item
  const basketNow = async () => JSON.parse((await get(daemon.httpPort, '/api/v1/basket')).text)
  t.match(await basketNow(), { complete: false, items: [{ itemId }] })
  t.match(await till.ask('snapshot', { camera: 'counter' }), { ok: true }, 'to look while it works')

  await again()
  const state = await stateWith(
    one => isLive(one) && says(one, 'CAMERA_PAUSED') && one.readiness !== 'starting',
    'still paused',
  )
  t.match(state.message, {
    readiness: 'degraded',
    cameras: [
      { id: 'counter', status: 'live', pausedSince: since },
      { id: 'gone', pausedSince: null },
    ],
  })
  const frames = async () =>
    Number(
      /frames_total\{camera="counter",result="object"\} (\d+)/.exec(
        (await get(daemon.httpPort, '/metrics')).text,
      )?.[1],
    )
  const before = await frames()
  while ((await frames()) < before + 10) await sleep(50)
  t.match((await get(daemon.httpPort, '/metrics')).text, /camera_paused\{camera="counter"\} 1/)
  t.match((await get(daemon.httpPort, '/readyz')).text, /CAMERA_PAUSED.*the command resume/s)
  t.match(await basketNow(), { session: 's1', complete: false, items: [{ itemId }] })
  t.match(await till.ask('resume', {}), { ok: true, result: { paused: [] } })
  await till.until(one => one.topic === 'basket' && one.message.complete, 'the banana again')
  t.match(await basketNow(), { items: [{ itemId }] })
  t.same(
    till.events().filter(one => !one.replayed),
    [],
    'neither gone nor another one',
  )
  t.notOk(says(JSON.parse((await get(daemon.httpPort, '/api/v1/state')).text), 'CAMERA_PAUSED'))

  const items = [{ sku: 'banana', name: 'Ripe banana', unit: 'g', price: 199 }]
  t.match(await till.ask('catalogue', { version: 7, items }), {
    ok: true,
    result: { version: 7, products: 1, status: 'waiting' },
  })
  t.equal(JSON.parse((await get(daemon.httpPort, '/api/v1/state')).text).catalogue, null)
  const from = till.heard.length
  await till.ask('session', { op: 'close', session: 's1' })
  await stateWith(one => one.catalogue === '7', 'the new catalogue', from)
  await till.ask('session', { op: 'open', session: 's2' })
  const renamed = await till.until(
    one => one.topic === 'items' && one.message.action === 'placed',
    'the banana by its new name',
    { from },
  )
  t.equal(renamed.message.item.alternatives[0].name, 'Ripe banana')
  await till.ask('session', { op: 'close', session: 's2' })
  await refused('catalogue', { version: 8, items: [{ sku: 'bread' }] }, 'CATALOGUE_INVALID')
  await refused('catalogue', { version: 6, items }, 'CATALOGUE_OLD')
  await refused('catalogue', { version: 8, url: 'http://127.0.0.1:1/c' }, 'CATALOGUE_URL_REFUSED')
  t.match(await overHttp('catalogue', { version: 8, items }), {
    status: 200,
    reply: { result: { version: 8, status: 'active' } },
  })

  await again()
  await stateWith(one => one.catalogue === '8', 'the catalogue after a restart')
  rmSync(join(dir, 'state', 'catalogue'), { recursive: true })
  await again()
  await stateWith(one => one.catalogue === null && isLive(one), 'the file again')
})

t.test(
  'what is wrong is said, nothing crashes, and nothing is published that is not true',
  async t => {
    const dir = t.testdir({
      pictures: { 'a.jpg': 'this is text', 'b.jpg': '' },
      broken: { 'model.json': '{"schema": 1}' },
    })
    await t.rejects(
      startDaemon(join(dir, 'a'), { recognition: { sure: 1.7 } }),
      /CONFIG_INVALID: 1 error in .*\n.*recognition.sure: Expected at most 1 but received 1.7/,
    )

    await t.rejects(
      startDaemon(join(dir, 'a'), { cameras: [camera('usb:/dev/video0')] }),
      /CONFIG_INVALID: 1 error in .*\n.*:1:\d+ cameras.0.source: Expected dir:, .* or gst: but received usb:/,
    )
    const refused = spawnSync(process.execPath, [
      'dist/main.js',
      'run',
      '--config',
      join(dir, 'a', 'grocerd.yaml'),
    ])
    t.equal(refused.status, 78)

    const none = await startDaemon(join(dir, 'b'), {
      cameras: [camera(`dir:${dir}/nowhere`)],
      counter: noSession,
    })
    t.teardown(() => none.process.kill('SIGKILL'))
    await t.rejects(startDaemon(join(dir, 'b'), {}), /STATE_LOCKED/)
    const held = spawnSync(process.execPath, [
      'dist/main.js',
      'run',
      '--config',
      join(dir, 'b', 'grocerd.yaml'),
    ])
    t.equal(held.status, 75)
    const till = new Listener(none.mqttUrl)
    t.teardown(() => till.stop())
    const lost = await till.until(
      one =>
        one.topic === 'state' &&
        // While the model still loads it is starting, whatever the camera does.
        one.message.readiness !== 'starting' &&
        one.message.reasons.some((reason: { code: string }) => reason.code === 'CAMERA_NOT_FOUND'),
      'a lost camera',
    )
    t.equal(lost.message.readiness, 'degraded')
    none.process.kill('SIGTERM')
    t.equal(await none.ended, 0)

    const bad = await startDaemon(join(dir, 'c'), {
      cameras: [camera(`dir:${dir}/pictures?hold=300ms`)],
      counter: noSession,
    })
    t.teardown(() => bad.process.kill('SIGKILL'))
    const ears = new Listener(bad.mqttUrl)
    t.teardown(() => ears.stop())
    for (;;) {
      const metrics = (await get(bad.httpPort, '/metrics')).text
      if (/grocerd_frames_total\{camera="counter",result="failed"\} ([5-9]|\d\d)/.test(metrics))
        break
      await sleep(200)
    }
    t.equal(ears.events().length, 0)
    bad.process.kill('SIGTERM')
    t.equal(await bad.ended, 0)

    const model = await startDaemon(join(dir, 'd'), {
      models: { classifier: join(dir, 'broken') },
      cameras: [camera(`dir:${dir}/pictures`)],
    })
    t.teardown(() => model.process.kill('SIGKILL'))
    for (;;) {
      const { status, text } = await get(model.httpPort, '/readyz')
      t.equal(status, 503)
      if (text.includes('MANIFEST_INVALID')) break
      await sleep(200)
    }
    model.process.kill('SIGTERM')
    t.equal(await model.ended, 0)
    writeFileSync(join(dir, 'done'), '')
  },
)
