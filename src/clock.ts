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

/** The date at a place, such as 2026-11-28. @param timezone an IANA name; one that nobody knows is UTC */
export function dayIn(timezone: string, wallMs: number): string {
  const options = { year: 'numeric', month: '2-digit', day: '2-digit' } as const
  try {
    // Sweden writes dates as ISO 8601 does.
    return new Intl.DateTimeFormat('sv-SE', { ...options, timeZone: timezone }).format(wallMs)
  } catch {
    return new Date(wallMs).toISOString().slice(0, 10)
  }
}
