// Writes the files of a trained model into its hidden folder, tests them, and adds the report.
import { readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import type { Head } from '../../inference/head.js'
import { graftHead } from '../../inference/head-exchange.js'
import type { Label } from '../../inference/labels.js'
import { hash, type Weights } from '../../inference/manifest.js'
import type { ModelState, RuntimeState } from '../../protocol.js'
import { readPicture } from '../../recognition/picture.js'
import type { Product } from '../../recognition/types.js'
import type { Calibration } from '../calibrate.js'
import type { Unreadable } from '../evaluate.js'
import type { Metrics, Outcome } from '../metrics.js'
import { type Base, type BaseFile, joinHeads } from './base.js'
import type { Embedder } from './embedder.js'
import { labelsText, manifestText, modelName } from './manifest.js'
import type { ModelFolder } from './model-folder.js'
import type { TrainingPicture } from './pictures.js'
import { type Replay, replayFiles } from './replay.js'
import { reportText } from './report-text.js'
import { selfTest } from './self-test.js'
import type { TrainOptions } from './train.js'

export interface ModelParts {
  folder: ModelFolder
  options: TrainOptions
  embedder: Embedder
  base: Base
  /** Of all classes; of the base's own rows each file keeps its own. */
  head: Head
  labels: Label[]
  products: Product[]
  pictures: TrainingPicture[]
  views: number
  outcomes: Outcome[]
  metrics: Metrics
  calibration: Calibration
  unreadable: Unreadable[]
  replay: Replay
  /** Until now, for the report. */
  seconds: number
}

const testedPictures = 4

/** The rows of new classes behind the old ones as this file has them: formats round them differently. */
function headOf({ old }: BaseFile, head: Head): Head {
  if (old === null) return head
  const { dims } = head
  return joinHeads(old, {
    classes: head.classes - old.classes,
    dims,
    weights: head.weights.subarray(old.classes * dims),
    bias: head.bias.subarray(old.classes),
  })
}

function writeWeights(parts: ModelParts, name: string): Weights[] {
  const { folder, base, embedder, head } = parts
  return base.files.map((file, index) => {
    const { entry, bytes } = file
    const made = graftHead(entry.format, bytes, embedder.names, headOf(file, head))
    const isTaken = base.files.slice(0, index).some(one => one.entry.format === entry.format)
    const stem = `${name}${entry.precision === 'int8' ? '.int8' : ''}${isTaken ? `-${index}` : ''}`
    const graph = entry.format === 'onnx' ? `${stem}.onnx` : `${stem}.xml`
    folder.write(graph, made.model)
    const own = { ...entry, file: graph, sha256: hash(made.model) }
    if (!made.weights) return own
    const bin = `${stem}.bin`
    folder.write(bin, made.weights)
    return { ...own, bin: { file: bin, sha256: hash(made.weights) } }
  })
}

/** The backbone is the base's, and so are the terms it may be used under. */
function copyLicences({ folder, embedder }: ModelParts): void {
  const from = embedder.model.folder
  for (const name of readdirSync(from).filter(one => /^(LICEN[CS]E|NOTICE)/i.test(one))) {
    folder.write(name, readFileSync(join(from, name)))
  }
}

/** Returns what the written model says of itself. Throws MODEL_UNWRITABLE, SELF_TEST_FAILED. */
export async function writeModel(
  parts: ModelParts,
): Promise<{ model: ModelState; runtime: RuntimeState }> {
  const { folder, options, embedder, base, head, labels, pictures, calibration } = parts
  const { manifest } = embedder.model
  const name = modelName(basename(resolve(options.out)))
  const weights = writeWeights(parts, name)
  const split = `${pictures.length} photographs of ${labels.length} classes, each by a head fitted without its group of look-alikes`
  const added = options.add ? ' --add' : ''
  folder.write(
    'model.json',
    manifestText({
      base: manifest,
      name,
      version: options.add ? manifest.version + 1 : 1,
      weights,
      logits: embedder.names.logits,
      calibration: { ...calibration, measuredOn: split },
      split: `cross-validation: ${split}`,
      metrics: parts.metrics,
      source: `grocerd train${added} on the embeddings of ${manifest.name} version ${manifest.version}`,
    }),
  )
  folder.write('labels.csv', labelsText(labels))
  for (const [file, bytes] of replayFiles(parts.replay)) folder.write(file, bytes)
  copyLicences(parts)

  const tested = pictures.filter((_, index) => {
    const step = Math.ceil(pictures.length / testedPictures)
    return index % step === 0
  })
  const info = await selfTest({
    folder: folder.hidden,
    formats: weights.map(one => one.format),
    headOf: format =>
      headOf(
        base.files.find(file => file.entry.format === format)!,
        head,
      ),
    calibration,
    pictures: await Promise.all(
      tested.map(async ({ file, path }) => ({
        file,
        input: await readPicture(await readFile(path), file),
      })),
    ),
    runtime: { ...options.runtime, prefer: embedder.info.runtime },
  })
  const { products, views, outcomes, metrics, unreadable, seconds } = parts
  const { model, runtime } = info
  const facts = { model, runtime, labels: products, dataset: options.images, seconds }
  const report = { ...facts, metrics, outcomes, unreadable, pictures, views }
  folder.write('report.html', await reportText(report))
  return { model, runtime }
}
