// Runs a classifier over labelled pictures, several in flight. Measures and reports nothing itself.
import { readFile } from 'node:fs/promises'
import { describeError, GroceryError } from '../errors.js'
import type { PictureClassifier } from '../recognition/classifier.js'
import { named, type PictureInput, readPicture } from '../recognition/picture.js'
import type { LabelledPicture } from './dataset.js'
import { eachInFlight } from './in-flight.js'
import type { Outcome } from './metrics.js'

/** A picture that could not be judged, and why. */
export interface Unreadable {
  file: string
  code: string
  message: string
}

/** Figures of nothing mean nothing. @param images what the user gave */
export function noneReadable(
  images: string,
  pictures: number,
  [first]: readonly Unreadable[],
): GroceryError {
  const words = `Expected pictures in ${images} but none of ${pictures} can be read`
  return new GroceryError(
    'DATASET_INVALID',
    `${words}; the first: ${first!.code} ${first!.message}`,
  )
}

export interface Run {
  /** In the order of the pictures, without the unreadable ones. */
  outcomes: Outcome[]
  unreadable: Unreadable[]
  seconds: number
}

export interface RunOptions {
  classifier: Pick<PictureClassifier, 'classify'>
  pictures: readonly LabelledPicture[]
  /** Pictures under way at a time: the streams of the engine, and one that waits. */
  inFlight: number
  /** From the bytes of a file to what the classifier takes; as they are, unless told otherwise. */
  read?: (bytes: Uint8Array, file: string) => Promise<PictureInput>
  onProgress?: (done: number, total: number) => void
}

async function bytesOf({ path, file }: LabelledPicture): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code
    throw new GroceryError('IMAGE_UNREADABLE', `${file}: reading ${path} failed: ${reason}`, {
      cause,
    })
  }
}

/**
 * A picture that cannot be read is listed, not fatal; a model that fails is.
 * Throws the ENGINE_* and INFERENCE_* codes.
 */
export async function runEvaluation(options: RunOptions): Promise<Run> {
  const { classifier, pictures, inFlight, read = readPicture, onProgress } = options
  const began = performance.now()
  const results: (Outcome | Unreadable)[] = []
  let done = 0

  const judge = async (picture: LabelledPicture): Promise<Outcome | Unreadable> => {
    const { file, truth } = picture
    try {
      const input = await read(await bytesOf(picture), file)
      const { scores, observation, members } = await classifier.classify(input)
      const { decision } = observation
      return { file, truth, scores, decision, ...(members && { members }) }
    } catch (error) {
      const { code, message } = describeError(named(error, file))
      if (!code.startsWith('IMAGE_')) throw error
      return { file, code, message }
    }
  }
  await eachInFlight(pictures, inFlight, async (picture, index) => {
    results[index] = await judge(picture)
    onProgress?.(++done, pictures.length)
  })
  return {
    outcomes: results.filter(result => 'truth' in result),
    unreadable: results.filter(result => 'code' in result),
    seconds: (performance.now() - began) / 1000,
  }
}
