// The cells of the state table for what the till says. Pure; whether it may say it is the counter's to check.
import { type Cell, enter, remove, result, settleItem, why } from './cell.js'
import { actionOf, confirmedAs, forgetTill, leftBehind } from './item.js'

/** An empty counter that was seen: what comes now comes in the session. */
export const openEmpty: Cell<'open'> = (state, input, settings) =>
  result({
    ...state,
    session: { id: input.session, suspended: false },
    presentAtOpen:
      state.lastAt === null || input.at - state.lastAt > settings.blind || state.view !== 'empty',
  })

/** Something lies there, or may: it is asked about as soon as it is seen for certain. */
export const open: Cell<'open'> = (state, input) =>
  result({
    ...state,
    session: { id: input.session, suspended: false },
    presentAtOpen: !state.announced,
  })

/** It is seen for certain already. */
export const openPlaced: Cell<'open'> = (state, input, settings) => {
  const opened = open(state, input, settings).state
  return settleItem(opened, input, settings, state.look)
}

/** What still lies there is the next session's to ask about; this one's till hears that it ended here. */
export const close: Cell<'close'> = (state, input) => {
  const phase = state.session?.suspended && state.item ? 'disturbed' : state.phase
  const closed = {
    ...state,
    phase,
    session: null,
    announced: false,
    confirmed: false,
    presentAtOpen: false,
  }
  if (!state.item) return result(closed, why.noSession)
  const next = { ...closed, item: forgetTill(state.item) }
  if (!state.announced) return result(next, why.noSession)
  const item = leftBehind(state.item)
  return result(next, why.noSession, [actionOf('removed', 'sessionEnd', item, state, input)])
}

/** It was on its way out already: nobody left it behind. */
export const closeLeaving: Cell<'close'> = (state, input) => {
  const { actions, state: gone } = remove(state, input)
  return result({ ...gone, session: null }, why.noSession, actions)
}

export const suspend: Cell<'suspend'> = state =>
  result(
    { ...state, session: state.session && { ...state.session, suspended: true } },
    why.suspended,
  )

/** Anything may have happened meanwhile: what is known must be seen again. */
export const resume: Cell<'resume'> = (state, input) => {
  const session = state.session && { ...state.session, suspended: false }
  const phase = state.item ? 'disturbed' : 'empty'
  return result(enter({ ...state, session, look: null, missingSince: input.at }, phase, input))
}

export const confirm: Cell<'confirm'> = (state, input) => {
  if (!state.item || state.item.itemId !== input.itemId) return result(state)
  const item = confirmedAs(state.item, input.product, input.lineId, input.quantity)
  const next = { ...state, item, confirmed: true }
  return result(next, null, [actionOf('changed', 'confirmed', item, next, input)])
}

/** What the till or the scale makes of it: whether it lies there is for the pictures to say. */
export const revise: Cell<'revise'> = (state, input) => {
  const { item, confirmed, reason } = input
  if (state.item?.itemId !== item.itemId) return result(state)
  const next = { ...state, item, confirmed }
  const isTold = reason !== null && state.announced
  return result(next, null, isTold ? [actionOf('changed', reason, item, next, input)] : [])
}
