// grocerd train: a folder of photographs, one folder a class, becomes a model on this machine in minutes.
import { homedir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { GroceryError } from '../errors.js'
import { addRuntimeOptions } from './model-options.js'
import { trainingJson, trainingText } from './train/summary.js'
import { makeProgress } from './train/progress.js'

interface Options {
  images: string
  out: string
  base: string
  add?: boolean
  force?: boolean
  /** false with --no-cache. */
  cache?: string | false
  seed: number
  json?: boolean
  device: string
  runtime: 'auto' | 'openvino' | 'onnxruntime'
  threads: number
  streams: number
}

/** The folder of caches that the system names; null where there is no home. */
function defaultCache(): string | null {
  const folder = process.env.XDG_CACHE_HOME || (homedir() && join(homedir(), '.cache'))
  return folder ? join(folder, 'grocerd') : null
}

function seedOf(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 0 && value < 2 ** 32) return value
  throw new GroceryError('USAGE', `Expected a whole number for --seed but received "${text}"`)
}

/** An end by a signal is an end by exit(), which removes what is half written. */
function endOnSignals(): void {
  process.once('SIGINT', () => process.exit(130))
  process.once('SIGTERM', () => process.exit(143))
}

async function run(options: Options): Promise<void> {
  endOnSignals()
  const { train } = await import('../learn/train/train.js')
  const { images, out, base, seed, device, runtime, threads, streams } = options
  const progress = makeProgress(process.stderr, images)
  const training = await train({
    images,
    out,
    base,
    add: options.add ?? false,
    force: options.force ?? false,
    cache: options.cache === false ? null : (options.cache ?? defaultCache()),
    seed,
    runtime: { prefer: runtime, device, threads, streams },
    onProgress: progress.show,
  }).finally(progress.end)
  if (options.json) console.log(JSON.stringify(trainingJson(training), null, 1))
  else console.log(trainingText(training, out))
}

export const trainCommand = (): Command =>
  addRuntimeOptions(
    new Command('train')
      .description('make a model of your own photographs: a folder per class')
      .requiredOption('--images <dir>', 'a folder per class; its name becomes sku and name')
      .requiredOption('--out <dir>', 'the model folder to write')
      .option(
        '--base <model>',
        'whose embeddings to use: a name under models/ or a folder',
        'grocery81',
      )
      .option('--add', "keep the base's classes and add those of the folder")
      .option('--force', 'replace a model at --out, in one step')
      .option('--cache <dir>', 'where embeddings are kept (default: $XDG_CACHE_HOME or ~/.cache)')
      .option('--no-cache', 'keep no embeddings')
      .option('--seed <n>', 'deals the pictures to folds', seedOf, 1)
      .option('--json', 'print the summary as JSON'),
    2,
  )
    .addHelpText(
      'after',
      '\nExample: grocerd train --images photos --out models/lunch\n  where photos/sandwich/*.jpg and photos/sushi/*.jpg are the photographs of two classes.',
    )
    .action(run)
