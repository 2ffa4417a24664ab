// Checks of the cameras: each is opened as the daemon would, until it has given one picture.
import { parseSource } from '../../cameras/schemes.js'
import type { CameraConfig, Config } from '../../config/schema.js'
import { GroceryError } from '../../errors.js'
import { type Finding, fail, failure, ok } from './finding.js'
import type { Machine } from './machine.js'

const openMs = 8000

async function firstPicture({ id, source, fps }: CameraConfig): Promise<Uint8Array> {
  const signal = AbortSignal.timeout(openMs)
  for await (const bytes of parseSource(source, fps)(signal)) return bytes
  if (signal.aborted) {
    const words = `camera ${id}: Expected a picture within ${openMs / 1000} s but there was none`
    throw new GroceryError('CAMERA_STALLED', words)
  }
  throw new GroceryError('CAMERA_ENDED', `camera ${id}: Expected a picture but it ended before one`)
}

async function checkCamera(camera: CameraConfig): Promise<Finding> {
  const what = `camera ${camera.id}`
  try {
    const bytes = await firstPicture(camera)
    return ok(what, `${camera.source} gives pictures (the first has ${bytes.length} bytes)`)
  } catch (error) {
    return failure(what, error)
  }
}

async function checkFfmpeg(machine: Machine, isNeeded: boolean): Promise<Finding> {
  const version = await machine.program('ffmpeg', '-version')
  if (version !== null) return ok('ffmpeg', version.replace(/ Copyright.*/, ''))
  return isNeeded
    ? fail('ffmpeg', 'not found, and a camera needs it', 'apt install ffmpeg.')
    : ok('ffmpeg', 'not found; only file: cameras need it')
}

/** @param config null where none was given: then only what cameras may need is looked at. */
export async function* checkCameras(
  machine: Machine,
  config: Config | null,
): AsyncGenerator<Finding> {
  const cameras = config?.cameras ?? []
  yield await checkFfmpeg(
    machine,
    cameras.some(camera => camera.source.startsWith('file:')),
  )
  if (config && cameras.length === 0) {
    yield failure('cameras', new GroceryError('NO_CAMERA', 'cameras: is empty'))
  }
  for (const camera of cameras) yield await checkCamera(camera)
}
