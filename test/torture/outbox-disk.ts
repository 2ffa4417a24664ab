// Rows of the torture table: a real disk that is full, out of inodes or read-only, and a second daemon on the state directory.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startDaemon } from '../helpers/daemon.js'
import { action, makeOutbox, seqsOf } from '../helpers/kiosk-parts.js'
import type { Outcome, Row } from './row.js'
import { inDir, makeDir } from './shop.js'

const mount = (...words: string[]): void => {
  const { status, stderr } = spawnSync('mount', words)
  if (status !== 0) throw new Error(`mount ${words.join(' ')}: ${stderr}`)
}
const unmount = (dir: string): void => void spawnSync('umount', ['-l', dir])

const skip = (): string | null => {
  if (process.getuid?.() !== 0) return 'only root can mount a tmpfs'
  const dir = makeDir()
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', dir])
  unmount(dir)
  rmSync(dir, { recursive: true })
  return status === 0 ? null : `a tmpfs cannot be mounted: ${stderr}`
}

/** What is told as kept must be there, whatever the disk refuses before it has room again. */
async function full(times: number): Promise<Outcome> {
  const outcome: Outcome = { times, lost: 0, duplicated: 0, recoverMs: [], wrong: [] }
  let refused = 0
  for (let time = 0; time < times; time++) {
    await inDir(async dir => {
      // Every third has room but no inode for a new file.
      const limit = time % 3 === 2 ? 'size=1m,nr_inodes=11' : 'size=1m'
      mount('-t', 'tmpfs', '-o', limit, 'tmpfs', dir)
      try {
        refused += await fill(dir, time, outcome)
      } finally {
        unmount(dir)
      }
    })
  }
  return { ...outcome, note: `${refused} appends refused` }
}

async function fill(dir: string, time: number, outcome: Outcome): Promise<number> {
  const { wrong } = outcome
  const outbox = makeOutbox(dir, { confirm: 'pos', maxBytes: 128 * 1024 * 8 })
  await outbox.start()
  const others = [1, 2, 3].map(n => join(dir, `somebody-else-${n}`))
  for (const path of others) writeFileSync(path, Buffer.alloc(150_000 + ((time * 7919) % 120_000)))
  const promised = new Map<number, string>()
  let refused = 0
  const append = async (session: string): Promise<boolean> => {
    try {
      const [event] = await outbox.append([action({ session })], { session })
      if (promised.has(event!.seq)) outcome.duplicated++
      promised.set(event!.seq, session)
      return true
    } catch (error) {
      refused++
      const { code, message } = error as { code: string; message: string }
      if (code !== 'OUTBOX_FULL' || !/received ENOSPC/.test(message)) wrong.push(message)
      return false
    }
  }
  // Until it is full, and then some more.
  for (let n = 0; refused < 5 && n < 5_000; n++) await append(`s${n}`)
  if (refused < 5) wrong.push('the disk never became full')
  for (const path of others) rmSync(path)
  const free = performance.now()
  if (!(await append('mended'))) wrong.push('refused with room on the disk')
  outcome.recoverMs!.push(performance.now() - free)
  await outbox.stop()
  const next = makeOutbox(dir, { confirm: 'pos' })
  const { counterState } = await next.start()
  const { damaged } = next.stats()
  const found = new Map<number, string | null>()
  for (const seq of seqsOf(next)) found.set(seq, (await next.read(seq))!.event.session)
  await next.stop()
  for (const [seq, session] of promised) if (found.get(seq) !== session) outcome.lost++
  for (const seq of found.keys()) if (!promised.has(seq)) wrong.push(`${seq} was refused and came`)
  if ([...promised.keys()].at(-1) !== promised.size) wrong.push('seq has a gap')
  if ((counterState as { session: string }).session !== 'mended') wrong.push('state')
  if (damaged > 0) wrong.push(`${damaged} damaged`)
  return refused
}

async function readOnly(times: number): Promise<Outcome> {
  const outcome: Outcome = { times, lost: 0, duplicated: 0, recoverMs: [], wrong: [] }
  for (let time = 0; time < times; time++) {
    await inDir(async dir => {
      mount('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', dir)
      try {
        const first = makeOutbox(dir, { confirm: 'pos' })
        await first.start()
        await first.append([action(), action()], { on: 'disk' })
        await first.stop()
        const log = join(dir, 'outbox', readdirSync(join(dir, 'outbox'))[0]!)
        const before = readFileSync(log)
        mount('-o', 'remount,ro', dir)
        const words = await makeOutbox(dir)
          .start()
          .then(
            () => 'it started',
            error => `${error.code}: ${error.message.slice(0, dir.length + 65)}`,
          )
        const wanted = `STATE_UNWRITABLE: Expected outbox.dir ${dir} to be writable but received EROFS: `
        if (!words.startsWith(wanted)) outcome.wrong.push(words)
        if (!readFileSync(log).equals(before)) outcome.wrong.push('the log was changed')
        mount('-o', 'remount,rw', dir)
        const writable = performance.now()
        const next = makeOutbox(dir, { confirm: 'pos' })
        await next.start()
        outcome.recoverMs!.push(performance.now() - writable)
        outcome.lost += 2 - seqsOf(next).length
        await next.stop()
      } finally {
        unmount(dir)
      }
    })
  }
  return outcome
}

/** The real daemon: while one runs, or two start at once, one holds the directory and the other says so. */
async function second(times: number): Promise<Outcome> {
  const outcome: Outcome = { times, lost: 0, duplicated: 0, recoverMs: [], wrong: [] }
  const config = { cameras: [], models: {} }
  for (let time = 0; time < times; time++) {
    await inDir(async dir => {
      const both = await Promise.allSettled([
        startDaemon(join(dir, 'a'), { ...config, outbox: { dir: join(dir, 'state') } }),
        startDaemon(join(dir, 'b'), { ...config, outbox: { dir: join(dir, 'state') } }),
      ])
      const running = both.flatMap(one => (one.status === 'fulfilled' ? [one.value] : []))
      const refused = both.flatMap(one => (one.status === 'rejected' ? [String(one.reason)] : []))
      try {
        if (running.length !== 1) outcome.wrong.push(`${running.length} run`)
        for (const words of refused) if (!words.includes('STATE_LOCKED')) outcome.wrong.push(words)
        const file = join(dir, 'a', 'grocerd.yaml')
        const third = spawnSync(process.execPath, ['dist/main.js', 'run', '--config', file])
        if (third.status !== 75) outcome.wrong.push(`exit code ${third.status}`)
        running[0]?.process.kill('SIGKILL')
        await running[0]?.ended
        const free = performance.now()
        running.push(
          await startDaemon(join(dir, 'a'), { ...config, outbox: { dir: join(dir, 'state') } }),
        )
        outcome.recoverMs!.push(performance.now() - free)
      } finally {
        for (const { process } of running) process.kill('SIGKILL')
        for (const { ended } of running) await ended
      }
    })
  }
  return outcome
}

export const disks: Row[] = [
  { fault: 'ENOSPC on a real disk: no room, or no inode', short: 6, full: 100, skip, run: full },
  {
    fault: 'a state directory on a disk that is read-only',
    short: 3,
    full: 20,
    skip,
    run: readOnly,
  },
  {
    fault: 'two daemons on one state directory, then kill -9 of the one',
    short: 1,
    full: 20,
    run: second,
  },
]
