// The error of grocerd and its words; import it from errors.ts, which has the table of its codes.
import { type ErrorCode, type ErrorEntry, errorTable, exitCodes } from './errors.js'

/** An error a user can act on. Match by `code`, never by text. */
export class GroceryError extends Error {
  readonly code: ErrorCode
  readonly details: unknown

  /** @param message what was expected, what was received, and where; the remedy comes from the table. */
  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; details?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'GroceryError'
    this.code = code
    this.details = options.details
  }

  get remedy(): string {
    return errorTable[this.code].remedy
  }

  get exitCode(): number {
    const entry: ErrorEntry = errorTable[this.code]
    return entry.exit ?? exitCodes.failed
  }
}

/** The code and words to report for anything that was thrown. */
export function describeError(error: unknown): { code: string; message: string } {
  if (error instanceof GroceryError) return { code: error.code, message: error.message }
  if (error instanceof Error) {
    const code = (error as NodeJS.ErrnoException).code
    return { code: code ?? 'INTERNAL', message: error.message }
  }
  return { code: 'INTERNAL', message: String(error) }
}
