// The broker that all programs of a comparison share: mosquitto where it is, else the demo broker in a process of its own.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectAsync } from 'mqtt'

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  return port
}

const aedes = port => `
  import { DemoBroker } from ${JSON.stringify(new URL('../../dist/publish/broker.js', import.meta.url).href)}
  import { createLog } from ${JSON.stringify(new URL('../../dist/log.js', import.meta.url).href)}
  await new DemoBroker({ listen: '127.0.0.1:${port}', log: createLog('bench', 'error') }).start()`

/** @returns {{name, host, stop}} host as host:port */
export async function startBroker(folder) {
  const port = await freePort()
  const hasMosquitto = spawnSync('mosquitto', ['-h']).error === undefined
  const file = join(folder, 'mosquitto.conf')
  writeFileSync(
    file,
    `listener ${port} 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 64\n`,
  )
  const child = hasMosquitto
    ? spawn('mosquitto', ['-c', file], { stdio: 'ignore' })
    : spawn(process.execPath, ['--input-type=module', '-e', aedes(port)], { stdio: 'ignore' })
  for (let tries = 0; ; tries++) {
    try {
      const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0 })
      await client.endAsync()
      break
    } catch (error) {
      if (tries === 50) throw error
      await sleep(100)
    }
  }
  const name = hasMosquitto ? 'mosquitto' : 'aedes'
  return { name, host: `127.0.0.1:${port}`, stop: () => child.kill('SIGTERM') }
}
