// Commands of the till: checked, answered once per requestId, the same for MQTT and HTTP. No topics here.
import type { z } from 'zod'
import type { Clock } from '../clock.js'
import { verbs as allVerbs } from '../config/schema.js'
import { describeError, GroceryError } from '../errors.js'
import type { Logger } from '../log.js'
import {
  type CommandHandlers,
  commandSchemas,
  rememberMs,
  type Reply,
  type Verb,
} from './command-messages.js'
import { type Rate, RateLimit } from './rate-limit.js'

export const maxCommandBytes = 64 * 1024
/** At most so many replies are remembered; beyond it the oldest are forgotten before their day is over. */
const maxRemembered = 5000
/** Of each verb. A till asks once or twice a second; at its start it may confirm a whole basket at once. */
const commandRate: Rate = { burst: 100, perSecond: 20 }
/** Once a connection of the till; each goes through the whole outbox and sends it. */
const resendRate: Rate = { burst: 20, perSecond: 1 }
/** Each decodes a picture, or reads a whole catalogue. */
const costlyRate: Rate = { burst: 10, perSecond: 1 }
const rates: Record<string, Rate> = {
  resend: resendRate,
  snapshot: costlyRate,
  catalogue: costlyRate,
}
const rateOf = (kind: string): Rate => rates[kind] ?? commandRate
/** What changes nothing need not be remembered: the answer is a picture of now, and no picture is kept, on disk or in memory. */
const isAnew = (verb: Verb): boolean => verb === 'snapshot'
/** Of "too many", so that a flood is not answered by another one. */
const complaintRate: Rate = { burst: 20, perSecond: 1 }

export interface CommandsOptions {
  /** mqtt.commands. */
  enabled: readonly Verb[]
  handlers: CommandHandlers
  /** What earlier starts replied, and where this one's replies are kept for the next. */
  replies?: { get(key: string): Reply | undefined; keep(key: string, reply: Reply): void }
  clock: Clock
  log: Logger
}

export class Commands {
  private readonly remembered = new Map<string, { until: number; reply: Promise<Reply> }>()
  private readonly rate: RateLimit
  private readonly complaints: RateLimit
  readonly counts = { accepted: 0, refused: 0, repeated: 0, limited: 0 }

  constructor(private readonly options: CommandsOptions) {
    this.rate = new RateLimit(rateOf, options.clock)
    this.complaints = new RateLimit(() => complaintRate, options.clock)
  }

  /** A payload as it came over the wire; resolves also for refusals. null: too many came even to be told so. */
  async receive(verb: string, payload: Uint8Array): Promise<Reply | null> {
    const tooMany = this.checkRate(verb)
    if (tooMany && !this.complaints.take(kindOf(verb))) return null
    if (payload.length > maxCommandBytes) {
      const message = `Expected cmd/${verb} to have at most ${maxCommandBytes} bytes but received ${payload.length}`
      return this.refuse(null, new GroceryError('COMMAND_INVALID', message))
    }
    const text = Buffer.from(payload).toString('utf8')
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text
      const message = `Expected cmd/${verb} to be JSON but received ${JSON.stringify(shown)}`
      return this.refuse(null, new GroceryError('COMMAND_INVALID', message))
    }
    return tooMany ? this.refuse(readRequestId(value), tooMany) : this.answer(verb, value)
  }

  /** Runs a command; resolves also for refusals. */
  async dispatch(verb: string, payload: unknown): Promise<Reply> {
    const tooMany = this.checkRate(verb)
    return tooMany ? this.refuse(readRequestId(payload), tooMany) : this.answer(verb, payload)
  }

  private async answer(verb: string, payload: unknown): Promise<Reply> {
    const requestId = readRequestId(payload)
    try {
      const known = this.checkVerb(verb)
      const checked = checkPayload(known, payload)
      this.forgetOld()
      if (isAnew(known)) {
        this.checkAge(known, checked.expiresAt)
        this.counts.accepted++
        return await this.run(known, checked)
      }
      // The payload of a repetition is not looked at again, and neither is its age.
      const key = `${known} ${checked.requestId}`
      const before = this.remembered.get(key)?.reply ?? this.options.replies?.get(key)
      if (before) {
        this.counts.repeated++
        return await before
      }
      this.checkAge(known, checked.expiresAt)
      const reply = this.run(known, checked)
      this.remembered.set(key, { until: this.options.clock.mono() + rememberMs, reply })
      this.counts.accepted++
      void reply.then(said => this.options.replies?.keep(key, said))
      return await reply
    } catch (error) {
      return this.refuse(requestId, error)
    }
  }

  private async run(verb: Verb, payload: { requestId: string }): Promise<Reply> {
    const { requestId } = payload
    try {
      const handler = this.options.handlers[verb] as (payload: object) => Promise<object>
      return { requestId, ok: true, error: null, result: await handler(payload) }
    } catch (error) {
      if (!(error instanceof GroceryError))
        this.options.log.error({ err: error, verb }, 'command failed')
      return { requestId, ok: false, error: describeError(error), result: null }
    }
  }

  private checkRate(verb: string): GroceryError | null {
    if (this.rate.take(kindOf(verb))) return null
    this.counts.limited++
    const { burst, perSecond } = rateOf(verb)
    return new GroceryError(
      'RATE_LIMITED',
      `Expected cmd/${verb.slice(0, 64)} at most ${perSecond} a second after the first ${burst} but received more`,
    )
  }

  private checkVerb(verb: string): Verb {
    const { enabled, handlers } = this.options
    const known = allVerbs.find(one => one === verb)
    if (known && enabled.includes(known) && handlers[known]) return known
    const list = enabled.filter(one => handlers[one]).join(', ') || 'none'
    throw new GroceryError(
      'COMMAND_DISABLED',
      `Expected one of the commands ${list} but received ${JSON.stringify(verb.slice(0, 64))}`,
    )
  }

  private checkAge(verb: Verb, expiresAt: string | undefined): void {
    if (expiresAt === undefined) return
    const late = this.options.clock.wall() - Date.parse(expiresAt)
    if (late <= 0) return
    throw new GroceryError(
      'COMMAND_EXPIRED',
      `Expected cmd/${verb} before its expiresAt ${expiresAt} but it came ${late} ms later`,
    )
  }

  private forgetOld(): void {
    const now = this.options.clock.mono()
    for (const [key, { until }] of this.remembered) {
      if (until > now && this.remembered.size < maxRemembered) return
      this.remembered.delete(key)
    }
  }

  private refuse(requestId: string | null, error: unknown): Reply {
    this.counts.refused++
    return { requestId, ok: false, error: describeError(error), result: null }
  }
}

/** What does not exist shares one bucket: names must not make memory. */
const kindOf = (verb: string): string => allVerbs.find(one => one === verb) ?? 'other'

function checkPayload(
  verb: Verb,
  payload: unknown,
): { requestId: string; expiresAt?: string | undefined } {
  const result = commandSchemas[verb].safeParse(payload)
  if (result.success) return result.data
  throw new GroceryError('COMMAND_INVALID', `cmd/${verb}: ${describeIssues(result.error)}`)
}

/** All that is wrong with a message, each with its place. */
export const describeIssues = (error: z.ZodError): string =>
  error.issues
    .map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message))
    .join('; ')

function readRequestId(payload: unknown): string | null {
  if (typeof payload !== 'object' || payload === null) return null
  const { requestId } = payload as { requestId?: unknown }
  return typeof requestId === 'string' ? requestId.slice(0, 128) : null
}
