// Carries the outbox to the broker: oldest first, a window in flight, again after each reconnect. Knows no topics but one.
import type { Clock } from '../clock.js'
import type { Config } from '../config/schema.js'
import { describeError } from '../errors.js'
import type { Logger } from '../log.js'
import type { CommandPayload, CommandResult } from './command-messages.js'
import type { Ack, ItemEvent } from './messages.js'
import type { Outbox } from './outbox/outbox.js'
import { Resends } from './resends.js'

/** Below the Receive Maximum of a stock mosquitto (20), so that retained messages and replies fit beside. */
const inFlightWindow = 16
/**
 * With confirm: pos, how many events may wait for the till's ack: a broker keeps about 1000 for a
 * client that does not read, and drops the rest without a word.
 */
const unackedWindow = 512
/** After the broker refused an event (quota, ACL) or the disk did not give it. */
const pauseMs = 5_000
/** How often one event asks whether somebody reads again. */
const unheardMs = 1_000

export interface DeliveryOptions {
  outbox: Outbox
  settings: Pick<Config['outbox'], 'confirm' | 'ackTimeout'>
  /** Resolves at the PUBACK: false where the broker says that nobody reads it. */
  publish: (event: ItemEvent) => Promise<boolean>
  onPublished: (event: ItemEvent) => void
  /** The broker does not take an event, and why; null when it takes them again. */
  onRefused?: (error: unknown) => void
  clock: Clock
  log: Logger
}

export class Delivery {
  private readonly resends: Resends
  private readonly inFlight = new Set<number>()
  /** Everything up to it was sent on this connection. */
  private cursor = 0
  /** What the till asked for again. */
  private wanted: { next: number; to: number }[] = []
  /** What goes out again: the till did not acknowledge it in time, or the broker refused it. */
  private due: number[] = []
  /** Counts the connections; null while there is none. */
  private epoch: number | null = null
  private epochs = 0
  private pausedUntil = 0
  private running = false
  private again = false
  private tillOnline = true
  /**
   * With confirm: pos, whether the broker let us know that somebody reads. Until then one event
   * alone goes ahead: what goes to nobody comes again later, behind those that were heard.
   */
  private isHeard = false
  private restartedAt = 0
  private isRefused = false
  /** What the disk did not give, and when it is asked again; soonest first. */
  private unread: { seq: number; at: number }[] = []
  private idleWaiters: (() => void)[] = []
  readonly counts = { published: 0, replayed: 0 }

  constructor(private readonly options: DeliveryOptions) {
    this.resends = new Resends(options.settings.ackTimeout)
  }

  /** The connection is there and everything that must come first is out. */
  connected(): void {
    this.epoch = ++this.epochs
    this.restart()
  }

  disconnected(): void {
    this.epoch = null
    this.inFlight.clear()
    this.wanted = []
    this.wakeIdle()
  }

  /** The outbox has news. */
  notify(): void {
    void this.pump()
  }

  /** To be called a few times a second: what is overdue goes out again. */
  tick(): void {
    if (this.options.settings.confirm === 'pos' && this.tillOnline) {
      this.due.push(...this.resends.takeDue(this.options.clock.mono()))
    }
    void this.pump()
  }

  acknowledge(ack: Ack): void {
    for (const seq of this.options.outbox.acknowledge(ack)) this.resends.acknowledged(seq)
    // A till that answers is there, whatever it said of itself.
    if (!this.tillOnline) this.tillIs(true)
    void this.pump()
  }

  /**
   * A till that said goodbye is not asked over and over; when it is back, all that it may have
   * missed goes out. One that says so again may have been away without a goodbye; that often
   * alone is no reason to send all of it more often than time would.
   */
  tillIs(online: boolean): void {
    const { settings, clock } = this.options
    const isNews = !this.tillOnline || clock.mono() - this.restartedAt >= settings.ackTimeout
    this.tillOnline = online
    if (online && isNews && settings.confirm === 'pos') this.restart()
  }

  resend({ fromSeq, toSeq }: CommandPayload<'resend'>): CommandResult<'resend'> {
    const { outbox } = this.options
    const { oldestSeq, newestSeq } = outbox.stats()
    const to = Math.min(toSeq ?? newestSeq, newestSeq)
    const seqs: number[] = []
    for (let seq = outbox.next(fromSeq - 1, to); seq !== null; seq = outbox.next(seq, to)) {
      seqs.push(seq)
    }
    // What was not sent yet comes anyway, in its turn.
    if (seqs.length > 0 && this.epoch !== null) {
      this.wanted.push({ next: fromSeq - 1, to: Math.min(to, this.cursor) })
    }
    void this.pump()
    return {
      count: seqs.length,
      fromSeq: seqs[0] ?? null,
      toSeq: seqs.at(-1) ?? null,
      oldestSeq,
      newestSeq,
    }
  }

  /** Resolves when everything that can go out now has its PUBACK, or nothing can. */
  async idle(): Promise<void> {
    await this.pump()
    if (this.epoch === null || this.inFlight.size === 0) return
    await new Promise<void>(resolve => this.idleWaiters.push(resolve))
  }

