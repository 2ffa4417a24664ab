// Torture, group process: crashes, hangs, memory, clocks, signals; a daemon comes back with all it knew, and nothing else.
import t from 'tap'
import { clockRows } from './torture/clock.js'
import { isFull, torture } from './torture/row.js'
import { signalRows } from './torture/signals.js'
import { visionRows } from './torture/vision.js'
import { watchdogRows } from './torture/watchdog.js'

t.setTimeout(isFull ? 0 : 300_000)
// They wait most of the time.
t.jobs = isFull ? 3 : 4

torture(t, 'process', [...visionRows, ...clockRows, ...signalRows, ...watchdogRows])
