// Several things in one picture: the name at each box, and the same things as a list. Pure but for the elements it makes.
import { make } from './dom.js'
import { decisionWords } from './words.js'

/** From left to right, so that a list stays as it is while vision's order changes. */
const inOrder = observations => [...observations].sort((a, b) => middle(a) - middle(b))
const middle = ({ box }) => box[0] + box[2]

const nameOf = ({ decision, candidates }) =>
  (decision === 'unknown' ? null : candidates[0]?.name) ?? 'Not recognised'

export const thingRows = observations =>
  inOrder(observations).map(one => {
    const [words, tone] = decisionWords[one.decision] ?? [one.decision, 'wait']
    return make(
      'li',
      { class: 'thing' },
      make('span', {}, nameOf(one)),
      make('span', { class: 'chip', 'data-tone': tone }, words),
    )
  })

/** Above its box, or in it where there is no room above. */
const leastRoom = 0.07

/** One name a box; none for a single thing, which the headline names. */
export function boxLabels(observations) {
  if (observations.length < 2) return []
  return inOrder(observations).map(one => {
    const [x0, y0, x1] = one.box
    const tone = decisionWords[one.decision]?.[1] ?? 'wait'
    const label = make('span', { class: 'label', 'data-tone': tone }, nameOf(one))
    // A name may be wider than a small thing, but never leaves the picture.
    const isRight = x0 > 0.6
    label.style.setProperty(isRight ? 'right' : 'left', `${100 * (isRight ? 1 - x1 : x0)}%`)
    label.style.top = `${100 * y0}%`
    label.style.maxWidth = `${100 * Math.max(0.22, x1 - x0)}%`
    label.toggleAttribute('data-inside', y0 < leastRoom)
    return label
  })
}
