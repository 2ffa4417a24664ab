// The state table of a counter with one kind of goods on it: phase x input -> phase and actions. Pure.
import { addVote, judge, type Verdict } from './consensus.js'
import { actionOf, confirmedAs, identifiedAs, newItem } from './item.js'
import type {
  CounterSettings,
  CounterState,
  Input,
  InputKind,
  Moment,
  Phase,
  Result,
} from './state.js'
import type { Item, ItemAction } from './types.js'

type InputOf<K extends InputKind> = Input & { kind: K }
type Cell<K extends InputKind> = (
  state: CounterState,
  input: InputOf<K>,
  settings: CounterSettings,
) => Result
type Row = { [K in InputKind]: Cell<K> }
export type Table = { [P in Phase]: Row }

const result = (
  state: CounterState,
  why: string | null = null,
  actions: ItemAction[] = [],
): Result => ({
  state,
  actions,
  why,
})

const whyMoving = 'the scene moves'
const whyDark = 'the picture is dark'
const whyEmpty = 'nothing lies there'
const whySuspended = 'the session is suspended'
const whyNoSession = 'no session is open'

/** Whether the till may be told of items now. */
const mayAnnounce = (state: CounterState, settings: CounterSettings) =>
  state.session !== null || !settings.needSession

const enter = (
  state: CounterState,
  phase: Phase,
  input: Moment,
  changes: Partial<CounterState> = {},
) => ({ ...state, phase, since: input.at, votes: [], ...changes }) satisfies CounterState

/** Stays where it is; only the look changes. */
const stay =
  <K extends 'empty' | 'moving' | 'dark'>(why: string | null): Cell<K> =>
  (state, input) =>
    result({ ...state, view: input.kind }, why)

const goTo =
  <K extends 'empty' | 'moving' | 'dark'>(phase: Phase, why: string): Cell<K> =>
  (state, input) =>
    result(enter(state, phase, input, { view: input.kind }), why)

/** A new item is there: announced, unless no session wants it. */
function place(
  state: CounterState,
  input: Moment,
  settings: CounterSettings,
  verdict: Verdict,
): Result {
  const item = newItem(settings.newId(), verdict)
  const announced = mayAnnounce(state, settings)
  const next = enter(state, 'placed', input, { item, announced, confirmed: false, view: 'ok' })
  if (!announced) return result(next, whyNoSession)
  return result(next, null, [actionOf('placed', null, item, next, input)])
}

/** The item is gone: the till hears of it if it heard of its coming. */
function remove(
  state: CounterState,
  input: Moment,
  phase: Phase,
  view: CounterState['view'],
): Result {
  const actions =
    state.item && state.announced ? [actionOf('removed', 'taken', state.item, state, input)] : []
  const next = enter(state, phase, input, { item: null, announced: false, confirmed: false, view })
  return result(next, phase === 'empty' ? whyEmpty : null, actions)
}

/** Votes until enough frames agree for long enough; then `done` says what follows. */
function gather(
  state: CounterState,
  input: InputOf<'object'>,
  settings: CounterSettings,
  holdMs: number,
  done: (verdict: Verdict, voted: CounterState) => Result,
): Result {
  const votes = addVote(state.votes, { observation: input.observation, at: input.at })
  const voted: CounterState = { ...state, votes, view: 'ok' }
  const verdict = judge(votes, settings.consensus)
  const lasted = input.at - state.since
  if (verdict.settled && lasted >= holdMs) return done(verdict, voted)
  if (lasted >= Math.max(settings.giveUp, holdMs) && votes.length >= 3) {
    return done({ ...verdict, decision: 'ask', auto: false, askReason: 'conflict' }, voted)
  }
  const why = verdict.settled ? 'waiting for it to lie still' : 'the frames do not agree yet'
  return result(voted, why)
}

const settle: Cell<'object'> = (state, input, settings) =>
  gather(state, input, settings, settings.stable, (verdict, voted) =>
    place(voted, input, settings, verdict),
  )

const begin: Cell<'object'> = (state, input, settings) =>
  settle(enter(state, 'settling', input), input, settings)

const sameThing = (item: Item, verdict: Verdict) =>
  verdict.decision === 'unknown' ? item.sku === null : item.sku === verdict.candidates[0]?.sku

/** After a disturbance: the same thing again keeps its id, another one takes its place. */
const match =
  (holdMs: (settings: CounterSettings) => number): Cell<'object'> =>
  (state, input, settings) =>
    gather(state, input, settings, settings.stable, (verdict, voted) => {
      if (!state.item) return place(voted, input, settings, verdict)
      if (sameThing(state.item, verdict)) return result(enter(voted, 'placed', input))
      if (input.at - state.since < holdMs(settings))
        return result(voted, 'another thing is seen where an item lay')
      const removed = remove(voted, input, 'settling', 'ok')
      const placed = place(removed.state, input, settings, verdict)
      return result(placed.state, placed.why, [...removed.actions, ...placed.actions])
    })

