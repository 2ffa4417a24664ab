// Checks of the cameras: the programs that read them, and each opened as the daemon would, until it has given one picture.
import { parseSource } from '../../cameras/schemes.js'
import type { CameraConfig, Config } from '../../config/schema.js'
import { describeError, GroceryError } from '../../errors.js'
import { keptPauses } from '../../desks/pauses.js'
import { type Finding, fail, failure, ok, warn } from './finding.js'
import type { Machine } from './machine.js'
import { checkV4l2 } from './v4l2.js'

/** For sources that say no time of their own. */
const openMs = 8000
/** Before it ffmpeg takes no address from a pipe, and one with a password is read from nowhere else. */
const oldestPipe = 5

async function firstPicture({ id, source, fps }: CameraConfig): Promise<Uint8Array> {
  const opened = parseSource(source, fps)
  const patienceMs = Math.max(openMs, opened.firstPictureMs ?? 0)
  const signal = AbortSignal.timeout(patienceMs)
  for await (const bytes of opened(signal)) return bytes
  if (signal.aborted) {
    const words = `camera ${id}: Expected a picture within ${patienceMs / 1000} s but there was none`
    throw new GroceryError('CAMERA_STALLED', words)
  }
  throw new GroceryError('CAMERA_ENDED', `camera ${id}: Expected a picture but it ended before one`)
}

async function checkCamera(camera: CameraConfig, daemonRuns: boolean): Promise<Finding> {
  const what = `camera ${camera.id}`
  try {
    const bytes = await firstPicture(camera)
    return ok(what, `${camera.source} gives pictures (the first has ${bytes.length} bytes)`)
  } catch (error) {
    return daemonRuns && describeError(error).code === 'CAMERA_BUSY'
      ? ok(what, `${camera.source} is busy: grocerd runs and has it`)
      : failure(what, error)
  }
}

async function checkFfmpeg(machine: Machine, sources: string[]): Promise<Finding> {
  const line = await machine.program('ffmpeg', '-version')
  const users = sources.filter(source => /^(file|v4l2|rtsps?):/.test(source))
  if (line === null) {
    return users.length > 0
      ? fail('ffmpeg', 'not found, and a camera needs it', 'apt install ffmpeg.')
      : ok('ffmpeg', 'not found; only file:, v4l2: and rtsp: cameras need it')
  }
  const version = line.replace(/ Copyright.*/, '')
  const major = Number(/^ffmpeg version n?(\d+)\./.exec(version)?.[1] ?? oldestPipe)
  const hasLogin = users.some(source => /^rtsps?:.*[?&]credentials=/.test(source))
  return major < oldestPipe && hasLogin
    ? fail(
        'ffmpeg',
        `${version}, and a camera has credentials`,
        `Install ffmpeg ${oldestPipe} or newer (Debian 12, Ubuntu 24.04): the password goes through a pipe.`,
      )
    : ok('ffmpeg', version)
}

async function checkGstreamer(machine: Machine): Promise<Finding> {
  const version = await machine.program('gst-launch-1.0', '--version')
  if (version !== null) return ok('gst-launch-1.0', version)
  return failure('gst-launch-1.0', new GroceryError('GSTREAMER_NOT_FOUND', 'a camera needs it'))
}

/** Nothing else looks wrong while a forgotten pause holds. What cannot be read pauses nothing. */
function* checkPause({ outbox }: Config, { id }: CameraConfig): Generator<Finding> {
  let since: string | undefined
  try {
    since = keptPauses(outbox.dir).get(id)
  } catch {
    return
  }
  if (since === undefined) return
  const { remedy } = new GroceryError('CAMERA_PAUSED', '')
  yield warn(`camera ${id}`, `paused since ${since}: nothing that it sees is announced`, remedy)
}

/** What is plugged in, for one who writes a configuration. */
function checkPlugged(machine: Machine): Finding {
  const names = machine.stableNames().map(({ name, device }) => `\n${name} (${device})`)
  return names.length > 0
    ? ok('usb cameras', `for v4l2: sources${names.join('')}`)
    : ok('usb cameras', 'none below /dev/v4l')
}

/** @param config null where none was given: then only what cameras may need is looked at. */
export async function* checkCameras(
  machine: Machine,
  config: Config | null,
  daemonRuns: boolean,
): AsyncGenerator<Finding> {
  const cameras = config?.cameras ?? []
  const sources = cameras.map(({ source }) => source)
  yield await checkFfmpeg(machine, sources)
  if (sources.some(source => source.startsWith('gst:'))) yield await checkGstreamer(machine)
  if (!config) yield checkPlugged(machine)
  if (config && cameras.length === 0) {
    yield failure('cameras', new GroceryError('NO_CAMERA', 'cameras: is empty'))
  }
  for (const camera of cameras) {
    yield await checkCamera(camera, daemonRuns)
    if (config) yield* checkPause(config, camera)
    yield* checkV4l2(machine, camera)
  }
}
