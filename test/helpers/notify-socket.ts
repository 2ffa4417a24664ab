// systemd's end of sd_notify: a Unix datagram socket, which Node cannot open, held by python3.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

const script = `
import socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
print("bound", flush=True)
while True:
    print(repr(listener.recv(65536).decode()), flush=True)
`

export const hasPython = spawnSync('python3', ['-c', '']).status === 0

export class NotifySocket {
  readonly heard: { at: number; text: string }[] = []
  readonly #path: string
  #python: ChildProcess | null = null

  constructor(path: string) {
    this.#path = path
  }

  async start(): Promise<void> {
    const python = spawn('python3', ['-c', script, this.#path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#python = python
    const lines = createInterface({ input: python.stdout! })
    await once(lines, 'line')
    lines.on('line', line => this.heard.push({ at: performance.now(), text: line.slice(1, -1) }))
  }

  stop(): void {
    this.#python?.kill('SIGKILL')
  }

  /** How long ago the last ping came, ms. */
  silentFor(): number {
    const last = this.heard.findLast(one => one.text === 'WATCHDOG=1')
    return performance.now() - (last?.at ?? Number.NEGATIVE_INFINITY)
  }
}
