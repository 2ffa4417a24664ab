// grocerd evaluate: how good a model is on labelled pictures, for people, programs (--json) and as a report (--html).
import { accessSync, constants, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Command, Option } from 'commander'
import { GroceryError } from '../errors.js'
import { addModelOptions, makeClassifier, type ModelOptions } from './model-options.js'

interface Options extends ModelOptions {
  images: string
  json?: string
  html?: string
  minTop1?: number
  precision: 'f32' | 'auto'
}

const mostThumbnails = 24
const toStdout = '-'

/** Better now than after the minutes that an evaluation takes. */
function checkOptions({ json, html, minTop1 }: Options): void {
  if (minTop1 !== undefined && !(minTop1 >= 0 && minTop1 <= 1)) {
    throw new GroceryError('USAGE', 'Expected a number from 0 to 1 for --min-top1')
  }
  for (const file of [json, html]) {
    if (file === undefined || file === toStdout) continue
    const folder = dirname(resolve(file))
    try {
      accessSync(folder, constants.W_OK)
    } catch (cause) {
      const reason = (cause as NodeJS.ErrnoException).code
      const words = `Expected a folder that can be written for ${file} but ${folder} gives ${reason}`
      throw new GroceryError('USAGE', words, { cause })
    }
  }
}

function showProgress(done: number, total: number): void {
  if (process.stderr.isTTY) {
    process.stderr.write(`\r${done} of ${total} pictures${done === total ? '\n' : ''}`)
  }
}

function write(file: string, text: string): void {
  if (file === toStdout) process.stdout.write(text)
  else writeFileSync(file, text)
}

async function evaluate(options: Options): Promise<void> {
  checkOptions(options)
  const { readDataset } = await import('../learn/dataset.js')
  const { runEvaluation } = await import('../learn/evaluate.js')
  const { measure } = await import('../learn/metrics.js')
  const { mistakesOf } = await import('../learn/mistakes.js')
  const { summaryText } = await import('../learn/summary.js')

  const classifier = await makeClassifier(options, {
    precisionHint: options.precision === 'f32' ? 'f32' : undefined,
  })
  const { model, runtime, labels } = await classifier.start()
  try {
    const pictures = readDataset(options.images, labels)
    const inFlight = (options.streams ?? 1) + 1
    const run = await runEvaluation({ classifier, pictures, inFlight, onProgress: showProgress })
    const { outcomes, unreadable, seconds } = run
    if (outcomes.length === 0) {
      const { code, message } = unreadable[0]!
      const words = `Expected pictures in ${options.images} but none of ${pictures.length} can be read`
      throw new GroceryError('DATASET_INVALID', `${words}; the first: ${code} ${message}`)
    }
    const metrics = measure(outcomes, labels)
    const mistakes = mistakesOf(outcomes, labels)
    const at = new Date()
    const dataset = options.images

    if (options.json !== toStdout) {
      console.log(summaryText({ model, runtime, labels, metrics, unreadable, seconds }))
    }
    if (options.json !== undefined) {
      const { precision } = options
      const facts = { model, runtime, precision, dataset, at, seconds, unreadable, mistakes }
      write(options.json, `${JSON.stringify({ ...metrics, ...facts }, null, 1)}\n`)
    }
    if (options.html !== undefined) {
      const { makeThumbnails } = await import('../learn/report/thumbnails.js')
      const { renderReport } = await import('../learn/report.js')
      const worst = new Set(mistakes.slice(0, mostThumbnails).map(mistake => mistake.file))
      const thumbnails = await makeThumbnails(pictures.filter(one => worst.has(one.file)))
      const facts = { model, runtime, labels, dataset, at, seconds }
      write(options.html, renderReport({ ...facts, metrics, outcomes, unreadable, thumbnails }))
    }
    if (options.minTop1 !== undefined && metrics.top1 < options.minTop1) {
      const words = `Expected a top-1 of at least ${options.minTop1} but received ${metrics.top1.toFixed(4)}`
      throw new GroceryError('BELOW_MINIMUM', words)
    }
  } finally {
    await classifier.stop()
  }
}

export const evaluateCommand = (): Command =>
  addModelOptions(
    new Command('evaluate')
      .description('say how good a model is on labelled pictures')
      .requiredOption(
        '--images <dir|csv>',
        'a folder per class, or rows of path,label (a sku, name or class index) without a header',
      )
      .option('--json <file>', 'write the figures as JSON; - is standard output')
      .option('--html <file>', 'write a report with the confusion matrix and the worst mistakes')
      .option('--min-top1 <share>', 'exit 1 where top-1 is below this, 0 to 1', Number)
      .addOption(
        new Option('--precision <hint>', 'f32: the same figures on every CPU; auto: as run does')
          .choices(['f32', 'auto'])
          .default('f32'),
      ),
  ).action(evaluate)
