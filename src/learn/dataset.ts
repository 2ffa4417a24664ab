// Finds labelled pictures: a folder per class, or a CSV of `path,label` rows. Reads no picture.
import { readdirSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { didYouMean } from '../config/nearest.js'
import { GroceryError } from '../errors.js'
import type { Product } from '../recognition/types.js'
import { problemsIn, readRows } from './csv.js'

export interface LabelledPicture {
  /** As the CSV writes it, or relative to the folder. */
  file: string
  /** Where it lies. */
  path: string
  /** Class index. */
  truth: number
}

type FindClass = (label: string) => number | null

// Also kinds that are refused later: a picture that is silently left out would flatter the figures.
const pictureName = /\.(jpe?g|png|webp|gif|bmp|tiff?|heic|avif)$/i
/** Also those that cannot be read later, so that they are told. */
export const isPictureName = (name: string): boolean => pictureName.test(name)

export const mostLevels = 8

/** A label is a sku, a name, one of them in other case, or a class index, in this order. */
export function classFinder(labels: readonly Product[]): FindClass {
  const ways: Map<string, number>[] = [new Map(), new Map(), new Map()]
  labels.forEach(({ sku, name }, index) => {
    const keys: [number, string][] = [
      [0, sku],
      [1, name],
      [2, sku.toLowerCase()],
      [2, name.toLowerCase()],
    ]
    for (const [way, key] of keys) if (!ways[way]!.has(key)) ways[way]!.set(key, index)
  })
  return label => {
    const found = ways[0]!.get(label) ?? ways[1]!.get(label) ?? ways[2]!.get(label.toLowerCase())
    if (found !== undefined) return found
    return /^\d{1,6}$/.test(label) && Number(label) < labels.length ? Number(label) : null
  }
}

function unknownLabel(label: string, labels: readonly Product[]): string {
  if (/^\d+$/.test(label)) {
    return `Expected a sku, a name or a class index up to ${labels.length - 1} but received "${label}"`
  }
  const names = labels.flatMap(({ sku, name }) => [name, sku])
  return `Expected a sku, a name or a class index but received "${label}"${didYouMean(label, names)}`
}

/** The class of the nearest folder above a picture that is named like one, so that val/fruit/apple/1.jpg works too. */
function classOfFolder(folder: string, find: FindClass): number | null {
  for (const name of folder.split(sep).reverse()) {
    const found = find(name)
    if (found !== null) return found
  }
  return null
}

/** Links are followed, since data sets are often put together from them; the levels end a circle. */
export function* filesUnder(folder: string, levels: number): Generator<string> {
  for (const name of readdirSync(folder)) {
    if (name.startsWith('.')) continue
    const path = join(folder, name)
    const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory()
    if (!isFolder && isPictureName(name)) yield path
    else if (isFolder && levels > 0) yield* filesUnder(path, levels - 1)
  }
}

function fromFolder(root: string, labels: readonly Product[]): LabelledPicture[] {
  const find = classFinder(labels)
  const problems = new Set<string>()
  const pictures: LabelledPicture[] = []
  const files = [...filesUnder(root, mostLevels)].sort()
  for (const path of files) {
    const file = relative(root, path)
    const folder = dirname(file)
    const truth = folder === '.' ? null : classOfFolder(folder, find)
    if (truth !== null) pictures.push({ file, path, truth })
    else if (folder === '.') problems.add(`${path}: Expected it in a folder named like its class`)
    else problems.add(`${dirname(path)}: ${unknownLabel(folder.split(sep).at(-1)!, labels)}`)
  }
  if (problems.size > 0) throw problemsIn('DATASET_INVALID', root, [...problems])
  return pictures
}

function fromCsv(source: string, labels: readonly Product[]): LabelledPicture[] {
  const find = classFinder(labels)
  const problems: string[] = []
  const pictures: LabelledPicture[] = []
  for (const { record, info } of readRows(source, 'DATASET_INVALID')) {
    const at = `${source}:${info.lines}`
    const [file, label] = record
    // Columns after the second are allowed: lists often carry the coarse class there.
    if (!file || !label) {
      problems.push(`${at} Expected path,label but received "${record.join(',')}"`)
      continue
    }
    const truth = find(label)
    if (truth !== null) pictures.push({ file, path: resolve(dirname(source), file), truth })
    else problems.push(`${at} ${unknownLabel(label, labels)}`)
  }
  if (problems.length > 0) throw problemsIn('DATASET_INVALID', source, problems)
  return pictures
}

/**
 * @param source a folder with a folder per class, or a CSV of `path,label` rows without a header;
 *   paths in it are absolute or relative to it
 * @param labels by class index
 * Throws DATASET_INVALID with file:line of every wrong row. Missing pictures are found when they are read.
 */
export function readDataset(source: string, labels: readonly Product[]): LabelledPicture[] {
  let isFolder: boolean
  try {
    isFolder = statSync(source).isDirectory()
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code
    const words = `Expected a folder or a CSV file at ${source} but reading it failed: ${reason}`
    throw new GroceryError('DATASET_INVALID', words, { cause })
  }
  const pictures = isFolder ? fromFolder(source, labels) : fromCsv(source, labels)
  if (pictures.length > 0) return pictures
  const what = isFolder ? 'pictures in folders named like their classes' : 'path,label rows'
  throw new GroceryError('DATASET_INVALID', `Expected ${what} in ${source} but found none`)
}
