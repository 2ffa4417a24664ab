// What a start of the daemon would use now: the record, the model of the configuration, and what bundles are held against.
import type { Config } from '../../config/schema.js'
import type { Trust } from '../../updates/bundle.js'
import type { Place } from '../../updates/judge.js'
import { placeOf } from '../../updates/place.js'
import { type Activation, readActivation } from '../../updates/records.js'
import { type Chain, startChain } from '../../updates/start-chain.js'
import { type Configured, readConfigured } from '../../updates/store.js'

export interface Answering {
  configured: Configured
  /** Of this model; null where nothing was ever activated. */
  record: Activation | null
  chain: Chain
  place: Place
}

/** @throws ACTIVATION_INVALID */
export function answering(config: Config, trust: Trust): Answering {
  const { classifier } = config.models
  const configured = readConfigured(classifier)
  const found = readActivation(config.outbox.dir)
  const record = found !== null && found.name === configured.name ? found : null
  const chain = record
    ? startChain(config.outbox.dir, record, classifier, trust)
    : { choices: [{ version: null, classifier }], broken: null }
  return {
    configured,
    record,
    chain,
    place: placeOf(config, configured, chain.choices[0]!.classifier),
  }
}
