// A program as a child process that writes JPEG pictures to its standard output, such as ffmpeg and gst-launch.
import { spawn } from 'node:child_process'
import { type ErrorCode, GroceryError } from '../errors.js'
import { JpegSplitter } from './jpeg-splitter.js'

const maxStderr = 2000

export interface PictureProgram {
  program: string
  /** An array, so that no shell ever reads a name. Every user of the machine can read it: no secrets. */
  args: string[]
  /** What only the program may read, such as an address with a password. */
  stdin?: string
  /** The camera in messages, without secrets. */
  what: string
  notFound: ErrorCode
}

/** What the last words of a program mean; the first that fits. All else is CAMERA_NOT_FOUND. */
const meanings: [RegExp, ErrorCode][] = [
  [/\b(401|403)\b|unauthori[sz]ed|forbidden|not authorized/i, 'CAMERA_LOGIN_REFUSED'],
  [/permission denied/i, 'CAMERA_DENIED'],
  [/device or resource busy|device '[^']*' is busy/i, 'CAMERA_BUSY'],
]

/** The line that says most: the last one that is about an error, without a password of an address. */
function lastWords(words: string, ending: string): string {
  const lines = words
    .replaceAll(/\/\/[^/@\s]*@/g, '//')
    .trim()
    .split('\n')
  const telling = lines.filter(line => /^ERROR: (?!pipeline )/.test(line))
  return (telling.at(-1) ?? lines.at(-1)!).replace(/^pipe:0: /, '') || ending
}

/**
 * Pictures of one run of the program, as they are.
 * Throws `notFound` where there is no such program, else what its last words mean:
 * CAMERA_LOGIN_REFUSED, CAMERA_DENIED, CAMERA_BUSY or CAMERA_NOT_FOUND.
 */
export async function* childPictures(
  { program, args, stdin, what, notFound }: PictureProgram,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const child = spawn(program, args, {
    stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  const ended = new Promise<number | NodeJS.Signals | NodeJS.ErrnoException>(resolve => {
    child.once('error', resolve)
    child.once('close', (code, signal) => resolve(code ?? signal ?? 1))
  })
  let words = ''
  child.stderr!.on('data', chunk => {
    words = (words + chunk).slice(-maxStderr)
  })
  // A program that ends before it has read is told by its last words.
  child.stdin?.on('error', () => {})
  child.stdin?.end(stdin)
  const kill = () => child.kill('SIGKILL')
  signal.addEventListener('abort', kill, { once: true })
  if (signal.aborted) kill()
  try {
    const splitter = new JpegSplitter()
    for await (const chunk of child.stdout!) yield* splitter.push(chunk)
    const end = await ended
    if (typeof end === 'object') {
      if (end.code === 'ENOENT') {
        throw new GroceryError(
          notFound,
          `Expected ${program} on the PATH to read ${what} but there is none`,
        )
      }
      throw new GroceryError(
        'CAMERA_NOT_FOUND',
        `${what}: starting ${program} failed: ${end.message}`,
        { cause: end },
      )
    }
    if (end !== 0 && !signal.aborted) {
      const ending = typeof end === 'number' ? `exit code ${end}` : `ended by ${end}`
      const last = lastWords(words, ending)
      const code = meanings.find(([pattern]) => pattern.test(words))?.[1] ?? 'CAMERA_NOT_FOUND'
      throw new GroceryError(code, `Expected a video at ${what} but ${program} says: ${last}`)
    }
  } finally {
    signal.removeEventListener('abort', kill)
    kill()
  }
}
