// Fewer pictures than a camera gives: those that come before their time are left out, unread.

/** Where the rates fit into each other a picture may come a little early. */
const early = 0.1

/** At most about `fps` pictures a second. */
export async function* thinned(
  pictures: AsyncIterable<Uint8Array>,
  fps: number,
): AsyncIterable<Uint8Array> {
  const period = 1000 / fps
  let due = Number.NEGATIVE_INFINITY
  for await (const picture of pictures) {
    const now = performance.now()
    if (now < due - early * period) continue
    due = Math.max(due + period, now)
    yield picture
  }
}
