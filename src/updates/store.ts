// The installed models of one kiosk: which are there, and whether one is still what was signed.
import { existsSync, readdirSync } from 'node:fs'
import { GroceryError } from '../errors.js'
import { openModel } from '../inference/manifest.js'
import { type Signed, type Trust, verifyBundle } from './bundle.js'
import { installedFolder, modelsFolder } from './records.js'

/** A folder that holds what a bundle held, its manifest and signature included. */
export interface Installed extends Signed {
  folder: string
}

export interface InstalledName {
  name: string
  version: number
  folder: string
}

/** By name and version, the highest first; looks at names only. */
export function listInstalled(stateDir: string): InstalledName[] {
  const folder = modelsFolder(stateDir)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .flatMap(entry => {
      const [, name, version] = /^([A-Za-z0-9_][A-Za-z0-9_-]*)-([1-9]\d*)$/.exec(entry) ?? []
      if (name === undefined) return []
      return [
        {
          name,
          version: Number(version),
          folder: installedFolder(stateDir, name, Number(version)),
        },
      ]
    })
    .sort((a, b) => (a.name === b.name ? b.version - a.version : a.name < b.name ? -1 : 1))
}

/**
 * Reads all of an installed model and believes it: signature, hashes, and that it is where it belongs.
 * @throws MODEL_NOT_INSTALLED, BUNDLE_INVALID, BUNDLE_UNTRUSTED
 */
export function openInstalled(
  stateDir: string,
  name: string,
  version: number,
  trust: Trust,
): Installed {
  const folder = installedFolder(stateDir, name, version)
  if (!existsSync(folder)) {
    const there = listInstalled(stateDir).filter(one => one.name === name)
    const list = there.map(one => one.version).join(', ') || 'none'
    throw new GroceryError(
      'MODEL_NOT_INSTALLED',
      `Expected an installed version of ${name} (${list}) but received ${version}`,
    )
  }
  const signed = verifyBundle(folder, trust)
  const { manifest } = signed
  if (manifest.name !== name || manifest.version !== version) {
    throw new GroceryError(
      'BUNDLE_INVALID',
      `${folder}: Expected ${name} ${version} but it holds ${manifest.name} ${manifest.version}`,
    )
  }
  return { ...signed, folder }
}

/** The model of the configuration, as far as it can be read. */
export interface Configured {
  name: string | null
  version: number | null
  skus: string[] | null
}

/** @param model models.classifier: a name under models/, or a path */
export function readConfigured(model: string): Configured {
  try {
    const { manifest, labels } = openModel(model)
    return { name: manifest.name, version: manifest.version, skus: labels.map(one => one.sku) }
  } catch {
    // One that is damaged is what an update may mend; where it is named, that name holds.
    return { name: /^[A-Za-z0-9_.-]+$/.test(model) ? model : null, version: null, skus: null }
  }
}
