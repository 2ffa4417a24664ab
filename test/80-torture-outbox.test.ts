// Torture of the outbox: kills, full and broken disks, flipped bits; `npm run torture -- outbox` is the full version.
import t from 'tap'
import { bits } from './torture/outbox-bits.js'
import { disks } from './torture/outbox-disk.js'
import { kills } from './torture/outbox-kills.js'
import { isFull, torture } from './torture/row.js'

// On a busy machine; the full version takes as long as it takes.
if (!isFull) t.setTimeout(240_000)

torture(t, 'outbox', [...kills, ...bits, ...disks])
