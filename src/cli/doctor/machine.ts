// What doctor may ask of the machine: one interface, so that tests can put every fault in its place.
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statfsSync } from 'node:fs'
import { createServer } from 'node:net'
import { availableParallelism, cpus } from 'node:os'
import { TLSSocket } from 'node:tls'
import { v4l2Ctl } from '../../cameras/v4l2-controls.js'
import type { Config } from '../../config/schema.js'
import { describeError, GroceryError } from '../../errors.js'
import type { LibraryProbe, RuntimeName, RuntimeProbe } from '../../inference/addon.js'
import {
  acceleratorFiles,
  type DeviceFile,
  deviceFile,
  type StableName,
  stableNames,
  thisUser,
} from './devices.js'
import { type Tried, tryModels } from './try-models.js'

/** tls: null without TLS; validTo: the end of the broker's certificate. */
export interface BrokerAnswer {
  tls: { protocol: string; validTo: Date } | null
}

export interface Machine {
  nodeVersion: string
  arch: string
  /** null where it is not glibc (Alpine has musl). */
  glibcVersion: string | null
  /** What it is, for a support request: system, board and graphics as their makers name them. */
  system(): Promise<{ os: string; board: string; graphics: string[] }>
  cpu(): { model: string; cores: number; flags: ReadonlySet<string> }
  memory(): { totalBytes: number; availableBytes: number }
  /** Kinds of accelerators whose device files or drivers are there. */
  accelerators(): ('intel-gpu' | 'npu' | 'nvidia')[]
  /** Their device files, and whether this user may use them. */
  acceleratorFiles(): DeviceFile[]
  /** null where there is none. */
  deviceFile(path: string): DeviceFile | null
  /** Names of cameras that stay over a restart. */
  stableNames(): StableName[]
  user(): { name: string; isRoot: boolean; groups: string[] }
  /** Of the disk that holds this folder; isMemory: nothing on it outlives a loss of power. */
  disk(folder: string): { freeBytes: number; totalBytes: number; isMemory: boolean }
  /** null where nobody can say. */
  clockSynced(): Promise<boolean | null>
  /** Throws ADDON_NOT_BUILT. */
  loadAddon(): Promise<void>
  probeRuntime(name: RuntimeName): Promise<RuntimeProbe>
  probeTurboJpeg(): Promise<LibraryProbe>
  /** Loads every model that the configuration names as run would, and lets them go. Throws nothing. */
  tryModels(config: Config): AsyncIterable<Tried>
  /** The first line that a program prints, or null where it is not there. */
  program(name: string, argument: string): Promise<string | null>
  /** What v4l2-ctl prints, or null where it is not there or does not like the device. */
  v4l2(args: string[]): Promise<string | null>
  /** Throws the error of listen(2) with its code. */
  tryListen(host: string, port: number): Promise<void>
  /** The body of http://host:port/healthz, or null. */
  health(host: string, port: number): Promise<string | null>
  /** Connects and logs in as run would. Throws the MQTT_* codes, CONFIG_INVALID for secrets. */
  tryBroker(mqtt: Config['mqtt']): Promise<BrokerAnswer>
}

const connectMs = 3000

const read = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '')

const list = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : [])

function run(program: string, args: string[]): Promise<string | null> {
  return new Promise(resolve => {
    execFile(program, args, { timeout: connectMs }, (error, stdout) =>
      resolve(error ? null : stdout.trim()),
    )
  })
}

/** systeminformation forks shell tools, so it is asked here and nowhere while a daemon runs. */
async function system() {
  const { graphics, osInfo, system } = await import('systeminformation')
  const [os, board, gpus] = await Promise.all([osInfo(), system(), graphics()])
  const words = (...parts: string[]) => parts.filter(Boolean).join(' ')
  return {
    os: words(os.distro, os.release, os.kernel),
    board: words(board.manufacturer, board.model) || 'unknown',
    graphics: gpus.controllers.map(one => words(one.vendor, one.model)),
  }
}

function cpuFlags(): Set<string> {
  const line = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(read('/proc/cpuinfo'))
  return new Set(line?.[1]?.split(/\s+/) ?? [])
}

