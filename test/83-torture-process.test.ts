// Torture, group process: crashes, hangs, memory, clocks, signals; a daemon comes back with all it knew, and nothing else.
import t from 'tap'
import { isFull, torture } from './torture/row.js'
import { visionRows } from './torture/vision.js'
import { watchdogRows } from './torture/watchdog.js'

t.setTimeout(180_000)
if (!isFull) t.jobs = 3

torture(t, 'process', [...visionRows, ...watchdogRows])
