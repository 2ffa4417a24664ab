// The demo's tray through the whole daemon: after each still picture the till was told exactly what came and went.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { loadConfig } from '../src/config/load.js'
import { probeRuntime } from '../src/inference/addon.js'
import { Listener, startDaemon } from './helpers/daemon.js'

interface Truth {
  basket: string[]
  placed: string[]
  removed: string[]
}

const hasRuntime = (['openvino', 'onnxruntime'] as const).some(name => probeRuntime(name).found)
t.setTimeout(180_000)

t.test(
  'the demo tells each thing that comes and goes, once, under its name, and the baskets between',
  { skip: hasRuntime ? false : 'no runtime is here' },
  async t => {
    const truth = Object.values(
      JSON.parse(readFileSync('deploy/demo/tray/labels.json', 'utf8')) as Record<string, Truth>,
    )
    const { cameras, counter } = loadConfig('deploy/demo/grocerd.yaml', {})
    const once = cameras.map(one => ({ ...one, source: one.source.replace('loop=1', 'loop=0') }))
    const daemon = await startDaemon(t.testdir(), {
      cameras: once.map(({ id, source, fps, mode }) => ({ id, source, fps, mode })),
      counter: { needSession: counter.needSession, settle: `${counter.settle}ms` },
    })
    t.teardown(() => daemon.process.kill('SIGKILL'))
    const till = new Listener(daemon.mqttUrl)
    t.teardown(() => till.stop())
    const wanted = truth.reduce((sum, one) => sum + one.placed.length + one.removed.length, 0)
    await till.until(() => till.events().length >= wanted, `${wanted} events`, { ms: 120_000 })
    const said = till
      .events()
      .map(({ action, item }) => `${action} ${item.sku ?? item.alternatives[0]?.sku}`)
    // What comes or goes in one step has no order.
    let at = 0
    for (const { placed, removed } of truth) {
      const step = [...placed.map(sku => `placed ${sku}`), ...removed.map(sku => `removed ${sku}`)]
      t.same(said.slice(at, at + step.length).sort(), step.sort())
      at += step.length
    }
    t.equal(said.length, wanted, said.join(', '))
    const baskets = till.heard
      .filter(({ topic, message }) => topic === 'basket' && message.complete)
      .map(({ message }) =>
        (message.items as { sku: string | null }[]).map(({ sku }) => sku).sort(),
      )
    const known = new Set(baskets.map(one => JSON.stringify(one)))
    t.same(
      truth.map(({ basket }) => JSON.stringify(basket)).filter(one => !known.has(one)),
      [],
      'every basket was told as complete',
    )
  },
)
