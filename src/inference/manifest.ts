// The model directory: model.json, its schema, and what a bare .xml or .onnx stands for. Reads files, runs nothing.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { didYouMean } from '../config/nearest.js'
import { GroceryError } from '../errors.js'
import { readIr } from './ir-file.js'
import { type Label, parseLabels } from './labels.js'
import { readOnnx } from './onnx-file.js'

const file = z
  .string()
  .regex(/^(?!.*\.\.)[^/\\\0][^\0]*$/, 'Expected a path inside the model directory')
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'Expected a sha256 in lower-case hex')
const perChannel = z
  .union([z.number(), z.array(z.number()).min(1).max(3)])
  .transform(value => (typeof value === 'number' ? [value] : value))
const fraction = z.number().min(0).max(1)

export const weightsSchema = z.strictObject({
  format: z.enum(['openvino-ir', 'onnx']),
  file,
  precision: z.enum(['fp32', 'fp16', 'int8']),
  sha256,
  /** The weights file of an IR; without it the .bin of the same name is used unverified. */
  bin: z.strictObject({ file, sha256 }).optional(),
})

export const inputSchema = z.strictObject({
  width: z.int().min(8).max(4096),
  height: z.int().min(8).max(4096),
  channels: z.enum(['rgb', 'bgr']).default('rgb'),
  layout: z.enum(['nchw', 'nhwc']).default('nchw'),
  /** value = (pixel - mean) / scale, pixels 0..255; one number or one a channel */
  mean: perChannel.prefault(0),
  scale: perChannel.prefault(1),
  fit: z.enum(['fill', 'crop', 'letterbox']).default('fill'),
  filter: z.enum(['area', 'bilinear']).default('area'),
})

const calibrationSchema = z.strictObject({
  /** Logits are centred and divided by this power mean of theirs before the temperature; null: they are not. */
  norm: z.number().min(1).max(16).nullable().default(null),
  /** Of so many classes, the first; null: of all. Classes that were added later have another scale. */
  normClasses: z.int().min(2).nullable().default(null),
  temperature: z.number().gt(0).default(1),
  sure: fraction.nullable().default(null),
  auto: fraction.nullable().default(null),
  unknown: fraction.default(0),
  margin: fraction.default(0),
  /** Of an embedder: beyond this cosine distance to all that is enrolled a thing is unknown; null: nothing was measured. */
  distance: z.number().min(0).max(2).nullable().default(null),
  /** Of an embedder: beyond this one it is a question at most, however far ahead of the others it is; null: `distance`. */
  sureDistance: z.number().min(0).max(2).nullable().default(null),
  measuredOn: z.string().nullable().default(null),
})

/** Of a detector; recognition/detect/ says what each kind of `boxes` gives, and what holds where a key is left out. */
const detectorOutput = {
  boxes: z.enum(['ssd', 'yolo', 'fcos', 'retinanet']).optional(),
  /** Whether the graph leaves out boxes that lie on one another, or we do (default). */
  nms: z.enum(['inside', 'ours']).optional(),
  /** Boxes that share more than this (intersection over union) are one thing; default 0.5. */
  nmsIou: z.number().gt(0).max(1).optional(),
  /** The name of the output with the scores, where its shape does not tell. */
  scores: z.string().optional(),
  /** Of the graph's boxes; default: fractions with ssd, pixels of the input with yolo. */
  units: z.enum(['fraction', 'pixel']).optional(),
  /** Pixels of the input between two cells, one a level, the finest first. */
  strides: z.array(z.int().min(1).max(1024)).min(1).max(8).optional(),
  /** yolo: whether a row has one beside its classes; default: in the form of versions before 8. */
  objectness: z.boolean().optional(),
  /** retinanet: scales of 4 strides, ratios of height to width, where in its cell an anchor stands, and by what deltas are multiplied. */
  anchors: z
    .strictObject({
      scales: z.array(z.number().gt(0)).min(1).optional(),
      ratios: z.array(z.number().gt(0)).min(1).optional(),
      offset: z.number().min(0).max(1).optional(),
      deviation: z.tuple([z.number(), z.number(), z.number(), z.number()]).optional(),
    })
    .optional(),
}