/** A still scene with a known item: only frames that go on to disagree change what it is. */
const watch: Cell<'object'> = (state, input, settings) => {
  const item = state.item!
  const frame = judge([{ observation: input.observation, at: input.at }], 0)
  if (state.confirmed || sameThing(item, frame)) {
    return result({ ...state, votes: [], since: input.at, view: 'ok' })
  }
  return gather(state, input, settings, settings.giveUp, (verdict, voted) => {
    const next = enter(voted, 'placed', input)
    // Frames that now know less are no news; only another product is.
    if (sameThing(item, verdict) || verdict.decision === 'unknown') return result(next)
    const changed = identifiedAs(item, verdict)
    const state = { ...next, item: changed }
    return result(
      state,
      null,
      next.announced ? [actionOf('changed', 'identity', changed, state, input)] : [],
    )
  })
}

const leave =
  (holdMs: (settings: CounterSettings) => number): Cell<'empty'> =>
  (state, input, settings) =>
    input.at - state.since >= holdMs(settings)
      ? remove(state, input, 'empty', 'empty')
      : result({ ...state, view: 'empty' }, 'waiting whether the item comes back')

const again: Cell<'object'> = (state, input, settings) =>
  match(short)(enter(state, 'disturbed', input), input, settings)

const short = (settings: CounterSettings) => settings.stable
const gone = (settings: CounterSettings) => settings.gone
const long = (settings: CounterSettings) => settings.settle

/** Another camera's word counts while votes are gathered, and never decides alone. */
const hear: Cell<'vote'> = (state, input) =>
  result({
    ...state,
    votes: addVote(state.votes, { observation: input.observation, at: input.at }),
  })
const ignoreVote: Cell<'vote'> = state => result(state)

/** What lies there when a session opens was not put there in it: the till is asked, never told. */
const open: Cell<'open'> = (state, input) => {
  const next: CounterState = { ...state, session: { id: input.session, suspended: false } }
  if (!state.item || state.announced) return result(next)
  const item: Item = {
    ...state.item,
    decision: state.item.decision === 'unknown' ? 'unknown' : 'ask',
    auto: false,
    askReason: 'presentAtOpen',
  }
  const told = { ...next, item, announced: true }
  return result(told, null, [actionOf('placed', null, item, told, input)])
}

/** What still lies there is the next session's to ask about; this one's till hears that it ended here. */
const close: Cell<'close'> = (state, input) => {
  const next = { ...state, session: null, announced: false, confirmed: false }
  if (!state.item || !state.announced) return result(next, whyNoSession)
  const disposition = state.item.disposition === 'sold' ? 'sold' : 'leftover'
  const item: Item = { ...state.item, disposition }
  const fresh: Item = { ...state.item, disposition: 'open', lineId: null }
  return result({ ...next, item: fresh }, whyNoSession, [
    actionOf('removed', 'sessionEnd', item, state, input),
  ])
}

const suspend: Cell<'suspend'> = state =>
  result(
    { ...state, session: state.session && { ...state.session, suspended: true } },
    whySuspended,
  )

/** Anything may have happened meanwhile: what is known must be seen again. */
const resume: Cell<'resume'> = (state, input) => {
  const session = state.session && { ...state.session, suspended: false }
  return result(enter({ ...state, session }, state.item ? 'disturbed' : 'empty', input))
}

const confirm: Cell<'confirm'> = (state, input) => {
  if (!state.item || state.item.itemId !== input.itemId) return result(state)
  const item = confirmedAs(state.item, input.product, input.lineId, input.quantity)
  const next = { ...state, item, announced: true, confirmed: true }
  return result(next, null, [actionOf('changed', 'confirmed', item, next, input)])
}

const till = { open, close, suspend, resume, confirm }

export const table: Table = {
  empty: {
    empty: stay(whyEmpty),
    moving: stay(whyMoving),
    dark: stay(whyDark),
    object: begin,
    vote: ignoreVote,
    ...till,
  },
  settling: {
    empty: goTo('empty', whyEmpty),
    moving: goTo('empty', whyMoving),
    dark: goTo('empty', whyDark),
    object: settle,
    vote: hear,
    ...till,
  },
  placed: {
    empty: goTo('leaving', 'waiting whether the item comes back'),
    moving: goTo('disturbed', whyMoving),
    dark: stay(whyDark),
    object: watch,
    vote: ignoreVote,
    ...till,
  },
  disturbed: {
    empty: goTo('leaving', 'waiting whether the item comes back'),
    moving: goTo('disturbed', whyMoving),
    dark: stay(whyDark),
    object: match(short),
    vote: hear,
    ...till,
  },
  leaving: {
    empty: leave(gone),
    moving: goTo('disturbed', whyMoving),
    dark: stay(whyDark),
    object: again,
    vote: ignoreVote,
    ...till,
  },
  restored: {
    empty: leave(long),
    moving: goTo('restored', whyMoving),
    dark: stay(whyDark),
    object: match(long),
    vote: hear,
    ...till,
  },
}

const isFrame = (input: Input) =>
  !['open', 'close', 'suspend', 'resume', 'confirm'].includes(input.kind)

/** One step: nothing is seen while the session is suspended, everything else is the table's. */
export function step(state: CounterState, input: Input, settings: CounterSettings): Result {
  if (state.session?.suspended && isFrame(input)) return result(state, whySuspended)
  const cell = table[state.phase][input.kind] as Cell<InputKind>
  return cell(state, input, settings)
}
