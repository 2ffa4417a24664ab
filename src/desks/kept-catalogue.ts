// The catalogue that the back office sent, on disk: a whole file for each version in the state directory, of which the newest holds.
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { Config } from '../config/schema.js'
import { describeError } from '../errors.js'
import { readJson, unwritable, writeJson } from '../json-file.js'
import { keptFormat } from '../recognition/catalogue.js'

const schema = z.object({
  format: z.literal(keptFormat),
  version: z.int().min(1),
  at: z.string(),
  products: z.array(z.unknown()),
})

export interface KeptCatalogue {
  version: number
  /** readCatalogue() reads it as any other. */
  path: string
  products: unknown[]
}

const folderOf = (stateDir: string) => join(stateDir, 'catalogue')

const namesIn = (folder: string): string[] => {
  try {
    return readdirSync(folder).filter(name => /^\d{1,16}\.json$/.test(name))
  } catch {
    // None was ever sent, or somebody else's state directory is looked at.
    return []
  }
}

/** The newest that can be read; null where there is none. @param passedOver told why a file is not used */
export function newestKept(
  stateDir: string,
  passedOver: (words: string) => void = () => {},
): KeptCatalogue | null {
  const folder = folderOf(stateDir)
  const names = namesIn(folder).sort((a, b) => parseInt(b) - parseInt(a))
  for (const name of names) {
    const path = join(folder, name)
    try {
      const found = readJson(path, { schema, format: keptFormat, code: 'CATALOGUE_INVALID' })
      if (found) return { version: found.version, path, products: found.products }
    } catch (error) {
      passedOver(describeError(error).message)
    }
  }
  return null
}

/** The file that says what is sold here: what the back office sent goes before what the configuration names. */
export const catalogueFile = ({ outbox, catalogue }: Pick<Config, 'outbox' | 'catalogue'>) =>
  newestKept(outbox.dir)?.path ?? catalogue

/** On disk when it returns, beside the one that holds. Throws STATE_UNWRITABLE. @param at UTC, for people */
export function keep(
  stateDir: string,
  { version, products, at }: { version: number; products: unknown[]; at: string },
): KeptCatalogue {
  const path = join(folderOf(stateDir), `${version}.json`)
  try {
    mkdirSync(folderOf(stateDir), { recursive: true, mode: 0o700 })
    writeJson(path, { format: keptFormat, version, at, products })
  } catch (cause) {
    throw unwritable(path, cause)
  }
  return { version, path, products }
}

/** All versions but this one go. */
export function dropOthers(stateDir: string, version: number): void {
  const folder = folderOf(stateDir)
  for (const name of namesIn(folder))
    if (name !== `${version}.json`) rmSync(join(folder, name), { force: true })
}

export const drop = ({ path }: KeptCatalogue): void => rmSync(path, { force: true })
