// Rows of the torture table: a broker that is away, refuses us, hangs, or gives our client id to somebody else.
import { chmodSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { spawnSync } from 'node:child_process'
import { connect } from 'mqtt'
import { hasMosquitto } from '../helpers/brokers.js'
import { makeCertificates, TlsLine } from './certificates.js'
import { Refuser } from './refuser.js'
import type { Outcome, Row } from './row.js'
import { inShop, recovery } from './scene.js'

const skip = () => (hasMosquitto ? null : 'mosquitto is not installed')
const skipTls = () =>
  skip() ?? (spawnSync('openssl', ['version']).error ? 'openssl is not installed' : null)

/** p95 of what the issue promises after a broker's return. */
const promisedMs = 5_000
const late = (recoverMs: number[]): string[] => {
  const p95 = [...recoverMs].sort((a, b) => a - b)[Math.ceil(recoverMs.length * 0.95) - 1]!
  return p95 > promisedMs ? [`95 % are back within ${Math.round(p95)} ms`] : []
}

async function downAtStart(times: number): Promise<Outcome> {
  const outcome: Outcome = { times, lost: 0, duplicated: 0, recoverMs: [], wrong: [] }
  for (let time = 0; time < times; time++) {
    await inShop({ brokerDown: true }, outcome, async shop => {
      await shop.daemon.until(() => shop.daemon.safe >= 20, 'events without a broker')
      await shop.says('MQTT_DISCONNECTED', /ECONNREFUSED/)
      await recovery(shop, outcome, async () => {
        await shop.broker.start()
        await shop.startTill()
      })
    })
  }
  return { ...outcome, wrong: [...outcome.wrong, ...late(outcome.recoverMs!)] }
}

async function outages(times: number): Promise<Outcome> {
  const outcome: Outcome = { times, lost: 0, duplicated: 0, recoverMs: [], wrong: [] }
  await inShop({}, outcome, async shop => {
    for (let time = 0; time < times; time++) {
      // A connection that held for 5 s is a good one: worse ones look like a fight over our client id.
      await sleep(5_250)
      await shop.broker.kill()
      await shop.daemon.until(() => !shop.daemon.up, 'without its broker')
      await sleep(Math.random() * 8_000)
      await recovery(shop, outcome, () => shop.broker.start())
    }
  })
  return { ...outcome, wrong: [...outcome.wrong, ...late(outcome.recoverMs!)] }
}

async function wrongPassword(times: number): Promise<Outcome> {
  const outcome: Outcome = { times, lost: 0, duplicated: 0, recoverMs: [], wrong: [] }
  for (let time = 0; time < times; time++) {
    const mqtt = { username: 'kiosk', passwordFile: '' }
    const prepare = (dir: string): string[] => {
      mqtt.passwordFile = `${dir}/password`
      writeFileSync(mqtt.passwordFile, 'wrong', { mode: 0o600 })
      spawnSync('mosquitto_passwd', ['-b', '-c', `${dir}/users`, 'kiosk', 'right'])
      // mosquitto reads it as whoever it runs as.
      chmodSync(`${dir}/users`, 0o644)
      return ['allow_anonymous true', `password_file ${dir}/users`]
    }
    await inShop({ prepare, mqtt, patient: true }, outcome, async shop => {
      await shop.says('MQTT_REFUSED', /to accept us but received code 13[45]: /)
      await recovery(shop, outcome, async () => writeFileSync(mqtt.passwordFile, 'right'))
    })
  }
  return { ...outcome, note: 'an attempt every 30 s or sooner' }
}

/** No word of ours may leave in plain text, whatever is wrong with the certificate. */
async function badCertificate(times: number): Promise<Outcome> {
  const outcome: Outcome = { times, lost: 0, duplicated: 0, recoverMs: [], wrong: [] }
  const kinds = [
    ['expired', /certificate has expired/],
    ['otherCa', /unable to verify|self[- ]signed|unable to get/],
    ['otherHost', /does not match certificate|altnames/],
  ] as const
  for (let time = 0; time < times; time++) {
    const [kind, words] = kinds[time % kinds.length]!
    let line: TlsLine | null = null
    const mqtt = { tls: { ca: '', cert: null, key: null }, url: '' }
    const prepare = (dir: string): string[] => {
      makeCertificates(dir)
      mqtt.tls.ca = `${dir}/ca.crt`
      return ['allow_anonymous true']
    }
    await inShop(
      { prepare, tls: kind, mqtt, patient: true, line: port => (line = new TlsLine(port)) },
      outcome,
      async shop => {
        await shop.says('MQTT_TLS_FAILED', words)
        await recovery(shop, outcome, () => shop.broker.restart({ tls: 'good' }))
        outcome.wrong.push(...line!.plain)
      },
    )
    await (line as TlsLine | null)?.stop()
  }
  return { ...outcome, note: 'expired, of another CA, of another host; nothing left in plain text' }
}

async function halfOpen(times: number): Promise<Outcome> {
  const outcome: Outcome = { times, lost: 0, duplicated: 0, recoverMs: [], wrong: [] }
  let longest = 0
  await inShop({}, outcome, async shop => {
    for (let time = 0; time < times; time++) {
      const stopped = performance.now()
      process.kill(shop.broker.pid, 'SIGSTOP')
      await shop.daemon.until(() => !shop.daemon.up, 'it notices')
      longest = Math.max(longest, performance.now() - stopped)
      await recovery(shop, outcome, async () => {
        process.kill(shop.broker.pid, 'SIGCONT')
      })
    }
  })
  if (longest > 22_000) outcome.wrong.push(`noticed after ${Math.round(longest)} ms`)
  const note = `noticed within ${(longest / 1000).toFixed(1)} s`
  return { ...outcome, note, wrong: [...outcome.wrong, ...late(outcome.recoverMs!)] }
}

/** mosquitto says nothing to who is thrown out: it shows in the pattern, and each keeps coming back. */
async function takenOver(times: number): Promise<Outcome> {
  const outcome: Outcome = { times, lost: 0, duplicated: 0, recoverMs: [], wrong: [] }
  for (let time = 0; time < times; time++) {
    await inShop({}, outcome, async shop => {
      const thief = connect(shop.broker.url, {
        ...{ clientId: 'grocerd-shop', protocolVersion: 5, reconnectPeriod: 100 },
      })
      thief.on('error', () => {})
      await shop.says('MQTT_TAKEN_OVER', /the broker closed \d connections in a row/)
      await recovery(shop, outcome, () => thief.endAsync(true))
    })
  }
  return { ...outcome, note: 'then an attempt every 30 s or sooner: two that fight help nobody' }
}

/** Each event is refused until the limit is lifted; what is refused waits and is said. */
async function tooLarge(times: number): Promise<Outcome> {
  const outcome: Outcome = { times, lost: 0, duplicated: 0, recoverMs: [], wrong: [] }
  for (let time = 0; time < times; time++) {
    const prepare = (): string[] => ['allow_anonymous true', 'max_packet_size 800']
    await inShop({ prepare, patient: true }, outcome, async shop => {
      await shop.says('EVENT_REFUSED', /received code 149: Packet too large: /)
      await recovery(shop, outcome, () =>
        shop.broker.restart({ settings: ['allow_anonymous true'] }),
      )
    })
  }
  return outcome
}

async function quota(times: number): Promise<Outcome> {
  const outcome: Outcome = { times, lost: 0, duplicated: 0, recoverMs: [], wrong: [] }
  for (let time = 0; time < times; time++) {
    let refuser: Refuser | null = null
    await inShop(
      { line: port => (refuser = new Refuser(port)), patient: true },
      outcome,
      async shop => {
        await shop.says('EVENT_REFUSED', /received code 151: /)
        await recovery(shop, outcome, async () => {
          refuser!.refuses = false
        })
      },
    )
  }
  return {
    ...outcome,
    note: 'by a line that answers PUBLISH in place of mosquitto, which has no quota',
  }
}

export const brokerFaults: Row[] = [
  { fault: 'mosquitto down when the daemon starts', short: 2, full: 20, skip, run: downAtStart },
  { fault: 'mosquitto killed, and back after up to 8 s', short: 1, full: 20, skip, run: outages },
  { fault: 'wrong password, then the right one', short: 1, full: 10, skip, run: wrongPassword },
  {
    fault: 'a certificate that is not to be trusted, then a good one',
    short: 3,
    full: 30,
    skip: skipTls,
    run: badCertificate,
  },
  { fault: 'mosquitto hangs (SIGSTOP)', short: 1, full: 10, skip, run: halfOpen },
  {
    fault: 'another client fights for our client id, then gives up',
    short: 1,
    full: 10,
    skip,
    run: takenOver,
  },
  {
    fault: 'packet too large (0x95), then the limit is lifted',
    short: 1,
    full: 10,
    skip,
    run: tooLarge,
  },
  { fault: 'quota exceeded (0x97), then it is not', short: 1, full: 10, skip, run: quota },
]
