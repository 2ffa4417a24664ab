// grocerd evaluate of a detector: the boxes of a COCO file against those that it finds.
import { readFile } from 'node:fs/promises'
import { writeFileSync } from 'node:fs'
import { describeError, GroceryError } from '../../errors.js'
import { type FoundBoxes, measureDetections } from '../../learn/average-precision.js'
import { type BoxedPicture, readCoco } from '../../learn/coco.js'
import { eachInFlight } from '../../learn/in-flight.js'
import { Detector, type DetectorOptions } from '../../recognition/detector.js'
import { readPicture } from '../../recognition/picture.js'
import { classifierOptions } from '../model-options.js'
import { type EvaluateOptions, toStdout } from './options.js'

/** Options that say something of a classifier only. */
const ofClassifiers = [
  'outOfFold',
  'against',
  'prices',
  'robustness',
  'html',
  'minTop1',
  'ensemble',
] as const

function checkDetectorOptions(options: EvaluateOptions): string {
  const wrong = ofClassifiers.filter(name => options[name] !== undefined)
  if (wrong.length > 0) {
    const names = wrong.map(name => `--${name.replace(/[A-Z]/g, one => `-${one.toLowerCase()}`)}`)
    throw new GroceryError('USAGE', `Expected ${names.join(', ')} only with a classifier`)
  }
  if (/\.json$/i.test(options.images!)) return options.images!
  throw new GroceryError(
    'USAGE',
    `Expected a COCO file (.json) for --images of a detector but received ${options.images}`,
  )
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`

export async function evaluateDetector(options: EvaluateOptions): Promise<void> {
  const pictures = readCoco(checkDetectorOptions(options))
  const { model, runtime } = classifierOptions(options)
  const precision = options.precision === 'f32' ? ({ precisionHint: 'f32' } as const) : {}
  const inFlight = (options.streams ?? 1) + 1
  const detector = new Detector({
    model,
    runtime,
    ...precision,
    maxQueue: inFlight,
  } as DetectorOptions)
  const info = await detector.start()
  const found = new Map<BoxedPicture, FoundBoxes>()
  const unreadable: { file: string; code: string; message: string }[] = []
  const times: number[] = []
  try {
    await eachInFlight(pictures, inFlight, async picture => {
      const { file, path, boxes, crowd } = picture
      try {
        const began = performance.now()
        const { detections } = await detector.detect(await readPicture(await readFile(path), file))
        times.push(performance.now() - began)
        found.set(picture, { boxes, crowd, detections })
      } catch (error) {
        const { code, message } = describeError(error)
        if (!/^IMAGE_|^INTERNAL$/.test(code)) throw error
        unreadable.push({ file, code, message })
      }
    })
  } finally {
    await detector.stop()
  }
  if (found.size === 0) {
    const { code, message } = unreadable[0]!
    const words = `Expected pictures in ${options.images} but none of ${pictures.length} can be read`
    throw new GroceryError('DATASET_INVALID', `${words}; the first: ${code} ${message}`)
  }
  const metrics = measureDetections(pictures.flatMap(one => found.get(one) ?? []))
  const sorted = times.sort((a, b) => a - b)
  const figures = {
    ...metrics,
    latencyMs: { p50: sorted[Math.floor(sorted.length / 2)] },
    model: info.model,
    runtime: info.runtime,
    dataset: options.images,
    unreadable,
    precision: options.precision,
    at: new Date(),
  }
  const text = `${JSON.stringify(figures, null, 1)}\n`
  if (options.json === toStdout) process.stdout.write(text)
  else if (options.json !== undefined) writeFileSync(options.json, text)
  if (options.json === toStdout) return
  const { ap, ap50, ap75, recall, recallAt1fp, images, boxes } = metrics
  console.log(
    [
      `${info.model.name} version ${info.model.version} in ${info.runtime.name} on ${info.runtime.device}, ${images} pictures with ${boxes} boxes`,
      `  AP50 ${percent(ap50)}, AP75 ${percent(ap75)}, AP ${percent(ap)}`,
      `  recall ${percent(recall)}, with one false box a picture ${percent(recallAt1fp)}`,
      ...unreadable.map(({ file, code, message }) => `  not read: ${file}: ${code} ${message}`),
    ].join('\n'),
  )
}
