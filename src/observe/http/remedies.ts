// Readiness as people and probes read it: each reason with what to do about it. Pure.
import { type ErrorCode, errorTable } from '../../errors.js'
import type { Readiness } from '../health.js'

/** The same reasons as in the state message, each with its remedy in plain words. */
export function withRemedies(readiness: Readiness): object {
  return {
    status: readiness.status,
    reasons: readiness.reasons.map(reason => ({
      ...reason,
      remedy: errorTable[reason.code as ErrorCode]?.remedy ?? null,
    })),
  }
}
