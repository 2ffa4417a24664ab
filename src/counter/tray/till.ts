// What the till says of its session, and what follows for the things on the tray. Pure; whether it may is the counter's to check.
import { actionOf, confirmedAs, forgetTill, leftBehind } from '../item.js'
import type { Moment } from '../state.js'
import type { Item, ItemAction, Reason } from '../types.js'
import type { Confirmation } from '../till-rules.js'
import { announce, trayWhy, type TrayResult } from './see.js'
import { isKnown, type Track, type TraySettings, type TrayState, unseen } from './track.js'

/** What lies there, or may, is asked about as soon as it is seen for certain. */
export function open(
  state: TrayState,
  session: string,
  moment: Moment,
  settings: TraySettings,
): TrayResult {
  const actions: ItemAction[] = []
  const blind = state.lastAt === null || moment.at - state.lastAt > settings.blind
  const opened: TrayState = {
    ...state,
    session: { id: session, suspended: false },
    tracks: state.tracks.map(track => ({ ...track, presentAtOpen: true })),
    openUnseen: blind || state.stillSince === null,
  }
  // What was seen too long ago is not announced from memory.
  const told = blind ? opened : announce(opened, moment, settings, actions)
  return { state: told, actions, why: null }
}

/**
 * What still lies there is the next session's to ask about, under another id; this one's till hears that it ended
 * here. What was on its way out was taken.
 */
export function close(state: TrayState, moment: Moment, settings: TraySettings): TrayResult {
  const actions: ItemAction[] = []
  const tracks = state.tracks.flatMap((track): Track[] => {
    if (!isKnown(track)) return [track]
    const leaving = track.emptyMs > 0
    if (track.announced) {
      const item = leaving ? track.item : leftBehind(track.item)
      const reason = leaving ? 'taken' : 'sessionEnd'
      actions.push(actionOf('removed', reason, item, state, moment))
    }
    if (leaving) return []
    const item = { ...forgetTill(track.item), itemId: settings.newId() }
    const next = { ...track, item, announced: false, confirmed: false, presentAtOpen: false }
    return [state.session?.suspended ? unseen(next, moment.at) : next]
  })
  return { state: { ...state, tracks, session: null }, actions, why: trayWhy.noSession }
}

export const suspend = (state: TrayState): TrayResult => ({
  state: { ...state, session: state.session && { ...state.session, suspended: true } },
  actions: [],
  why: trayWhy.suspended,
})

/** Anything may have happened meanwhile: what is known must be seen again, what was new is forgotten. */
export function resume(state: TrayState, { at }: Moment): TrayResult {
  const session = state.session && { ...state.session, suspended: false }
  const tracks = state.tracks.filter(isKnown).map(track => unseen(track, at))
  return { state: { ...state, session, tracks, stillSince: null }, actions: [], why: null }
}

export function confirm(
  state: TrayState,
  { itemId, product, lineId, quantity }: Confirmation,
  moment: Moment,
): TrayResult {
  const actions: ItemAction[] = []
  const tracks = state.tracks.map(track => {
    if (!isKnown(track) || track.item.itemId !== itemId) return track
    const item = confirmedAs(track.item, product, lineId, quantity)
    actions.push(actionOf('changed', 'confirmed', item, state, moment))
    return { ...track, item, confirmed: true, contrarySince: null }
  })
  return { state: { ...state, tracks }, actions, why: null }
}

/** What a line of the till or a weight makes of it; reason null: nobody is told. */
export function revise(
  state: TrayState,
  item: Item,
  confirmed: boolean,
  reason: Reason | null,
  moment: Moment,
): TrayResult {
  const actions: ItemAction[] = []
  const tracks = state.tracks.map(track => {
    if (!isKnown(track) || track.item.itemId !== item.itemId) return track
    if (reason !== null && track.announced)
      actions.push(actionOf('changed', reason, item, state, moment))
    return { ...track, item, confirmed, contrarySince: null }
  })
  return { state: { ...state, tracks }, actions, why: null }
}
