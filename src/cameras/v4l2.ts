// v4l2: a USB or built-in camera by its device file, best the stable name below /dev/v4l/by-id; read by ffmpeg.
import { access, constants, readdir, realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import { holdOnBox } from '../box-lock.js'
import { GroceryError } from '../errors.js'
import { asTheyAre, encodedAt, ffmpegPictures } from './ffmpeg.js'
import type { Source, SourceOptions } from './source.js'
import { thinned } from './thin.js'
import {
  controlsIn,
  formatLetters,
  formatsIn,
  type Lock,
  type Locks,
  settingsFor,
  v4l2Ctl,
} from './v4l2-controls.js'

const firstPictureMs = 10_000
type Format = keyof typeof formatLetters

/** Throws CAMERA_NOT_FOUND with the cameras that are there, CAMERA_DENIED. */
async function checkDevice(path: string): Promise<void> {
  const code = await access(path, constants.R_OK | constants.W_OK).then(
    () => null,
    (error: NodeJS.ErrnoException) => error.code,
  )
  if (code === null) return
  if (code === 'EACCES' || code === 'EPERM') {
    const words = `Expected to read and write ${path} but received ${code}`
    throw new GroceryError('CAMERA_DENIED', words)
  }
  const folder = dirname(path)
  const others = await readdir(folder).catch((): string[] => [])
  // Of all devices only these may be cameras.
  const cameras = folder === '/dev' ? others.filter(name => name.startsWith('video')) : others
  const nothing = folder === '/dev' ? 'no video device' : 'nothing'
  const there = cameras.slice(0, 16).join(', ') || nothing
  const words = `Expected a camera at ${path} but received ${code}; ${folder} holds ${there}`
  throw new GroceryError('CAMERA_NOT_FOUND', words)
}

/** Before its controls are touched: the driver alone would say so only once another has set them. Throws CAMERA_BUSY. */
async function holdCamera(path: string): Promise<() => Promise<void>> {
  const release = await holdOnBox(`camera ${await realpath(path)}`)
  if (release) return release
  const words = `Expected ${path} to be free but another camera of a grocerd on this box has it`
  throw new GroceryError('CAMERA_BUSY', words)
}

/** MJPEG where the camera has it, for USB 2 carries few raw pictures; where nobody can say, it has. */
async function chooseFormat(path: string): Promise<Format> {
  const listed = await v4l2Ctl(['-d', path, '--list-formats-ext'])
  if (listed === null) return 'mjpeg'
  const offered = formatsIn(listed)
  return offered.length === 0 || offered.includes(formatLetters.mjpeg) ? 'mjpeg' : 'yuyv422'
}

/** What the camera does not offer stays as it is: doctor says so, by the same settingsFor. */
async function setControls(path: string, locks: Locks): Promise<void> {
  if (locks.exposure === null && locks.focus === null) return
  const listed = await v4l2Ctl(['-d', path, '--list-ctrls'])
  const { settings } = settingsFor(locks, controlsIn(listed ?? ''))
  // One by one: a value may be refused while its automatic is still on.
  for (const setting of settings) await v4l2Ctl(['-d', path, '--set-ctrl', setting])
}

export const v4l2Options = ['size', 'format', 'exposure', 'focus']

export interface V4l2Wishes {
  locks: Locks
  /** null: MJPEG where it is offered */
  format: Format | null
  size: string
}

/** Throws CAMERA_SOURCE_INVALID. */
export function readWishes(options: SourceOptions): V4l2Wishes {
  const lock = (key: string): Lock => {
    const text = options.text(key)
    if (text === null || text === 'auto') return null
    return text === 'lock' ? 'lock' : options.number(key, { least: 0, most: 100_000 })
  }
  const format = options.choice('format', ['auto', 'mjpeg', 'yuyv422'], 'auto')
  return {
    locks: { exposure: lock('exposure'), focus: lock('focus') },
    format: format === 'auto' ? null : format,
    size: options.size('size', '1280x720'),
  }
}

export function v4l2Source(path: string, options: SourceOptions, fps: number): Source {
  const { locks, format, size } = readWishes(options)
  const open = async function* (signal: AbortSignal): AsyncIterable<Uint8Array> {
    await checkDevice(path)
    const release = await holdCamera(path)
    try {
      const chosen = format ?? (await chooseFormat(path))
      await setControls(path, locks)
      const device = ['-f', 'v4l2', '-input_format', chosen, '-video_size', size]
      const input = [...device, '-framerate', String(fps), '-i', path]
      // The driver gives the nearest rate that it has, which may be more than was wanted.
      yield* chosen === 'mjpeg'
        ? thinned(ffmpegPictures(input, asTheyAre, path, signal), fps)
        : ffmpegPictures(input, encodedAt(fps), path, signal)
    } finally {
      await release()
    }
  }
  return Object.assign(open, { isLive: true, firstPictureMs })
}
