// Attacks, by the table: pictures, models, HTTP and MQTT as a stranger would send them.
import t from 'tap'
import { httpRows } from './torture/attacks-http.js'
import { imageRows } from './torture/attacks-images.js'
import { modelRows } from './torture/attacks-models.js'
import { mqttRows } from './torture/attacks-mqtt.js'
import { torture } from './torture/row.js'

torture(t, 'attacks', [...httpRows, ...mqttRows, ...imageRows, ...modelRows])
