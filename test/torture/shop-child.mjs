// The daemon under torture: outbox and publisher as daemon.ts composes them, and a counter that counts. No cameras.
// Plain JavaScript on dist/, for it is killed and started hundreds of times.
import { randomUUID } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { systemClock } from '../../dist/clock.js'
import { defaultConfig } from '../../dist/config/load.js'
import { createLog } from '../../dist/log.js'
import { Outbox } from '../../dist/publish/outbox/outbox.js'
import { Publisher } from '../../dist/publish/publisher.js'

/** url, dir, confirm, rate (events a second), total, hoard: everything at once before it connects. */
const settings = JSON.parse(process.argv[2])
const tickMs = 10
const base = defaultConfig()
const config = {
  ...base,
  kiosk: { ...base.kiosk, id: 'shop' },
  mqtt: { ...base.mqtt, url: settings.url, ...settings.mqtt },
  outbox: { ...base.outbox, dir: settings.dir, ...settings.outbox },
}
const { hurry = 1 } = settings
const clock = { wall: systemClock.wall, mono: () => systemClock.mono() * hurry }
const log = createLog('shop', settings.logLevel ?? 'silent')
const bootId = randomUUID()
const model = { name: 'shop', version: 1, sha256: 'ab'.repeat(32) }
const envelope = { kiosk: 'shop', bootId, model, gallery: null, clockSynced: true }

const outbox = new Outbox({ ...config.outbox, envelope, clock, log })
let downs = 0
const publisher = new Publisher({
  config,
  outbox,
  bootId,
  clock,
  log,
  commands: {},
  onConnection: (up, reason) => {
    if (!up) downs++
    process.send({ up, reason })
  },
  onRefused: reason => process.send({ reason }),
})

const candidate = n => ({
  sku: `product-${n}`,
  name: `Product ${n}`,
  plu: null,
  gtin: null,
  score: 0.5,
})
const itemOf = n => ({
  ...{ itemId: randomUUID(), ...candidate(n % 81) },
  quantity: { value: null, unit: 'each', source: 'assumed', exact: false },
  ...{ weight: null, decision: 'sure', auto: false, askReason: null },
  alternatives: [0, 1, 2, 3].map(k => candidate((n + k) % 81)),
  ...{ text: null, box: [0, 0, 1, 1], disposition: 'open', lineId: null },
})
/** The n-th event of the script says its number as its session. */
const actionOf = n => ({
  ...{ action: 'placed', reason: null, item: itemOf(n), camera: 'counter', session: String(n) },
  ...{ capturedAt: clock.wall(), ageMs: 0 },
})

async function record(from, to) {
  const actions = []
  for (let n = from; n <= to; n++) actions.push(actionOf(n))
  try {
    await outbox.append(actions, { n: to, item: actions.at(-1).item })
  } catch (error) {
    process.send({ refused: error.code })
    return false
  }

  publisher.notify()
  process.send({ safe: to })
  return true
}

process.on('message', ask => {
  if (ask === 'figures') {
    process.send({
      figures: {
        ...{ ...outbox.stats(), ...publisher.stats(), downs, rssBytes: process.memoryUsage.rss() },
        descriptors: readdirSync('/proc/self/fd').length,
        heapBytes: (globalThis.gc?.(), process.memoryUsage().heapUsed),
        // Timers and requests come and go.
        handles: process.getActiveResourcesInfo().filter(name => name.endsWith('Wrap')).length,
        listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
      },
    })
  }
  if (ask === 'stop')
    void publisher
      .stop()
      .then(() => outbox.stop())
      .then(() => process.exit(0))
})
process.on('disconnect', () => process.exit(0))

let counterState
try {
  ;({ counterState } = await outbox.start())
} catch (error) {
  process.send({ failed: { code: error.code, message: error.message } })
  process.exit(error.exitCode ?? 1)
}
let n = counterState?.n ?? 0
process.send({ started: n })

if (settings.hoard) {
  // Each event a record of its own, as if a second apart; what comes together shares a sync.
  while (n < settings.total) {
    const some = []
    for (let k = 0; k < 1000 && n < settings.total; k++) {
      n++
      const action = actionOf(n)
      some.push(outbox.append([action], { n, item: action.item }))
    }
    await Promise.all(some)
  }
  process.send({ safe: n })
}
await publisher.start()
let owed = 0
for (let before = clock.mono(); n < settings.total;) {
  await new Promise(resolve => setTimeout(resolve, tickMs))
  const now = clock.mono()
  owed += (settings.rate * (now - before)) / hurry / 1000
  before = now
  // A record holds 64 at most, as the recorder's do.
  while (owed >= 1 && n < settings.total) {
    const to = Math.min(settings.total, n + Math.min(64, Math.floor(owed)))
    if (!(await record(n + 1, to))) break
    owed -= to - n
    n = to
  }
}
