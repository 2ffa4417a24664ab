// Runs a job for each of many things, several under way at a time. Knows nothing of the jobs.

/**
 * Resolves when all are done. The first failure ends all: nothing more is taken, what is under way ends, and
 * then it rejects with that failure.
 */
export async function eachInFlight<T>(
  items: readonly T[],
  atOnce: number,
  job: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0
  const worker = async () => {
    for (let index = next++; index < items.length; index = next++) await job(items[index]!, index)
  }
  const guarded = () =>
    worker().catch(error => {
      next = items.length
      throw error
    })
  const workers = Math.min(atOnce, items.length)
  const ends = await Promise.allSettled(Array.from({ length: workers }, guarded))
  const failed = ends.find(end => end.status === 'rejected')
  if (failed) throw failed.reason
}
