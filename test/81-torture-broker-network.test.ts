// Torture of the line to the broker; `npm run torture -- broker-network` is the full version.
import t from 'tap'
import { brokerNetwork } from './torture/broker-network.js'
import { isFull, torture } from './torture/row.js'

// On a busy machine; the full version takes as long as it takes.
if (!isFull) t.setTimeout(240_000)

torture(t, 'broker-network', brokerNetwork)
