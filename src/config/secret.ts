// Secrets come from files that only their owner can read, never from argv, the environment or the configuration itself.
import { readFileSync, statSync } from 'node:fs'
import { GroceryError } from '../errors.js'

/**
 * The first line of a secret file.
 * @param key the configuration key that names it, for messages. Throws CONFIG_INVALID where it cannot be read, or others can read it.
 */
export function readSecret(path: string, key: string): string {
  try {
    const mode = statSync(path).mode & 0o777
    if (mode & 0o007) {
      throw new GroceryError(
        'CONFIG_INVALID',
        `${key}: Expected ${path} to be readable by its owner only but its mode is 0${mode.toString(8)}; run chmod 600 on it`,
      )
    }
    return readFileSync(path, 'utf8').split('\n')[0]!.trim()
  } catch (cause) {
    if (cause instanceof GroceryError) throw cause
    const code = (cause as NodeJS.ErrnoException).code
    throw new GroceryError(
      'CONFIG_INVALID',
      `${key}: Expected a secret at ${path} but reading it failed: ${code}`,
      { cause },
    )
  }
}
