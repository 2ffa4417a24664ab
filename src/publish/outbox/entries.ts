// The index of the outbox: its entries in the order of seq, and how many lie in each segment. In memory only.
import type { Entry, OutboxRecord, Snapshot } from './entry.js'
import type { Location } from './segment-log.js'

export class Entries {
  private bySeq = new Map<number, Entry>()
  private readonly seqById = new Map<string, number>()
  private readonly perSegment = new Map<number, number>()
  private firstSeq = 0
  private lastSeq = 0
  unpublished = 0

  get size(): number {
    return this.bySeq.size
  }

  get(seq: number): Entry | undefined {
    return this.bySeq.get(seq)
  }

  seqOf(id: string): number | undefined {
    return this.seqById.get(id)
  }

  add(entry: Entry): void {
    this.remove(entry.seq)
    this.bySeq.set(entry.seq, entry)
    this.seqById.set(entry.id, entry.seq)
    this.count(entry.at.segment, 1)
    if (entry.publishedAt === null) this.unpublished++
    if (this.bySeq.size === 1) this.firstSeq = entry.seq
    this.firstSeq = Math.min(this.firstSeq, entry.seq)
    this.lastSeq = Math.max(this.lastSeq, entry.seq)
  }

  remove(seq: number): boolean {
    const entry = this.bySeq.get(seq)
    if (!entry) return false
    this.bySeq.delete(seq)
    this.seqById.delete(entry.id)
    this.count(entry.at.segment, -1)
    if (entry.publishedAt === null) this.unpublished--
    return true
  }

  /** Nothing of one that was acknowledged while it was being carried: it is counted nowhere any more. */
  move(entry: Entry, at: Location): void {
    if (this.bySeq.get(entry.seq) !== entry) return
    this.count(entry.at.segment, -1)
    this.count(at.segment, 1)
    entry.at = at
  }

  markPublished(entry: Entry, at: number): void {
    if (entry.publishedAt === null) this.unpublished--
    entry.publishedAt = at
  }

  /** The smallest seq beyond `after` and up to `upTo`, or null. */
  next(after: number, upTo = Number.POSITIVE_INFINITY): number | null {
    while (this.firstSeq <= this.lastSeq && !this.bySeq.has(this.firstSeq)) this.firstSeq++
    for (let seq = Math.max(after + 1, this.firstSeq); seq <= this.lastSeq && seq <= upTo; seq++) {
      if (this.bySeq.has(seq)) return seq
    }
    return null
  }

  /** In no order that counts. */
  all(): IterableIterator<Entry> {
    return this.bySeq.values()
  }

  inSegment(segment: number): number {
    return this.perSegment.get(segment) ?? 0
  }

  private count(segment: number, change: number): void {
    const count = this.inSegment(segment) + change
    if (count === 0) this.perSegment.delete(segment)
    else this.perSegment.set(segment, count)
  }
}

/** Applies one record of the log, in its order: to the index, and to what the newest record says of the whole. */
export function replay(
  entries: Entries,
  snapshot: Snapshot,
  record: OutboxRecord,
  at: Location,
): void {
  const given = (seq: number): number => {
    snapshot.nextSeq = Math.max(snapshot.nextSeq, seq + 1)
    return seq
  }
  const add = (seq: number, id: string, rest: Partial<Entry>): void =>
    entries.add({
      seq: given(seq),
      id,
      at,
      written: null,
      latencyMs: null,
      publishedAt: null,
      windowEnds: null,
      appendedAt: 0,
      ...rest,
    })
  switch (record.type) {
    case 'open':
      given(record.nextSeq - 1)
      snapshot.dropped = Math.max(snapshot.dropped, record.dropped)
      snapshot.state = record.state
      break
    case 'append':
      for (const event of record.events) add(event.seq, event.id, { appendedAt: record.at })
      snapshot.state = record.state
      break
    case 'keep':
      for (const { event, ...rest } of record.entries) add(event.seq, event.id, rest)
      break
    case 'state':
      snapshot.state = record.state
      break
    case 'sent':
      for (const [seq, latencyMs] of record.sent) {
        const entry = entries.get(given(seq))
        if (entry) entry.latencyMs = latencyMs
      }
      break
    case 'published':
      for (const seq of record.seqs) {
        const entry = entries.get(given(seq))
        if (entry) entries.markPublished(entry, record.at)
      }
      break
    case 'ack':
      for (const seq of record.seqs) entries.remove(given(seq))
      break
    case 'drop':
      for (const seq of record.seqs) entries.remove(given(seq))
      snapshot.dropped = Math.max(snapshot.dropped, record.dropped)
      break
  }
}
