// How long to wait before the next attempt to connect. Pure.

const firstMs = 500
/**
 * A broker that does not answer is asked often, because a till waits for its return: this keeps
 * the return below 5 s. One that refuses us will refuse us again until somebody mends it.
 */
const limitMs = { unreachable: 4_000, refused: 30_000 }

/**
 * Milliseconds to wait after a failed attempt or a lost connection.
 *
 * @param attempt 0 for the first after a connection that held.
 * @param random 0 to 1: a thousand kiosks must not come back in the same instant.
 */
export function backoffMs(
  attempt: number,
  kind: keyof typeof limitMs,
  random: number = Math.random(),
): number {
  const full = Math.min(limitMs[kind], firstMs * 2 ** Math.min(attempt, 16))
  return Math.round(full * (0.5 + random / 2))
}
