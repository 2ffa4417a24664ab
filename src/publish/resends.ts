// When an event that the till has not acknowledged is sent again: ackTimeout, doubled up to 5 minutes. Pure.

const longestMs = 5 * 60_000

export class Resends {
  private readonly attempts = new Map<number, number>()
  /** One queue a level: within it the order of sending is the order of falling due. */
  private readonly levels: { seq: number; due: number }[][] = []

  constructor(private readonly ackTimeout: number) {}

  /** How many are sent and not acknowledged. */
  get outstanding(): number {
    return this.attempts.size
  }

  sent(seq: number, now: number): void {
    const level = Math.min(this.attempts.get(seq) ?? -1, 15) + 1
    this.attempts.set(seq, level)
    const wait = Math.min(longestMs, this.ackTimeout * 2 ** level)
    this.levels[level] ??= []
    this.levels[level].push({ seq, due: now + wait })
  }

  acknowledged(seq: number): void {
    this.attempts.delete(seq)
  }

  /** Takes out what is due, oldest seq first. */
  takeDue(now: number): number[] {
    const due: number[] = []
    for (const [level, queue] of this.levels.entries()) {
      let taken = 0
      while (taken < queue.length && queue[taken]!.due <= now) {
        const { seq } = queue[taken++]!
        // Acknowledged, or sent again since: its newer place counts.
        if (this.attempts.get(seq) === level) due.push(seq)
      }
      queue.splice(0, taken)
    }
    return due.sort((a, b) => a - b)
  }

  clear(): void {
    this.attempts.clear()
    this.levels.length = 0
  }
}
