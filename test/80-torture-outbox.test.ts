// Torture of the outbox: kills, full and broken disks, flipped bits; `npm run torture -- outbox` is the full version.
import t from 'tap'
import { bits } from './torture/outbox-bits.js'
import { disks } from './torture/outbox-disk.js'
import { kills } from './torture/outbox-kills.js'
import { torture } from './torture/row.js'

torture(t, 'outbox', [...kills, ...bits, ...disks])
