// Checks of the machine itself: Node, C library, processor, memory, clock.
import { type Finding, fail, ok, warn } from './finding.js'
import type { Machine } from './machine.js'

const oldestNode = 20
const oldestGlibc = '2.27'
const leastMemory = 512 * 1024 ** 2

const megabytes = (bytes: number) => `${Math.round(bytes / 1024 ** 2)} MiB`

const isOlder = (version: string, than: string) =>
  version.localeCompare(than, 'en', { numeric: true }) < 0

async function checkSystem(machine: Machine): Promise<Finding> {
  const { os, board, graphics } = await machine.system()
  return ok('system', `${os} on ${board}; graphics: ${graphics.join(', ') || 'none'}`)
}

function checkNode({ nodeVersion, arch }: Machine): Finding {
  const found = `v${nodeVersion} on ${arch}`
  return Number.parseInt(nodeVersion, 10) < oldestNode
    ? fail('node', found, `Install Node ${oldestNode} or newer.`)
    : ok('node', found)
}

function checkGlibc({ glibcVersion }: Machine): Finding {
  const remedy = `Use a system with glibc ${oldestGlibc} (JetPack 4) or newer; see docs/16-jetson.md.`
  if (glibcVersion === null) return warn('glibc', 'this C library is another one', remedy)
  return isOlder(glibcVersion, oldestGlibc)
    ? warn('glibc', `${glibcVersion}: older than all that grocerd can bring`, remedy)
    : ok('glibc', glibcVersion)
}

/** What makes INT8 models fast, by processor family. */
const features: Record<string, string[]> = {
  x64: ['avx2', 'avx_vnni', 'avx512_vnni', 'amx_int8'],
  arm64: ['asimd', 'asimddp', 'i8mm'],
}
const needed: Record<string, string> = { x64: 'avx2', arm64: 'asimddp' }

function checkCpu(machine: Machine): Finding {
  const { model, cores, flags } = machine.cpu()
  const has = (features[machine.arch] ?? []).filter(flag => flags.has(flag))
  const found = `${model}, ${cores} core${cores === 1 ? '' : 's'}: ${has.join(', ') || 'no fast INT8'}`
  const want = needed[machine.arch]
  return want !== undefined && !flags.has(want)
    ? warn('cpu', found, `Without ${want} inference is several times slower; measure with bench.`)
    : ok('cpu', found)
}

function checkMemory(machine: Machine): Finding {
  const { totalBytes, availableBytes } = machine.memory()
  const found = `${megabytes(availableBytes)} of ${megabytes(totalBytes)} free`
  return availableBytes < leastMemory
    ? warn(
        'memory',
        found,
        `Free some: ${megabytes(leastMemory)} are wanted for vision and daemon.`,
      )
    : ok('memory', found)
}

async function checkClock(machine: Machine): Promise<Finding> {
  const synced = await machine.clockSynced()
  if (synced) return ok('clock', 'synchronised')
  const remedy = 'Run `timedatectl set-ntp true`; events say clockSynced: false until then.'
  return synced === null
    ? warn('clock', 'nobody can say whether it is synchronised', remedy)
    : warn('clock', 'not synchronised', remedy)
}

function checkUser(machine: Machine): Finding {
  const { name, isRoot, groups } = machine.user()
  if (!isRoot) return ok('user', `${name}, groups ${groups.join(', ') || 'none'}`)
  const remedy =
    "As the service's user: sudo systemd-run --pty -p DynamicUser=yes -p SupplementaryGroups='video render' grocerd doctor."
  return { ...ok('user', 'root, who may use every device: the daemon may not'), remedy }
}

export async function* checkPlatform(machine: Machine): AsyncGenerator<Finding> {
  yield await checkSystem(machine)
  yield checkUser(machine)
  yield checkNode(machine)
  yield checkGlibc(machine)
  yield checkCpu(machine)
  yield checkMemory(machine)
  yield await checkClock(machine)
}
