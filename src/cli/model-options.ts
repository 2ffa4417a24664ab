// The options of every command that loads a model, named as the keys of the manifest.
import { type Command, Option } from 'commander'
import { GroceryError } from '../errors.js'
import type { ModelFlags } from '../inference/manifest.js'
import type { AnyClassifierOptions } from '../recognition/choose.js'
import type { PictureClassifier } from '../recognition/classifier.js'

function numbers(text: string): number[] {
  const values = text.split(',').map(Number)
  const isRight = values.every(value => Number.isFinite(value) && value >= 0)
  if (isRight && (values.length === 1 || values.length === 3)) return values
  throw new GroceryError(
    'USAGE',
    `Expected one number or three separated by commas but received "${text}"`,
  )
}

/** A divisor: 0 would make every pixel infinite. */
function divisors(text: string): number[] {
  const values = numbers(text)
  if (!values.includes(0)) return values
  throw new GroceryError('USAGE', `Expected --scale without 0 but received "${text}"`)
}

/** Reads a whole number of an option. */
const whole = (least: number) => (text: string) => {
  const value = Number(text)
  if (Number.isInteger(value) && value >= least && value <= 256) return value
  throw new GroceryError(
    'USAGE',
    `Expected a whole number from ${least} to 256 but received "${text}"`,
  )
}

/** "a:2,b,path/c": models and what each weighs, 1 where nothing is said. */
function members(text: string): { model: string; weight: number }[] {
  const list = text.split(',').map(one => {
    const [, model, weight] = /^(.+?)(?::([^:/]*))?$/.exec(one.trim()) ?? []
    return { model: model ?? '', weight: weight === undefined ? 1 : Number(weight) }
  })
  const isRight = list.every(({ model, weight }) => model && weight > 0 && weight <= 1000)
  if (isRight && list.length >= 2 && list.length <= 8) return list
  throw new GroceryError(
    'USAGE',
    `Expected 2 to 8 models such as a:2,b:1 for --ensemble, weights above 0, but received "${text}"`,
  )
}

export interface ModelOptions extends ModelFlags {
  model?: string
  ensemble?: { model: string; weight: number }[]
  vote?: 'soft' | 'hard'
  gallery?: string
  catalogue?: string
  priors?: string
  site?: string
  labels?: string
  device?: string
  runtime?: 'auto' | 'openvino' | 'onnxruntime'
  threads?: number
  streams?: number
}

/** Where and how a model runs. */
export const addRuntimeOptions = (command: Command, streams = 1): Command =>
  command
    .option('--device <device>', 'CPU, GPU, NPU, CUDA, TensorRT', 'CPU')
    .addOption(
      new Option('--runtime <name>', 'which runtime')
        .choices(['auto', 'openvino', 'onnxruntime'])
        .default('auto'),
    )
    .option('--threads <n>', "threads of the runtime, 0: the runtime's choice", whole(0), 0)
    .option('--streams <n>', 'requests in flight', whole(1), streams)

export function addModelOptions(command: Command): Command {
  command
    .option(
      '--model <dir|file>',
      'a name under models/, a folder with model.json, an .xml or .onnx file',
      'grocery81',
    )
    .addOption(
      new Option(
        '--ensemble <models>',
        'several models that answer together, such as a:2,b:1 with their weights',
      )
        .argParser(members)
        .conflicts('model'),
    )
    .addOption(
      new Option('--vote <how>', 'of an ensemble: mean of the scores, or one vote each')
        .choices(['soft', 'hard'])
        .default('soft'),
    )
    .option('--gallery <dir>', 'the model is an embedder, and the gallery names what it sees')
    .option('--catalogue <file>', 'what the shop sells: sku,name,plu,…,active,variantOf')
    .option('--priors <file>', 'how often each is sold: site,sku,share')
    .option('--site <name>', 'whose rows of the priors hold')
    .option('--labels <file>', 'labels of a bare model, one a line')
  return addRuntimeOptions(command)
    .option('--mean <values>', 'bare model: (pixel - mean) / scale', numbers)
    .option('--scale <values>', 'bare model: (pixel - mean) / scale', divisors)
    .addOption(new Option('--channels <order>', 'bare model').choices(['rgb', 'bgr']))
    .addOption(new Option('--fit <how>', 'bare model').choices(['fill', 'crop', 'letterbox']))
    .addOption(new Option('--filter <filter>', 'bare model').choices(['area', 'bilinear']))
    .addOption(
      new Option('--activation <kind>', 'bare model').choices(['none', 'softmax', 'sigmoid']),
    )
}

export function classifierOptions(options: ModelOptions): AnyClassifierOptions {
  const {
    model,
    ensemble,
    vote = 'soft',
    catalogue,
    priors,
    site,
    labels,
    device = 'CPU',
    runtime = 'auto',
    threads = 0,
    streams = 1,
    ...rest
  } = options
  if (ensemble && labels && !ensemble.some(one => /\.(xml|onnx)$/.test(one.model))) {
    throw new GroceryError(
      'USAGE',
      '--labels: Expected only with a bare model file, since the folders of the ensemble have their own',
    )
  }
  const { mean, scale, channels, fit, filter, activation } = rest
  return {
    model,
    ensemble: ensemble && { vote, members: ensemble },
    catalogue,
    site,
    recognition: { priors: priors ?? null },
    labels,
    flags: {
      ...(mean && { mean }),
      ...(scale && { scale }),
      ...(channels && { channels }),
      ...(fit && { fit }),
      ...(filter && { filter }),
      ...(activation && { activation }),
    },
    runtime: { prefer: runtime, device, threads, streams },
  }
}

/**
 * The classifier that the options ask for, not started yet.
 * @param more what a command sets by itself
 */
export async function makeClassifier(
  options: ModelOptions,
  more: AnyClassifierOptions = {},
): Promise<PictureClassifier> {
  const asked = classifierOptions(options)
  const recognition = { ...asked.recognition, ...more.recognition }
  const all = { ...asked, ...more, recognition }
  if (options.gallery !== undefined) {
    const { galleryClassifier } = await import('./gallery/classifier.js')
    return galleryClassifier(options.gallery, all)
  }
  const { classifierFor } = await import('../recognition/choose.js')
  return classifierFor(all)
}
