// The counter for a camera's mode, and what becomes of what another one kept on disk before the mode was changed.
import type { Box } from '../recognition/types.js'
import { Counter } from './counter.js'
import { actionOf, leftBehind } from './item.js'
import type { ItemCounter } from './item-counter.js'
import type { CounterSettings, Moment } from './state.js'
import { TrayCounter } from './tray/tray-counter.js'
import type { ItemAction } from './types.js'

/** The camera that announces; null where there is none: nothing is counted, but sessions are kept. */
type Leader = { mode: string; roi: Box } | null

export const makeCounter = (leader: Leader, settings: CounterSettings): ItemCounter =>
  leader?.mode === 'tray'
    ? new TrayCounter({ ...settings, roi: leader.roi })
    : new Counter(settings)

/**
 * Takes up what a counter kept before a restart. Of another mode's only the session goes on: the till hears that its
 * items ended here, and what of them still lies there is asked about as if the session had just been opened.
 * @returns what the till must be told. Throws OUTBOX_INVALID where no counter knows the format.
 */
export function takeUp(
  counter: ItemCounter,
  kept: unknown,
  settings: CounterSettings,
  now: Moment,
): ItemAction[] {
  const before = counter instanceof TrayCounter ? new Counter(settings) : new TrayCounter(settings)
  if (!isOf(before, kept)) {
    counter.restore(kept)
    return []
  }
  const { session, items } = before
  if (session) {
    counter.open(session.id, now)
    if (session.suspended) counter.suspend(session.id, now)
  }
  return items.map(item => actionOf('removed', 'sessionEnd', leftBehind(item), { session }, now))
}

function isOf(counter: ItemCounter, kept: unknown): boolean {
  try {
    counter.restore(kept)
    return true
  } catch {
    return false
  }
}
