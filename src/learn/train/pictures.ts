// The pictures of a training by their content: exact copies are found before any of them is decoded.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Unreadable } from '../evaluate.js'
import type { ClassFolder } from './classes.js'

export interface TrainingPicture {
  /** Relative to the folder of the training. */
  file: string
  path: string
  /** Index of its class. */
  truth: number
  /** Of the file, 32 bytes. */
  sha256: Buffer
}

export interface Pictures {
  /** In the order of classes and files, each content once. */
  pictures: TrainingPicture[]
  unreadable: Unreadable[]
  /** Copies of a picture of the same class, which are left out. */
  copies: { file: string; of: string }[]
  problems: string[]
}

/** Below this a class cannot be held out even once. */
export const fewestPictures = 2
/** What is wanted for figures that mean something. */
export const wantedPictures = 20
const shownPairs = 3

export const tooFew = (name: string, count: number): string =>
  `"${name}": Expected at least ${fewestPictures} different pictures that can be read, better ${wantedPictures} or more, but received ${count}`

/** One line for two classes that share pictures. */
function sharedProblem([a, b]: [string, string], pairs: [string, string][]): string {
  const shown = pairs.slice(0, shownPairs).map(([one, other]) => `${one} = ${other}`)
  const rest = pairs.length - shown.length
  const more = rest > 0 ? ` and ${rest} more` : ''
  const count = pairs.length === 1 ? '1 is' : `${pairs.length} are`
  return `"${a}" and "${b}": Expected different pictures but ${count} in both: ${shown.join(', ')}${more}`
}

/** Never throws: what is wrong with the pictures stands in `problems` and `unreadable`. */
export async function readPictures(
  root: string,
  classes: ClassFolder[],
  onProgress?: (share: number) => void,
): Promise<Pictures> {
  const pictures: TrainingPicture[] = []
  const unreadable: Unreadable[] = []
  const copies: Pictures['copies'] = []
  const first = new Map<string, TrainingPicture>()
  const shared = new Map<string, { names: [string, string]; pairs: [string, string][] }>()
  const counts = classes.map(() => 0)
  const total = classes.reduce((sum, one) => sum + one.files.length, 0)
  let done = 0
  for (const [truth, { files }] of classes.entries()) {
    for (const file of files) {
      const path = join(root, file)
      onProgress?.(++done / total)
      let sha256: Buffer
      try {
        sha256 = createHash('sha256')
          .update(await readFile(path))
          .digest()
      } catch (error) {
        const reason = (error as NodeJS.ErrnoException).code
        const message = `${file}: reading it failed: ${reason}`
        unreadable.push({ file, code: 'IMAGE_UNREADABLE', message })
        continue
      }
      const key = sha256.toString('latin1')
      const before = first.get(key)
      if (before?.truth === truth) {
        copies.push({ file, of: before.file })
        continue
      }
      counts[truth]!++
      if (before === undefined) {
        const picture = { file, path, truth, sha256 }
        first.set(key, picture)
        pictures.push(picture)
        continue
      }
      const pair = `${before.truth} ${truth}`
      const names: [string, string] = [classes[before.truth]!.name, classes[truth]!.name]
      const entry = shared.get(pair) ?? { names, pairs: [] }
      entry.pairs.push([before.file, file])
      shared.set(pair, entry)
    }
  }
  const few = classes.flatMap(({ name, files }, truth) =>
    files.length > 0 && counts[truth]! < fewestPictures ? [tooFew(name, counts[truth]!)] : [],
  )
  const same = [...shared.values()].map(({ names, pairs }) => sharedProblem(names, pairs))
  return { pictures, unreadable, copies, problems: [...few, ...same] }
}
