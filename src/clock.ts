// The two clocks, injected wherever time matters: wall time only for payloads, monotonic for every duration.

export interface Clock {
  /** Milliseconds since 1970, UTC; may jump. */
  wall(): number
  /** Milliseconds since some start; never goes back. */
  mono(): number
}

/** Before this there was no grocerd: a clock without a battery begins in 1970, and what it says is no time. */
const earliest = Date.UTC(2026, 0)

/** Whether a wall time can be one. */
export const isTime = (wall: number): boolean => wall >= earliest

export const systemClock: Clock = {
  wall: () => Date.now(),
  mono: () => performance.now(),
}
