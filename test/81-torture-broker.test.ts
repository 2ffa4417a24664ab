// Torture by the broker: away, refusing, hanging, full; `npm run torture -- broker` is the full version.
import t from 'tap'
import { brokerFaults } from './torture/broker-faults.js'
import { isFull, torture } from './torture/row.js'

// On a busy machine; the full version takes as long as it takes.
if (!isFull) t.setTimeout(240_000)

torture(t, 'broker', brokerFaults)
