// Torture, group updates: tampered bundles, cuts in the middle, crash loops and changes of the model under load.
import t from 'tap'
import { torture } from './torture/row.js'
import { bundleRows } from './torture/updates-bundles.js'
import { kioskRows } from './torture/updates-kiosk.js'

torture(t, 'updates', [...bundleRows, ...kioskRows])
