// A real daemon process for tests: its own state directory, a broker inside on a free port, and a till that listens.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { connect, type IClientOptions, type MqttClient } from 'mqtt'

const demoPictures = resolve('deploy/demo/pictures')

/** A folder with some of the demo's photographs, under names that keep their order. */
export function pictureFolder(folder: string, ...names: string[]): string {
  mkdirSync(folder, { recursive: true })
  const all = readdirSync(demoPictures)
  names.forEach((name, index) => {
    const file = all.find(one => one.endsWith(`-${name}.jpg`))
    if (!file) throw new Error(`the demo has no picture of ${name}`)
    copyFileSync(join(demoPictures, file), join(folder, `${index}-${name}.jpg`))
  })
  return folder
}

export interface RunningDaemon {
  process: ChildProcess
  httpPort: number
  mqttUrl: string
  /** All log lines so far, parsed. */
  log: Record<string, unknown>[]
  /** Resolves with the exit code, or the signal. */
  ended: Promise<number | string>
}

/** Starts `grocerd run` and resolves when it says that it runs; rejects with its words when it ends before. */
export async function startDaemon(
  dir: string,
  config: object,
  env: Record<string, string> = {},
): Promise<RunningDaemon> {
  mkdirSync(dir, { recursive: true })
  const file = join(dir, 'grocerd.yaml')
  const base = {
    kiosk: { id: 'test' },
    mqtt: { url: 'embedded', listen: '127.0.0.1:0' },
    http: { listen: '127.0.0.1:0' },
    outbox: { dir: join(dir, 'state') },
  }
  writeFileSync(file, JSON.stringify({ ...base, ...config }))
  const child = spawn(process.execPath, ['dist/main.js', 'run', '--config', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  })
  const ended = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string)
  const log: Record<string, unknown>[] = []
  const words: string[] = []
  const lines = createInterface({ input: child.stderr! })
  const ready = new Promise<RunningDaemon>((resolve, reject) => {
    lines.on('line', line => {
      words.push(line)
      if (!line.startsWith('{')) return
      const entry = JSON.parse(line)
      log.push(entry)
      if (entry.msg === 'grocerd runs') {
        resolve({ process: child, httpPort: entry.httpPort, mqttUrl: entry.mqttUrl, log, ended })
      }
    })
    lines.on('close', () => reject(new Error(words.join('\n'))))
  })
  return ready
}

/** The vision process of a daemon: its only node child. */
export const visionOf = (pid: number): number =>
  Number(
    spawnSync('pgrep', ['-P', String(pid), '-f', 'vision.js'])
      .stdout.toString()
      .trim(),
  )

export interface Heard {
  topic: string
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a test looks into whatever came
  message: any
  retained: boolean
  at: number
}

/** A till's ears: everything under a prefix, in order, and a way to wait for what is wanted. */
export class Listener {
  readonly heard: Heard[] = []
  readonly #waiting = new Set<() => void>()
  readonly client: MqttClient

  constructor(url: string, version: 4 | 5 = 5, options: IClientOptions = {}) {
    this.client = connect(url, { protocolVersion: version, reconnectPeriod: 200, ...options })
    this.client.subscribe('grocerd/#', { qos: 1 })
    this.client.on('message', (topic, payload, packet) => {
      const text = payload.toString()
      const message = /^[{["]/.test(text) ? JSON.parse(text) : text
      this.heard.push({
        topic: topic.replace('grocerd/test/', ''),
        message,
        retained: packet.retain,
        at: performance.now(),
      })
      for (const look of this.#waiting) look()
    })
  }

  /** The first message after `from` that fits; rejects with what was heard when none comes in time. */
  until(
    fits: (heard: Heard) => boolean,
    what: string,
    { from = 0, ms = 15_000 } = {},
  ): Promise<Heard> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.heard.slice(from).find(fits)
        if (!found) return
        clearTimeout(timer)
        this.#waiting.delete(look)
        resolve(found)
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(look)
        const last = this.heard
          .slice(-8)
          .map(one => `${one.topic} ${JSON.stringify(one.message).slice(0, 200)}`)
        reject(new Error(`no ${what} within ${ms} ms; last heard:\n${last.join('\n')}`))
      }, ms)
      this.#waiting.add(look)
      look()
    })
  }

  events() {
    return this.heard.filter(one => one.topic === 'items').map(one => one.message)
  }

  /** Sends a command and gives its reply. */
  async ask(verb: string, payload: object): Promise<Heard['message']> {
    const requestId = crypto.randomUUID()
    this.client.publish(`grocerd/test/cmd/${verb}`, JSON.stringify({ requestId, ...payload }), {
      qos: 1,
    })
    const reply = await this.until(
      one => one.topic === `reply/${verb}` && one.message.requestId === requestId,
      `reply to ${verb}`,
    )
    return reply.message
  }

  stop(): Promise<void> {
    return this.client.endAsync(true)
  }
}
