// Torture of a sale: each of its four processes is killed at every message, and the till's receipt has each line once.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hasMosquitto } from '../helpers/brokers.js'
import { hasFfmpeg } from '../helpers/clip.js'
import { SaleShop, type Sold, type Victim, victims } from '../helpers/sale.js'
import type { Outcome, Row } from './row.js'

/** What the script `sale` sells; the scanned pack is taken back. */
const right = ['vine-tomato 412', 'green-bell-pepper 164', 'solid-potato 350']
const allLines = [...right, 'bravo-orange-juice null']

const named = (lines: Sold['lines']) => lines.map(({ sku, grams }) => `${sku} ${grams}`)

/** How many of the wanted are missing, and how many are there besides. */
function account(found: string[], wanted: string[]): { lost: number; duplicated: number } {
  const left = [...found]
  const lost = wanted.filter(one => {
    const at = left.indexOf(one)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
  return { lost: lost.length, duplicated: left.length }
}

const saleRow = (victim: Victim): Row => ({
  fault: `sale: kill -9 of the ${victim} at a message of it`,
  short: 3,
  full: Infinity,
  skip: () =>
    hasMosquitto && hasFfmpeg ? null : `${hasMosquitto ? 'ffmpeg' : 'mosquitto'} is not installed`,
  async run(times): Promise<Outcome> {
    const dir = mkdtempSync(join(tmpdir(), 'grocerd-sale-'))
    const shop = new SaleShop(dir)
    const outcome: Outcome = { times: 0, lost: 0, duplicated: 0, recoverMs: null, wrong: [] }
    let touches = 0
    const sell = async (at: number | null) => {
      const sold = await shop.sell('sale', at === null ? null : { victim, at })
      const found = [
        account(named(sold.receipt), right),
        // What is taken back stands on the receipt as taken back, once.
        account(named(sold.lines), allLines),
      ]
      const isRight = found.every(one => one.lost + one.duplicated === 0)
      if (!isRight) outcome.wrong.push(`message ${at}: ${JSON.stringify(found)}`)
      for (const one of found) {
        outcome.lost += one.lost
        outcome.duplicated += one.duplicated
      }
      if (at !== null && !sold.killed) outcome.wrong.push(`message ${at} never came`)
      touches += sold.touches
      return sold
    }
    try {
      await shop.start()
      const { messages } = await sell(null)
      const step = Math.max(1, Math.ceil(messages / times))
      // The middle of each part, so that a few of them are not all at the beginning.
      for (let at = Math.ceil(step / 2); at <= messages; at += step) {
        await sell(at)
        outcome.times++
      }
      outcome.note = `${messages} messages; ${(touches / (3 * (outcome.times + 1))).toFixed(2)} touches a loose thing`
    } finally {
      await shop.stop()
      rmSync(dir, { recursive: true, force: true })
    }
    outcome.wrong.push(...shop.wrong)
    return outcome
  },
})

export const saleRows = victims.map(saleRow)
