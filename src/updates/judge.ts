// Whether a signed bundle may be used here and now: its version, its age, the hardware and the labels. Pure.
import { GroceryError } from '../errors.js'
import type { Signed } from './bundle.js'
import type { Requires } from './bundle-manifest.js'
import type { Ratchet } from './records.js'

/** The wall clock, and whether anybody keeps it: without, it may say any year. */
export interface WallClock {
  now: number
  synced: boolean
}

/** What it is to run on, and in the place of what. */
export interface Place {
  grocerd: string
  arch: string
  /** runtime.device. */
  device: string
  /** The model of the configuration; null where it cannot be read. */
  shipped: { name: string; version: number } | null
  /** The classes of the model that answers now; null where nobody knows them. */
  skus: readonly string[] | null
}

const older = (a: string, b: string): boolean => {
  const [x, y] = [a, b].map(text => text.split(/[.-]/).slice(0, 3).map(Number))
  const at = [0, 1, 2].find(index => x![index] !== y![index])
  return at !== undefined && x![at]! < y![at]!
}

const named = ({ manifest: { name, version } }: Signed) => `${name} ${version}`

/**
 * Versions of one key only rise, and a version is one content for ever: where nobody keeps the clock, and the age means
 * nothing, this alone keeps what is old away. @throws BUNDLE_OUTDATED, BUNDLE_EXPIRED
 */
export function checkVersion(
  signed: Signed,
  ratchet: Ratchet,
  place: Place,
  clock: WallClock,
): void {
  const { manifest, keyId, sha256 } = signed
  const outdated = (what: string) =>
    new GroceryError('BUNDLE_OUTDATED', `${named(signed)}: ${what}`)
  const last = ratchet.keys[keyId]?.[manifest.name]
  const floor = place.shipped?.name === manifest.name ? place.shipped.version : 0
  if (manifest.version <= floor)
    throw outdated(`Expected a version above ${floor}, that of the configured model`)
  if (last && manifest.version < last.version)
    throw outdated(`Expected version ${last.version} or newer, which key ${keyId} gave before`)
  if (last?.version === manifest.version && last.sha256 !== sha256)
    throw outdated(`Expected the manifest ${last.sha256} of this version but received ${sha256}`)
  checkAge(signed, clock)
}

/** @throws BUNDLE_EXPIRED, where the clock can be believed */
export function checkAge(signed: Signed, clock: WallClock): void {
  const { expires } = signed.manifest
  if (!clock.synced || clock.now <= Date.parse(expires)) return
  const now = new Date(clock.now).toISOString()
  throw new GroceryError(
    'BUNDLE_EXPIRED',
    `${named(signed)}: Expected it before it expires at ${expires} but it is ${now}`,
  )
}

/** Hardware and version of grocerd. @throws BUNDLE_INCOMPATIBLE */
export function checkHardware(signed: Signed, place: Place): void {
  const { grocerd, arch, devices } = signed.manifest.requires
  const lacks = (what: string, wanted: string, found: string) =>
    new GroceryError(
      'BUNDLE_INCOMPATIBLE',
      `${named(signed)}: Expected ${what} ${wanted} but here is ${found}`,
    )
  if (older(place.grocerd, grocerd)) throw lacks('grocerd', `${grocerd} or newer`, place.grocerd)
  if (arch && !arch.includes(place.arch))
    throw lacks('the processor', arch.join(' or '), place.arch)
  if (devices && !devices.includes(place.device))
    throw lacks('runtime.device', devices.join(' or '), place.device)
}

/** A class that goes away is one that the shop can sell no more. @throws BUNDLE_INCOMPATIBLE */
export function checkLabels(
  signed: Signed,
  skus: readonly string[],
  place: Pick<Place, 'skus'>,
): void {
  const rule: Requires['labels'] = signed.manifest.requires.labels
  if (rule === 'any' || !place.skus) return
  const [has, had] = [new Set(skus), new Set(place.skus)]
  const gone = place.skus.filter(sku => !has.has(sku))
  const added = rule === 'same' ? skus.filter(sku => !had.has(sku)) : []
  if (gone.length + added.length === 0) return
  const list = (words: string[]) => words.slice(0, 5).join(', ') + (words.length > 5 ? ', …' : '')
  const what = [
    ...(gone.length > 0 ? [`${gone.length} are missing (${list(gone)})`] : []),
    ...(added.length > 0 ? [`${added.length} are new (${list(added)})`] : []),
  ]
  throw new GroceryError(
    'BUNDLE_INCOMPATIBLE',
    `${named(signed)}: Expected the classes of the model that answers now${rule === 'more' ? ', or more' : ''} but ${what.join(' and ')}`,
  )
}
