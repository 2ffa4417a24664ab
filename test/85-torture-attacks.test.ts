// Attacks, by the table: pictures, models, HTTP and MQTT as a stranger would send them.
import t from 'tap'
import { imageRows } from './torture/attacks-images.js'
import { torture } from './torture/row.js'

torture(t, 'attacks', [...imageRows])
