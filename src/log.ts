// The logger: JSON lines for journald on standard error, so that standard output stays for results.
import { type Logger, pino } from 'pino'

export type { Logger }

export const logLevels = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const
export type LogLevel = (typeof logLevels)[number]

/** @param name the process or command that writes; secrets never reach the log by key either. */
export function createLog(name: string, level: LogLevel = 'info'): Logger {
  return pino(
    {
      name,
      level,
      base: { name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      redact: ['password', '*.password', 'token', '*.token'],
    },
    pino.destination({ fd: 2, sync: true }),
  )
}
