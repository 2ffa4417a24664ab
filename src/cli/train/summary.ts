// What a training says at its end, for people and as JSON. Pure.
import { neverSure } from '../../learn/train/advice.js'
import type { Training } from '../../learn/train/train.js'

const percent = (share: number) => `${(share * 100).toFixed(1)} %`
const shownLines = 5

function listed(head: string, lines: string[]): string[] {
  if (lines.length === 0) return []
  const rest = lines.length - shownLines
  const more = rest > 0 ? [`  and ${rest} more (see --json)`] : []
  return ['', head, ...lines.slice(0, shownLines).map(line => `  ${line}`), ...more]
}

/** null where it is sure of something. */
function whyNeverSure({ base, calibration, kept, outcomes }: Training): string | null {
  if (calibration.sure !== null) return null
  if (kept !== null && base.sure === null) return 'never sure, since its base is not'
  return neverSure(outcomes)
}

function sureLine(training: Training): string {
  const { sure } = training.metrics
  const why = whyNeverSure(training)
  if (why !== null) return why
  if (sure.precision === null) return 'sure of none of the held-out pictures'
  return `sure of ${percent(sure.coverage)} and then right for ${percent(sure.precision)}, at least ${percent(sure.lowerBound)} (95 %, one-sided)`
}

const quoted = (path: string) =>
  /^[\w./:-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`

/** A path, where a bare name would be looked for under models/. */
const asPath = (out: string) => (out.includes('/') ? out : `./${out}`)

/** @param out as the user gave it, for the commands to type next */
export function trainingText(training: Training, out: string): string {
  const { model, base, metrics, kept, unreadable, copies, warnings, seconds } = training
  const [low, high] = metrics.intervals.top1
  const added = kept ? ` (${training.classes.length} added)` : ''
  const path = asPath(out)
  const old = kept && [
    `  old classes     ${percent(kept.after)} of ${kept.rows} embeddings that the base kept are still right, ${percent(kept.before)} before`,
  ]
  return [
    `${model.name} version ${model.version} on ${base.name} version ${base.version}: ${model.classes} classes${added}, ` +
      `${training.pictures} pictures in ${training.views} views, ${seconds.whole.toFixed(1)} s`,
    '',
    `  top-1           ${percent(metrics.top1)} of pictures that were held out (95 %: ${percent(low)} to ${percent(high)})`,
    `  top-4           ${percent(metrics.top4)}`,
    `  sure            ${sureLine(training)}`,
    ...(old ?? []),
    ...listed(
      unreadable.length === 1
        ? '1 file could not be read and was left out:'
        : `${unreadable.length} files could not be read and were left out:`,
      unreadable.map(({ code, message }) => `${code} ${message}`),
    ),
    ...listed(
      copies.length === 1 ? '1 copy counted once:' : `${copies.length} copies counted once:`,
      copies.map(({ file, of }) => `${file} is ${of}`),
    ),
    ...listed('note:', warnings),
    '',
    `report: ${training.report}`,
    `next:   grocerd evaluate --model ${quoted(path)} --images NEW_PHOTOGRAPHS`,
    `use it: models.classifier: ${path} in the configuration`,
  ].join('\n')
}

/** Rates are 0..1; names as evaluate's. */
export function trainingJson(training: Training): object {
  const { model, runtime, base, metrics, calibration, kept } = training
  const { images: heldOut, top1, top4, macroF1, loss, intervals, sure } = metrics
  return {
    model,
    runtime,
    base,
    folder: training.folder,
    report: training.report,
    pictures: training.pictures,
    views: training.views,
    cached: training.cached,
    classes: training.classes,
    heldOut: { images: heldOut, top1, top1Interval: intervals.top1, top4, macroF1, loss, sure },
    calibration,
    neverSure: whyNeverSure(training),
    l2: training.l2,
    tried: training.tried,
    kept,
    unreadable: training.unreadable,
    copies: training.copies,
    warnings: training.warnings,
    seconds: training.seconds,
  }
}
