// Which cameras are paused: somebody works at the counter, and nothing that they see is announced until it is resumed. Kept on disk.
import { join } from 'node:path'
import { z } from 'zod'
import type { Clock } from '../clock.js'
import type { Config } from '../config/schema.js'
import { describeError, GroceryError } from '../errors.js'
import { readJson, unwritable, writeJson } from '../json-file.js'
import { expectCamera } from '../leading-camera.js'
import type { Logger } from '../log.js'
import type { Reason } from '../observe/health.js'
import type { CommandPayload, CommandResult } from '../publish/command-messages.js'

const format = 1
/** By camera: since when, UTC. */
const schema = z.object({
  format: z.literal(format),
  cameras: z.record(z.string(), z.iso.datetime({ precision: 3 })),
})

const fileIn = (stateDir: string) => join(stateDir, 'paused.json')

/** Since when each camera of a state directory is paused, UTC. Throws OUTBOX_INVALID. */
export const keptPauses = (stateDir: string): Map<string, string> =>
  new Map(
    Object.entries(
      readJson(fileIn(stateDir), { schema, format, code: 'OUTBOX_INVALID' })?.cameras ?? {},
    ),
  )

export interface PausesOptions {
  config: Pick<Config, 'cameras' | 'outbox'>
  /** Told at the start of each that is paused, then of every change; reason null: it goes on. */
  changed(camera: string, reason: Reason | null): void
  clock: Pick<Clock, 'wall'>
  log: Logger
}

export class Pauses {
  readonly #options: PausesOptions
  #since = new Map<string, string>()

  constructor(options: PausesOptions) {
    this.#options = options
  }

  /**
   * A pause outlasts a restart: who changes the lamp may cut the power, and nothing may be sold of a cloth on the scale.
   * To be called with the lock of the state directory held. What cannot be read pauses nothing.
   */
  start(): void {
    const { config, log } = this.#options
    try {
      const known = new Set(config.cameras.map(({ id }) => id))
      this.#take(new Map([...keptPauses(config.outbox.dir)].filter(([id]) => known.has(id))))
    } catch (error) {
      log.warn(describeError(error), 'which cameras were paused cannot be read: none is')
    }
  }

  stop(): void {}

  /** UTC; null: it is not paused. */
  since(camera: string): string | null {
    return this.#since.get(camera) ?? null
  }

  /** One camera or all; again changes nothing. Throws CAMERA_UNKNOWN, NO_CAMERA, STATE_UNWRITABLE, and pauses nothing then. */
  async pause({ camera }: CommandPayload<'pause'>): Promise<CommandResult<'pause'>> {
    const now = new Date(this.#options.clock.wall()).toISOString()
    const added = this.#meant(camera).map((id): [string, string] => [id, this.since(id) ?? now])
    return this.#become(new Map([...this.#since, ...added]))
  }

  /** Throws as pause does. */
  async resume({ camera }: CommandPayload<'resume'>): Promise<CommandResult<'resume'>> {
    const meant = this.#meant(camera)
    return this.#become(new Map([...this.#since].filter(([id]) => !meant.includes(id))))
  }

  get #file(): string {
    return fileIn(this.#options.config.outbox.dir)
  }

  #meant(camera: string | null | undefined): string[] {
    const { cameras } = this.#options.config
    if (cameras.length === 0)
      throw new GroceryError('NO_CAMERA', 'Expected a camera but none is configured')
    return camera ? [expectCamera(cameras, camera).id] : cameras.map(({ id }) => id)
  }

  #become(next: Map<string, string>): CommandResult<'pause'> {
    try {
      writeJson(this.#file, { format, cameras: Object.fromEntries(next) })
    } catch (cause) {
      throw unwritable(this.#file, cause)
    }
    this.#take(next)
    return { paused: [...next].map(([camera, since]) => ({ camera, since })) }
  }

  #take(next: Map<string, string>): void {
    const before = this.#since
    this.#since = next
    for (const { id } of this.#options.config.cameras) {
      const since = next.get(id)
      if (since === before.get(id)) continue
      const message = `camera ${id} is paused since ${since}: nothing that it sees is announced until the command resume`
      this.#options.log.info({ camera: id, since }, since ? 'a camera is paused' : 'it goes on')
      this.#options.changed(id, since === undefined ? null : { code: 'CAMERA_PAUSED', message })
    }
  }
}