export const manifestSchema = z.strictObject({
  schema: z.literal(1),
  name: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,64}$/, 'Expected 1 to 64 letters, digits, "_", "." or "-"'),
  version: z.int().min(1),
  kind: z.enum(['classifier', 'embedder', 'detector', 'text-detector', 'text-recogniser']),
  weights: z.array(weightsSchema).min(1),
  input: inputSchema,
  output: z.looseObject({
    activation: z.enum(['none', 'softmax', 'sigmoid']).default('none'),
    /** Names of the graph's outputs, where it has more than one. */
    logits: z.string().optional(),
    embedding: z.string().optional(),
    /** Of an embedder: how many numbers an embedding has. */
    dimension: z.int().min(2).max(65536).optional(),
    ...detectorOutput,
    /** Of a text-recogniser: a file with one symbol a line. */
    alphabet: file.optional(),
  }),
  labels: file.optional(),
  calibration: calibrationSchema.prefault({}),
  metrics: z.record(z.string(), z.unknown()).default({}),
  licence: z.string(),
  source: z.string(),
})

export type Manifest = z.infer<typeof manifestSchema>
export type Weights = Manifest['weights'][number]
export type Calibration = Manifest['calibration']

/** What the manifest would say of a bare model file; named as the manifest's keys. */
export interface ModelFlags {
  mean?: number[]
  scale?: number[]
  channels?: 'rgb' | 'bgr'
  fit?: 'fill' | 'crop' | 'letterbox'
  filter?: 'area' | 'bilinear'
  activation?: 'none' | 'softmax' | 'sigmoid'
}

/** A model ready to be given to an engine: its manifest, its labels, and where its files are. */
export interface ModelDirectory {
  folder: string
  manifest: Manifest
  labels: Label[]
  /** false for a bare file, whose hash nobody wrote down. */
  verified: boolean
}

/** Where the models that ship are: beside src/ and dist/. */
export const shippedModels = resolve(dirname(fileURLToPath(import.meta.url)), '../../models')

/** SHA-256 in hex, as a manifest names it. */
export const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

function readFileOr(
  path: string,
  code: 'MODEL_NOT_FOUND' | 'LABELS_INVALID',
  what: string,
): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code
    throw new GroceryError(code, `Expected ${what} at ${path} but reading it failed: ${reason}`, {
      cause,
    })
  }
}

function readManifest(folder: string): Manifest {
  const path = join(folder, 'model.json')
  if (!existsSync(path)) {
    throw new GroceryError(
      'MANIFEST_INVALID',
      `${folder}: Expected a model.json in the folder but it has none`,
    )
  }
  let json: unknown
  try {
    json = JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new GroceryError('MANIFEST_INVALID', `${path}: ${(cause as Error).message}`, { cause })
  }
  const result = manifestSchema.safeParse(json)
  if (result.success) return result.data
  const problems = result.error.issues.map(issue => `${issue.path.join('.')}: ${issue.message}`)
  throw new GroceryError('MANIFEST_INVALID', `${path}: ${problems.join('; ')}`, {
    details: problems,
  })
}

/** The manifest that a bare .xml or .onnx would have. */
function bareManifest(path: string, labels: Label[], flags: ModelFlags): Manifest {
  const isIr = extname(path) === '.xml'
  const bytes = readFileOr(path, 'MODEL_NOT_FOUND', 'a model')
  const facts = isIr ? readIr(bytes.toString('utf8')) : null
  const onnx = isIr ? null : readOnnx(bytes)
  const shape = facts?.inputShape ?? onnx?.inputs[0]?.shape ?? []
  const endsInSoftmax = facts?.endsInSoftmax ?? /^softmax$/i.test(onnx?.lastOperators[0] ?? '')
  const nhwc = shape.length === 4 && shape[3] === 3 && shape[1] !== 3
  const size = (dimension: number | undefined) => (dimension && dimension > 0 ? dimension : 224)
  const { activation, ...input } = flags
  return manifestSchema.parse({
    schema: 1,
    name: basename(path, extname(path))
      .replace(/[^A-Za-z0-9_.-]/g, '-')
      .slice(0, 64),
    version: 1,
    kind: 'classifier',
    weights: [
      {
        format: isIr ? 'openvino-ir' : 'onnx',
        file: basename(path),
        precision: 'fp32',
        sha256: hash(bytes),
      },
    ],
    input: {
      ...input,
      width: size(nhwc ? shape[2] : shape[3]),
      height: size(nhwc ? shape[1] : shape[2]),
      layout: nhwc ? 'nhwc' : 'nchw',
    },
    output: { activation: activation ?? (endsInSoftmax ? 'none' : 'softmax') },
    // Nothing was measured, so the thresholds are the cautious ones of a stranger.
    calibration: { sure: 0.9, unknown: labels.length > 2 ? 0.3 : 0.6 },
    licence: 'unknown',
    source: path,
  })
}

