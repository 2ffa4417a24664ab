// What a call fails with.
import { GroceryError } from '../../src/errors.js'

/** Code and message of the GroceryError; "none" where the call returns. */
export function codeOf(call: () => unknown): [code: string, message: string] {
  try {
    call()
  } catch (error) {
    if (error instanceof GroceryError) return [error.code, error.message]
    throw error
  }
  return ['none', '']
}

/** The same in one line; "" where the call returns. */
export function failure(call: () => unknown): string {
  const [code, message] = codeOf(call)
  return code === 'none' ? '' : `${code} ${message}`
}
