// From the options to what the model said of every picture: by running it, or from held-out predictions.
import { join } from 'node:path'
import { GroceryError } from '../../errors.js'
import { openModel } from '../../inference/manifest.js'
import { compare } from '../../learn/compare.js'
import { type LabelledPicture, readDataset } from '../../learn/dataset.js'
import { degradations, degrade } from '../../learn/degrade.js'
import { noneReadable, runEvaluation, type Unreadable } from '../../learn/evaluate.js'
import type { Extras } from '../../learn/extras.js'
import { joinLabels, renumber } from '../../learn/label-space.js'
import { ensembleFigures } from '../../learn/members.js'
import type { Outcome } from '../../learn/metrics.js'
import { readOutOfFold } from '../../learn/out-of-fold.js'
import { type PriceList, readPrices } from '../../learn/prices.js'
import { thumbnailOf } from '../../learn/report/thumbnails.js'
import { measureRobustness } from '../../learn/robustness.js'
import type { ModelState, RuntimeState } from '../../protocol.js'
import { productsOf } from '../../recognition/catalogue.js'
import type { PictureClassifier } from '../../recognition/classifier.js'
import type { Product } from '../../recognition/types.js'
import { classifierOptions, type ModelOptions } from '../model-options.js'
import { type EvaluateOptions, optionsOfBoth } from './options.js'

/** Makes what classifies: one model or an ensemble. */
export type MakeClassifier = (options: ModelOptions) => Promise<PictureClassifier>

/** All that the figures are made from. */
export interface Judged {
  model: ModelState
  /** null: held-out predictions, nothing was run. */
  runtime: RuntimeState | null
  labels: Product[]
  /** What the user gave. */
  dataset: string
  outcomes: Outcome[]
  unreadable: Unreadable[]
  seconds: number
  /** Where pictures lie, for the report; perhaps some are not there. */
  pictures: { file: string; path: string }[]
  prices: PriceList | null
  extras: Pick<Extras, 'against' | 'robustness' | 'ensemble' | 'heldOut'>
}

function progress(name: string): (done: number, total: number) => void {
  return (done, total) => {
    if (!process.stderr.isTTY) return
    process.stderr.write(`\r${name}${done} of ${total} pictures${done === total ? '\n' : ''}`)
  }
}

/** Runs the model, and the other one where there is one, over --images. */
export async function judgePictures(
  options: EvaluateOptions,
  make: MakeClassifier,
): Promise<Judged> {
  const images = options.images!
  const [own, other] = options.against === undefined ? [options] : optionsOfBoth(options)
  const classifier = await make(own)
  const rival = other && (await make(other))
  try {
    const info = await classifier.start()
    const second = await rival?.start()
    const { labels, ofSecond } = joinLabels(info.labels, second?.labels ?? [])
    const pictures = readDataset(images, labels)
    const prices = options.prices === undefined ? null : readPrices(options.prices, labels)
    const inFlight = (options.streams ?? 1) + 1
    const inSpace = (outcomes: Outcome[], places?: number[]) =>
      renumber(outcomes, labels.length, places)

    const run = await runEvaluation({ classifier, pictures, inFlight, onProgress: progress('') })
    const { unreadable, seconds } = run
    const outcomes = inSpace(run.outcomes)
    if (outcomes.length === 0) throw noneReadable(images, pictures.length, unreadable)
    const bad = new Set(unreadable.map(one => one.file))
    const readable = pictures.filter(one => !bad.has(one.file))

    const extras: Judged['extras'] = {}
    extras.ensemble = ensembleFigures(outcomes, info.members ?? [], labels) ?? undefined
    if (rival && second) {
      const onProgress = progress('against: ')
      const said = await runEvaluation({
        classifier: rival,
        pictures: readable,
        inFlight,
        onProgress,
      })
      const seconds = inSpace(said.outcomes, ofSecond)
      const both = { first: info.labels, second: second.labels }
      extras.against = compare(second.model, outcomes, seconds, labels, both)
    }
    if (options.robustness) {
      extras.robustness = await measureRobustness(
        {
          classifier,
          pictures: readable,
          inFlight,
          onProgress: (name, done, total) => progress(`${name}: `)(done, total),
        },
        outcomes,
        labels,
        inSpace,
      )
    }
    const { model, runtime } = info
    const facts = { model, runtime, labels, dataset: images, outcomes, unreadable, seconds }
    return { ...facts, pictures, prices, extras }
  } finally {
    await classifier.stop()
    await rival?.stop()
  }
}

/** Reads what the folds' models said; needs the model's manifest and labels, and no runtime. */
export function judgeHeldOut(options: EvaluateOptions): Judged {
  const began = performance.now()
  const file = options.outOfFold!
  const { labels: labelsFile, flags } = classifierOptions(options)
  const { folder, manifest, ...directory } = openModel(options.model!, {
    labels: labelsFile,
    flags,
  })
  if (manifest.kind !== 'classifier') {
    throw new GroceryError(
      'MODEL_SHAPE_MISMATCH',
      `${folder}: Expected a model of kind classifier but received ${manifest.kind}`,
    )
  }
  const labels = productsOf(directory.labels, null)
  const { outcomes, outside } = readOutOfFold(file, labels, manifest.calibration)
  const { pictures } = options
  return {
    model: {
      name: manifest.name,
      version: manifest.version,
      sha256: manifest.weights[0]!.sha256,
      kind: manifest.kind,
      classes: labels.length,
    },
    runtime: null,
    labels,
    dataset: file,
    outcomes,
    unreadable: [],
    seconds: (performance.now() - began) / 1000,
    pictures: pictures
      ? outcomes.map(one => ({ file: one.file, path: join(pictures, one.file) }))
      : [],
    prices: options.prices === undefined ? null : readPrices(options.prices, labels),
    extras: { heldOut: { outside } },
  }
}

/** One picture under each degradation, as data URIs. */
export async function degradedExamples(
  picture: Pick<LabelledPicture, 'file' | 'path'>,
): Promise<Map<string, string>> {
  const { readFile } = await import('node:fs/promises')
  const bytes = await readFile(picture.path)
  const examples = new Map<string, string>()
  for (const degradation of degradations) {
    const picked = await degrade(bytes, picture.file, degradation)
    examples.set(degradation.name, await thumbnailOf(picked))
  }
  return examples
}
