// What a refusing disk is called. Pure.
import { describeError, type ErrorCode, GroceryError } from '../../errors.js'

/** @param unwritable the code of what is no lack of space. */
export function toOutboxError(
  dir: string,
  error: unknown,
  unwritable: ErrorCode = 'OUTBOX_FULL',
): Error {
  if (error instanceof GroceryError) return error
  const { code, message } = describeError(error)
  return new GroceryError(
    code === 'ENOSPC' || code === 'EDQUOT' ? 'OUTBOX_FULL' : unwritable,
    `Expected outbox.dir ${dir} to be writable but received ${code}: ${message}`,
    { cause: error },
  )
}
