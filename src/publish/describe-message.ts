// One readable line for each message that a till would see. Pure.

import type { Reply } from './command-messages.js'
import type {
  AssistMessage,
  BasketMessage,
  FrameMessage,
  ItemEvent,
  StateMessage,
} from './messages.js'

const leastShown = 0.01
const percent = (score: number): string => `${(score * 100).toFixed(1)} %`
const clockTime = (iso: string): string => iso.slice(11, 23)
const shown = (name: string | null, sku: string | null): string => name ?? sku ?? 'unknown'

function describeItem(event: ItemEvent): string {
  const { item } = event
  // Who is gone needs no second guess, and a hundredth of a chance is none.
  const others = item.alternatives
    .filter(one => one.sku !== item.sku && one.score >= leastShown && event.action !== 'removed')
    .map(one => `${one.name} ${percent(one.score)}`)
  const notes = [
    event.reason,
    item.askReason && `asks: ${item.askReason}`,
    item.auto ? 'auto' : null,
    event.session && `session ${event.session}`,
    `${Math.round(event.latencyMs)} ms`,
    event.replayed ? 'replayed' : null,
  ].filter(Boolean)
  const columns = [
    clockTime(event.capturedAt),
    event.action.padEnd(7),
    shown(item.name, item.sku).padEnd(28),
    item.decision.padEnd(7),
    (item.sku === null ? '' : percent(item.score)).padStart(7),
    ` ${notes.join(', ')}`,
  ]
  const guess = item.sku === null ? 'perhaps' : 'or'
  return columns.join('  ') + (others.length > 0 ? `  (${guess} ${others.join(', ')})` : '')
}

/** Of several things in a row the till's next touch is worth a sign. */
function inBasket({ name, sku, decision, disposition }: BasketMessage['items'][number]): string {
  const sold = disposition === 'sold' ? ' (sold)' : ''
  return `${shown(name, sku)}${decision === 'ask' ? '?' : ''}${sold}`
}

function describeBasket(basket: BasketMessage): string {
  const names = basket.items.map(inBasket).join(', ')
  const session = basket.session === null ? '' : `, session ${basket.session}`
  const partly = basket.complete ? '' : ', not complete'
  return `basket  ${names || 'nothing'} (view ${basket.view}${partly}${session})`
}

function describeState(state: StateMessage): string {
  const cameras = state.cameras.map(({ id, status }) => `${id} ${status}`).join(', ') || 'none'
  const model = state.model ? `${state.model.name} ${state.model.version}` : 'no model'
  const reasons = state.reasons.map(({ code, message }) => `; ${code}: ${message}`).join('')
  const dropped = state.outbox.dropped > 0 ? `, ${state.outbox.dropped} events dropped` : ''
  return `state   ${state.readiness}, ${model}, cameras: ${cameras}${dropped}${reasons}`
}

function describeFrame(frame: FrameMessage): string {
  const seen = frame.observations.map(({ candidates, decision }) => {
    const best = candidates[0]
    return best ? `${best.name} ${percent(best.score)} ${decision}` : decision
  })
  const why = frame.reason === null ? '' : ` (${frame.reason})`
  return `frame   ${frame.camera}: ${seen.join(', ') || 'nothing'}${why}`
}

function describeAssist(assist: AssistMessage): string {
  const end = assist.clearedAt === null ? 'wanted' : 'over'
  return `assist  ${end}: ${assist.kind}${assist.itemId === null ? '' : ` of item ${assist.itemId}`}`
}

function describeReply(reply: Reply, verb: string): string {
  const { ok, error, result } = reply
  return `reply   ${verb}: ${ok ? JSON.stringify(result) : `${error?.code}: ${error?.message}`}`
}

/**
 * A line for a person, or null for a topic that a till does not read (or an empty retained
 * message). A payload that is not what the contract says is shown as it is.
 */
export function describeMessage(topic: string, payload: Uint8Array | string): string | null {
  const text = typeof payload === 'string' ? payload : Buffer.from(payload).toString('utf8')
  if (text === '') return null
  const match = /(?:^|\/)(?:(status|state|items|basket|assist)|(frames|reply)\/([^/]+))$/.exec(
    topic,
  )
  if (!match) return null
  const [, plain, nested, last] = match
  if (plain === 'status') return `status  ${text}`
  try {
    const message = JSON.parse(text)
    if (plain === 'items') return describeItem(message)
    if (plain === 'basket') return describeBasket(message)
    if (plain === 'state') return describeState(message)
    if (plain === 'assist') return describeAssist(message)
    return nested === 'frames' ? describeFrame(message) : describeReply(message, last!)
  } catch {
    return `${topic}  ${text.slice(0, 200)}`
  }
}
