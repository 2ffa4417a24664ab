// An installed model that somebody wants to activate: believed again, and held against this place and this day.
import { GroceryError } from '../errors.js'
import { openModel } from '../inference/manifest.js'
import type { Trust } from './bundle.js'
import { checkAge, checkHardware, checkLabels, type Place, type WallClock } from './judge.js'
import { type Installed, listInstalled, openInstalled } from './store.js'

export interface Wanted {
  stateDir: string
  name: string
  /** undefined: the newest that is installed. */
  version: number | undefined
  trust: Trust
  place: Place
  clock: WallClock
}

/** @throws MODEL_NOT_INSTALLED, and what speaks against it: BUNDLE_INVALID, BUNDLE_UNTRUSTED, BUNDLE_EXPIRED, BUNDLE_INCOMPATIBLE */
export function openCandidate({ stateDir, name, version, trust, place, clock }: Wanted): Installed {
  const wanted = version ?? listInstalled(stateDir).find(one => one.name === name)?.version
  if (wanted === undefined) {
    throw new GroceryError(
      'MODEL_NOT_INSTALLED',
      `Expected an installed version of ${name} but there is none`,
    )
  }
  const installed = openInstalled(stateDir, name, wanted, trust)
  checkHardware(installed, place)
  checkAge(installed, clock)
  const { labels } = openModel(installed.folder)
  checkLabels(
    installed,
    labels.map(one => one.sku),
    place,
  )
  return installed
}