const shippedNames = (): string[] =>
  existsSync(shippedModels)
    ? readdirSync(shippedModels).filter(name => existsSync(join(shippedModels, name, 'model.json')))
    : []

/**
 * Finds a model: a name under models/, a folder with model.json, or a bare .xml or .onnx with labels.
 * Throws MODEL_NOT_FOUND, MANIFEST_INVALID, LABELS_INVALID.
 */
export function openModel(
  model: string,
  options: { labels?: string | undefined; flags?: ModelFlags | undefined } = {},
): ModelDirectory {
  const isName = /^[A-Za-z0-9_.-]+$/.test(model) && !existsSync(model)
  const path = isName ? join(shippedModels, model) : resolve(model)
  if (!existsSync(path)) {
    throw new GroceryError(
      'MODEL_NOT_FOUND',
      `Expected a model at ${path} but nothing is there${didYouMean(model, shippedNames())}`,
    )
  }
  if (statSync(path).isDirectory()) {
    const given = Object.keys(options.flags ?? {})
    if (given.length > 0) {
      throw new GroceryError(
        'USAGE',
        `--${given.join(', --')}: Expected only with a bare model file, since ${path}/model.json says it already`,
      )
    }
    const manifest = readManifest(path)
    const labelsPath = options.labels ?? (manifest.labels && join(path, manifest.labels))
    const labels = labelsPath
      ? parseLabels(readFileOr(labelsPath, 'LABELS_INVALID', 'labels').toString('utf8'), labelsPath)
      : []
    return { folder: path, manifest, labels, verified: true }
  }
  if (!/\.(xml|onnx)$/.test(path)) {
    throw new GroceryError(
      'MODEL_NOT_FOUND',
      `Expected a folder, an .xml or an .onnx file but received ${path}`,
    )
  }
  if (!options.labels) {
    throw new GroceryError('LABELS_INVALID', `Expected --labels FILE beside the bare model ${path}`)
  }
  const labels = parseLabels(
    readFileOr(options.labels, 'LABELS_INVALID', 'labels').toString('utf8'),
    options.labels,
  )
  const manifest = bareManifest(path, labels, options.flags ?? {})
  return { folder: dirname(path), manifest, labels, verified: false }
}

/** The bytes of one set of weights, checked. */
export interface WeightBytes {
  model: Uint8Array
  weights?: Uint8Array
  /** Of all bytes, for state and caches. */
  sha256: string
}

export interface ReadWeights extends WeightBytes {
  /** Of the weights alone, bytes: as stored, and with 16-bit numbers widened to 32. */
  sizes: { storedBytes: number; floatBytes: number }
}

function readChecked(folder: string, name: string, expected: string | null): Uint8Array {
  const path = join(folder, name)
  const bytes = readFileOr(path, 'MODEL_NOT_FOUND', 'a model file')
  const actual = hash(bytes)
  if (expected !== null && actual !== expected) {
    throw new GroceryError(
      'MODEL_HASH_MISMATCH',
      `${path}: Expected sha256 ${expected} but received ${actual} of ${bytes.length} bytes`,
    )
  }
  return bytes
}

/**
 * Reads each file once and hashes those same bytes, so that nothing can be exchanged between check and load.
 * Throws MODEL_NOT_FOUND, MODEL_HASH_MISMATCH, MODEL_EXTERNAL_DATA, MODEL_INVALID.
 */
export function readWeights(folder: string, entry: Weights): ReadWeights {
  const model = readChecked(folder, entry.file, entry.sha256)
  if (entry.format === 'onnx') {
    const { externalData, weightBytes, floatBytes } = readOnnx(model)
    if (externalData.length > 0) {
      throw new GroceryError(
        'MODEL_EXTERNAL_DATA',
        `${join(folder, entry.file)}: Expected all weights inside but it refers to ${externalData[0]}`,
      )
    }
    return { model, sha256: hash(model), sizes: { storedBytes: weightBytes, floatBytes } }
  }
  const bin = entry.bin ?? { file: entry.file.replace(/\.xml$/, '.bin'), sha256: null }
  const weights = readChecked(folder, bin.file, bin.sha256)
  const both = createHash('sha256').update(model).update(weights).digest('hex')
  // What an IR holds in 8 or 16 bits may stay so: its file is the least that it takes.
  const sizes = { storedBytes: weights.length, floatBytes: weights.length }
  return { model, weights, sha256: both, sizes }
}
