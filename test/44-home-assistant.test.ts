// Home Assistant: the message of device discovery by its rules, retained while it is on and taken back when it is off.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'mqtt'
import t from 'tap'
import { parseConfig } from '../src/config/load.js'
import { createLog } from '../src/log.js'
import { DemoBroker } from '../src/publish/broker.js'
import { examples } from '../src/publish/examples.js'
import { discoveryMessage, discoveryTopic } from '../src/publish/home-assistant.js'
import { startDaemon } from './helpers/daemon.js'

t.setTimeout(120_000)

/** Keys of a component that are allowed here, by Home Assistant's schemas of sensor and binary_sensor. */
const allowed = new Set([
  'platform',
  'name',
  'unique_id',
  'state_topic',
  'value_template',
  'qos',
  'device_class',
  'entity_category',
  'state_class',
  'unit_of_measurement',
  'json_attributes_topic',
  'json_attributes_template',
])

t.test('the message follows the rules of device discovery', t => {
  const config = parseConfig(
    'kiosk: {id: lane-1, site: Hall}\nmqtt: {homeAssistant: true}\ncameras: [{id: left, source: "dir:x"}, {id: right, source: "dir:y"}]',
    'f.yaml',
  )
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- read as Home Assistant reads it
  const message = JSON.parse(JSON.stringify(discoveryMessage(config))) as any
  t.match(discoveryTopic('lane-1'), /^homeassistant\/device\/[a-zA-Z0-9_-]+\/config$/)
  t.same(Object.keys(message).sort(), ['availability', 'components', 'device', 'origin'])
  t.same(message.device.identifiers, ['grocerd_lane-1'], 'a device wants an identifier')
  t.equal(message.device.suggested_area, 'Hall')
  t.equal(typeof message.origin.name, 'string', 'origin.name is required')
  t.same(Object.keys(message.availability[0]).sort(), ['topic', 'value_template'])
  const components = Object.entries<Record<string, string>>(message.components)
  t.equal(components.length, 9)
  const ids = new Set(components.map(([, one]) => one.unique_id))
  t.equal(ids.size, components.length, 'each with an id of its own')
  for (const [key, component] of components) {
    t.ok(['sensor', 'binary_sensor'].includes(component.platform!), `${key}: platform`)
    for (const name of Object.keys(component)) t.ok(allowed.has(name), `${key}: ${name}`)
    t.match(component.state_topic, /^grocerd\/lane-1\/(state|basket|items)$/)
    t.match(component.value_template, /^\{\{ .* \}\}$/)
    if (component.state_class) t.equal(component.platform, 'sensor', 'only sensors measure')
    if (component.platform === 'binary_sensor') t.match(component.value_template, /'OFF'.*'ON'/)
  }
  t.match(message.components.paused.value_template, /'eq', 'CAMERA_PAUSED'/)
  t.match(message.components.camera_right.value_template, "'eq', 'right'")
  t.end()
})

const python = process.env.GROCERD_HOME_ASSISTANT_PYTHON ?? ''
const noHomeAssistant =
  python !== '' &&
  spawnSync(python, ['-c', 'import homeassistant.components.mqtt.discovery']).status === 0
    ? false
    : 'a Python with homeassistant is wanted (GROCERD_HOME_ASSISTANT_PYTHON)'

t.test('Home Assistant itself takes all of it', { skip: noHomeAssistant }, async t => {
  const config = parseConfig(
    'kiosk: {id: lane-1, site: Hall}\nmqtt: {homeAssistant: true}\ncameras: [{id: top, source: "dir:x"}, {id: right, source: "dir:y"}]',
    'f.yaml',
  )
  const read = (message: object, state: object = examples.state) => {
    const messages = {
      topic: discoveryTopic('lane-1'),
      'grocerd/lane-1/status': 'online',
      'grocerd/lane-1/state': JSON.stringify(state),
      'grocerd/lane-1/basket': JSON.stringify(examples.basket),
      'grocerd/lane-1/items': JSON.stringify(examples.item),
    }
    const done = spawnSync(python, ['test/helpers/home-assistant.py'], {
      input: JSON.stringify({ discovery: JSON.stringify(message), messages }),
      encoding: 'utf8',
    })
    t.equal(done.status, 0, done.stderr)
    return JSON.parse(done.stdout)
  }
  const message = discoveryMessage(config) as { components: Record<string, object> }
  const shown = read(message)
  const values = (said: Record<string, { value: string }>) =>
    Object.fromEntries(Object.entries(said).map(([key, { value }]) => [key, value]))
  const well = { problem: 'OFF', camera_top: 'OFF', camera_right: 'ON' }
  t.same(values(shown), {
    ...{ readiness: 'degraded', problem: 'ON', camera_top: 'ON', camera_right: 'ON' },
    ...{ paused: 'OFF', items: '2', last: 'Royal Gala', waiting: '0', memory: '151000000' },
  })
  const reasons = [{ code: 'CAMERA_PAUSED', message: 'camera top is paused' }]
  t.match(values(read(message, { ...examples.state, reasons })), { paused: 'ON' })
  const cameras = examples.state.cameras.map(one => ({ ...one, status: 'live' }))
  t.match(values(read(message, { ...examples.state, readiness: 'ready', cameras })), well)
  for (const key of Object.keys(message.components))
    t.match(shown[key], { qos: 1, ignored: [], available: 'online' }, key)
  t.same(shown.readiness.attributes, { reasons: examples.state.reasons })
  const wrong = { ...message, origin: {} }
  t.match(read(wrong).error, /required key not provided/, 'it would say so')
})

t.test('it is retained while it is on, and taken back once it is off', async t => {
  const broker = new DemoBroker({ listen: '127.0.0.1:0', log: createLog('broker', 'silent') })
  const { url } = await broker.start()
  t.teardown(() => broker.stop())
  const dir = t.testdir()
  const topic = discoveryTopic('test')
  const read = (ms: number) =>
    new Promise<string | null>(resolve => {
      const client = connect(url, { protocolVersion: 5 })
      const end = (text: string | null) => client.end(true, () => resolve(text))
      client.subscribe(topic)
      client.once('message', (_, payload) => end(payload.toString()))
      setTimeout(() => end(null), ms).unref()
    })
  const run = async (homeAssistant: boolean, until: () => Promise<boolean>) => {
    const daemon = await startDaemon(dir, { mqtt: { url, homeAssistant } })
    t.teardown(() => daemon.process.kill('SIGKILL'))
    let fits = false
    for (let n = 0; n < 40 && !fits; n++) fits = await until()
    daemon.process.kill('SIGTERM')
    t.equal(await daemon.ended, 0)
    return fits
  }
  const isTold = async () => (await read(500))?.includes('"grocerd_test"') ?? false
  const isGone = async () => (await read(500)) === null
  const note = join(dir, 'state', 'home-assistant.json')
  t.ok(await run(true, isTold))
  t.ok(existsSync(note))
  t.ok(await isTold(), 'it stays when the kiosk is off')
  t.ok(await run(false, isGone))
  t.notOk(existsSync(note))
})
