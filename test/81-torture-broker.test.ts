// Torture by the broker: away, refusing, hanging, full; `npm run torture -- broker` is the full version.
import t from 'tap'
import { brokerFaults } from './torture/broker-faults.js'
import { torture } from './torture/row.js'

torture(t, 'broker', brokerFaults)
