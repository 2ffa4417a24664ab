// The service: a reload takes the new configuration or keeps the old one and says so, and the units let it do what it needs and no more.
import { execFile, spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Config, configSchema } from '../src/config/schema.js'
import { GroceryError } from '../src/errors.js'
import type { Reason } from '../src/observe/health.js'
import { DemoBroker } from '../src/publish/broker.js'
import { type Served, Service } from '../src/service.js'
import { Listener, pictureFolder, startDaemon } from './helpers/daemon.js'
import { quiet } from './helpers/kiosk-parts.js'
import { hasPython, NotifySocket } from './helpers/notify-socket.js'

t.setTimeout(120_000)

const named = (id: string): Config => configSchema.parse({ kiosk: { id } })

/** A service whose daemons write down what is done to them; those of `cannotStart` do not start. */
function served(cannotStart: string[] = []) {
  const done: string[] = []
  const file = { text: named('one') as Config | GroceryError }
  const create = ({ kiosk }: Config, notify: (message: string) => boolean): Served => ({
    start: async () => {
      done.push(`start ${kiosk.id}`)
      if (cannotStart.includes(kiosk.id)) throw new GroceryError('ADDRESS_IN_USE', 'taken')
      notify('READY=1\nSTATUS=starting')
    },
    stop: async () => {
      done.push(`stop ${kiosk.id}`)
      notify('STOPPING=1\nSTATUS=stopping')
    },
    complain: (reason: Reason | null) => done.push(`${reason?.code} ${reason?.message}`),
  })
  const service = new Service({
    config: named('one'),
    load: () => {
      if (file.text instanceof GroceryError) throw file.text
      return file.text
    },
    create,
    notify: message => done.push(message.replace(/USEC=\d+/, 'USEC=…').replace('\n', ' ')) > 0,
    log: quiet,
  })
  return { service, done, file }
}

const reloading = 'RELOADING=1 MONOTONIC_USEC=…'
const ready = 'READY=1 STATUS=starting'

t.test('a good file: the next daemon takes the place, and the service does not stop', async t => {
  const { service, done, file } = served()
  await service.start()
  file.text = named('two')
  // Two signals before anything is done ask once; one that comes later asks again.
  await Promise.all([service.reload(), service.reload()])
  t.same(done.splice(0), [
    ...['start one', ready, reloading, 'STATUS=reloading', 'stop one', 'WATCHDOG=1'],
    ...['start two', ready],
  ])
  await service.stop()
  t.same(done, ['stop two', 'STOPPING=1 STATUS=stopping'])
})

t.test('a wrong file: nothing is stopped, and the state says why', async t => {
  const { service, done, file } = served()
  await service.start()
  file.text = new GroceryError('CONFIG_INVALID', '1 error in x.yaml')
  await service.reload()
  t.same(done.splice(0), [
    ...['start one', ready, reloading],
    ...['RELOAD_REFUSED CONFIG_INVALID: 1 error in x.yaml', 'READY=1'],
  ])
  file.text = named('two')
  await service.reload()
  t.equal(done.at(-2), 'start two', 'mended, it is taken')
})

t.test('what cannot start gives its place back, and only where that fails too it ends', async t => {
  const cannotStart = ['two']
  const { service, done, file } = served(cannotStart)
  await service.start()
  file.text = named('two')
  await service.reload()
  t.same(done.splice(0).slice(5), [
    ...['WATCHDOG=1', 'start two', 'stop two', 'WATCHDOG=1', 'start one', ready],
    'RELOAD_REFUSED ADDRESS_IN_USE: taken',
  ])
  cannotStart.push('one')
  await t.rejects(service.reload(), { code: 'ADDRESS_IN_USE' })
  await service.stop()
  t.equal(done.at(-2), 'stop one', 'what had begun is ended all the same')
})

