// A model folder that appears whole or not at all: written beside its place under a hidden name, synced, then renamed.
import {
  closeSync,
  existsSync,
  fsyncSync,
  statSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { GroceryError } from '../../errors.js'
import { exchangePaths } from '../../inference/addon.js'

export interface ModelFolder {
  /** Where files are written until publish(). */
  hidden: string
  /** Writes and syncs a file. Throws MODEL_UNWRITABLE. */
  write(name: string, content: string | Uint8Array): void
  /** Puts all in place in one step. Throws MODEL_UNWRITABLE. */
  publish(): void
  /** Removes what was not published. Never throws; may be called at any time. */
  discard(): void
}

const unwritable = (out: string, error: unknown) => {
  const { code, message } = error as NodeJS.ErrnoException
  const reason = code === 'ENOSPC' ? 'the disk is full (ENOSPC)' : (code ?? message)
  return new GroceryError(
    'MODEL_UNWRITABLE',
    `Expected to write the model to ${out} but ${reason}; nothing was left behind`,
    { cause: error },
  )
}

/** Only a model may be replaced: a wrong --out must not cost somebody's photographs. */
function checkPlace(out: string, force: boolean): void {
  const stats = statSync(out, { throwIfNoEntry: false })
  if (!stats) return
  if (!force) {
    throw new GroceryError(
      'MODEL_EXISTS',
      `Expected no ${out} yet but it is there; --force replaces a model`,
    )
  }
  const isEmpty = stats.isDirectory() && readdirSync(out).length === 0
  if (isEmpty || (stats.isDirectory() && existsSync(join(out, 'model.json')))) return
  throw new GroceryError(
    'MODEL_EXISTS',
    `Expected a model to replace at ${out} but it has no model.json; --force replaces models only`,
  )
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** What trainings that were killed have left. */
function removeRemains(parent: string, name: string): void {
  for (const entry of readdirSync(parent)) {
    const pid = entry.startsWith(`.${name}.`) && /\.(\d+)\.part$/.exec(entry)?.[1]
    if (pid && !isAlive(Number(pid))) rmSync(join(parent, entry), { recursive: true, force: true })
  }
}

function sync(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/**
 * Makes the hidden folder, so that a place that cannot be written is told before the work.
 * Throws MODEL_EXISTS, MODEL_UNWRITABLE.
 */
export function openModelFolder(place: string, force: boolean): ModelFolder {
  const out = resolve(place)
  const parent = dirname(out)
  const hidden = join(parent, `.${basename(out)}.${process.pid}.part`)
  const guarded = (work: () => void) => {
    try {
      work()
    } catch (error) {
      if (error instanceof GroceryError) throw error
      throw unwritable(out, error)
    }
  }
  const discard = () => {
    try {
      rmSync(hidden, { recursive: true, force: true })
    } catch {
      // The next training of this place removes it.
    }
  }
  guarded(() => {
    checkPlace(out, force)
    mkdirSync(parent, { recursive: true })
    removeRemains(parent, basename(out))
    rmSync(hidden, { recursive: true, force: true })
    mkdirSync(hidden)
  })
  return {
    hidden,
    write(name, content) {
      guarded(() => {
        const path = join(hidden, name)
        writeFileSync(path, content)
        sync(path)
      })
    },
    publish() {
      guarded(() => {
        sync(hidden)
        // What appeared there while the training ran is somebody else's.
        checkPlace(out, force)
        if (!existsSync(out)) renameSync(hidden, out)
        else if (!exchangePaths(hidden, out)) {
          // A file system without the exchange: two steps, and the old model is never lost.
          const old = `${hidden.slice(0, -'.part'.length)}.old.part`
          renameSync(out, old)
          renameSync(hidden, out)
          rmSync(old, { recursive: true, force: true })
        }
        sync(parent)
      })
      discard()
    },
    discard,
  }
}