function memory() {
  const text = read('/proc/meminfo')
  const bytes = (key: string) =>
    1024 * Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0)
  return { totalBytes: bytes('MemTotal'), availableBytes: bytes('MemAvailable') }
}

async function clockSynced(): Promise<boolean | null> {
  if (existsSync('/run/systemd/timesync/synchronized')) return true
  const said = await run('timedatectl', ['show', '-p', 'NTPSynchronized', '--value'])
  return said === 'yes' ? true : said === 'no' ? false : null
}

function tryListen(host: string, port: number): Promise<void> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve()))
  })
}

const tlsOf = (socket: TLSSocket) => ({
  protocol: socket.getProtocol() ?? 'TLS',
  validTo: new Date(socket.getPeerCertificate().valid_to),
})

/** Without a will: doctor must never be the one who says that a kiosk is offline. */
async function tryBroker(mqtt: Config['mqtt']): Promise<BrokerAnswer> {
  const { connect } = await import('mqtt')
  const { classify } = await import('../../publish/connection-problem.js')
  const { loginOf } = await import('../../publish/credentials.js')
  const { url } = mqtt
  const client = connect(url, {
    ...(await loginOf(mqtt)),
    clientId: `grocerd-doctor-${process.pid}`,
    connectTimeout: connectMs,
    reconnectPeriod: 0,
  })
  // null: closed without a word, as by a broker that speaks another protocol.
  const answer = await new Promise<unknown>(resolve => {
    client.once('connect', resolve)
    client.on('error', resolve)
    client.once('close', () => resolve(null))
  })
  const isConnected = client.connected
  const { stream } = client
  const tls = isConnected && stream instanceof TLSSocket ? tlsOf(stream) : null
  await client.endAsync(!isConnected)
  if (isConnected) return { tls }
  const { code, message } = classify(answer, url)
  throw new GroceryError(code, message)
}

async function health(host: string, port: number): Promise<string | null> {
  const name = host.includes(':') ? `[${host}]` : host
  try {
    const signal = AbortSignal.timeout(connectMs)
    const response = await fetch(`http://${name}:${port}/healthz`, { signal })
    return response.ok ? (await response.text()).trim() : null
  } catch {
    return null
  }
}

async function loadAddon(): Promise<void> {
  const { readJpegHeader } = await import('../../inference/addon.js')
  try {
    readJpegHeader(new Uint8Array())
  } catch (error) {
    // Any answer but this one shows that it works.
    if (describeError(error).code === 'ADDON_NOT_BUILT') throw error
  }
}

/** Types of file systems in memory, as statfs(2) names them: tmpfs and ramfs. */
const inMemory = new Set([0x01021994, 0x858458f6])

function disk(folder: string) {
  const { bavail, blocks, bsize, type } = statfsSync(folder)
  return {
    freeBytes: bavail * bsize,
    totalBytes: blocks * bsize,
    isMemory: inMemory.has(type),
  }
}

/** This machine, asked anew at each call. */
export function thisMachine(): Machine {
  const header = (process.report.getReport() as { header: { glibcVersionRuntime?: string } }).header
  return {
    nodeVersion: process.versions.node,
    arch: process.arch,
    glibcVersion: header.glibcVersionRuntime ?? null,
    system,
    cpu: () => ({
      model: cpus()[0]?.model.trim() || 'unknown',
      cores: availableParallelism(),
      flags: cpuFlags(),
    }),
    memory,
    accelerators: () => [
      ...(list('/dev/dri').some(name => name.startsWith('renderD')) ? ['intel-gpu' as const] : []),
      ...(list('/dev/accel').length > 0 ? ['npu' as const] : []),
      ...(existsSync('/dev/nvidia0') || existsSync('/etc/nv_tegra_release')
        ? ['nvidia' as const]
        : []),
    ],
    acceleratorFiles,
    deviceFile,
    stableNames,
    user: thisUser,
    disk,
    clockSynced,
    loadAddon,
    probeRuntime: async name => (await import('../../inference/addon.js')).probeRuntime(name),
    probeTurboJpeg: async () => (await import('../../inference/addon.js')).probeTurboJpeg(),
    tryModels,
    program: async (name, argument) => (await run(name, [argument]))?.split('\n')[0] ?? null,
    v4l2: v4l2Ctl,
    tryListen,
    health,
    tryBroker,
  }
}
