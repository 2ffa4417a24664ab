// The secrets of the broker connection, read from files at each connect so that they can be renewed; never logged.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config/schema.js'
import { readSecret } from '../config/secret.js'
import { describeError, GroceryError } from '../errors.js'

export interface Credentials {
  password?: string
  ca?: Buffer
  cert?: Buffer
  key?: Buffer
}

const isSecure = (url: string): boolean => /^(mqtts|ssl|wss):/.test(url)

/**
 * The password comes from systemd's credential `mqtt-password` where there is one, else from
 * mqtt.passwordFile.
 *
 * @throws CONFIG_INVALID where a file cannot be read, a secret can be read by everybody, or TLS
 * files stand beside an address that would not use them.
 */
export async function readCredentials(
  mqtt: Config['mqtt'],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Credentials> {
  const { ca, cert, key } = mqtt.tls
  if ((ca || cert || key) && !isSecure(mqtt.url)) {
    const scheme = mqtt.url.split(':')[0]
    throw invalid(`Expected mqtt.url to begin with mqtts:// beside mqtt.tls but received ${scheme}`)
  }
  const password = (await systemdPassword(env)) ?? passwordOf(mqtt.passwordFile)
  // Only the check of its mode: a key has more than one line.
  if (key) readSecret(key, 'mqtt.tls.key')
  return {
    ...(password === null ? {} : { password }),
    ...(ca ? { ca: await read('mqtt.tls.ca', ca) } : {}),
    ...(cert ? { cert: await read('mqtt.tls.cert', cert) } : {}),
    ...(key ? { key: await read('mqtt.tls.key', key) } : {}),
  }
}

/** What a client of ours that is no kiosk (watch, doctor, commissioning) connects with. Throws as readCredentials does. */
export const loginOf = async (mqtt: Config['mqtt']) => ({
  ...(await readCredentials(mqtt)),
  ...(mqtt.username === null ? {} : { username: mqtt.username }),
  protocolVersion: mqtt.version,
})

const passwordOf = (path: string | null): string | null =>
  path === null ? null : readSecret(path, 'mqtt.passwordFile')

/** systemd hands it over in a folder that only the service can read; the unit gives an empty one where there is no file. */
async function systemdPassword(env: NodeJS.ProcessEnv): Promise<string | null> {
  if (!env.CREDENTIALS_DIRECTORY) return null
  const path = join(env.CREDENTIALS_DIRECTORY, 'mqtt-password')
  const text = await readFile(path, 'utf8').catch(() => null)
  return text?.split('\n')[0]!.trim() || null
}

async function read(name: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    const { code } = describeError(error)
    throw invalid(`${name}: Expected a file at ${path} but reading it failed: ${code}`)
  }
}

const invalid = (message: string): GroceryError => new GroceryError('CONFIG_INVALID', message)
