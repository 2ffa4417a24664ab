// What several subcommands of grocerd models share: the configuration, who is trusted, and the locks of the state directory.
import { readFileSync } from 'node:fs'
import { loadConfig } from '../../config/load.js'
import type { Config } from '../../config/schema.js'
import { describeError, GroceryError } from '../../errors.js'
import { clockSynced } from '../../observe/clock-sync.js'
import { takeLock } from '../../publish/outbox/lock.js'
import type { Trust } from '../../updates/bundle.js'
import type { WallClock } from '../../updates/judge.js'
import { parsePublicKey } from '../../updates/minisign.js'

/** A file of a key, given on the command line. @throws KEY_INVALID */
export function readKeyFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new GroceryError(
      'KEY_INVALID',
      `${path}: Expected a key but reading it failed: ${code}`,
      { cause },
    )
  }
}

/** For who has no configuration at hand. @param given a .pub file, or the key itself */
export function trustIn(given: string): Trust {
  const isKey = /^RW[A-Za-z0-9+/]{54}$/.test(given)
  const key = isKey ? parsePublicKey(given, '--key') : parsePublicKey(readKeyFile(given), given)
  return { keys: [key], revoked: [] }
}

export const readConfig = (path: string): Config => loadConfig(path, process.env)

export const wallClock = (): WallClock => ({ now: Date.now(), synced: clockSynced() })

/** Runs with the lock of a folder. @throws STATE_LOCKED where another process has it */
export async function withLock<T>(folder: string, work: () => T | Promise<T>): Promise<T> {
  const release = await takeLock(folder)
  try {
    return await work()
  } finally {
    await release()
  }
}

/** The same, and null where a running daemon has it. */
export async function unlessRunning<T>(config: Config, work: () => Promise<T>): Promise<T | null> {
  try {
    return await withLock(config.outbox.dir, work)
  } catch (error) {
    if (describeError(error).code !== 'STATE_LOCKED') throw error
    return null
  }
}
