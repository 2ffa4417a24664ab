// The state table of a counter with one kind of goods on it: phase x input -> phase and actions. Pure.
import { type Cell, result, why } from './cell.js'
import {
  afterGap,
  again,
  begin,
  clear,
  goTo,
  hear,
  ignoreVote,
  leave,
  match,
  settle,
  stay,
  watch,
} from './frames.js'
import {
  close,
  closeLeaving,
  confirm,
  open,
  openEmpty,
  openPlaced,
  resume,
  revise,
  suspend,
} from './sessions.js'
import type { CounterSettings, CounterState, Input, InputKind, Phase, Result } from './state.js'

export type Table = { [P in Phase]: { [K in InputKind]: Cell<K> } }

const till = { open, close, suspend, resume, confirm, revise }

export const table: Table = {
  empty: {
    empty: clear,
    moving: stay(why.moving),
    dark: stay(why.dark),
    object: begin,
    vote: ignoreVote,
    ...till,
    open: openEmpty,
  },
  settling: {
    empty: clear,
    moving: goTo('empty', why.moving),
    dark: goTo('empty', why.dark),
    object: settle,
    vote: hear,
    ...till,
  },
  placed: {
    empty: goTo('leaving', why.leaving),
    moving: goTo('disturbed', why.moving),
    dark: stay(why.dark),
    object: watch,
    vote: ignoreVote,
    ...till,
    open: openPlaced,
  },
  disturbed: {
    empty: goTo('leaving', why.leaving),
    moving: goTo('disturbed', why.moving),
    dark: stay(why.dark),
    object: match('stable'),
    vote: hear,
    ...till,
  },
  leaving: {
    empty: leave('gone'),
    moving: goTo('disturbed', why.moving),
    dark: stay(why.dark),
    object: again,
    vote: ignoreVote,
    ...till,
    close: closeLeaving,
  },
  restored: {
    empty: leave('settle'),
    moving: goTo('restored', why.moving),
    dark: stay(why.dark),
    object: match('settle'),
    vote: hear,
    ...till,
  },
}

const seen = new Set<InputKind>(['empty', 'moving', 'dark', 'object'])

/** One step: nothing is seen while the session is suspended, everything else is the table's. */
export function step(state: CounterState, input: Input, settings: CounterSettings): Result {
  const isFrame = seen.has(input.kind) || input.kind === 'vote'
  if (state.session?.suspended && isFrame) return result(state, why.suspended)
  let now = state
  if (seen.has(input.kind)) {
    const blind = state.lastAt === null || input.at - state.lastAt > settings.blind
    now = { ...(blind ? afterGap(state, input) : state), lastAt: input.at }
    // The time to find a restored item again is over, however often the scene moved in it.
    const isOver = input.at - now.missingSince >= settings.settle
    if (now.phase === 'restored' && isOver) now = { ...now, phase: 'disturbed' }
  }
  const cell = table[now.phase][input.kind] as Cell<InputKind>
  return cell(now, input, settings)
}
