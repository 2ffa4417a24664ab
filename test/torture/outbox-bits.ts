// Rows of the torture table: logs that are cut or flipped, and a disk that fails at any call. On a disk in memory, to have them by the thousand.
import { makeOutbox, action, seqsOf } from '../helpers/kiosk-parts.js'
import { MemoryFiles, type Operation } from '../helpers/memory-files.js'
import { scanFrames } from '../../src/publish/outbox/frame.js'
import type { Outcome, Row } from './row.js'
import { inDir } from './shop.js'

const none: Pick<Outcome, 'lost' | 'duplicated' | 'recoverMs'> = {
  ...{ lost: 0, duplicated: 0, recoverMs: null },
}

/** What a start needs of the lock lies on the real disk; one folder will do for all. */
async function started(stateDir: string, files: MemoryFiles, over = {}) {
  const outbox = makeOutbox(stateDir, { files, confirm: 'pos', ...over })
  const { counterState } = await outbox.start()
  return { outbox, counterState }
}

/** A log with `events` events in one file, each with the state after it, and the marks of their sending. */
async function makeLog(stateDir: string, events: number) {
  const files = new MemoryFiles()
  const { outbox } = await started(stateDir, files)
  const ends: number[] = []
  const [name] = await outbox
    .append([action({ session: 's0' })], { round: 0 })
    .then(() => files.segments())
  const data = (): Buffer => files.contents.get(name!)!.data
  ends.push(data().length)
  for (let round = 1; round < events; round++) {
    await outbox.append([action({ session: `s${round}` })], { round })
    ends.push(data().length)
    await outbox.prepare([round])
  }
  const originals = new Map<number, string>()
  for (const seq of seqsOf(outbox))
    originals.set(seq, JSON.stringify((await outbox.read(seq))!.event))
  await outbox.stop()
  return { name: name!, whole: data(), ends, originals }
}

const withContent = (name: string, data: Buffer): MemoryFiles => {
  const files = new MemoryFiles()
  files.contents.set(name, { data, synced: data })
  return files
}

async function truncated(stateDir: string, times: number): Promise<Outcome> {
  const { name, whole, ends } = await makeLog(stateDir, 12)
  const wrong: string[] = []
  const lengths = Math.min(times, whole.length)
  for (let index = 0; index < lengths; index++) {
    const length = Math.floor((index * whole.length) / lengths)
    const { outbox, counterState } = await started(
      stateDir,
      withContent(name, whole.subarray(0, length)),
    )
    const kept = ends.filter(end => end <= length).length
    const [added] = await outbox.append([action()], null)
    const state = kept === 0 ? null : { round: kept - 1 }
    if (JSON.stringify(counterState) !== JSON.stringify(state)) wrong.push(`${length}: state`)
    if (seqsOf(outbox).length !== kept + 1) wrong.push(`${length}: ${seqsOf(outbox)}`)
    if (added!.seq <= kept) wrong.push(`${length}: seq ${added!.seq} was given before`)
    await outbox.stop()
  }
  return { ...none, times: lengths, wrong }
}

async function flipped(stateDir: string, times: number): Promise<Outcome> {
  const { name, whole, originals } = await makeLog(stateDir, 6)
  const wrong: string[] = []
  let lost = 0
  let duplicated = 0
  for (let flip = 0; flip < times; flip++) {
    const bit = Math.floor((flip * whole.length * 8) / times)
    const data = Buffer.from(whole)
    data[bit >> 3]! ^= 1 << (bit & 7)
    const { outbox } = await started(stateDir, withContent(name, data))
    for (const seq of seqsOf(outbox)) {
      const found = await outbox.read(seq)
      if (found && JSON.stringify(found.event) !== originals.get(seq))
        wrong.push(`bit ${bit} is believed`)
    }
    // One bit may cost its record, never silently.
    const missing = originals.size - seqsOf(outbox).length
    const isTail = scanFrames(data, 16).tailBytes > 0
    if (outbox.stats().damaged === 0 && !isTail) wrong.push(`bit ${bit} is not flagged`)
    if (missing > 1) lost += missing - 1
    const [added] = await outbox.append([action()], null)
    if (added!.seq <= originals.size) duplicated++
    await outbox.stop()
  }
  return { ...none, times, lost, duplicated, wrong }
}

