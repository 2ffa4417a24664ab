// The cells of the state table for what the cameras see. Pure.
import {
  type Cell,
  enter,
  type InputOf,
  placeNew,
  remove,
  result,
  settleItem,
  why,
} from './cell.js'
import { addOtherVote, addVote, judge, type Verdict } from './consensus.js'
import { actionOf, askedAbout, identifiedAs } from './item.js'
import { looksAlike } from './likeness.js'
import type { CounterSettings, CounterState, Moment, Phase, Result } from './state.js'
import type { Item } from './types.js'

type Look = 'empty' | 'moving' | 'dark'
type Duration = 'stable' | 'gone' | 'settle'

/** Stays where it is; only the view changes. */
export const stay =
  <K extends Look>(reason: string): Cell<K> =>
  (state, input) =>
    result({ ...state, view: input.kind }, reason)

export const goTo =
  <K extends Look>(phase: Phase, reason: string): Cell<K> =>
  (state, input) =>
    result(enter(state, phase, input, { view: input.kind }), reason)

/** Nothing was seen: what lay there at open, if anything, is gone. */
export const clear: Cell<'empty'> = (state, input) =>
  result(enter(state, 'empty', input, { view: 'empty', presentAtOpen: false }), why.empty)

/** Votes until enough frames agree for long enough; then `done` says what follows. */
function gather(
  state: CounterState,
  input: InputOf<'object'>,
  settings: CounterSettings,
  holdMs: number,
  done: (verdict: Verdict, voted: CounterState) => Result,
): Result {
  const votes = addVote(state.votes, { observation: input.observation, leads: true })
  const voted: CounterState = { ...state, votes, view: 'ok' }
  const verdict = judge(votes, settings.consensus)
  const lasted = input.at - state.since
  if (verdict.settled && lasted >= holdMs) return done(verdict, voted)
  if (lasted >= Math.max(settings.giveUp, holdMs) && votes.length >= 3) {
    return done({ ...verdict, decision: 'ask', auto: false, askReason: 'conflict' }, voted)
  }
  return result(voted, verdict.settled ? why.still : why.disagree)
}

export const settle: Cell<'object'> = (state, input, settings) =>
  gather(state, input, settings, settings.stable, (verdict, voted) =>
    placeNew(voted, input, settings, verdict, input.look),
  )

export const begin: Cell<'object'> = (state, input, settings) =>
  settle(enter(state, 'settling', input), input, settings)

/** What the model said of the item; a person may have said otherwise since. */
export const modelSku = (item: Item) =>
  item.decision === 'unknown' ? null : item.alternatives[0]?.sku

/** Whether what the pictures show is this item, or knows as little of it. */
export const sameThing = (item: Item, verdict: Verdict): boolean => {
  if (verdict.decision === 'unknown') return item.sku === null
  return verdict.twins.some(sku => sku === item.sku || sku === modelSku(item))
}

/** A question whose answers include the item is no word against it. */
const mayBe = (item: Item, verdict: Verdict): boolean =>
  verdict.decision === 'ask' &&
  verdict.candidates.some(({ sku }) => sku === item.sku || sku === modelSku(item))

/** Whether what the pictures show can be this item. */
export const isAbout = (item: Item, verdict: Verdict): boolean =>
  sameThing(item, verdict) || mayBe(item, verdict)

/** The same item under another name, as far as the model can tell. */
function rename(
  state: CounterState,
  input: InputOf<'object'>,
  settings: CounterSettings,
  verdict: Verdict,
): Result {
  const named = identifiedAs(state.item!, verdict)
  const item = state.presentAtOpen ? askedAbout(named) : named
  const next = { ...state, item }
  const told = next.announced ? [actionOf('changed', 'identity', item, next, input)] : []
  return settleItem(next, input, settings, input.look, told)
}

/**
 * After a disturbance. What looks as it did was not touched; the same product again keeps its id, and so does
 * what the model knows less of now; only another product takes its place.
 */
export const match =
  (hold: Duration): Cell<'object'> =>
  (state, input, settings) =>
    gather(state, input, settings, settings.stable, (verdict, voted) => {
      const { item, confirmed } = voted
      if (!item) return placeNew(voted, input, settings, verdict, input.look)
      const untouched = looksAlike(voted.look, input.look)
      if (untouched || isAbout(item, verdict)) {
        return settleItem(voted, input, settings, input.look)
      }
      if (verdict.decision === 'unknown' || item.sku === null) {
        return confirmed
          ? settleItem(voted, input, settings, input.look)
          : rename(voted, input, settings, verdict)
      }
      if (input.at - state.since < settings[hold]) return result(voted, why.other)
      const removed = remove(voted, input)
      return placeNew(removed.state, input, settings, verdict, input.look, removed.actions)
    })

/** A still scene with a known item: only frames that go on to disagree change what it is. */
export const watch: Cell<'object'> = (state, input, settings) => {
  const item = state.item!
  const frame = judge([{ observation: input.observation, leads: true }], 1)
  if (state.confirmed || sameThing(item, frame))
    return settleItem(state, input, settings, input.look)
  return gather(state, input, settings, settings.giveUp, (verdict, voted) => {
    // Frames that now know less are no news; only another product is.
    const isNews = !sameThing(item, verdict) && verdict.decision !== 'unknown'
    return isNews
      ? rename(voted, input, settings, verdict)
      : settleItem(voted, input, settings, input.look)
  })
}

/** Seen again where it had gone from: the votes begin anew. */
export const again: Cell<'object'> = (state, input, settings) =>
  match('stable')(enter(state, 'disturbed', input), input, settings)

/** Gone when nothing is seen for long enough, or when it was not seen for certain for much longer. */
export const leave =
  (hold: Duration): Cell<'empty'> =>
  (state, input, settings) => {
    const missing = state.phase !== 'restored' && input.at - state.missingSince >= settings.settle
    if (missing || input.at - state.since >= settings[hold]) {
      const gone = remove(state, input)
      return { ...gone, state: { ...gone.state, view: 'empty' } }
    }
    return result({ ...state, view: 'empty' }, why.leaving)
  }

/** Another camera's word counts while votes are gathered, and never decides alone. */
export const hear: Cell<'vote'> = (state, input) =>
  result({
    ...state,
    votes: addOtherVote(state.votes, { observation: input.observation, leads: false }),
  })

export const ignoreVote: Cell<'vote'> = state => result(state)

/** Too long without a frame: anything may have happened, and what is known must be seen again. */
export function afterGap(state: CounterState, input: Moment): CounterState {
  if (state.phase === 'settling') return enter(state, 'empty', input)
  const unseen = { look: null, missingSince: input.at }
  return enter(state, state.phase === 'placed' ? 'disturbed' : state.phase, input, unseen)
}
