// One daemon per state directory: numbered lock files, of which the highest counts. Node has no flock.
import { link, mkdir, readdir, readFile, readlink, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { GroceryError } from '../../errors.js'

interface Holder {
  pid: number
  /** Clock ticks since the kernel's start: tells a process from a later one with the same pid. */
  started: string
  kernel: string
  /** The pid namespace: pids of another container mean nothing here. */
  namespace: string
}

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

async function isAlive(holder: Holder, self: Holder): Promise<boolean> {
  if (holder.kernel !== self.kernel || holder.namespace !== self.namespace) return false
  return holder.started !== '' && (await startOf(holder.pid)) === holder.started
}

/**
 * Takes the lock of a state directory, for as long as this process lives or until the returned
 * function is called. A stale file is never deleted to be made anew, which two could do at once;
 * its successor number is linked instead, which only one can.
 *
 * @throws STATE_LOCKED where another live process (or another Outbox of this one) holds it.
 */
export async function takeLock(stateDir: string): Promise<() => Promise<void>> {
  const dir = join(stateDir, 'lock')
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const self = await describeSelf()
  const draft = join(dir, `draft-${process.pid}-${Math.random().toString(36).slice(2)}`)
  await writeFile(draft, JSON.stringify(self), { mode: 0o600 })
  try {
    for (;;) {
      const numbers = await lockNumbers(dir)
      const newest = numbers.at(-1) ?? 0
      const holder = newest > 0 ? await readHolder(join(dir, String(newest))) : null
      if (holder && (await isAlive(holder, self))) {
        throw new GroceryError(
          'STATE_LOCKED',
          `Expected no other daemon on outbox.dir ${stateDir} but process ${holder.pid} holds it`,
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
      return () => writeFile(join(dir, String(mine)), '{}').catch(() => {})
    }
  } finally {
    await unlink(draft).catch(() => {})
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
