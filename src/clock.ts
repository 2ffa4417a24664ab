// The two clocks, injected wherever time matters: wall time only for payloads, monotonic for every duration.

export interface Clock {
  /** Milliseconds since 1970, UTC; may jump. */
  wall(): number
  /** Milliseconds since some start; never goes back. */
  mono(): number
}

export const systemClock: Clock = {
  wall: () => Date.now(),
  mono: () => performance.now(),
}
