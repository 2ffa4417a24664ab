// What the outbox writes in 24 hours against its budget: flash wears out. It warns, and refuses nothing.
import type { Clock } from '../../clock.js'
import type { Complaint } from './options.js'

const hourMs = 3600_000
const hours = 24

export class WriteBudget {
  /** Bytes by hour of the monotonic clock; the oldest first. */
  private readonly byHour: { hour: number; bytes: number }[] = []
  private total = 0

  constructor(
    private readonly options: { dir: string; dailyWrites: number | null; clock: Clock },
  ) {}

  /** @param totalBytes written since the start. */
  complaint(totalBytes: number): Complaint | null {
    const { dir, dailyWrites } = this.options
    const written = this.lastDay(totalBytes)
    if (dailyWrites === null || written <= dailyWrites) return null
    return {
      code: 'OUTBOX_WRITES_HIGH',
      message: `Expected at most ${dailyWrites} bytes to be written to outbox.dir ${dir} in 24 hours (outbox.dailyWrites) but it was more`,
    }
  }

  private lastDay(totalBytes: number): number {
    const hour = Math.floor(this.options.clock.mono() / hourMs)
    const newest = this.byHour.at(-1)
    const growth = totalBytes - this.total
    this.total = totalBytes
    if (newest?.hour === hour) newest.bytes += growth
    else this.byHour.push({ hour, bytes: growth })
    while (this.byHour[0]!.hour <= hour - hours) this.byHour.shift()
    return this.byHour.reduce((sum, { bytes }) => sum + bytes, 0)
  }
}
