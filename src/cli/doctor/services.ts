// Checks of what the daemon talks to and writes on: broker, HTTP port, state directory.
import { accessSync, constants, existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Config } from '../../config/schema.js'
import { describeError } from '../../errors.js'
import { checkBroker } from './broker.js'
import { type Finding, fail, ok, warn } from './finding.js'
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

/** The folder in which the missing part of a path would be made. */
function existingAbove(path: string): string {
  return existsSync(path) ? path : existingAbove(dirname(path))
}

function checkState(machine: Machine, { outbox }: Config): Finding {
  const { dir, maxBytes, minFree } = outbox
  const isThere = existsSync(dir)
  const place = existingAbove(dir)
  try {
    accessSync(place, constants.W_OK | constants.X_OK)
  } catch (error) {
    const { code } = describeError(error)
    const remedy = `sudo install -d -o "$USER" ${dir} (or the user that grocerd runs as).`
    return fail('outbox.dir', `${place} cannot be written: ${code}`, remedy)
  }
  const { freeBytes, totalBytes, isMemory } = machine.disk(place)
  const share = Math.round((1000 * freeBytes) / totalBytes) / 10
  const found = `${dir}${isThere ? '' : ' (will be made)'}, ${Math.round(freeBytes / 1024 ** 2)} MiB free (${share} %)`
  const remedy = `Free disk space, or lower outbox.maxBytes (${Math.round(maxBytes / 1024 ** 2)} MiB).`
  if (freeBytes < leastFreeBytes) return fail('outbox.dir', found, remedy)
  if (freeBytes < minFree * totalBytes) {
    const more = `Free disk space: below outbox.minFree (${Math.round(1000 * minFree) / 10} %) the outbox grows no more.`
    return warn('outbox.dir', found, more)
  }
  if (isMemory) {
    const other = 'Give outbox.dir a folder on a disk: events that wait are lost with the power.'
    return warn('outbox.dir', `${found}, in memory`, other)
  }
  return freeBytes < maxBytes ? warn('outbox.dir', found, remedy) : ok('outbox.dir', found)
}

/** Whether a daemon answers at http.listen: it holds ports and cameras then, as it should. */
export async function daemonAt(machine: Machine, { http }: Config): Promise<boolean> {
  const { host, port } = splitListen(http.listen)
  return (await machine.health(host, port)) === 'ok'
}

export async function* checkServices(
  machine: Machine,
  config: Config,
  daemonRuns: boolean,
): AsyncGenerator<Finding> {
  yield await checkPort(machine, 'http.listen', config.http.listen, daemonRuns)
  if (config.mqtt.url === 'embedded') {
    yield await checkPort(machine, 'mqtt.listen', config.mqtt.listen, daemonRuns)
  } else {
    yield* checkBroker(machine, config)
  }
  yield checkState(machine, config)
}
