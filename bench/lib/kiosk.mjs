// A real daemon for the measurements: its cameras are folders of frames, its figures those of /metrics and /proc.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
/** USER_HZ: the unit of /proc/<pid>/stat on every Linux that Node runs on. */
const ticksPerSecond = 100

/** @returns a running daemon; `startedAt` is performance.now() before its process began. */
export async function startKiosk(folder, cameras, more = {}) {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'grocerd.yaml')
  writeFileSync(
    file,
    JSON.stringify({
      kiosk: { id: 'bench' },
      cameras,
      mqtt: { url: 'embedded', listen: '127.0.0.1:0' },
      http: { listen: '127.0.0.1:0' },
      outbox: { dir: join(folder, 'state') },
      counter: { needSession: false },
      ...more,
    }),
  )
  const startedAt = performance.now()
  const args = [join(root, 'dist', 'main.js'), 'run', '--config', file]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(child, 'exit')
  const words = []
  const said = await new Promise((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', line => {
      words.push(line)
      if (line.includes('"grocerd runs"')) resolve(JSON.parse(line))
    })
    ended.then(() => reject(new Error(words.join('\n'))))
  })
  return {
    startedAt,
    pid: child.pid,
    mqttUrl: said.mqttUrl,
    url: `http://127.0.0.1:${said.httpPort}`,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** All samples of /metrics, by name with labels as they stand there. */
export async function metricsOf(kiosk) {
  const text = await (await fetch(`${kiosk.url}/metrics`)).text()
  const samples = {}
  for (const line of text.split('\n')) {
    const [, name, value] = /^([a-z0-9_]+(?:\{.*\})?) (\S+)$/.exec(line) ?? []
    if (name) samples[name] = Number(value)
  }
  return samples
}

/** Frames of each camera so far: those that were looked at, and those that a newer one replaced. */
export function framesOf(samples) {
  const cameras = {}
  for (const [name, value] of Object.entries(samples)) {
    const [, camera, result] =
      /^grocerd_frames_total\{camera="(.*)",result="(.*)"\}$/.exec(name) ?? []
    if (!camera) continue
    cameras[camera] ??= { seen: 0, dropped: 0 }
    if (result === 'dropped') cameras[camera].dropped += value
    else if (result !== 'failed') cameras[camera].seen += value
  }
  return cameras
}

/** Processes of a daemon: itself and those it started. */
export function processesOf(pid) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return [pid, ...children.split(' ').filter(Boolean).map(Number)]
}

/** Seconds of CPU that the processes have used so far. */
export function cpuSeconds(pids) {
  return pids.reduce((sum, pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
    return sum + (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
  }, 0)
}

export function rssMb(pids) {
  return pids.map(pid => {
    const [, kb] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
    return Math.round(Number(kb) / 1024)
  })
}
