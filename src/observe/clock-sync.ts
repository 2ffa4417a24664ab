// Whether this machine's wall clock is kept by a time service, as far as files tell; Node cannot ask the kernel.
import { existsSync } from 'node:fs'

/** Made by systemd-timesyncd at its first answer, and by the daemons of chrony and ntp while they run. */
const signs = [
  '/run/systemd/timesync/synchronized',
  '/run/chrony/chronyd.pid',
  '/run/chrony/chronyd.sock',
  '/run/ntpd.pid',
  '/run/ntpsec/ntpd.pid',
]

/** Before this there was no grocerd: a clock without a battery begins in 1970, and its service may not have answered yet. */
const earliest = Date.UTC(2026, 0)

/** @param now wall ms since 1970 */
export const clockSynced = (now = Date.now(), exists: (path: string) => boolean = existsSync) =>
  now >= earliest && signs.some(exists)
