// Files that are always whole: written beside their place, synced, renamed, and the rename synced.
import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** Told before each step, so that a test can end the process there. */
export type Step = (name: string) => void
export const noStep: Step = () => {}

/** Makes what was written to a file or folder survive a power failure. */
export function sync(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Writes all of it, however little a call takes. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done)
}

/** A new file with what a caller hands over piece by piece, on disk when this returns. */
export function writeNew(path: string, write: (put: (piece: Uint8Array) => void) => void): void {
  const fd = openSync(path, 'wx', 0o644)
  try {
    write(piece => writeAll(fd, piece))
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** In the place of what is there. Only one process may write a file at a time: whoever calls holds the lock of its folder. */
export function writeWhole(path: string, content: string | Uint8Array, step: Step = noStep): void {
  const draft = `${path}.new`
  step('write the draft')
  const fd = openSync(draft, 'w', 0o600)
  try {
    writeAll(fd, typeof content === 'string' ? Buffer.from(content) : content)
    step('sync the draft')
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  step('rename the draft')
  renameSync(draft, path)
  step('sync the rename')
  sync(dirname(path))
}
