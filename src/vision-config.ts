// What vision is told at its start: the part of the configuration that it needs.
import { join } from 'node:path'
import type { Config } from './config/schema.js'
import type { Configure } from './protocol.js'

export function visionConfig(config: Config): Configure {
  const { kiosk, cameras, models, catalogue, runtime } = config
  const { memory, recognition, counter, outbox, log } = config
  return {
    type: 'configure',
    cameras,
    models,
    catalogue,
    site: kiosk.site,
    runtime,
    memory,
    cacheDir: runtime.cache ? join(outbox.dir, 'cache') : null,
    stateDir: outbox.dir,
    attempt: 0,
    change: 0,
    recognition,
    counter,
    logLevel: log.level,
  }
}
