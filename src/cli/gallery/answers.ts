// What shoppers said and was not taught: shown by product, or thrown away.
import { systemClock } from '../../clock.js'
import { AnswerStore } from '../../gallery/answers.js'
import type { GalleryStore } from '../../gallery/store.js'

interface Options {
  json?: boolean
  drop?: string
  dropAll?: boolean
}

/** Throws STATE_UNWRITABLE. */
export function showAnswers({ dir }: GalleryStore, { json, drop, dropAll }: Options): void {
  const answers = new AnswerStore({ dir, clock: systemClock })
  answers.start()
  const gone = answers.all.filter(one => dropAll || one.sku === drop)
  if (dropAll || drop !== undefined) {
    answers.remove(gone)
    console.log(json ? JSON.stringify({ dropped: gone.length }) : `dropped: ${gone.length}`)
    return
  }
  if (json) {
    console.log(JSON.stringify(answers.all))
    return
  }
  for (const sku of new Set(answers.all.map(one => one.sku))) {
    const own = answers.all.filter(one => one.sku === sku)
    const [sessions, days] = [own.map(one => one.session), own.map(one => one.day)]
    const taken = new Set(own.map(one => one.candidates[0]?.name ?? 'nothing'))
    console.log(
      `${sku}  ${own[0]!.name}  answers ${own.length}, sessions ${new Set(sessions).size}, days ${new Set(days).size}; recognised: ${[...taken].join(', ')}`,
    )
  }
  console.log(`answers ${answers.all.length}, in ${answers.dir}`)
}
