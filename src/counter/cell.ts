// What a cell of the state table is, and the few steps that many cells share. Pure.
import type { Verdict } from './consensus.js'
import { actionOf, askedAbout, newItem } from './item.js'
import type {
  CounterSettings,
  CounterState,
  Input,
  InputKind,
  Look,
  Moment,
  Phase,
  Result,
} from './state.js'
import type { ItemAction } from './types.js'

export type InputOf<K extends InputKind> = Input & { kind: K }
export type Cell<K extends InputKind> = (
  state: CounterState,
  input: InputOf<K>,
  settings: CounterSettings,
) => Result

export const why = {
  moving: 'the scene moves',
  dark: 'the picture is dark',
  empty: 'nothing lies there',
  leaving: 'waiting whether the item comes back',
  suspended: 'the session is suspended',
  noSession: 'no session is open',
  other: 'another thing is seen where an item lay',
  still: 'waiting for it to lie still',
  disagree: 'the frames do not agree yet',
} as const

export const result = (
  state: CounterState,
  reason: string | null = null,
  actions: ItemAction[] = [],
): Result => ({ state, actions, why: reason })

/** Whether the till may be told of items now. */
const mayAnnounce = (state: CounterState, settings: CounterSettings) =>
  state.session !== null || !settings.needSession

/** Into a phase, from now on and without the votes of the one before. */
export const enter = (
  state: CounterState,
  phase: Phase,
  input: Moment,
  changes: Partial<CounterState> = {},
): CounterState => ({ ...state, phase, since: input.at, votes: [], ...changes })

/** The item is seen for certain: the till hears of it now, unless it knows already or may not. */
export function settleItem(
  state: CounterState,
  input: Moment,
  settings: CounterSettings,
  look: Look,
  before: ItemAction[] = [],
): Result {
  const seen = enter(state, 'placed', input, { look, view: 'ok', missingSince: input.at })
  if (!seen.item || seen.announced) return result(seen, null, before)
  if (!mayAnnounce(seen, settings)) return result(seen, why.noSession, before)
  const item = seen.presentAtOpen ? askedAbout(seen.item) : seen.item
  const told = { ...seen, item, announced: true }
  return result(told, null, [...before, actionOf('placed', null, item, told, input)])
}

/** A new item is there. */
export const placeNew = (
  state: CounterState,
  input: Moment,
  settings: CounterSettings,
  verdict: Verdict,
  look: Look,
  before: ItemAction[] = [],
): Result => {
  const item = newItem(settings.newId(), verdict)
  return settleItem(
    { ...state, item, announced: false, confirmed: false },
    input,
    settings,
    look,
    before,
  )
}

/** The item is gone: the till hears of it if it heard of its coming. */
export function remove(state: CounterState, input: Moment): Result {
  const actions =
    state.item && state.announced ? [actionOf('removed', 'taken', state.item, state, input)] : []
  const gone = { item: null, announced: false, confirmed: false, presentAtOpen: false, look: null }
  return result(enter(state, 'empty', input, gone), why.empty, actions)
}
