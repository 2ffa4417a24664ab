// Rows of the torture table: kill -9 on the daemon and the broker at random moments, and three days without a broker.
import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { hasMosquitto } from '../helpers/brokers.js'
import { isFull, type Outcome, type Row } from './row.js'
import { CountingTill, makeDir, ShopBroker, ShopDaemon, type TillOptions } from './shop.js'

const skip = () => (hasMosquitto ? null : 'mosquitto is not installed')
const rate = 500

interface Plan {
  events: number
  daemonKills: number
  brokerKills: number
  till: TillOptions
  outbox: object
}

/** Runs the script to its end while both are killed at random moments of it. */
async function killedShop(
  plan: Plan,
): Promise<Outcome & { till: CountingTill; perSecond: number }> {
  const dir = makeDir()
  const broker = new ShopBroker(dir)
  await broker.start()
  const till = new CountingTill(plan.till)
  await till.start(broker.url)
  const daemon = new ShopDaemon({
    ...{ url: broker.url, dir: `${dir}/state`, rate, total: plan.events, outbox: plan.outbox },
  })
  const recoverMs: number[] = []
  const wrong: string[] = []
  const at = (): number => 1 + Math.floor(Math.random() * (plan.events - 1))
  const kills = [
    ...Array.from({ length: plan.daemonKills }, () => ({ at: at(), who: daemon })),
    ...Array.from({ length: plan.brokerKills }, () => ({ at: at(), who: broker })),
  ].sort((a, b) => a.at - b.at)
  const began = performance.now()
  try {
    daemon.start()
    for (const { at, who } of kills) {
      await daemon.until(() => daemon.safe >= at, `event ${at}`)
      await sleep(Math.random() * 20)
      await who.kill()
      const back = performance.now()
      await who.start()
      // What happened after it is news; all else may have been on its way before.
      const { safe } = daemon
      if (safe === plan.events) continue
      await till.until(() => till.newest > safe, 'something new')
      recoverMs.push(performance.now() - back)
    }
    await till.until(() => till.count >= plan.events, 'the last event').catch(() => {})
    const seconds = (performance.now() - began) / 1000
    await daemon.stop()
    const lost = till.missing(plan.events)
    const perSecond = Math.round(plan.events / seconds)
    if (daemon.refused.length > 0) wrong.push(`refused: ${daemon.refused.join()}`)
    // A few kills are mostly starts of programs.
    if (isFull && perSecond < 200) wrong.push(`${perSecond} events a second`)
    const note = `${plan.events} events, ${plan.daemonKills} kills of the daemon, ${plan.brokerKills} of mosquitto, ${perSecond} events/s, ${((100 * till.repeats) / plan.events).toFixed(1)} % repeats`
    return {
      ...{ times: kills.length, lost: lost.length, duplicated: till.twice, recoverMs, note, wrong },
      ...{ till, perSecond },
    }
  } finally {
    await daemon.kill()
    await till.stop()
    await broker.kill()
    rmSync(dir, { recursive: true, force: true })
  }
}

export const kills: Row[] = [
  {
    fault: 'confirm: pos, kill -9 of the daemon and of mosquitto',
    short: 5,
    full: 250,
    skip,
    async run(times) {
      const { till, ...outcome } = await killedShop({
        events: times * 400,
        daemonKills: (times * 4) / 5,
        brokerKills: times / 5,
        till: { ack: true },
        outbox: { confirm: 'pos', ackTimeout: 2000 },
      })
      const { wrong, note } = outcome
      if (till.unordered > 0) wrong.push(`${till.unordered} events came after a later one`)
      if (till.unmarked > 0) wrong.push(`${till.unmarked} repeats are not marked`)
      // Of few events one unlucky moment is a large share.
      const most = isFull ? times * 400 * 0.05 : times * 60
      if (till.repeats > most) wrong.push(note!)
      return outcome
    },
  },
  {
    fault:
      'confirm: broker, kill -9 of the daemon and of mosquitto, the till asks after each connect',
    short: 4,
    full: 60,
    skip,
    async run(times) {
      const { till, ...outcome } = await killedShop({
        events: times * 400,
        daemonKills: times / 2,
        brokerKills: times / 2,
        till: { ack: false, resend: true },
        outbox: { confirm: 'broker', resendFor: 15_000 },
      })
      if (till.unmarked > 0) outcome.wrong.push(`${till.unmarked} repeats are not marked`)
      return outcome
    },
  },
  {
    fault: 'three days without a broker, an event a second, then kill -9 and the broker is back',
    short: 3_000,
    full: 259_200,
    skip,
    run: offline,
  },
]

async function offline(events: number): Promise<Outcome> {
  const dir = makeDir()
  const broker = new ShopBroker(dir)
  await broker.start()
  await broker.kill()
  const till = new CountingTill({ ack: true })
  const daemon = new ShopDaemon({
    ...{ url: broker.url, dir: `${dir}/state`, rate, total: events, hoard: true },
    outbox: { confirm: 'pos' },
  })
  const wrong: string[] = []
  try {
    daemon.start()
    await daemon.until(() => daemon.safe >= events, `${events} events on disk`, 600_000)
    await daemon.kill()
    await broker.start()
    await till.start(broker.url)
    const began = performance.now()
    daemon.start()
    await till.until(() => till.count > 0, 'the first event')
    const first = performance.now()
    const { rssBytes } = await daemon.ask()
    await till.until(() => till.count >= events, 'all events', 900_000).catch(() => {})
    const perSecond = Math.round(events / ((performance.now() - first) / 1000))
    if (till.unordered > 0) wrong.push(`${till.unordered} events came after a later one`)
    if (perSecond < 500) wrong.push(`${perSecond} events a second`)
    const { dropped } = await daemon.ask()
    if (dropped > 0) wrong.push(`${dropped} dropped`)
    await daemon.stop()
    return {
      ...{ times: 1, lost: till.missing(events).length, duplicated: till.twice },
      recoverMs: [first - began],
      note: `${events} events at ${perSecond}/s in order, ${till.repeats} repeats, ${Math.round(rssBytes / 1e6)} MB resident`,
      wrong,
    }
  } finally {
    await daemon.kill()
    await till.stop()
    await broker.kill()
    rmSync(dir, { recursive: true, force: true })
  }
}
