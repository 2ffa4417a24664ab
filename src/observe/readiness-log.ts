// One log line when the status or a code of readiness changes: a fault that lasts must not flood the journal.
import type { Logger } from '../log.js'
import type { Readiness } from './health.js'

export function logReadiness(log: Logger): (readiness: Readiness) => void {
  let logged = ''
  return ({ status, reasons }) => {
    const text = [status, ...reasons.map(reason => reason.code)].join(' ')
    if (text === logged) return
    logged = text
    log[status === 'degraded' ? 'warn' : 'info']({ status, reasons }, `readiness: ${text}`)
  }
}
