// The report of a training: the evaluation's page over held-out pictures, with a few views as training sees them.
import { readFile } from 'node:fs/promises'
import { readPicture } from '../../recognition/picture.js'
import type { Product } from '../../recognition/types.js'
import type { Unreadable } from '../evaluate.js'
import type { Metrics, Outcome } from '../metrics.js'
import { mistakesOf } from '../mistakes.js'
import { renderReport } from '../report.js'
import { makeThumbnails, thumbnailOf } from '../report/thumbnails.js'
import type { ModelState, RuntimeState } from '../../protocol.js'
import { viewOf } from './embed.js'
import type { TrainingPicture } from './pictures.js'

const shownPictures = 4
const shownViews = 6
const shownSide = 160

/** The views of the first picture of a few classes. */
async function shownViewsOf(pictures: readonly TrainingPicture[], views: number) {
  const firsts = [...new Map(pictures.map(one => [one.truth, one])).values()]
  const shown: { file: string; pictures: string[] }[] = []
  for (const { file, path, sha256 } of firsts.slice(0, shownPictures)) {
    const input = await readPicture(await readFile(path), file)
    const made: string[] = []
    for (let view = 1; view < Math.min(views, shownViews); view++) {
      const picture = await viewOf(input, sha256, view, shownSide)
      made.push(await thumbnailOf(picture, shownSide))
    }
    if (made.length > 0) shown.push({ file, pictures: made })
  }
  return shown
}

export async function reportText(facts: {
  model: ModelState
  runtime: RuntimeState
  labels: Product[]
  dataset: string
  seconds: number
  metrics: Metrics
  outcomes: Outcome[]
  unreadable: Unreadable[]
  pictures: readonly TrainingPicture[]
  views: number
}): Promise<string> {
  const { pictures, views: count, ...report } = facts
  const mistakes = mistakesOf(report.outcomes, report.labels)
  const thumbnails = await makeThumbnails(mistakes, pictures)
  const views = await shownViewsOf(pictures, count)
  const whole = { ...report, at: new Date(), thumbnails, views }
  return renderReport(whole)
}
