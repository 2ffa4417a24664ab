// ffmpeg as a child process that writes JPEG pictures to a pipe; shared by every source that it can read.
import { spawn } from 'node:child_process'
import { GroceryError } from '../errors.js'
import { JpegSplitter } from './jpeg-splitter.js'

const maxStderr = 2000

/** Pictures at the wanted rate, encoded anew, from whatever ffmpeg can decode. */
export const encodedAt = (fps: number): string[] => [
  '-vf',
  `fps=${fps}`,
  '-c:v',
  'mjpeg',
  '-q:v',
  '3',
]

/** The pictures of a stream of JPEG as they are. */
export const asTheyAre = ['-c:v', 'copy']

/**
 * Pictures of one ffmpeg run.
 * @param input the arguments up to and with -i; an array, so that no shell ever reads a name
 * @param output encodedAt or asTheyAre
 * Throws FFMPEG_NOT_FOUND, or CAMERA_NOT_FOUND with ffmpeg's last words.
 */
export async function* ffmpegPictures(
  input: string[],
  output: string[],
  what: string,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const pipe = ['-an', ...output, '-f', 'image2pipe', 'pipe:1']
  const child = spawn(
    'ffmpeg',
    ['-nostdin', '-hide_banner', '-loglevel', 'error', ...input, ...pipe],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const ended = new Promise<number | NodeJS.Signals | NodeJS.ErrnoException>(resolve => {
    child.once('error', resolve)
    child.once('close', (code, signal) => resolve(code ?? signal ?? 1))
  })
  let words = ''
  child.stderr.on('data', chunk => {
    words = (words + chunk).slice(-maxStderr)
  })
  const kill = () => child.kill('SIGKILL')
  signal.addEventListener('abort', kill, { once: true })
  if (signal.aborted) kill()
  try {
    const splitter = new JpegSplitter()
    for await (const chunk of child.stdout) yield* splitter.push(chunk)
    const end = await ended
    if (typeof end === 'object') {
      if (end.code === 'ENOENT') {
        throw new GroceryError(
          'FFMPEG_NOT_FOUND',
          `Expected ffmpeg on the PATH to read ${what} but there is none`,
        )
      }
      throw new GroceryError(
        'CAMERA_NOT_FOUND',
        `${what}: starting ffmpeg failed: ${end.message}`,
        { cause: end },
      )
    }
    if (end !== 0 && !signal.aborted) {
      const ending = typeof end === 'number' ? `exit code ${end}` : `ended by ${end}`
      const last = words.trim().split('\n').at(-1) || ending
      throw new GroceryError(
        'CAMERA_NOT_FOUND',
        `Expected a video at ${what} but ffmpeg says: ${last}`,
      )
    }
  } finally {
    signal.removeEventListener('abort', kill)
    kill()
  }
}
