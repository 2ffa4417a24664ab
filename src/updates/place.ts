// What a bundle is held against on this machine: gathered from the configuration and from the model that answers.
import type { Config } from '../config/schema.js'
import { version } from '../version.js'
import type { Place } from './judge.js'
import { type Configured, readConfigured } from './store.js'

/** @param classifier what answers now, as models.classifier would name it */
export function placeOf(
  { runtime }: Pick<Config, 'runtime'>,
  configured: Configured,
  classifier: string,
): Place {
  const { name, version: shipped } = configured
  return {
    grocerd: version,
    arch: process.arch,
    device: runtime.device,
    shipped: name !== null && shipped !== null ? { name, version: shipped } : null,
    skus: readConfigured(classifier).skus,
  }
}
