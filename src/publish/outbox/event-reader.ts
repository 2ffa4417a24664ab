// Reads kept events back: the newest from memory, the others from the log. It decides nothing about them.
import type { ItemEvent } from '../messages.js'
import type { Entries } from './entries.js'
import type { Entry, OutboxRecord } from './entry.js'
import type { SegmentLog } from './segment-log.js'

/** The newest events stay in memory, so that the way to the broker reads no disk. */
const cacheSize = 256

export class EventReader {
  private readonly cache = new Map<number, ItemEvent>()

  constructor(
    private readonly options: {
      entries: Entries
      log: SegmentLog
      /** The bytes of an entry are not what was written. */
      onDamage: (entry: Entry) => void
    },
  ) {}

  remember(event: ItemEvent): void {
    this.cache.set(event.seq, event)
    if (this.cache.size > cacheSize) this.cache.delete(this.cache.keys().next().value!)
  }

  forget(seq: number): void {
    this.cache.delete(seq)
  }

  /** Null where the event is gone or damaged; throws where the disk cannot be read now. */
  async load(entry: Entry): Promise<ItemEvent | null> {
    const cached = this.cache.get(entry.seq)
    if (cached) return cached
    const { entries, log, onDamage } = this.options
    const { at } = entry
    let records: OutboxRecord[] = []
    try {
      records = (await log.read(at)) as OutboxRecord[]
    } catch (error) {
      // It may have been acknowledged, or carried to another segment, while it was being read.
      if (entries.get(entry.seq) === entry && entry.at === at) throw error
    }
    if (entries.get(entry.seq) !== entry) return null
    if (entry.at !== at) return this.load(entry)
    const events = records.flatMap(eventsOf)
    // A record may speak of what is gone meanwhile: only what the index knows counts.
    for (const event of events.slice(0, cacheSize)) {
      if (entries.get(event.seq)?.id === event.id) this.remember(event)
    }
    const event = events.find(one => one.id === entry.id)
    if (event) return event
    onDamage(entry)
    return null
  }
}

function eventsOf(record: OutboxRecord): ItemEvent[] {
  if (record.type === 'append') return record.events
  return record.type === 'keep' ? record.entries.map(({ event }) => event) : []
}
