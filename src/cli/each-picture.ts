// Picture files one after the other: what is said of each is printed, and a bad one is told without ending the rest.
import { readFile } from 'node:fs/promises'
import { GroceryError } from '../errors.js'
import { named, type PictureInput, readPicture } from '../recognition/picture.js'

async function read(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file)
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code
    throw new GroceryError(
      'IMAGE_NOT_FOUND',
      `${file}: Expected a picture but reading it failed: ${reason}`,
      { cause },
    )
  }
}

/**
 * @param say what is printed of a picture; `latency` is the ms since its file began to be read.
 * The exit code is 1 where it throws for one.
 */
export async function eachPicture(
  files: readonly string[],
  asJson: boolean,
  say: (input: PictureInput, file: string, latency: () => number) => Promise<string>,
): Promise<void> {
  for (const file of files) {
    const began = performance.now()
    const latency = () => performance.now() - began
    try {
      console.log(await say(await readPicture(await read(file), file), file, latency))
    } catch (error) {
      if (!(error instanceof GroceryError)) throw error
      const { code, message, remedy } = named(error, file) as GroceryError
      if (asJson) console.log(JSON.stringify({ file, error: { code, message } }))
      process.stderr.write(`${code}: ${message}\n  ${remedy}\n`)
      process.exitCode = 1
    }
  }
}
