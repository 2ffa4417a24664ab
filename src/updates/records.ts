// What is remembered of updates: which version answers (activation.json) and which came last of each key (ratchet.json).
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { noStep, type Step } from '../whole-file.js'
import { readJson, writeJson } from './json-file.js'

const format = 1
const version = z.int().min(1)

/** How often items were sure. */
const rate = z.strictObject({ items: z.int().min(0), sure: z.int().min(0) })

const activation = z.strictObject({
  format: z.literal(format),
  /** The model that the configuration names; for another one the record does not hold. */
  name: z.string(),
  /** null: the model of the configuration itself. */
  current: version.nullable(),
  /** What comes next when that one fails; the model of the configuration is the last. */
  previous: version.nullable(),
  at: z.string(),
  /** Until it has run for a while: how often the daemon began with it. A kiosk that never gets there goes back. */
  trial: z.strictObject({ starts: z.int().min(0) }).nullable(),
  /** The rate of the model before, while the current one is held against it. */
  watch: rate.nullable(),
  /** Why the one before came back by itself; null: nobody need know of anything. */
  rolledBack: z.string().nullable(),
})
export type Activation = z.infer<typeof activation>

const ratchet = z.strictObject({
  format: z.literal(format),
  /** By key id, then by name: the highest version that was installed, and the sha256 of its manifest. */
  keys: z.record(z.string(), z.record(z.string(), z.strictObject({ version, sha256: z.string() }))),
})
export type Ratchet = z.infer<typeof ratchet>

/** Where all of it lies; the folder of the daemon's state. */
export const modelsFolder = (stateDir: string): string => join(stateDir, 'models')
export const installedFolder = (stateDir: string, name: string, version: number): string =>
  join(modelsFolder(stateDir), `${name}-${version}`)

const activationFile = (stateDir: string) => join(modelsFolder(stateDir), 'activation.json')
const ratchetFile = (stateDir: string) => join(modelsFolder(stateDir), 'ratchet.json')

/** null where nothing was ever activated. @throws ACTIVATION_INVALID */
export const readActivation = (stateDir: string): Activation | null =>
  readJson(activationFile(stateDir), activation, format)

/** Only who holds the lock of the state directory writes it: the daemon, or a command while none runs. */
export function writeActivation(
  stateDir: string,
  value: Omit<Activation, 'format'>,
  step: Step = noStep,
): void {
  mkdirSync(modelsFolder(stateDir), { recursive: true, mode: 0o700 })
  writeJson(activationFile(stateDir), { format, ...value }, step)
}

/** @throws ACTIVATION_INVALID */
export const readRatchet = (stateDir: string): Ratchet =>
  readJson(ratchetFile(stateDir), ratchet, format) ?? { format, keys: {} }

/** Only who holds the lock of the models' folder writes it: one installation at a time. */
export const writeRatchet = (stateDir: string, value: Ratchet, step: Step = noStep): void =>
  writeJson(ratchetFile(stateDir), value, step)
