// A till in forty lines: opens a session, shows what lies on the counter, confirms what is sure; over MQTT 5 or 3.1.1.
// npx tsx examples/till.ts mqtt://127.0.0.1:1883 grocerd/demo 5
import { randomUUID } from 'node:crypto'
import { connect } from 'mqtt'

const [url = 'mqtt://127.0.0.1:1883', prefix = 'grocerd/demo', version = '5'] =
  process.argv.slice(2)
const session = `till-${Date.now()}`
const known = new Set<string>()
const broker = connect(url, { protocolVersion: version === '3.1.1' ? 4 : 5 })

/** Each command has an id of its own: sent twice it does nothing twice. */
const command = (verb: string, payload: object) =>
  broker.publish(`${prefix}/cmd/${verb}`, JSON.stringify({ requestId: randomUUID(), ...payload }), {
    qos: 1,
  })

broker.on('connect', () => {
  broker.subscribe([`${prefix}/items`, `${prefix}/status`, `${prefix}/reply/+`], { qos: 1 })
  command('session', { op: 'open', session })
})

broker.on('message', (topic, payload) => {
  const text = payload.toString()
  if (topic.endsWith('/status')) return console.log(`kiosk ${text}`)
  const message = JSON.parse(text)
  if (topic.includes('/reply/')) {
    if (!message.ok) console.log(`refused: ${message.error.code} ${message.error.message}`)
    return
  }
  // The same event may come twice, and an old one must never sell anything.
  if (known.has(message.id) || message.replayed) return
  known.add(message.id)
  const { action, item } = message
  console.log(action, item.decision, item.name ?? 'unknown')
  if (action === 'placed' && item.decision === 'sure') {
    command('confirm', { session, itemId: item.itemId, sku: item.sku, by: 'shopper' })
  }
})

process.once('SIGINT', () => {
  command('session', { op: 'close', session })
  broker.end(false, () => process.exit(0))
})