const codes = ['EIO', 'EROFS', 'ENOSPC', 'EDQUOT']
/** How often each is called at most where it fails at every n: a new file is rare. */
const operations: [Operation, most: number][] = [
  ...([
    ['write', Infinity],
    ['sync', Infinity],
  ] as [Operation, number][]),
  ...([
    ['create', 8],
    ['syncDir', 8],
    ['remove', 8],
  ] as [Operation, number][]),
]

async function failing(stateDir: string, times: number): Promise<Outcome> {
  const outcome: Outcome = { ...none, times: 0, wrong: [] }
  let refused = 0
  for (const [operation, most] of operations) {
    for (let n = 1; n <= Math.min(times, most); n++) {
      for (const once of [true, false]) {
        outcome.times++
        refused += await failAt(
          stateDir,
          { operation, n, once, rounds: most < Infinity ? n * 30 : n + 4 },
          outcome,
        )
      }
    }
  }
  if (refused < outcome.times) outcome.wrong.push(`only ${refused} appends were refused`)
  return { ...outcome, note: `${refused} appends refused, none of them came back` }
}

/** One failure, or failures from the n-th call on until the disk is mended. @returns the refused appends. */
async function failAt(
  stateDir: string,
  {
    operation,
    n,
    once,
    rounds,
  }: { operation: Operation; n: number; once: boolean; rounds: number },
  outcome: Outcome,
): Promise<number> {
  const { wrong } = outcome
  const place = `${operation} ${once ? 'once' : 'for ever, then mended'} at ${n}`
  const files = new MemoryFiles()
  const { outbox } = await started(stateDir, files, { maxBytes: 128 * 1024 })
  files.fail = (what, call) =>
    what === operation && (once ? call === n : call >= n) ? codes[n % codes.length]! : null
  const promised = new Map<number, string>()
  let refused = 0
  const append = async (session: string): Promise<void> => {
    try {
      const [event] = await outbox.append([action({ session })], { session })
      if (promised.has(event!.seq)) outcome.duplicated++
      promised.set(event!.seq, session)
    } catch (error) {
      refused++
      if (once) wrong.push(`${place}: one failure is no reason to refuse`)
      if ((error as { code: string }).code !== 'OUTBOX_FULL') wrong.push(`${place}: ${error}`)
    }
  }
  for (let round = 0; round < rounds; round++) await append(`s${round}`)
  await outbox.prepare([...promised.keys()].slice(-8))
  await Promise.all([append('a'), append('b'), append('c')])
  files.fail = () => null
  await append('mended')
  const last = [...promised.keys()].at(-1)
  const { dropped } = outbox.stats()
  await outbox.stop()
  // What was never synced may be gone after a power failure, and may be there.
  if (n % 2) files.crash()
  const { outbox: next, counterState } = await started(stateDir, files)
  const found = new Map<number, string | null>()
  for (const seq of seqsOf(next)) found.set(seq, (await next.read(seq))!.event.session)
  await next.stop()
  // Given up by the bound of the log is counted: that is no loss.
  const missing = [...promised].filter(([seq, session]) => found.get(seq) !== session)
  outcome.lost += Math.max(0, missing.length - dropped)
  for (const seq of found.keys()) if (!promised.has(seq)) wrong.push(`${place}: ${seq} was refused`)
  if (last !== promised.size) wrong.push(`${place}: seq has a gap`)
  if ((counterState as { session: string }).session !== 'mended') wrong.push(`${place}: state`)
  if (files.writtenAfterFailure.length > 0) wrong.push(`${place}: a bad file was written again`)
  return refused
}

const rowOf = (
  fault: string,
  [short, full]: [number, number],
  run: (stateDir: string, times: number) => Promise<Outcome>,
): Row => ({ fault, short, full, run: times => inDir(stateDir => run(stateDir, times)) })

export const bits: Row[] = [
  rowOf('the log cut off at any byte', [200, 4_096], truncated),
  rowOf('a flipped bit in the log', [200, 1_000], flipped),
  rowOf(
    'EIO, EROFS, ENOSPC or EDQUOT at the n-th write, fdatasync, new file or removal',
    [12, 200],
    failing,
  ),
]
