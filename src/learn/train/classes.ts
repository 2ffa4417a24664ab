// Finds the classes of a training: a folder each. Names every problem of folders and names; reads no picture.
import { readdirSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { GroceryError } from '../../errors.js'
import { filesUnder, isPictureName, mostLevels } from '../dataset.js'

export interface ClassFolder {
  /** The folder's name: sku and name of the class. */
  name: string
  /** Relative to the root, sorted. */
  files: string[]
}

export interface Scan {
  classes: ClassFolder[]
  problems: string[]
}

/** Equal for names that people, file systems or tills may take for one. */
export const nameKey = (name: string): string =>
  name.normalize('NFC').toLowerCase().trim().replace(/\s+/g, ' ')

function entriesOf(root: string): string[] {
  try {
    return readdirSync(root).sort()
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code
    const words = `Expected a folder with a folder per class at ${root} but reading it failed: ${reason}`
    throw new GroceryError('DATASET_INVALID', words, { cause })
  }
}

function nameProblem(name: string): string | null {
  if (name.trim() === '') return `"${name}": Expected a class name but received blanks only`
  if (name.trim() !== name) return `"${name}": Expected a class name without blanks at its ends`
  // U+FFFD stands for bytes that are no UTF-8: such a folder cannot be opened by its name.
  if (!/[\p{Cc}\ufffd]/u.test(name)) return null
  return `${JSON.stringify(name)}: Expected a class name of printable characters in UTF-8`
}

/** Names that are one name: in the folder, or in the folder and among the base's classes. */
function clashes(names: string[], taken: readonly string[]): string[] {
  const problems: string[] = []
  const old = new Map(taken.map(name => [nameKey(name), name]))
  const seen = new Map<string, string>()
  for (const name of names) {
    const key = nameKey(name)
    const other = seen.get(key)
    const before = old.get(key)
    if (other !== undefined) {
      problems.push(
        `"${other}" and "${name}": Expected names that differ in more than case, blanks or Unicode form`,
      )
    } else if (before !== undefined) {
      problems.push(
        `"${name}": Expected a new class but the base has "${before}"; to give a class more pictures, train all classes anew`,
      )
    }
    seen.set(key, name)
  }
  return problems
}

/**
 * @param root a folder per class; folders inside a class count to it
 * @param taken names of the base's classes, which new ones must not have
 * Throws DATASET_INVALID where the folder cannot be read; all else stands in `problems`.
 */
export function scanClasses(root: string, taken: readonly string[] = []): Scan {
  const classes: ClassFolder[] = []
  const problems: string[] = []
  for (const name of entriesOf(root)) {
    if (name.startsWith('.')) continue
    const path = join(root, name)
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
      if (isPictureName(name))
        problems.push(`${name}: Expected it in a folder named like its class`)
      continue
    }
    const wrong = nameProblem(name)
    if (wrong !== null) {
      problems.push(wrong)
      continue
    }
    const files = [...filesUnder(path, mostLevels)].map(file => relative(root, file)).sort()
    classes.push({ name, files })
    if (files.length === 0) problems.push(`"${name}": Expected pictures but the folder holds none`)
  }
  problems.push(
    ...clashes(
      classes.map(one => one.name),
      taken,
    ),
  )
  if (classes.length === 0) problems.push('Expected a folder for each class but found none')
  if (classes.length === 1 && taken.length === 0) {
    problems.push(`Expected at least two classes but found one: "${classes[0]!.name}"`)
  }
  return { classes, problems }
}
