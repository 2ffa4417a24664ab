// What rows about the broker have in common: a shop that runs, a fault, and the time until the till has news again.
import type { Outcome } from './row.js'
import { CountingTill, inDir, ShopBroker, type ShopBrokerOptions, ShopDaemon } from './shop.js'

export interface SceneOptions extends ShopBrokerOptions {
  /** Events a second. */
  rate?: number
  brokerDown?: boolean
  mqtt?: Record<string, unknown>
  /** Writes what the broker needs into the shop's folder. @returns lines of its configuration. */
  prepare?: (dir: string) => string[]
  /** The daemon cannot connect yet: do not wait for its first event at the till. */
  patient?: boolean
  /** What lies between the daemon and the broker's port. */
  line?: (port: number) => { start(): Promise<string>; stop(): Promise<void> }
  /** Of the Node that runs the daemon. */
  node?: string[]
  hurry?: number
  /** Where the daemon finds the broker, where that is not where the till finds it. */
  daemonHost?: string
}

export interface Shop {
  dir: string
  broker: ShopBroker
  daemon: ShopDaemon
  till: CountingTill
  startTill(): Promise<void>
  /** Waits until the daemon gives this reason. */
  says(code: string, words: RegExp): Promise<void>
}

/** Opens a shop, runs `scene` in it, and counts what is lost when all has come that was promised. */
export async function inShop(
  options: SceneOptions,
  outcome: Outcome,
  scene: (shop: Shop) => Promise<void>,
): Promise<void> {
  await inDir(async dir => {
    const { prepare, rate = 50, mqtt = {}, brokerDown, patient, line, tls, hurry = 1 } = options
    const settings = prepare?.(dir) ?? options.settings
    const broker = new ShopBroker(dir, { ...options, ...(settings && { settings }) })
    await broker.start()
    const between = line?.(broker.daemonPort)
    const host = tls ? 'mqtts://localhost' : `mqtt://${options.daemonHost ?? '127.0.0.1'}`
    const url = `${host}:${between ? new URL(await between.start()).port : broker.daemonPort}`
    if (brokerDown) await broker.kill()
    const daemon = new ShopDaemon(
      {
        ...{ url, dir: `${dir}/state`, rate, total: Infinity, hurry },
        ...{ mqtt: { ...mqtt, url }, outbox: { confirm: 'pos', ackTimeout: 2000 * hurry } },
      },
      options.node,
    )
    const till = new CountingTill({ ack: true })
    const startTill = (): Promise<void> => till.start(broker.url)
    const says = async (code: string, words: RegExp): Promise<void> => {
      const fits = (): boolean =>
        daemon.reasons.some(reason => reason.code === code && words.test(reason.message))
      await daemon.until(fits, `${code} ${words}`).catch(error => {
        throw new Error(`${error.message}; it said ${JSON.stringify(daemon.reasons.slice(-3))}`)
      })
    }
    try {
      if (!brokerDown) await startTill()
      daemon.start()
      if (!brokerDown && !patient) await till.until(() => till.count > 0, 'the first event')
      await scene({ dir, broker, daemon, till, startTill, says })
      const { safe } = daemon
      await till.until(() => till.missing(safe).length === 0, 'all').catch(() => {})
      outcome.lost += till.missing(safe).length
      outcome.duplicated += till.twice
      if (till.unordered > 0) outcome.wrong.push(`${till.unordered} events came after a later one`)
      if (till.unmarked > 0) outcome.wrong.push(`${till.unmarked} repeats are not marked`)
      if (daemon.refused.length > 0) outcome.wrong.push(`refused: ${daemon.refused.join()}`)
    } finally {
      await daemon.kill()
      await till.stop()
      await between?.stop()
      await broker.kill()
    }
  })
}

/** Ends the fault and measures until something comes that could not come before. */
export async function recovery(
  { daemon, till }: Shop,
  outcome: Outcome,
  mend: () => Promise<unknown> | void,
): Promise<void> {
  const began = performance.now()
  await mend()
  const { safe } = daemon
  await till.until(() => till.newest > safe, 'something new', 90_000)
  outcome.recoverMs!.push(performance.now() - began)
}
