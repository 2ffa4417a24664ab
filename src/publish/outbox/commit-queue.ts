// Group commit: what arrives while a write is under way waits together and shares the next write and sync.

/** One thing to be written, in the order of its arrival; `done` is told where it lies. */
export interface Job<Place> {
  /** Must be on the disk before `done`; others may be lost in a power failure. */
  durable: boolean
  done: (at: Place) => void
  fail: (error: Error) => void
}

export class CommitQueue<J extends Job<never>> {
  private jobs: J[] = []
  private draining: Promise<void> | null = null

  constructor(
    private readonly options: {
      /** Writes all of them or throws; the queue is the only caller, one call at a time. */
      write: (jobs: J[]) => Promise<void>
      /** House-keeping after each round; never throws. */
      after: () => Promise<void>
      toError: (error: unknown) => Error
    },
  ) {}

  add(job: J): void {
    this.jobs.push(job)
    this.kick()
  }

  /** A round also when nothing is to be written. */
  kick(): void {
    this.draining ??= this.drain().finally(() => {
      this.draining = null
      if (this.jobs.length > 0) this.kick()
    })
  }

  async idle(): Promise<void> {
    while (this.draining) await this.draining
  }

  private async drain(): Promise<void> {
    // One turn, so that appends of the same moment share a sync.
    await null
    do {
      const jobs = this.jobs.splice(0)
      try {
        if (jobs.length > 0) await this.options.write(jobs)
      } catch (error) {
        this.fail(jobs, error)
      }
      await this.options.after()
    } while (this.jobs.length > 0)
  }

  private fail(jobs: J[], error: unknown): void {
    // Durable ones that wait are later facts: they must not go before these.
    const behind = this.jobs.filter(job => job.durable)
    this.jobs = this.jobs.filter(job => !job.durable)
    for (const job of [...jobs, ...behind]) job.fail(this.options.toError(error))
  }
}
