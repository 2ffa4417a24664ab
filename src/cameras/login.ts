// User and password of a network camera: from a file that only its owner can read, at each opening anew.
import { readSecret } from '../config/secret.js'
import { GroceryError } from '../errors.js'

export interface Login {
  user: string
  password: string
}

/**
 * @param path of a file whose first line is user:password; null: the camera wants none
 * Throws CONFIG_INVALID where it cannot be read, others can read it, or it has no colon.
 */
export function readLogin(path: string | null): Login | null {
  if (path === null) return null
  const line = readSecret(path, 'credentials')
  const colon = line.indexOf(':')
  if (colon < 1) {
    throw new GroceryError(
      'CONFIG_INVALID',
      `credentials: Expected a line user:password in ${path} but it has no user and colon`,
    )
  }
  return { user: line.slice(0, colon), password: line.slice(colon + 1) }
}
