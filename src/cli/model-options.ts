// The options of every command that loads a model, named as the keys of the manifest.
import { type Command, Option } from 'commander'
import { GroceryError } from '../errors.js'
import type { ModelFlags } from '../inference/manifest.js'
import type { ClassifierOptions } from '../recognition/classifier.js'

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
export const whole = (least: number) => (text: string) => {
  const value = Number(text)
  if (Number.isInteger(value) && value >= least && value <= 256) return value
  throw new GroceryError(
    'USAGE',
    `Expected a whole number from ${least} to 256 but received "${text}"`,
  )
}

export interface ModelOptions extends ModelFlags {
  model?: string
  labels?: string
  device?: string
  runtime?: 'auto' | 'openvino' | 'onnxruntime'
  threads?: number
  streams?: number
}

export function addModelOptions(command: Command): Command {
  return command
    .option(
      '--model <dir|file>',
      'a name under models/, a folder with model.json, an .xml or .onnx file',
      'grocery81',
    )
    .option('--labels <file>', 'labels of a bare model, one a line')
    .option('--device <device>', 'CPU, GPU, NPU, CUDA, TensorRT', 'CPU')
    .addOption(
      new Option('--runtime <name>', 'which runtime')
        .choices(['auto', 'openvino', 'onnxruntime'])
        .default('auto'),
    )
    .option('--threads <n>', "threads of the runtime, 0: the runtime's choice", whole(0), 0)
    .option('--streams <n>', 'requests in flight', whole(1), 1)
    .option('--mean <values>', 'bare model: (pixel - mean) / scale', numbers)
    .option('--scale <values>', 'bare model: (pixel - mean) / scale', divisors)
    .addOption(new Option('--channels <order>', 'bare model').choices(['rgb', 'bgr']))
    .addOption(new Option('--fit <how>', 'bare model').choices(['fill', 'crop', 'letterbox']))
    .addOption(new Option('--filter <filter>', 'bare model').choices(['area', 'bilinear']))
    .addOption(
      new Option('--activation <kind>', 'bare model').choices(['none', 'softmax', 'sigmoid']),
    )
}

export function classifierOptions(options: ModelOptions): ClassifierOptions {
  const {
    model,
    labels,
    device = 'CPU',
    runtime = 'auto',
    threads = 0,
    streams = 1,
    ...rest
  } = options
  const { mean, scale, channels, fit, filter, activation } = rest
  return {
    ...(model === undefined ? {} : { model }),
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
