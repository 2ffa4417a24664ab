// dir: a folder of pictures as a camera: each shown for `hold`, or as long as its name says, then an empty counter for `gap`.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseDuration } from '../config/units.js'
import { GroceryError } from '../errors.js'
import type { Source, SourceOptions } from './source.js'

/** The empty counter: even grey, as large as a small camera's picture. */
async function emptyPicture(): Promise<Buffer> {
  const { sharp } = await import('../sharp.js')
  return sharp({ create: { width: 320, height: 240, channels: 3, background: '#8a8a86' } })
    .jpeg()
    .toBuffer()
}

async function listPictures(folder: string): Promise<string[]> {
  let names: string[]
  try {
    names = await readdir(folder)
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    throw new GroceryError(
      'CAMERA_NOT_FOUND',
      `Expected a folder at ${folder} but opening it failed: ${code}`,
      { cause },
    )
  }
  const pictures = names.filter(name => /\.(jpe?g|png)$/i.test(name)).sort()
  if (pictures.length > 0) return pictures
  throw new GroceryError(
    'CAMERA_NOT_FOUND',
    `Expected .jpg or .png pictures in ${folder} but it holds none`,
  )
}

/** Of `04-a-hand.100ms.jpg`: a clip of pictures lingers where nothing moves. null where the name says nothing. */
const ownHold = (name: string): number | null => {
  const [, text] = /\.(\d+m?s)\.[a-z]+$/i.exec(name) ?? []
  const ms = text === undefined ? null : parseDuration(text)
  return ms === 0 ? null : ms
}

export function dirSource(folder: string, options: SourceOptions, fps: number): Source {
  const hold = options.duration('hold', 2000, 'refused')
  const gap = options.duration('gap', 0, 'allowed')
  const loop = options.flag('loop', true)
  const period = 1000 / fps

  return async function* frames(signal) {
    const empty = gap > 0 ? await emptyPicture() : null
    let due = performance.now()
    // The same picture at the wanted rate, as a camera that looks at a still counter gives it;
    // once at least, so that a round through the folder never ends without a frame.
    async function* show(picture: Uint8Array, forMs: number) {
      const until = due + forMs
      do {
        await sleep(Math.max(0, due - performance.now()), undefined, { signal })
        yield picture
        due = Math.max(due + period, performance.now() - period)
      } while (due < until)
    }
    do {
      for (const name of await listPictures(folder)) {
        signal.throwIfAborted()
        const picture = await readFile(join(folder, name)).catch(cause => {
          throw new GroceryError(
            'CAMERA_NOT_FOUND',
            `Expected a picture at ${join(folder, name)}: ${cause.code}`,
            { cause },
          )
        })
        yield* show(picture, ownHold(name) ?? hold)
        if (empty) yield* show(empty, gap)
      }
    } while (loop)
  }
}