t.test('SIGHUP on a real daemon: another camera and another kiosk, same process', async t => {
  const dir = t.testdir()
  // A socket's path has at most 107 bytes, and the folder of a test is deep.
  const short = mkdtempSync(join(tmpdir(), 'grocerd-'))
  t.teardown(() => rmSync(short, { recursive: true }))
  const notified = new NotifySocket(join(short, 'notify'))
  if (hasPython) {
    await notified.start()
    t.teardown(() => notified.stop())
  } else t.comment('no python3: what systemd hears is not checked')
  const config = (name: string, id: string) => ({
    kiosk: { id },
    cameras: [
      {
        id: 'counter',
        source: `dir:${pictureFolder(join(dir, name), name)}?hold=10s&gap=300ms&loop=1`,
        fps: 10,
      },
    ],
    counter: { needSession: false },
    mqtt: { url: 'embedded', listen: '127.0.0.1:0' },
    http: { listen: '127.0.0.1:0' },
    outbox: { dir: join(dir, 'state') },
  })
  const daemon = await startDaemon(dir, config('banana', 'test'), {
    NOTIFY_SOCKET: hasPython ? join(short, 'notify') : '',
  })
  t.teardown(() => daemon.process.kill('SIGKILL'))
  const till = new Listener(daemon.mqttUrl)
  t.teardown(() => till.stop())
  const placed = await till.until(one => one.topic === 'items', 'a banana')
  t.equal(placed.message.item.alternatives[0].sku, 'banana')

  const file = join(dir, 'grocerd.yaml')
  writeFileSync(file, 'kiosk: { id: test }\ncamera: []\n')
  daemon.process.kill('SIGHUP')
  const refused = await till.until(
    one => one.topic === 'state' && one.message.reasons[0]?.code === 'RELOAD_REFUSED',
    'the refusal',
  )
  t.equal(refused.message.readiness, 'degraded')
  t.match(
    refused.message.reasons[0].message,
    /^CONFIG_INVALID: 1 error in .*grocerd\.yaml\n.*grocerd\.yaml:2:1 Unknown key "camera"; did you mean "cameras"\?$/,
  )
  const was = daemon.log.length
  writeFileSync(file, JSON.stringify(config('carrots', 'other')))
  const beforeMs = performance.now()
  daemon.process.kill('SIGHUP')
  await till.until(one => one.topic === 'status' && one.message === 'stopped', 'its stop')
  const runs = async () => {
    for (;;) {
      const line = daemon.log.slice(was).find(entry => entry.msg === 'grocerd runs')
      if (line) return String(line.mqttUrl)
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }
  const next = new Listener(await runs())
  t.teardown(() => next.stop())
  const other = await next.until(
    one =>
      one.topic === 'grocerd/other/items' && one.message.item.alternatives[0].sku === 'carrots',
    'carrots under the new name',
  )
  t.comment(`the first event after ${Math.round(other.at - beforeMs)} ms`)
  t.ok(other.message.seq > placed.message.seq, 'the numbering goes on')
  const state = await next.until(
    one => one.topic === 'grocerd/other/state' && one.message.readiness === 'ready',
    'ready',
  )
  t.same(state.message.reasons, [], 'the refusal is forgotten')
  daemon.process.kill('SIGTERM')
  t.equal(await daemon.ended, 0)
  if (!hasPython) return
  const said = notified.heard.map(({ text }) => text.replace(/\\n/g, ' ').replace(/\d{6,}/, '…'))
  t.same(
    said.filter(text => /^(READY|RELOADING|STOPPING)=1/.test(text)).map(text => text.split('=')[0]),
    ['READY', 'RELOADING', 'READY', 'RELOADING', 'READY', 'STOPPING'],
  )
  t.ok(said.includes('RELOADING=1 MONOTONIC_USEC=…'))
  t.ok(
    said.some(text => text.startsWith('STATUS=degraded; RELOAD_REFUSED: CONFIG_INVALID: 1 error')),
  )
})

const unit = (name: string) => readFileSync(join('systemd', name), 'utf8')

t.test('two lanes on one box share a broker and pictures, and nothing else', async t => {
  const dir = t.testdir({ tmp: {}, home: {} })
  const broker = new DemoBroker({ listen: '127.0.0.1:0', log: quiet })
  const { url } = await broker.start()
  t.teardown(() => broker.stop())
  const till = new Listener(url)
  t.teardown(() => till.stop())
  const folders = { TMPDIR: join(dir, 'tmp'), HOME: join(dir, 'home') }
  const source = `dir:${pictureFolder(join(dir, 'pictures'), 'banana')}?hold=1s&gap=2s&loop=1`
  const config = (id: string, more: object = {}) => ({
    kiosk: { id },
    cameras: [{ id: 'counter', source, fps: 10 }],
    counter: { needSession: false },
    mqtt: { url, commands: [] },
    ...more,
  })
  const lanes = await Promise.all(
    ['lane-1', 'lane-2'].map(id => startDaemon(join(dir, id), config(id), folders)),
  )
  for (const { process } of lanes) t.teardown(() => process.kill('SIGKILL'))
  const announced = (id: string, from = 0) =>
    till.until(one => one.topic === `grocerd/${id}/items`, `an item of ${id}`, { from, ms: 60_000 })
  await Promise.all([announced('lane-1'), announced('lane-2')])

  const http = `127.0.0.1:${lanes[0]!.httpPort}`
  const alone = (key: string, value: string) =>
    `KIOSK_TAKEN: Expected ${key} ${value} to be ours alone at ${new URL(url).host} but another daemon on this box has it`
  const own = { outbox: { dir: join(dir, 'third', 'state') } }
  const thirds: [string, object, number, string][] = [
    [
      'state directory',
      config('lane-3', { outbox: { dir: join(dir, 'lane-1', 'state') } }),
      75,
      `STATE_LOCKED: Expected no other daemon on outbox.dir ${join(dir, 'lane-1', 'state')} but process ${lanes[0]!.process.pid} holds it`,
    ],
    ['kiosk.id', config('lane-1', own), 75, alone('kiosk.id', 'lane-1')],
    [
      'mqtt.topic',
      config('lane-3', {
        ...own,
        mqtt: { url: url.replace('127.0.0.1', 'localhost'), topic: 'grocerd/lane-2' },
      }),
      75,
      alone('mqtt.topic', 'grocerd/lane-2'),
    ],
    [
      'http.listen',
      config('lane-3', { ...own, http: { listen: http } }),
      1,
      `ADDRESS_IN_USE: Expected http.listen ${http} to be free but another program listens there`,
    ],
  ]
  mkdirSync(join(dir, 'third'))
  const file = join(dir, 'third', 'grocerd.yaml')
  const before = till.heard.length
  for (const [what, third, status, words] of thirds) {
    writeFileSync(file, JSON.stringify({ http: { listen: '127.0.0.1:0' }, ...third }))
    const ended = await new Promise<{ code: unknown; stderr: string }>(resolve =>
      execFile(
        process.execPath,
        ['dist/main.js', 'run', '--config', file],
        { env: { ...process.env, ...folders }, timeout: 60_000 },
        (error, _, stderr) => resolve({ code: error?.code, stderr }),
      ),
    )
    t.equal(ended.code, status, `the same ${what}: the second ends`)
    t.match(ended.stderr, words)
  }

  await Promise.all([announced('lane-1', before), announced('lane-2', before)])
  const said = till.heard.slice(before).filter(one => one.topic !== 'grocerd/lane-3/status')
  t.same(
    [...new Set(said.map(({ topic }) => topic.split('/').slice(0, 2).join('/')))].sort(),
    ['grocerd/lane-1', 'grocerd/lane-2'],
    'each under its own topic',
  )
  t.notOk(
    said.some(({ topic, message }) => topic.endsWith('/status') && message !== 'online'),
    'neither lost its connection',
  )
  for (const { topic, message } of till.heard)
    if (message.kiosk) t.equal(message.kiosk, topic.split('/')[1])
  for (const { process } of lanes) process.kill('SIGTERM')
  t.same(await Promise.all(lanes.map(({ ended }) => ended)), [0, 0])
  t.same([readdirSync(folders.TMPDIR), readdirSync(folders.HOME)], [[], []], 'no file elsewhere')
  t.same(readdirSync(dir).sort(), ['home', 'lane-1', 'lane-2', 'pictures', 'third', 'tmp'])
  for (const id of ['lane-1', 'lane-2'])
    t.same(readdirSync(join(dir, id)).sort(), ['grocerd.yaml', 'state'])
})

t.test('the two units differ in their lane alone', async t => {
  const differing = (text: string) =>
    text
      .split('\n')
      .filter(
        line => line && !line.startsWith('#') && !/^(Description|Environment=GROCERD)/.test(line),
      )
  const forLane = differing(unit('grocerd@.service'))
  t.same(
    forLane.filter(line => line.includes('%i')),
    [
      'ExecStart=/usr/bin/grocerd run --config /etc/grocerd/%i.yaml',
      'StateDirectory=grocerd-%i',
      'LoadCredential=mqtt-password:/etc/grocerd/credentials/%i/mqtt-password',
    ],
  )
  const one = forLane.map(line =>
    line.replace('/%i.yaml', '/grocerd.yaml').replace('-%i', '').replace('/%i/', '/'),
  )
  t.same(one, differing(unit('grocerd.service')))
})

const analyse = spawnSync('systemd-analyze', ['--version'])
const noAnalyser = analyse.status === 0 ? false : 'no systemd-analyze: the exposure is not judged'

/** The exposure as `systemd-analyze security` says it, times ten, with these drop-ins; its return code at this threshold. */
function exposure(t: Test, name: string, dropIns: string[], threshold: number) {
  const dir = t.testdir()
  const file = join(dir, name)
  cpSync(join('systemd', name), file)
  mkdirSync(`${file}.d`)
  for (const one of dropIns) cpSync(join('systemd/drop-ins', one), join(`${file}.d`, one))
  const args = ['security', '--offline=true', `--threshold=${threshold}`, '--no-pager', file]
  const { status, stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' })
  const [, level] = /Overall exposure level for .*: ([\d.]+)/.exec(stdout) ?? []
  return { status, level: Number(level), said: `${stdout}${stderr}` }
}

t.test('the exposure of every unit is at most 1.5', { skip: noAnalyser }, async t => {
  const dropIns = readdirSync('systemd/drop-ins')
  t.same(dropIns, ['jetson.conf', 'site.conf', 'systemd-237.conf'])
  const sets = [[], ...dropIns.map(one => [one]), dropIns]
  for (const name of ['grocerd.service', 'grocerd@.service']) {
    for (const set of sets) {
      await t.test(`${name} ${set.join(' ')}`, async t => {
        const { status, level, said } = exposure(t, name, set, 15)
        t.equal(status, 0, said)
        t.ok(level > 0 && level <= 1.5, `${level}`)
        t.notMatch(said, /ignoring|Unknown/i, 'every line is understood')
      })
    }
  }
  t.equal(exposure(t, 'grocerd.service', [], 10).status, 1, 'the judge can say no')
})
