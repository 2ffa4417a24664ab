// Where a runtime keeps what it compiled of a model, so that the next start need not: one folder a model, runtime, device and shape.
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Everything that makes a compiled model another one; streams and threads the runtimes tell apart themselves. */
export interface CompiledKey {
  /** Of the weights, hex. */
  sha256: string
  runtime: string
  runtimeVersion: string
  device: string
  width: number
  height: number
}

/** Folders that are kept: the members of an ensemble, the models of before, and one on trial. */
const keptFolders = 16

/** The name of the folder: readable, and safe as a file name. */
export function compiledName(key: CompiledKey): string {
  const { sha256, runtime, runtimeVersion, device, width, height } = key
  const parts = [sha256.slice(0, 16), runtime, runtimeVersion, device, `${width}x${height}`]
  return parts.join('_').replace(/[^A-Za-z0-9_.-]/g, '-')
}

/**
 * Makes the folder of a key under `root` and removes those that were used longest ago.
 * @returns its path, or null where nothing can be written there: a start then takes longer, no more.
 */
export function compiledFolder(root: string, key: CompiledKey): string | null {
  const folder = join(root, compiledName(key))
  try {
    mkdirSync(folder, { recursive: true })
    const others = readdirSync(root)
      .filter(name => name !== compiledName(key))
      .map(name => ({ path: join(root, name), at: statSync(join(root, name)).mtimeMs }))
      .sort((a, b) => b.at - a.at)
    for (const { path } of others.slice(keptFolders - 1)) rmSync(path, { recursive: true })
    return folder
  } catch {
    return null
  }
}

/** Whether a start with this key finds something there. */
export function isCompiled(root: string, key: CompiledKey): boolean {
  try {
    return readdirSync(join(root, compiledName(key))).length > 0
  } catch {
    return false
  }
}
