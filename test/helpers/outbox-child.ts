// A process that appends events for ever and reports each that is safe, until somebody kills it.
import { action, makeOutbox } from './kiosk-parts.js'

const outbox = makeOutbox(process.argv[2]!)
const { counterState } = await outbox.start()
process.send!({ state: counterState, newest: outbox.stats().newestSeq })
for (let round = 1; ; round++) {
  const events = await outbox.append([action(), action({ action: 'removed', reason: 'taken' })], {
    last: outbox.stats().newestSeq + 2,
  })
  process.send!({ safe: events.map(({ seq, id }) => ({ seq, id })) })
  if (round % 3 === 0) outbox.acknowledge({ ids: [events[0]!.id] })
  await new Promise(resolve => setImmediate(resolve))
}
