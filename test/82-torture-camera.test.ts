// Torture, group camera: what breaks at the lens and its cable is seen in time, and neither invents nor loses an event.
import t from 'tap'
import { cameraRows } from './torture/camera.js'
import { replugRow } from './torture/replug.js'
import { isFull, torture } from './torture/row.js'

t.setTimeout(isFull ? 0 : 180_000)
// They wait most of the time.
t.jobs = isFull ? 2 : 3

torture(t, 'camera', [...cameraRows, replugRow])
