// Which models a start may use, the best first: the active one, the one before it, and that of the configuration.
import { describeError } from '../errors.js'
import type { Trust } from './bundle.js'
import type { Activation } from './records.js'
import { openInstalled } from './store.js'

/** A daemon that began so often with a model without ever running for a minute tries it no more. */
export const mostStarts = 3

export interface Choice {
  /** null: the model of the configuration. */
  version: number | null
  /** What models.classifier is for vision. */
  classifier: string
}

export interface Chain {
  /** Never empty; the last is the model of the configuration. */
  choices: Choice[]
  /** Why the active version is not the first of them, in words; null where it is. */
  broken: string | null
}

/** Reads every installed model of the record: hashes and signature must hold at every start. */
export function startChain(
  stateDir: string,
  record: Activation,
  classifier: string,
  trust: Trust,
): Chain {
  const { name, current, previous, trial } = record
  const choices: Choice[] = []
  let broken: string | null = null
  for (const version of [current, previous]) {
    if (version === null || choices.some(one => one.version === version)) continue
    if (version === current && trial && trial.starts >= mostStarts) {
      broken = `grocerd began ${trial.starts} times with ${name} ${version} and never ran for long`
      continue
    }
    try {
      const { folder } = openInstalled(stateDir, name, version, trust)
      choices.push({ version, classifier: folder })
    } catch (error) {
      const { code, message } = describeError(error)
      if (version === current) broken = `${code}: ${message}`
    }
  }
  return { choices: [...choices, { version: null, classifier }], broken }
}
