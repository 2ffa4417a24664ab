// grocerd evaluate: how good a model is on labelled pictures, for people, programs (--json) and as a report (--html).
import { writeFileSync } from 'node:fs'
import { Command, Option } from 'commander'
import { GroceryError } from '../errors.js'
import { openModel } from '../inference/manifest.js'
import { checkOptions, type EvaluateOptions, toStdout } from './evaluate/options.js'
import { addModelOptions, makeClassifier } from './model-options.js'

function write(file: string, text: string): void {
  if (file === toStdout) process.stdout.write(text)
  else writeFileSync(file, text)
}

/** Of the model; a bare file is a classifier, and so are the members of an ensemble. */
function kindOf({ model = 'grocery81', ensemble }: EvaluateOptions): string {
  if (ensemble || /\.(xml|onnx)$/.test(model)) return 'classifier'
  return openModel(model).manifest.kind
}

async function evaluate(options: EvaluateOptions): Promise<void> {
  checkOptions(options)
  if (options.images !== undefined && kindOf(options) === 'detector') {
    const { evaluateDetector } = await import('./evaluate/detector.js')
    return evaluateDetector(options)
  }
  const { precision } = options
  const precisionHint = precision === 'f32' ? precision : undefined
  const { judgeHeldOut, judgePictures, degradedExamples } = await import('./evaluate/judge.js')
  const { bootstrap } = await import('../learn/bootstrap.js')
  const curves = await import('../learn/curves.js')
  const { measure } = await import('../learn/metrics.js')
  const { mistakesOf } = await import('../learn/mistakes.js')
  const { reckon } = await import('../learn/money.js')
  const { summaryText } = await import('../learn/summary.js')

  const judged =
    options.outOfFold === undefined
      ? await judgePictures(options, one => makeClassifier(one, { precisionHint }))
      : judgeHeldOut(options)
  const { pictures, prices, extras: asked, ...said } = judged
  const { outcomes, labels, ...facts } = said
  const metrics = measure(outcomes, labels)
  const mistakes = mistakesOf(outcomes, labels)
  const extras = {
    ...asked,
    bootstrap: bootstrap(outcomes, labels.length),
    money: prices ? reckon(outcomes, labels, prices) : undefined,
  }
  const at = new Date()

  if (options.json !== toStdout) console.log(summaryText({ ...facts, labels, metrics, ...extras }))
  if (options.json !== undefined) {
    const { ensemble, ...others } = extras
    const reliability = curves.reliability(outcomes)
    const figures = {
      ...metrics,
      reliability,
      calibrationError: curves.calibrationError(reliability),
      coverage: curves.thinned(curves.coverageCurve(outcomes)),
      ...others,
      ...(ensemble && { members: ensemble.members, bestMember: ensemble.best }),
    }
    write(
      options.json,
      `${JSON.stringify({ ...figures, ...facts, precision, at, mistakes }, null, 1)}\n`,
    )
  }
  if (options.html !== undefined) {
    const { makeThumbnails } = await import('../learn/report/thumbnails.js')
    const { renderReport } = await import('../learn/report.js')
    const thumbnails = await makeThumbnails(mistakes, pictures)
    const shown = pictures.find(one => one.file === outcomes[0]!.file)
    const examples = extras.robustness && shown ? await degradedExamples(shown) : undefined
    write(options.html, renderReport({ ...said, ...extras, metrics, at, thumbnails, examples }))
  }
  if (options.minTop1 !== undefined && metrics.top1 < options.minTop1) {
    const words = `Expected a top-1 of at least ${options.minTop1} but received ${metrics.top1.toFixed(4)}`
    throw new GroceryError('BELOW_MINIMUM', words)
  }
}

export const evaluateCommand = (): Command =>
  addModelOptions(
    new Command('evaluate')
      .description('say how good a model is on labelled pictures')
      .option(
        '--images <dir|csv>',
        'a folder per class, or rows of path,label (a sku, name or class index) without a header; of a detector a coco.json',
      )
      .option('--against <model>', 'another model on the same pictures, and whether it differs')
      .option('--prices <csv>', 'sku,price[,unit]: what the mistakes would cost')
      .option('--robustness', 'every picture again, blurred, dim, turned, half hidden and so on')
      .option(
        '--out-of-fold <csv>',
        'held-out predictions of a model directory instead of --images',
      )
      .option('--pictures <dir>', 'where the pictures of --out-of-fold lie, for the report')
      .option('--json <file>', 'write the figures as JSON; - is standard output')
      .option('--html <file>', 'write a report with the confusion matrix and the worst mistakes')
      .option('--min-top1 <share>', 'exit 1 where top-1 is below this, 0 to 1', Number)
      .addOption(
        new Option('--precision <hint>', 'f32: the same figures on every CPU; auto: as run does')
          .choices(['f32', 'auto'])
          .default('f32'),
      ),
  ).action(evaluate)
