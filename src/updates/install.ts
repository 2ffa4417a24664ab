// Installs a bundle: checked, copied beside its place, checked again as it was copied, and put there whole in one step.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statfsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { GroceryError } from '../errors.js'
import { openModel, readWeights } from '../inference/manifest.js'
import { noStep, type Step, sync, writeNew } from '../whole-file.js'
import { type Bundle, checkFile, openBundle, type Trust, verifyBundle } from './bundle.js'
import { manifestName, signatureName } from './bundle-manifest.js'
import { checkHardware, checkLabels, checkVersion, type Place, type WallClock } from './judge.js'
import {
  installedFolder,
  modelsFolder,
  readActivation,
  readRatchet,
  writeRatchet,
} from './records.js'
import { listInstalled } from './store.js'

/** What stays free for the outbox, bytes. */
const spareBytes = 64 * 1024 ** 2
/** Of each model, beside the one that answers and the one before it. */
const keptVersions = 3

export interface InstallOptions {
  stateDir: string
  trust: Trust
  place: Place
  clock: WallClock
  /** Told before each step; tests end the process there. */
  step?: Step
}

export interface InstallResult {
  name: string
  version: number
  keyId: string
  folder: string
  /** It was there already, whole. */
  already: boolean
}

function checkRoom(stateDir: string, bundle: Bundle): void {
  const { bavail, bsize } = statfsSync(stateDir)
  const wanted = bundle.manifest.files.reduce((sum, one) => sum + one.bytes, spareBytes)
  if (bavail * bsize >= wanted) return
  throw new GroceryError(
    'MODEL_UNWRITABLE',
    `Expected ${wanted} free bytes in ${stateDir} but there are ${bavail * bsize}`,
  )
}

/** The sha256 of the bundle that lies whole in a folder; null where it is damaged, or nothing is there. */
function wholeIn(folder: string, trust: Trust): string | null {
  try {
    return verifyBundle(folder, trust).sha256
  } catch {
    return null
  }
}

/** Only one installation runs at a time, so every half-written folder is of one that was killed. */
function removeRemains(folder: string): void {
  for (const name of readdirSync(folder).filter(one => one.startsWith('.')))
    rmSync(join(folder, name), { recursive: true, force: true })
}

/** The newest versions stay, and those that a start may want; the others go, in one step each. */
function removeOld(stateDir: string, name: string, installed: number): void {
  const { current = null, previous = null } = readActivation(stateDir) ?? {}
  const all = listInstalled(stateDir).filter(one => one.name === name)
  const kept = new Set([
    installed,
    current,
    previous,
    ...all.slice(0, keptVersions).map(one => one.version),
  ])
  for (const { version, folder } of all) {
    if (!kept.has(version))
      renameSync(folder, join(modelsFolder(stateDir), `.${name}-${version}.old`))
  }
}

/** Copies and checks every file; the folder and all in it are on disk when this returns. */
function copyInto(draft: string, bundle: Bundle, step: Step): void {
  mkdirSync(draft)
  const folders = new Set([draft])
  bundle.files.forEach(({ path }, index) => {
    step(`copy ${path}`)
    const to = join(draft, path)
    mkdirSync(dirname(to), { recursive: true })
    for (let one = dirname(to); one !== draft; one = dirname(one)) folders.add(one)
    writeNew(to, put => checkFile(bundle, index, put))
  })
  writeNew(join(draft, signatureName), put => put(Buffer.from(bundle.signatureText)))
  writeNew(join(draft, manifestName), put => put(bundle.manifestBytes))
  step('sync the folder')
  // The deepest first.
  for (const folder of [...folders].sort((a, b) => b.length - a.length)) sync(folder)
}

/** What no runtime may see: hashes that model.json does not know, weights outside of the folder. */
function checkModel(draft: string, bundle: Bundle, place: Place): void {
  const { manifest } = bundle
  const model = openModel(draft)
  const said = `${model.manifest.name} ${model.manifest.version} (${model.manifest.kind})`
  const wanted = `${manifest.name} ${manifest.version} (${manifest.kind})`
  if (said !== wanted) {
    throw new GroceryError(
      'BUNDLE_INVALID',
      `${bundle.path}: Expected model.json of ${wanted} but it is of ${said}`,
    )
  }
  for (const weights of model.manifest.weights) readWeights(draft, weights)
  checkLabels(
    bundle,
    model.labels.map(one => one.sku),
    place,
  )
}

/**
 * Who calls holds the lock of the models' folder. After a kill at any point there is a whole model or none, and the same
 * bundle can be installed again.
 * @throws BUNDLE_INVALID, BUNDLE_UNTRUSTED, BUNDLE_OUTDATED, BUNDLE_EXPIRED, BUNDLE_INCOMPATIBLE, MODEL_UNWRITABLE, ACTIVATION_INVALID, and the
 * MODEL_*, MANIFEST_* and LABELS_* codes of what is in it
 */
export function installBundle(path: string, options: InstallOptions): InstallResult {
  const { stateDir, trust, place, clock, step = noStep } = options
  const bundle = openBundle(path, trust)
  try {
    const { manifest, keyId, sha256 } = bundle
    const { name, version } = manifest
    checkHardware(bundle, place)
    const folder = modelsFolder(stateDir)
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const ratchet = readRatchet(stateDir)
    checkVersion(bundle, ratchet, place, clock)
    const target = installedFolder(stateDir, name, version)
    const result = { name, version, keyId, folder: target }
    const there = wholeIn(target, trust)
    if (there === sha256) return { ...result, already: true }
    if (there !== null) {
      throw new GroceryError(
        'BUNDLE_OUTDATED',
        `${name} ${version}: Expected the manifest ${there}, which is installed, but received ${sha256}`,
      )
    }
    checkRoom(stateDir, bundle)
    removeRemains(folder)
    const draft = join(folder, `.${name}-${version}.part`)
    copyInto(draft, bundle, step)
    step('check the model')
    checkModel(draft, bundle, place)
    // First, so that no kill leaves a version behind that a lower one could follow.
    const keys = {
      ...ratchet.keys,
      [keyId]: { ...ratchet.keys[keyId], [name]: { version, sha256 } },
    }
    writeRatchet(stateDir, { ...ratchet, keys }, step)
    if (existsSync(target)) {
      // Damaged: out of the way, under a name that the next installation removes.
      step('move the damaged one away')
      renameSync(target, join(folder, `.${name}-${version}.old`))
    }
    step('rename the folder')
    renameSync(draft, target)
    step('sync the rename')
    sync(folder)
    removeOld(stateDir, name, version)
    removeRemains(folder)
    return { ...result, already: false }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code?.match(/^(ENOSPC|EROFS|EACCES|EDQUOT|EIO)$/)) {
      const { code } = error as NodeJS.ErrnoException
      throw new GroceryError('MODEL_UNWRITABLE', `Expected to write to ${stateDir} but ${code}`, {
        cause: error,
      })
    }
    throw error
  } finally {
    bundle.close()
  }
}
