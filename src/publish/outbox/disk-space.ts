// How large the log may be: maxBytes, and while the disk is nearly full no more than it has already.
import type { Clock } from '../../clock.js'
import { describeError } from '../../errors.js'
import type { Logger } from '../../log.js'
import type { Files } from './files.js'
import type { Complaint } from './options.js'

/** Always allowed: some 20,000 events, and a shop must not stop because somebody else filled the disk. */
const reservedBytes = 16 * 1024 * 1024
const lookEveryMs = 5_000

export interface DiskSpaceOptions {
  dir: string
  maxBytes: number
  /** Share of the disk, 0 to 1. */
  minFree: number
  files: Files
  clock: Clock
  log: Logger
}

export class DiskSpace {
  /** While less than minFree is free: how large the log was when that began. */
  private cap: number | null = null
  private lookedAt = Number.NEGATIVE_INFINITY

  constructor(private readonly options: DiskSpaceOptions) {}

  /** Bytes that the log may have now. */
  get limit(): number {
    return this.cap ?? this.options.maxBytes
  }

  get isLow(): boolean {
    return this.cap !== null
  }

  complaint(): Complaint | null {
    const { dir, minFree } = this.options
    if (!this.isLow) return null
    return {
      code: 'DISK_LOW',
      message: `Expected ${Math.round(minFree * 1000) / 10} % of the disk of outbox.dir ${dir} to be free but less is; the outbox grows no more`,
    }
  }

  /** Looks at the disk, at most every few seconds. @param bytes what the log has now. */
  async look(bytes: number): Promise<void> {
    const { dir, maxBytes, minFree, files, clock, log } = this.options
    if (clock.mono() - this.lookedAt < lookEveryMs) return
    this.lookedAt = clock.mono()
    try {
      const { free, total } = await files.space(dir)
      const isLow = free < total * minFree
      if (isLow && this.cap === null) {
        this.cap = Math.min(maxBytes, Math.max(bytes, reservedBytes))
        log.error({ free, total, limit: this.cap }, 'outbox: the disk is nearly full')
      }
      if (!isLow) this.cap = null
    } catch (error) {
      log.warn(describeError(error), 'outbox: the free space of the disk is not known')
    }
  }
}
