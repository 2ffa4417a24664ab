// Torture, group sale: kill -9 of daemon, vision, broker and till at each message of a sale; the receipt is right every time.
import t from 'tap'
import { isFull, torture } from './torture/row.js'
import { saleRows } from './torture/sale.js'

t.setTimeout(isFull ? 0 : 600_000)
// They wait most of the time.
t.jobs = 4

torture(t, 'sale', saleRows)
