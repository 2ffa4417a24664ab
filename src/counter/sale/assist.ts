// What an attendant should see to: said once it has lasted, and taken back when it is over. Pure.
import type { BasketView, Item } from '../types.js'
import { isUnsold } from './lines.js'

export const assistKinds = [
  'unknown',
  'conflict',
  'mismatch',
  'leftover',
  'hidden',
  'cameraCovered',
  'many',
] as const
export type AssistKind = (typeof assistKinds)[number]

/** One thing that is the matter now. */
export interface Matter {
  kind: AssistKind
  itemId: string | null
}

/** @property since, clearedAt wall clock, ms since 1970 */
export interface Assist extends Matter {
  assistId: string
  since: number
  clearedAt: number | null
}

export interface AssistState {
  /** By kind and item: since when it is the matter (monotonic and wall ms), and the id under which it was said. */
  matters: Record<string, { matter: Matter; at: number; since: number; assistId: string | null }>
}

export const initialAssist = (): AssistState => ({ matters: {} })

/** How long each must last, ms: shoppers mend most by themselves. */
export const patienceMs: Record<AssistKind, number> = {
  unknown: 8000,
  conflict: 8000,
  mismatch: 0,
  leftover: 3000,
  hidden: 8000,
  cameraCovered: 5000,
  many: 5000,
}

export interface Situation {
  /** Whether a session is open and not suspended: else nobody is waiting. */
  isOpen: boolean
  items: readonly Item[]
  hidden: readonly string[]
  view: BasketView
  /** Whether the till was paid: what lies there unsold is left over. */
  isPaid: boolean
  /** Whether the leading camera gives pictures that show something. */
  sees: boolean
  /** Items that the till sold as something that they cannot be; null: a line without an item. */
  mismatched: readonly (string | null)[]
}

export function mattersOf(situation: Situation): Matter[] {
  const { isOpen, items, hidden, view, isPaid, sees, mismatched } = situation
  if (!isOpen) return []
  const unsold = items.filter(isUnsold)
  const about = (kind: AssistKind) => (item: Item) => ({ kind, itemId: item.itemId })
  return [
    ...(sees ? [] : [{ kind: 'cameraCovered' as const, itemId: null }]),
    ...(view === 'many' ? [{ kind: 'many' as const, itemId: null }] : []),
    ...mismatched.map(itemId => ({ kind: 'mismatch' as const, itemId })),
    ...unsold.filter(one => one.decision === 'unknown').map(about('unknown')),
    ...unsold.filter(one => one.askReason === 'conflict').map(about('conflict')),
    ...unsold.filter(one => hidden.includes(one.itemId)).map(about('hidden')),
    ...(isPaid ? unsold.map(about('leftover')) : []),
  ]
}

/** @param at monotonic ms, wall ms since 1970, both now */
export function step(
  state: AssistState,
  matters: readonly Matter[],
  { at, wall }: { at: number; wall: number },
  newId: () => string,
): { state: AssistState; said: Assist[] } {
  const said: Assist[] = []
  const next: AssistState['matters'] = {}
  for (const matter of matters) {
    const key = `${matter.kind} ${matter.itemId ?? ''}`
    const known = state.matters[key] ?? { matter, at, since: wall, assistId: null }
    const isDue = known.assistId === null && at - known.at >= patienceMs[matter.kind]
    const assistId = isDue ? newId() : known.assistId
    if (isDue) said.push({ ...matter, assistId: assistId!, since: known.since, clearedAt: null })
    next[key] = { ...known, assistId }
  }
  for (const [key, { matter, since, assistId }] of Object.entries(state.matters)) {
    if (!(key in next) && assistId !== null)
      said.push({ ...matter, assistId, since, clearedAt: wall })
  }
  return { state: { matters: next }, said }
}
