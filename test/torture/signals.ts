// Torture by signals: SIGTERM at any time under load, with a broker and on a dead line to it, and a second daemon on the same directory.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Line, startDemoBroker } from '../helpers/brokers.js'
import { type Heard, Listener, pictureFolder, startDaemon } from '../helpers/daemon.js'
import { since, sleep, until } from '../helpers/lane.js'
import { laneRow } from './lane-row.js'
import type { Outcome, Row } from './row.js'

const exitWithinMs = 15_000

/** Each item is placed once and then removed once; what else is said of it was invented, and all but the last must be gone. */
function books(events: { action: string; item: { itemId: string } }[]) {
  const placed = new Set<string>()
  const removed = new Set<string>()
  let invented = 0
  for (const { action, item } of events) {
    const from = action === 'placed' ? placed : removed
    if (action === 'changed') continue
    if (from.has(item.itemId) || (action === 'removed' && !placed.has(item.itemId))) invented++
    from.add(item.itemId)
  }
  return { invented, left: Math.max(0, placed.size - removed.size - 1) }
}

async function sigterm(times: number): Promise<Outcome> {
  const dir = mkdtempSync(join(tmpdir(), 'grocerd-sigterm-'))
  const folder = pictureFolder(join(dir, 'pictures'), 'banana', 'lemon', 'lime')
  const broker = await startDemoBroker()
  const line = new Line(broker.port)
  const config = {
    cameras: [
      { id: 'counter', source: `dir:${folder}?hold=600ms&gap=600ms`, fps: 15 },
      ...['left', 'right'].map(id => ({
        id,
        source: `dir:${folder}?hold=100ms`,
        fps: 30,
        mode: 'stream',
      })),
    ],
    counter: { needSession: false },
    mqtt: { url: await line.start() },
  }
  const till = new Listener(broker.url)
  const wrong: string[] = []
  const exitMs: number[] = []
  const recoverMs: number[] = []
  const events = () => {
    const bySeq = new Map(till.events().map(event => [event.seq, event]))
    return [...bySeq.values()].sort((a, b) => a.seq - b.seq)
  }
  for (let n = 0; n < times; n++) {
    const began = performance.now()
    const heard = till.heard.length
    const daemon = await startDaemon(dir, config)
    await till.until(
      one => one.topic === 'items' && !one.message.replayed,
      'an event of this start',
      { from: heard },
    )
    recoverMs.push(since(began))
    await sleep(Math.random() * 1500)
    // Every other time the line is dead: nobody takes what is still to be said, and nobody says so.
    line.dead = n % 2 === 1
    const asked = performance.now()
    daemon.process.kill('SIGTERM')
    const patience = setTimeout(() => daemon.process.kill('SIGKILL'), exitWithinMs)
    const code = await daemon.ended
    clearTimeout(patience)
    exitMs.push(since(asked))
    if (code !== 0) wrong.push(`exit ${code} after ${exitMs.at(-1)} ms`)
    if (line.dead) line.cut()
    line.dead = false
  }
  const heard = till.heard.length
  const last = await startDaemon(dir, config)
  const depth = async () => {
    const state = await fetch(`http://127.0.0.1:${last.httpPort}/api/v1/state`)
    return ((await state.json()) as { outbox: { depth: number } }).outbox.depth
  }
  const isOnline = (one: Heard) => one.topic === 'status' && one.message === 'online'
  await till.until(isOnline, 'online', { from: heard })
  const { result } = await till.ask('resend', { fromSeq: 1 })
  await until(
    async () => (await depth()) === 0 && events().length > result.count,
    'an empty outbox',
  )
  last.process.kill('SIGTERM')
  await last.ended
  await till.stop()
  await line.stop()
  await broker.stop()
  rmSync(dir, { recursive: true, force: true })
  const all = events()
  const { invented, left } = books(all)
  const lost = all.at(-1)!.seq - all.length + left
  const note = `${all.length} events; exit within ${Math.max(...exitMs)} ms`
  return { times, lost, duplicated: invented, recoverMs, note, wrong }
}

export const signalRows: Row[] = [
  {
    fault: 'daemon: SIGTERM under load, every other time on a dead line to the broker',
    short: 2,
    full: 20,
    run: sigterm,
  },
  laneRow({
    fault: 'daemon: a second one on the same state directory',
    short: 1,
    full: 5,
    round: async lane => {
      const config = join(lane.dir, 'grocerd.yaml')
      const second = spawnSync(process.execPath, ['dist/main.js', 'run', '--config', config], {
        timeout: 20_000,
      })
      const words = second.stderr.toString()
      if (second.status !== 75 || !words.includes('STATE_LOCKED'))
        lane.wrong.push(`the second ended with ${second.status}: ${words}`)
    },
  }),
]
