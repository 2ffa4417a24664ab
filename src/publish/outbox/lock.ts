// One daemon per state directory: numbered lock files, of which the highest counts. Node has no flock.
import {
  link,
  readdir,
  readFile,
  readlink,
  stat,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { GroceryError } from '../../errors.js'
import { makeDir } from './files.js'

interface Holder {
  pid: number
  /** Clock ticks since the kernel's start: tells a process from a later one with the same pid. */
  started: string
  kernel: string
  /** The pid namespace: pids of another container mean nothing here. */
  namespace: string
}

/** A holder sets the time of its file so often; who cannot see its process believes it so long. */
const renewEveryMs = 10_000
const believedForMs = 60_000

const orEmpty = (text: Promise<string>): Promise<string> => text.catch(() => '')

/** Field 22 of /proc/PID/stat; the name in field 2 may hold spaces. */
const startOf = async (pid: number): Promise<string> => {
  const stat = await orEmpty(readFile(`/proc/${pid}/stat`, 'utf8'))
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

const describeSelf = async (): Promise<Holder> => ({
  pid: process.pid,
  started: await startOf(process.pid),
  kernel: (await orEmpty(readFile('/proc/sys/kernel/random/boot_id', 'utf8'))).trim(),
  namespace: await orEmpty(readlink('/proc/self/ns/pid')),
})

async function isAlive(holder: Holder, self: Holder, path: string): Promise<boolean> {
  if (holder.kernel !== self.kernel) return false
  if (holder.namespace !== self.namespace) {
    const renewed = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => 0,
    )
    // Either way, for the clock may have been set back.
    return Math.abs(Date.now() - renewed) < believedForMs
  }
  return holder.started !== '' && (await startOf(holder.pid)) === holder.started
}

/**
 * Takes the lock of a state directory, for as long as this process lives or until the returned
 * function is called. A stale file is never deleted to be made anew, which two could do at once;
 * its successor number is linked instead, which only one can.
 *
 * @throws STATE_LOCKED where another live process (or another Outbox of this one) holds it.
 */
export async function takeLock(
  stateDir: string,
  renewMs = renewEveryMs,
): Promise<() => Promise<void>> {
  const dir = join(stateDir, 'lock')
  await makeDir(dir)
  const self = await describeSelf()
  const draft = join(dir, `draft-${process.pid}-${Math.random().toString(36).slice(2)}`)
  await writeFile(draft, JSON.stringify(self), { mode: 0o600 })
  try {
    for (;;) {
      const numbers = await lockNumbers(dir)
      const newest = numbers.at(-1) ?? 0
      const path = join(dir, String(newest))
      const holder = newest > 0 ? await readHolder(path) : null
      if (holder && (await isAlive(holder, self, path))) {
        const where = holder.namespace === self.namespace ? '' : ' of another container'
        throw new GroceryError(
          'STATE_LOCKED',
          `Expected no other daemon on outbox.dir ${stateDir} but process ${holder.pid}${where} holds it`,
        )
      }
      const mine = newest + 1
      const taken = await link(draft, join(dir, String(mine))).then(
        () => true,
        error => {
          if (error.code === 'EEXIST') return false
          throw error
        },
      )
      // Someone may have gone further between our look and our link: then theirs counts.
      if (!taken || (await lockNumbers(dir)).at(-1) !== mine) continue
      for (const old of numbers) await unlink(join(dir, String(old))).catch(() => {})
      // The number stays, so that nobody who looked earlier can start again below it. Where it
      // cannot be written, the end of the process frees it.
      return keep(join(dir, String(mine)), renewMs)
    }
  } finally {
    await unlink(draft).catch(() => {})
  }
}

/** Renews the lock until the returned function gives it back. */
function keep(path: string, renewMs: number): () => Promise<void> {
  const timer = setInterval(() => {
    const now = new Date()
    utimes(path, now, now).catch(() => {})
  }, renewMs).unref()
  return () => {
    clearInterval(timer)
    return writeFile(path, '{}').catch(() => {})
  }
}

const lockNumbers = async (dir: string): Promise<number[]> =>
  (await readdir(dir))
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)

async function readHolder(path: string): Promise<Holder | null> {
  const text = await orEmpty(readFile(path, 'utf8'))
  try {
    const holder = JSON.parse(text) as Partial<Holder>
    return typeof holder.pid === 'number' ? (holder as Holder) : null
  } catch {
    return null
  }
}
