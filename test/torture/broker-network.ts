// Rows of the torture table: the line to the broker is cut, loses every second packet, is slow, or breaks a thousand times.
import { setTimeout as sleep } from 'node:timers/promises'
import { hasMosquitto, Line } from '../helpers/brokers.js'
import { lossySkip, Namespace } from './namespace.js'
import type { Outcome, Row } from './row.js'
import { inShop, recovery } from './scene.js'
import type { Figures } from './shop.js'

const skip = () => (hasMosquitto ? null : 'mosquitto is not installed')
const skipNetwork = () => skip() ?? lossySkip()

/** A connection that held for 5 s is a good one; four worse ones in a row are taken for a fight over our client id. */
const stableMs = 5_250
/** For a thousand of them: how much faster the daemon's clock runs. */
const hurry = 25

/** Both sides get a reset while events are on their way. */
async function resets(times: number): Promise<Outcome> {
  const outcome: Outcome = { times, lost: 0, duplicated: 0, recoverMs: [], wrong: [] }
  let line: Line | null = null
  const between = (port: number): Line => (line = new Line(port))
  await inShop({ line: between, rate: 100 }, outcome, async shop => {
    for (let time = 0; time < times; time++) {
      await sleep(stableMs)
      const { safe } = shop.daemon
      await shop.daemon.until(() => shop.daemon.safe > safe, 'an event that is just being sent')
      line!.cut()
      await shop.daemon.until(() => !shop.daemon.up, 'it notices')
      await recovery(shop, outcome, () => {})
    }
  })
  return outcome
}

/** The daemon's link is bad for a while, the till's is not; then the daemon's is good again. */
async function badLink(
  times: number,
  spoil: (namespace: Namespace) => void,
  { rate, seconds }: { rate: number; seconds: number },
): Promise<Outcome & { heard: number; made: number }> {
  const outcome = {
    ...{ times, lost: 0, duplicated: 0, recoverMs: [], wrong: [], heard: 0, made: 0 },
  } as Outcome & { heard: number; made: number }
  const namespace = new Namespace()
  namespace.start()
  try {
    const { runner, goodHost, badHost } = namespace
    const options = { runner, host: goodHost, daemonHost: badHost, rate }
    await inShop(options, outcome, async shop => {
      for (let time = 0; time < times; time++) {
        const { count } = shop.till
        const { safe } = shop.daemon
        spoil(namespace)
        await sleep(seconds * 1000)
        outcome.heard += shop.till.count - count
        outcome.made += shop.daemon.safe - safe
        await recovery(shop, outcome, () => namespace.mend())
      }
    })
  } finally {
    namespace.stop()
  }
  return outcome
}

async function loss(times: number): Promise<Outcome> {
  const plan = { rate: 20, seconds: 8 }
  const { heard, made, ...outcome } = await badLink(times, one => one.lose(0.5), plan)
  return {
    ...outcome,
    note: `${heard} of ${made} events came through meanwhile, the others after it`,
  }
}

async function narrow(times: number): Promise<Outcome> {
  const plan = { rate: 3, seconds: 6 }
  const { heard, made, ...outcome } = await badLink(times, one => one.narrow('64kbit'), plan)
  const { wrong } = outcome
  if (heard < made * 0.5) wrong.push(`${heard} of ${made} events came through`)
  return { ...outcome, note: `${heard} of ${made} events came through meanwhile` }
}

/** After these many disconnects nothing may have grown. */
async function disconnects(times: number): Promise<Outcome> {
  const outcome: Outcome = { times, lost: 0, duplicated: 0, recoverMs: [], wrong: [] }
  let line: Line | null = null
  const between = (port: number): Line => (line = new Line(port))
  let first: Figures | null = null
  let last: Figures | null = null
  const options = { line: between, rate: 20, node: ['--expose-gc'], hurry }
  await inShop(options, outcome, async shop => {
    for (let time = 0; time < times; time++) {
      await sleep(stableMs / hurry)
      if (time === Math.ceil(times / 5)) first = await shop.daemon.ask()
      line!.cut()
      await shop.daemon.until(() => !shop.daemon.up, 'it notices')
      await recovery(shop, outcome, () => {})
    }
    await shop.daemon.until(() => shop.daemon.up, 'it is back')
    last = await shop.daemon.ask()
  })
  const [before, after] = [first!, last!] as Figures[] as [Figures, Figures]
  for (const what of ['descriptors', 'handles', 'listeners'] as const) {
    if (after[what] > before[what])
      outcome.wrong.push(`${what}: ${before[what]}, then ${after[what]}`)
  }
  const grown = after.heapBytes - before.heapBytes
  if (grown > 2e6) outcome.wrong.push(`heap: ${grown} bytes more`)
  if (after.downs < times) outcome.wrong.push(`${after.downs} disconnects`)
  const note = `${after.descriptors} descriptors, ${after.handles} handles, ${after.listeners} listeners as before; heap ${(grown / 1e6).toFixed(1)} MB more`
  return { ...outcome, note }
}

export const brokerNetwork: Row[] = [
  { fault: 'the connection is reset in mid-publish', short: 2, full: 25, skip, run: resets },
  {
    fault: '50 % of the packets are lost, both ways, for 8 s',
    short: 1,
    full: 10,
    skip: skipNetwork,
    run: loss,
  },
  { fault: 'a line of 64 kbit/s, for 6 s', short: 1, full: 10, skip: skipNetwork, run: narrow },
  { fault: 'disconnected again and again', short: 20, full: 1_000, skip, run: disconnects },
]
