// The frames bench: from the bytes of a picture to the PUBACK of its result, without counter and outbox.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../clock.js'
import { GroceryError } from '../../errors.js'
import type { Publisher } from '../../publish/publisher.js'
import type { PictureClassifier } from '../../recognition/classifier.js'
import { named, readPicture } from '../../recognition/picture.js'
import type { FrameObservations, Scene } from '../../recognition/types.js'
import { type Figures, measureLoop } from './loop.js'

export const frameStages = ['queue', 'decode', 'resize', 'infer', 'publish'] as const

export interface EncodedFrame {
  name: string
  bytes: Uint8Array
}

/** What no counter will look at. */
const scene: Scene = { view: 'object', motion: 0, contrast: 0, brightness: 0 }

/** All pictures of a folder, in memory. Throws CAMERA_NOT_FOUND where there is none. */
export function readFrames(folder: string): EncodedFrame[] {
  let names: string[]
  try {
    names = readdirSync(folder)
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code
    const words = `Expected a folder of pictures at ${folder} but reading it failed: ${reason}`
    throw new GroceryError('CAMERA_NOT_FOUND', words, { cause })
  }
  const frames = names
    .filter(name => /\.(jpe?g|png)$/i.test(name))
    .sort()
    .map(name => ({ name, bytes: readFileSync(join(folder, name)) }))
  if (frames.length > 0) return frames
  throw new GroceryError('CAMERA_NOT_FOUND', `Expected .jpg or .png pictures in ${folder}`)
}

export function measureFrames(options: {
  frames: readonly EncodedFrame[]
  classifier: Pick<PictureClassifier, 'classify'>
  publisher: Pick<Publisher, 'sendFrame'>
  seconds: number
  warmUpSeconds: number
  inFlight: number
}): Promise<Figures<(typeof frameStages)[number]>> {
  const { frames, classifier, publisher, ...rest } = options
  const clock = systemClock
  const step = async (index: number) => {
    const { name, bytes } = frames[index % frames.length]!
    const capturedAt = clock.wall()
    const began = clock.mono()
    const input = await readPicture(bytes, name)
    const { observation, stagesMs } = await classifier.classify(input).catch(error => {
      throw named(error, name)
    })
    const decided = clock.mono()
    const frame: FrameObservations = {
      camera: 'bench',
      frame: index,
      capturedAt,
      ageMs: decided - began,
      scene,
      observations: [observation],
      stagesMs,
    }
    await publisher.sendFrame(frame, null, 1)
    return { ...stagesMs, publish: clock.mono() - decided }
  }
  return measureLoop({ ...rest, stages: frameStages, step, clock })
}
