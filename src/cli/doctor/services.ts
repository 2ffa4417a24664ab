// Checks of what the daemon talks to and writes on: broker, HTTP port, state directory.
import { accessSync, constants, existsSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Config } from '../../config/schema.js'
import { describeError } from '../../errors.js'
import { withoutSecrets } from '../../publish/connection-problem.js'
import { type Finding, fail, failure, ok, warn } from './finding.js'
import type { Machine } from './machine.js'

const leastFreeBytes = 16 * 1024 ** 2

function splitListen(listen: string): { host: string; port: number } {
  const colon = listen.lastIndexOf(':')
  const host = listen.slice(0, colon).replace(/^\[|\]$/g, '')
  return { host, port: Number(listen.slice(colon + 1)) }
}

/** A daemon that runs already holds its ports: that is as it should be. */
async function checkPort(
  machine: Machine,
  key: string,
  listen: string,
  daemonRuns: boolean,
): Promise<Finding> {
  const { host, port } = splitListen(listen)
  try {
    await machine.tryListen(host, port)
    return ok(key, `${listen} is free`)
  } catch (error) {
    const { code, message } = describeError(error)
    if (code === 'EADDRINUSE' && daemonRuns) return ok(key, `${listen}: grocerd runs there`)
    return code === 'EADDRINUSE'
      ? fail(key, `${listen} is taken`, `See \`ss -ltnp\`; stop that program or change ${key}.`)
      : fail(key, `${listen}: ${message}`, `Give ${key} an address of this machine.`)
  }
}

async function checkBroker(machine: Machine, { mqtt }: Config): Promise<Finding> {
  try {
    await machine.tryBroker(mqtt)
    return ok('broker', `${withoutSecrets(mqtt.url)} answers, login accepted, MQTT ${mqtt.version}`)
  } catch (error) {
    return failure('broker', error)
  }
}

/** The folder in which the missing part of a path would be made. */
function existingAbove(path: string): string {
  return existsSync(path) ? path : existingAbove(dirname(path))
}

function checkState({ outbox }: Config): Finding {
  const { dir, maxBytes } = outbox
  const isThere = existsSync(dir)
  const place = existingAbove(dir)
  try {
    accessSync(place, constants.W_OK | constants.X_OK)
  } catch (error) {
    const { code } = describeError(error)
    const remedy = `sudo install -d -o "$USER" ${dir} (or the user that grocerd runs as).`
    return fail('outbox.dir', `${place} cannot be written: ${code}`, remedy)
  }
  const { bavail, bsize } = statfsSync(place)
  const free = bavail * bsize
  const found = `${dir}${isThere ? '' : ' (will be made)'}, ${Math.round(free / 1024 ** 2)} MiB free`
  const remedy = `Free disk space, or lower outbox.maxBytes (${Math.round(maxBytes / 1024 ** 2)} MiB).`
  if (free < leastFreeBytes) return fail('outbox.dir', found, remedy)
  return free < maxBytes ? warn('outbox.dir', found, remedy) : ok('outbox.dir', found)
}

export async function* checkServices(machine: Machine, config: Config): AsyncGenerator<Finding> {
  const { host, port } = splitListen(config.http.listen)
  const daemonRuns = (await machine.health(host, port)) === 'ok'
  yield await checkPort(machine, 'http.listen', config.http.listen, daemonRuns)
  if (config.mqtt.url === 'embedded') {
    yield await checkPort(machine, 'mqtt.listen', config.mqtt.listen, daemonRuns)
  } else {
    yield await checkBroker(machine, config)
  }
  yield checkState(config)
}