  get inFlightCount(): number {
    return this.inFlight.size
  }

  private restart(): void {
    this.cursor = 0
    this.wanted = []
    this.due = []
    this.unread = []
    this.resends.clear()
    this.pausedUntil = 0
    this.isHeard = this.options.settings.confirm === 'broker'
    this.restartedAt = this.options.clock.mono()
    void this.pump()
  }

  private async pump(): Promise<void> {
    if (this.running) {
      this.again = true
      return
    }
    this.running = true
    try {
      do {
        this.again = false
        while (this.epoch !== null && this.options.clock.mono() >= this.pausedUntil) {
          const seqs = this.pick()
          if (seqs.length === 0) break
          await this.sendAll(seqs)
        }
      } while (this.again)
    } finally {
      this.running = false
      this.wakeIdle()
    }
  }

  private async sendAll(seqs: number[]): Promise<void> {
    const { outbox } = this.options
    const epoch = this.epoch
    for (const seq of seqs) this.inFlight.add(seq)
    const events = await outbox.prepare(seqs)
    if (epoch !== this.epoch) return
    const found = new Set(events.map(event => event.seq))
    const missing = seqs.filter(seq => !found.has(seq))
    for (const seq of missing) {
      this.inFlight.delete(seq)
      if (!outbox.has(seq)) this.resends.acknowledged(seq)
    }
    this.putOff(
      missing.filter(seq => outbox.has(seq)),
      events.length > 0,
    )
    for (const event of events) void this.send(event, epoch)
  }

  /** What the disk does not give comes again by itself; where it gives nothing at all, everything waits. */
  private putOff(unread: number[], givesOthers: boolean): void {
    if (unread.length > 1 && !givesOthers) this.pause(unread, pauseMs)
    else {
      const at = this.options.clock.mono() + pauseMs
      this.unread.push(...unread.map(seq => ({ seq, at })))
    }
  }

  private async send(event: ItemEvent, epoch: number | null): Promise<void> {
    const { outbox, settings, publish, onPublished, clock, log } = this.options
    const { seq } = event
    let heard: boolean
    try {
      heard = await publish(event)
    } catch (error) {
      // Where the connection is gone, the next one starts from the oldest anyway.
      if (epoch !== this.epoch) return
      this.inFlight.delete(seq)
      log.warn({ ...describeError(error), seq }, 'the broker did not take an event')
      this.isRefused = true
      this.options.onRefused?.(error)
      this.pause([seq], pauseMs)
      this.wakeIdle()
      return
    }
    if (this.isRefused) {
      this.isRefused = false
      this.options.onRefused?.(null)
    }
    if (epoch === this.epoch) {
      this.inFlight.delete(seq)
      if (settings.confirm === 'pos') this.isHeard = heard
      if (!this.isHeard) {
        this.pause([seq], unheardMs)
        this.wakeIdle()
        return
      }
    }
    outbox.markPublished(seq)
    if (settings.confirm === 'pos' && outbox.has(seq)) this.resends.sent(seq, clock.mono())
    this.counts.published++
    if (event.replayed) this.counts.replayed++
    onPublished(event)
    void this.pump()
  }

  /** These alone come again, after a while: what is refused now is refused in a moment, too. */
  private pause(seqs: number[], ms: number): void {
    this.pausedUntil = this.options.clock.mono() + ms
    this.due = [...this.due, ...seqs].sort((a, b) => a - b)
  }

  /** What may go out now: asked for by the till, overdue, then on in the order of seq. */
  private pick(): number[] {
    const { outbox, settings } = this.options
    const seqs: number[] = []
    const now = this.options.clock.mono()
    while (this.unread[0] && this.unread[0].at <= now) this.due.push(this.unread.shift()!.seq)
    const window = this.isHeard ? inFlightWindow : 1
    const free = (): boolean => this.inFlight.size + seqs.length < window
    const take = (seq: number): void => {
      if (!this.inFlight.has(seq) && !seqs.includes(seq)) seqs.push(seq)
    }
    while (free() && this.wanted.length > 0) {
      const range = this.wanted[0]!
      const seq = outbox.next(range.next, range.to)
      if (seq === null) this.wanted.shift()
      else {
        range.next = seq
        take(seq)
      }
    }
    while (free() && this.due.length > 0) {
      const seq = this.due.shift()!
      if (outbox.has(seq)) take(seq)
      // Given up by the outbox: no ack will come, and it must not hold back what is new.
      else this.resends.acknowledged(seq)
    }
    while (free()) {
      const unacked = this.resends.outstanding + this.inFlight.size + seqs.length
      if (settings.confirm === 'pos' && unacked >= unackedWindow) break
      const seq = outbox.next(this.cursor)
      if (seq === null) break
      this.cursor = seq
      take(seq)
    }
    return seqs
  }

  private wakeIdle(): void {
    if (this.inFlight.size > 0 && this.epoch !== null) return
    for (const resolve of this.idleWaiters.splice(0)) resolve()
  }
}
