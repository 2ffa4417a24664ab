// Brokers for tests: the demo broker always, a real mosquitto where it is installed, and a line to cut between.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { DemoBroker } from '../../src/publish/broker.js'
import { quiet } from './kiosk-parts.js'
import { Relay } from './relay.js'

export const hasMosquitto = spawnSync('mosquitto', ['-h']).error === undefined

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

export interface TestBroker {
  url: string
  port: number
  /** Of mosquitto; 0 where the broker is in this process. */
  pid: number
  stop: () => Promise<void>
}

export async function startDemoBroker(port = 0): Promise<TestBroker> {
  const broker = new DemoBroker({ listen: `127.0.0.1:${port}`, log: quiet })
  return { ...(await broker.start()), pid: 0, stop: () => broker.stop() }
}

/** @param settings more lines for its configuration. */
export async function startMosquitto(
  dir: string,
  settings = ['allow_anonymous true'],
  port?: number,
  {
    runner = [],
    host = '127.0.0.1',
  }: { runner?: string[] | undefined; host?: string | undefined } = {},
): Promise<TestBroker> {
  const chosen = port ?? (await freePort())
  const file = join(dir, `mosquitto-${chosen}.conf`)
  const user = process.getuid?.() === 0 ? ['user root'] : []
  writeFileSync(
    file,
    [`listener ${chosen} ${runner.length > 0 ? '0.0.0.0' : host}`, ...user, ...settings, ''].join(
      '\n',
    ),
  )
  const [program, ...words] = [...runner, 'mosquitto', '-c', file]
  const child = spawn(program!, words, { stdio: 'ignore' })
  const ended = once(child, 'exit')
  await waitForPort(chosen, host)
  return {
    url: `mqtt://${host}:${chosen}`,
    port: chosen,
    pid: child.pid!,
    stop: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}

async function waitForPort(port: number, host: string): Promise<void> {
  for (;;) {
    const socket = connect(port, host)
    try {
      await once(socket, 'connect')
      return
    } catch {
      await new Promise(resolve => setTimeout(resolve, 20))
    } finally {
      socket.destroy()
    }
  }
}

/** A line that can be cut, or go dead without a word. */
export class Line extends Relay {
  dead = false
  /** Bytes from the kiosk that went nowhere. */
  swallowed = 0

  protected wire(near: Socket, far: Socket): void {
    near.on('data', data => {
      if (this.dead) this.swallowed += data.length
      else far.write(data)
    })
    far.on('data', data => this.dead || near.write(data))
  }
}
