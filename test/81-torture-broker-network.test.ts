// Torture of the line to the broker; `npm run torture -- broker-network` is the full version.
import t from 'tap'
import { brokerNetwork } from './torture/broker-network.js'
import { torture } from './torture/row.js'

torture(t, 'broker-network', brokerNetwork)
