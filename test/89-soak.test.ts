// The soak: hours of a lane in minutes. A real daemon, a scripted scene, a till; what it says is exact, and what it holds does not grow.
import { writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { cpus } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { probeRuntime } from '../src/inference/addon.js'
import { Listener, pictureFolder, startDaemon } from './helpers/daemon.js'
import { holdings, type Probe, probe, probed, sleep, visionOf } from './helpers/lane.js'

/** `npm run soak -- MINUTES` sets it, and has the figures written down. */
const asked = Number(process.env.GROCERD_SOAK ?? 0)
const minutes = asked || 3
const minuteMs = 60_000
/** Until caches, pools and the optimised code have their size. */
const warmUpMinutes = Math.min(5, minutes / 3)
/**
 * Resident memory is measured from here on. The probe at the end of the warm-up collects all garbage, and the heap takes ten
 * minutes to its usual size again: within the measured time that alone would be a slope of 10 MB an hour.
 */
const slopeFromMinute = 15
/** Shorter, and the slope is one of noise. */
const slopeNeedsMinutes = slopeFromMinute + 20
const slackMb = 2

const runtime = (['openvino', 'onnxruntime'] as const).some(
  one => probeRuntime(one, { devices: false }).found,
)

const goods = ['banana', 'lemon', 'lime', 'avocado', 'pineapple']

/** Least squares: MB an hour of [ms, MB]. */
function slope(points: [ms: number, mb: number, ...unknown[]][]): number {
  const mean = (values: number[]) => values.reduce((sum, one) => sum + one, 0) / values.length
  const at = mean(points.map(([x]) => x))
  const mb = mean(points.map(([, y]) => y))
  const above = points.reduce((sum, [x, y]) => sum + (x - at) * (y - mb), 0)
  const below = points.reduce((sum, [x]) => sum + (x - at) ** 2, 0)
  return (above / below) * 60 * minuteMs
}

const middle = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0

/** One request on a connection of its own, so that none is left open. */
const fetchOnce = (port: number, path: string) =>
  new Promise<number>((resolve, reject) => {
    get({ port, path, agent: false }, answer => {
      answer.resume().on('end', () => resolve(answer.statusCode!))
    }).on('error', reject)
  })

const counted = ({ descriptors, threads, listeners, handles }: Probe) => ({
  descriptors,
  threads,
  listeners,
  handles,
})

t.setTimeout((minutes + 3) * minuteMs)
t.test(
  `${minutes} minutes: events as scripted, and nothing grows`,
  { skip: runtime ? false : 'no inference runtime is here' },
  async t => {
    const dir = t.testdir({})
    const folder = pictureFolder(join(dir, 'pictures'), ...goods)
    const daemon = await startDaemon(
      dir,
      {
        cameras: [{ id: 'counter', source: `dir:${folder}?hold=2s&gap=1500ms`, fps: 5 }],
        // What is kept for a while must have come to its size before it is measured.
        outbox: { dir: join(dir, 'state'), resendFor: '10s' },
      },
      probed(dir),
    )
    t.teardown(() => daemon.process.kill('SIGKILL'))
    const till = new Listener(daemon.mqttUrl)
    t.teardown(() => till.stop())
    await till.until(one => one.topic === 'state' && one.message.readiness === 'ready', 'ready')
    // The scene has run since the model was there: the session opens while nothing lies there.
    await till.until(one => one.topic === 'basket' && one.message.view === 'empty', 'the gap')
    await till.until(one => one.topic === 'frames/counter', 'a frame')
    t.match(await till.ask('session', { op: 'open', session: 's1' }), { ok: true })

    // The till sells each item as soon as it hears of it.
    const replies: Promise<{ ok: boolean }>[] = []
    let sold = 0
    const sell = () => {
      for (const { action, item } of till.events().slice(sold)) {
        sold++
        if (action !== 'placed') continue
        const { itemId, sku } = item
        const sale = { session: 's1', itemId, sku, lineId: `l${sold}`, by: 'shopper' }
        replies.push(till.ask('confirm', sale))
      }
    }
    till.client.on('message', topic => topic.endsWith('/items') && setImmediate(sell))

    const pids = { daemon: daemon.process.pid!, vision: visionOf(daemon) }
    const resident: [ms: number, mb: number, ofVision: number][] = []
    const began = performance.now()
    const passed = () => performance.now() - began
    const refused: string[] = []
    const look = async () => {
      for (const path of ['/readyz', '/metrics', '/api/v1/cameras/counter/frame.jpg']) {
        const status = await fetchOnce(daemon.httpPort, path)
        if (status !== 200) refused.push(`${path} ${status}`)
      }
    }
    const lookUntil = async (end: number) => {
      for (; passed() < end; await sleep(5000)) {
        const [daemon, vision] = [holdings(pids.daemon).rssMb, holdings(pids.vision).rssMb]
        resident.push([passed(), daemon + vision, vision])
        await look()
      }
    }
    const both = async () => ({
      daemon: await probe(dir, pids.daemon),
      vision: await probe(dir, pids.vision),
    })
    await lookUntil(warmUpMinutes * minuteMs)
    const before = await both()
    await lookUntil(minutes * minuteMs)

    for (const name of ['daemon', 'vision'] as const) {
      let after = await probe(dir, pids[name])
      // A message on its way may hold a listener more for a moment.
      for (let again = 0; again < 10; again++) {
        if (JSON.stringify(counted(after)) === JSON.stringify(counted(before[name]))) break
        await sleep(500)
        after = await probe(dir, pids[name])
      }
      t.same(
        counted(after),
        counted(before[name]),
        `${name}: descriptors, threads, listeners, handles`,
      )
      for (const key of ['heapMb', 'externalMb'] as const) {
        const grown = after[key] - before[name][key]
        t.ok(
          grown <= slackMb,
          `${name}: ${key} ${before[name][key].toFixed(1)} grew by ${grown.toFixed(2)}`,
        )
      }
    }
    t.equal(visionOf(daemon), pids.vision, 'vision never ended')
    t.same(refused, [], 'always ready, and every page was there')

    const events = till.events()
    await Promise.all(replies).then(all =>
      t.ok(
        all.every(({ ok }) => ok),
        `${all.length} sales`,
      ),
    )
    const first = goods.indexOf(events[0]!.item.sku)
    const script = events.map((_, index) => {
      const good = goods[(first + Math.floor(index / 3)) % goods.length]
      return `${['placed', 'changed confirmed', 'removed taken'][index % 3]} ${good}`
    })
    const said = events.map(({ action, reason, item }) =>
      [action, reason, item.sku].filter(Boolean).join(' '),
    )
    t.same(said, script, `${events.length} events as scripted`)
    t.same(
      events.map(({ seq }) => seq),
      events.map((_, index) => index + 1),
      'seq has no gap',
    )
    t.notOk(
      events.some(({ replayed }) => replayed),
      'and none came again',
    )
    // On a busy machine each picture of the scene may come a little later.
    t.ok(events.length >= 0.9 * ((minutes * minuteMs) / 3500) * 3 - 9, 'at the rate of the scene')

    const latencies = events.filter(({ action }) => action === 'placed').map(one => one.latencyMs)
    const third = Math.ceil(latencies.length / 3)
    const [early, late] = [middle(latencies.slice(0, third)), middle(latencies.slice(-third))]
    t.ok(late <= 2 * early + 50, `latency ${early} ms at first, ${late} ms at last`)

    const mbPerHour = slope(resident.filter(([at]) => at >= slopeFromMinute * minuteMs))
    if (minutes >= slopeNeedsMinutes)
      t.ok(mbPerHour < 5, `resident memory: ${mbPerHour.toFixed(1)} MB an hour`)
    t.equal(daemon.log.filter(line => /MaxListeners/.test(String(line.msg))).length, 0)
    daemon.process.kill('SIGTERM')
    t.equal(await daemon.ended, 0)
    if (!asked) return
    const machine = `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores, Node ${process.version}`
    const date = new Date().toISOString().slice(0, 10)
    const figures = {
      ...{ date, machine, minutes, events: events.length, sales: replies.length },
      residentMb: { first: resident[0]![1], last: resident.at(-1)![1], slopePerHour: mbPerHour },
      // One a minute: [minute, MB of both processes, MB of vision].
      residentMbByMinute: resident
        .filter((_, index) => index % 12 === 0)
        .map(([at, ...mb]) => [
          Math.round(at / minuteMs),
          ...mb.map(one => Math.round(one * 10) / 10),
        ]),
      latencyMs: { firstThird: early, lastThird: late },
      before,
    }
    writeFileSync('bench/soak.json', `${JSON.stringify(figures, null, 2)}\n`)
  },
)
