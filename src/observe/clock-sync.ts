// Whether this machine's wall clock is kept by a time service, as far as files tell; Node cannot ask the kernel.
import { existsSync } from 'node:fs'
import { isTime } from '../clock.js'

/** Made by systemd-timesyncd at its first answer, and by the daemons of chrony and ntp while they run. */
const signs = [
  '/run/systemd/timesync/synchronized',
  '/run/chrony/chronyd.pid',
  '/run/chrony/chronyd.sock',
  '/run/ntpd.pid',
  '/run/ntpsec/ntpd.pid',
]

/** @param now wall ms since 1970 */
export const clockSynced = (now = Date.now(), exists: (path: string) => boolean = existsSync) =>
  isTime(now) && signs.some(exists)
