// A training from a folder of photographs to a model folder: the steps in their order, each in a file of its own.
import { availableParallelism } from 'node:os'
import { resolve, sep } from 'node:path'
import { GroceryError } from '../../errors.js'
import type { ModelState, RuntimeState } from '../../protocol.js'
import { productsOf } from '../../recognition/catalogue.js'
import type { Calibration } from '../calibrate.js'
import type { Unreadable } from '../evaluate.js'
import { trainHead } from '../head.js'
import { measure, type Metrics, type Outcome } from '../metrics.js'
import { handicapped, normalOf, variedReplay } from './added.js'
import { readBase } from './base.js'
import { countClasses, embedAll, embeddingSet, plainRows, readData } from './data.js'
import { type Embedder, type RuntimeChoice, startEmbedder } from './embedder.js'
import { heldOutOutcomes, type Kept, keptOf, mostCautious } from './held-out.js'
import { labelOf } from './manifest.js'
import { type ModelFolder, openModelFolder } from './model-folder.js'
import type { Pictures } from './pictures.js'
import { joinReplays, makeReplay, replayRows } from './replay.js'
import { writeModel } from './write.js'

export interface TrainOptions {
  images: string
  out: string
  /** A name under models/ or a folder. */
  base: string
  /** The base's classes stay, and the folder's join them. */
  add: boolean
  /** Replaces a model at `out`. */
  force: boolean
  /** Folder for embeddings; null for none. */
  cache: string | null
  seed: number
  runtime: RuntimeChoice
  onProgress?: (stage: Stage, share: number) => void
}

export type Stage = 'reading' | 'embedding' | 'fitting' | 'writing'

/** What was made, and what it is worth. */
export interface Training {
  model: ModelState
  runtime: RuntimeState
  folder: string
  report: string
  base: { name: string; version: number; sure: number | null }
  classes: { name: string; pictures: number }[]
  pictures: number
  views: number
  cached: number
  metrics: Metrics
  outcomes: Outcome[]
  calibration: Calibration
  l2: number
  tried: { l2: number; top1: number; loss: number }[]
  /** With --add: what the old classes lost. */
  kept: Kept | null
  unreadable: Unreadable[]
  copies: Pictures['copies']
  warnings: string[]
  seconds: { embedding: number; fitting: number; whole: number }
}

function checkPlaces({ images, out }: TrainOptions): void {
  const [from, to] = [`${resolve(images)}${sep}`, `${resolve(out)}${sep}`]
  if (!to.startsWith(from) && !from.startsWith(to)) return
  throw new GroceryError(
    'USAGE',
    `Expected --out and --images apart from each other but received ${out} and ${images}`,
  )
}

/**
 * Trains a head on the embeddings of a base and writes a model that every command takes.
 * Throws DATASET_INVALID with all problems at once, MODEL_EXISTS, MODEL_UNWRITABLE, MODEL_HEAD_UNKNOWN, REPLAY_INVALID,
 * SELF_TEST_FAILED and the codes of a load. Nothing half written stays, whatever ends it.
 */
export async function train(options: TrainOptions): Promise<Training> {
  checkPlaces(options)
  const folder = openModelFolder(options.out, options.force)
  // Also for an end by process.exit(), as signals have it.
  process.once('exit', folder.discard)
  let embedder: Embedder | undefined
  try {
    embedder = await startEmbedder(options.base, options.runtime)
    return await trainInto(folder, embedder, options)
  } finally {
    process.removeListener('exit', folder.discard)
    folder.discard()
    await embedder?.stop()
  }
}

async function trainInto(
  folder: ModelFolder,
  embedder: Embedder,
  options: TrainOptions,
): Promise<Training> {
  const began = performance.now()
  const seconds = (from: number) => (performance.now() - from) / 1000
  const { onProgress, runtime, seed, add } = options
  const { dims, model } = embedder
  const base = readBase(embedder, add)
  const oldLabels = add ? model.labels : []
  const warnings: string[] = []

  const { classes, data } = await readData(options, oldLabels)
  const embeddingBegan = performance.now()
  const embedded = await embedAll(options, embedder, data, warnings)
  const names = classes.map(one => one.name)
  const counted = countClasses(options.images, names, embedded, warnings)
  const embeddingSeconds = seconds(embeddingBegan)

  const labels = [...oldLabels, ...names.map((name, i) => labelOf(name, oldLabels.length + i))]
  const products = productsOf(labels, null)
  const set = embeddingSet(embedded, dims, oldLabels.length, labels.length)
  const fittingBegan = performance.now()
  const oldReplay = base.replay && {
    rows: replayRows(base.replay),
    labels: Int32Array.from(base.replay.classes),
  }
  const old = base.files.find(file => file.entry === embedder.weights)!.old
  const before = model.manifest.calibration
  const common = {
    seed,
    threads: runtime.threads || availableParallelism(),
    onProgress: (share: number) => onProgress?.('fitting', share),
  }
  const trained =
    old && oldReplay
      ? await trainHead(set, {
          ...common,
          normal: normalOf(before, old.classes),
          frozen: { weights: old.weights, bias: old.bias },
          replay: variedReplay(oldReplay, set, seed),
        }).then(head => handicapped(head, set, old.classes, before.temperature))
      : await trainHead(set, common)
  const fittingSeconds = seconds(fittingBegan)

  const pictures = embedded.pictures.map(one => ({ ...one, truth: oldLabels.length + one.truth }))
  const calibration = add ? mostCautious(before, trained.calibration) : trained.calibration
  const outcomes = heldOutOutcomes(pictures, trained.heldOut, products, calibration)
  const metrics = measure(outcomes, products)
  const head = { classes: labels.length, dims, weights: trained.weights, bias: trained.bias }
  const ownReplay = makeReplay(
    plainRows(embedded, dims),
    pictures.map(one => one.truth),
  )
  onProgress?.('writing', 0)
  const unreadable = [...data.unreadable, ...embedded.unreadable]
  const written = await writeModel({
    folder,
    options,
    embedder,
    base,
    head,
    labels,
    products,
    pictures,
    views: embedded.views,
    outcomes,
    metrics,
    calibration,
    unreadable,
    replay: base.replay ? joinReplays(base.replay, ownReplay) : ownReplay,
    seconds: seconds(began),
  })
  folder.publish()
  onProgress?.('writing', 1)
  return {
    ...written,
    folder: resolve(options.out),
    report: resolve(options.out, 'report.html'),
    base: { name: model.manifest.name, version: model.manifest.version, sure: before.sure },
    classes: counted,
    pictures: pictures.length,
    views: embedded.views,
    cached: embedded.cached,
    metrics,
    outcomes,
    calibration,
    l2: trained.l2,
    tried: trained.tried,
    kept: old && oldReplay ? keptOf(oldReplay, { old, joint: head }) : null,
    unreadable,
    copies: data.copies,
    warnings,
    seconds: { embedding: embeddingSeconds, fitting: fittingSeconds, whole: seconds(began) },
  }
}
