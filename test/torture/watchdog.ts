// Torture of the watchdog with systemd's end of the socket: whatever hangs for good stops the ping, and nothing else does.
import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Lane, since, until } from '../helpers/lane.js'
import { hasPython, NotifySocket } from '../helpers/notify-socket.js'
import { type Found, goods, laneRow } from './lane-row.js'
import type { Row } from './row.js'

const watchdogMs = 2000
/** No ping for so long: systemd would have ended the daemon. */
const silentMs = 2 * watchdogMs

const importing = (name: string) =>
  `--import ${new URL(`../helpers/${name}`, import.meta.url).href}`

interface Hang {
  fault: string
  full: number
  skip?: () => string | null
  env?: (dir: string) => Record<string, string>
  /** Makes the disk below outbox.dir one that can hang. */
  mount?: boolean
  hang(lane: Lane, n: number): void | Promise<void>
  heal(lane: Lane): void
}

/** One hang on a lane that is watched: the ping stops, and comes back after the hang. */
const watched = ({ fault, full, skip, env = () => ({}), mount, hang, heal }: Hang): Row => {
  let socket: NotifySocket | null = null
  let dir = ''
  const round = async (lane: Lane, found: Found, n: number) => {
    await until(() => socket!.silentFor() < watchdogMs, 'ping before')
    const began = performance.now()
    await hang(lane, n)
    await until(() => socket!.silentFor() > silentMs, 'end of the pings', 20_000).catch(error =>
      lane.wrong.push(error.message),
    )
    found.seenMs.push(since(began) - silentMs)
    heal(lane)
    const healed = performance.now()
    await until(() => socket!.silentFor() < since(healed), 'ping after', 20_000)
    found.recoverMs.push(since(healed))
    await lane.lay(goods[(n + 1) % 2]!)
    await lane.well()
  }
  const row = laneRow({
    fault,
    short: 1,
    full,
    skip,
    recoverWithinMs: 10_000,
    roundsPerLane: 1,
    env: lane => {
      dir = lane
      return {
        NOTIFY_SOCKET: join(lane, 'notify'),
        WATCHDOG_USEC: String(watchdogMs * 1000),
        ...env(lane),
      }
    },
    before: async lane => {
      if (mount) mountDisk(lane)
      socket = new NotifySocket(join(lane, 'notify'))
      await socket.start()
    },
    after: () => {
      const said = socket?.heard.map(one => one.text) ?? []
      socket?.stop()
      if (mount) unmountDisk(dir)
      const wrong: string[] = []
      if (!said[0]?.startsWith('READY=1')) wrong.push(`first said: ${said[0]}`)
      if (!said.at(-1)?.startsWith('STOPPING=1')) wrong.push(`last said: ${said.at(-1)}`)
      return wrong
    },
    round,
  })
  const why = () => (hasPython ? (row.skip?.() ?? null) : 'python3 is not installed')
  return { ...row, skip: why }
}

const disk = (dir: string) => join(dir, 'state')

/** A small file system of its own in a file. */
function mountDisk(dir: string): void {
  const image = join(dir, 'disk.img')
  closeSync(openSync(image, 'w'))
  truncateSync(image, 64 << 20)
  mkdirSync(disk(dir))
  spawnSync('mkfs.ext4', ['-q', image])
  spawnSync('mount', ['-o', 'loop', image, disk(dir)])
}

function unmountDisk(dir: string): void {
  spawnSync('fsfreeze', ['-u', disk(dir)])
  spawnSync('umount', [disk(dir)])
}

function whyNoDisk(): string | null {
  if (process.getuid?.() !== 0) return 'only root can mount a file system that hangs'
  for (const tool of ['mkfs.ext4', 'fsfreeze', 'mount']) {
    if (spawnSync(tool, ['--version']).error) return `${tool} is not installed`
  }
  const dir = join('/tmp', `grocerd-disk-${process.pid}`)
  mkdirSync(dir)
  mountDisk(dir)
  const mounted = spawnSync('mountpoint', ['-q', disk(dir)]).status === 0
  unmountDisk(dir)
  rmSync(dir, { recursive: true, force: true })
  return mounted ? null : 'no loop device can be mounted here'
}

export const watchdogRows: Row[] = [
  watched({
    fault: 'watchdog: vision is stopped inside a driver, and cannot be killed',
    full: 3,
    env: () => ({ NODE_OPTIONS: importing('unkillable.mjs') }),
    hang: lane => void process.kill(lane.vision, 'SIGSTOP'),
    heal: lane => void process.kill(lane.vision, 'SIGCONT'),
  }),
  watched({
    fault: 'watchdog: an inference never ends, and vision cannot end itself',
    full: 3,
    env: dir => ({
      NODE_OPTIONS: `${importing('hang-inference.mjs')} ${importing('unkillable.mjs')}`,
      HANG_FILE: join(dir, 'hang'),
    }),
    hang: lane => writeFileSync(lane.hangFile, ''),
    heal: lane => void process.kill(lane.vision, 'SIGKILL'),
  }),
  watched({
    fault: 'watchdog: the disk below the outbox hangs (fsfreeze)',
    full: 3,
    skip: whyNoDisk,
    mount: true,
    hang: async (lane, n) => {
      spawnSync('fsfreeze', ['-f', disk(lane.dir)])
      // Something must be written, or nothing is known of the disk.
      await lane.lay(goods[(n + 1) % 2]!)
    },
    heal: lane => void spawnSync('fsfreeze', ['-u', disk(lane.dir)]),
  }),
  watched({
    fault: 'watchdog: the daemon itself is stopped (SIGSTOP)',
    full: 3,
    hang: lane => void lane.daemon.process.kill('SIGSTOP'),
    heal: lane => void lane.daemon.process.kill('SIGCONT'),
  }),
]
