// A lane of a shop for fault tests: a real daemon, a fake camera, and a till that keeps the books of what was laid down and taken.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Listener, type RunningDaemon, startDaemon } from './daemon.js'
import { FakeCamera, pictures, type View } from './fake-camera.js'

export const sleep = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms))

export const since = (at: number): number => Math.round(performance.now() - at)

/** Polls; rejects when it does not become true in time. */
export async function until(fits: () => unknown, what: string, ms = 15_000): Promise<void> {
  for (const end = performance.now() + ms; !(await fits()); await sleep(20)) {
    if (performance.now() > end) throw new Error(`no ${what} within ${ms} ms`)
  }
}

const children = (pid: number, name: string): number[] =>
  spawnSync('pgrep', ['-P', String(pid), '-f', name])
    .stdout.toString()
    .split('\n')
    .filter(Boolean)
    .map(Number)

/** For the environment of a daemon that `probe` is to look into. @param dir where it writes */
export const probed = (dir: string): Record<string, string> => ({
  NODE_OPTIONS: `--expose-gc --import ${new URL('probe.mjs', import.meta.url).href}`,
  PROBE_DIR: dir,
})

export interface Probe extends Holdings {
  /** After a forced collection, MB: the heap, and with it what lies outside. */
  heapMb: number
  externalMb: number
  /** Of the process and of its open handles, and these by their kind. */
  listeners: number
  handles: Record<string, number>
}

/** Asks a process that was started with `probed(dir)`. */
export async function probe(dir: string, pid: number): Promise<Probe> {
  const file = join(dir, `${pid}.json`)
  rmSync(file, { force: true })
  process.kill(pid, 'SIGUSR2')
  await until(() => existsSync(file), `answer of ${pid}`)
  const found = JSON.parse(readFileSync(file, 'utf8'))
  const mb = (bytes: number) => bytes / 2 ** 20
  return {
    ...holdings(pid),
    heapMb: mb(found.heapUsed),
    externalMb: mb(found.external + found.arrayBuffers),
    listeners: found.listeners,
    handles: found.handles,
  }
}

/** What a process holds: open descriptors, threads and resident MB. */
interface Holdings {
  descriptors: number
  threads: number
  rssMb: number
}

export function holdings(pid: number): Holdings {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const value = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1])
  return {
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    threads: value('Threads'),
    rssMb: value('VmRSS') / 1024,
  }
}

export const visionOf = (daemon: RunningDaemon): number =>
  children(daemon.process.pid!, 'vision.js')[0]!

export class Lane {
  readonly camera: FakeCamera
  readonly wrong: string[] = []
  daemon!: RunningDaemon
  till!: Listener
  /** What must have been said so far, such as `placed banana`. */
  readonly #expected: string[] = []
  #lies: string | null = null
  readonly dir: string
  readonly #config: object

  /** @param config beside the camera `counter`, which needs no session */
  constructor(dir: string, config: object = {}) {
    this.dir = dir
    this.#config = config
    this.camera = new FakeCamera(join(dir, 'camera'))
  }

  /** Resolves when the daemon is ready and has seen an empty counter. */
  async start(env: Record<string, string> = {}): Promise<void> {
    this.camera.start()
    this.camera.show(await pictures())
    this.daemon = await startDaemon(
      this.dir,
      {
        cameras: [{ id: 'counter', source: this.camera.source, fps: 20 }],
        counter: { needSession: false },
        ...this.#config,
      },
      env,
    )
    this.till = new Listener(this.daemon.mqttUrl)
    await this.well()
  }

  async stop(): Promise<void> {
    this.daemon?.process.kill('SIGTERM')
    const code = await this.daemon?.ended
    if (code !== 0) this.wrong.push(`the daemon ended with ${code}`)
    await this.till?.stop()
    this.camera.stop()
  }

  /** What lies before the camera from now on; null: nothing. It is not waited for: the camera may see nothing now. */
  async lay(of: string | null, view: View = {}): Promise<void> {
    const shown = await pictures({ of, ...view })
    if (this.#lies !== of) {
      if (this.#lies) this.#expected.push(`removed ${this.#lies}`)
      if (of) this.#expected.push(`placed ${of}`)
      this.#lies = of
    }
    this.camera.show(shown)
  }

  /** Resolves when all that was laid down and taken was told, or after a while without it. */
  async told(ms = 6000): Promise<void> {
    const enough = () => this.said().length >= this.#expected.length
    await until(enough, 'events', ms).catch(() => {})
  }

  said(): string[] {
    const ids = new Set<string>()
    return this.till.events().flatMap(({ id, action, item }) => {
      if (ids.has(id)) return []
      ids.add(id)
      return [`${action} ${item.sku}`]
    })
  }

  /** What was never told, and what was told and did not happen. */
  account(): { lost: number; duplicated: number } {
    const said = this.said()
    const lost = this.#expected.filter(one => {
      const at = said.indexOf(one)
      if (at >= 0) said.splice(at, 1)
      return at < 0
    })
    if (lost.length > 0) this.wrong.push(`never told: ${lost.join(', ')}`)
    if (said.length > 0) this.wrong.push(`told and untrue: ${said.join(', ')}`)
    const inOrder = this.said().filter(one => this.#expected.includes(one))
    if (lost.length + said.length === 0 && inOrder.join() !== this.#expected.join())
      this.wrong.push(`in another order: ${inOrder.join(', ')}`)
    return { lost: lost.length, duplicated: said.length }
  }

  /** Milliseconds from now until the state gives this reason. */
  async complains(code: string, ms = 15_000): Promise<number> {
    return this.#state(
      state => state.reasons.some((one: { code: string }) => one.code === code),
      code,
      ms,
    )
  }

  /** Milliseconds from now until the state is ready. */
  async well(ms = 20_000): Promise<number> {
    return this.#state(state => state.readiness === 'ready', 'ready', ms)
  }

  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a test looks into whatever came
  async #state(fits: (state: any) => boolean, what: string, ms: number): Promise<number> {
    const began = performance.now()
    const newest = () => this.till.heard.findLast(one => one.topic === 'state')?.message
    await until(() => fits(newest() ?? { reasons: [] }), what, ms).catch(error => {
      throw new Error(`${error.message}; the state says ${JSON.stringify(newest()?.reasons)}`)
    })
    return since(began)
  }

  async get(path: string): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.daemon.httpPort}${path}`)).text()
  }

  /** See hang-inference.mjs. */
  get hangFile(): string {
    return join(this.dir, 'hang')
  }

  get vision(): number {
    return visionOf(this.daemon)
  }

  get ffmpeg(): number {
    return children(this.vision, 'ffmpeg')[0]!
  }
}
