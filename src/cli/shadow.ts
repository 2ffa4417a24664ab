// grocerd shadow: how a camera in mode shadow would have done in the shop's own sales.
import { writeFileSync } from 'node:fs'
import { Command, InvalidArgumentError } from 'commander'

interface Options {
  config?: string
  state?: string
  catalogue?: string
  days: number
  json?: boolean
  html?: string
}

async function shadow(options: Options): Promise<void> {
  const { defaultConfig, loadConfig } = await import('../config/load.js')
  const { shadowDir } = await import('../desks/shadow-desk.js')
  const { readDay, shadowDays } = await import('../learn/shadow/day-files.js')
  const { figuresOf } = await import('../learn/shadow/figures.js')
  const { pricesOf, readCatalogue } = await import('../recognition/catalogue.js')
  const config = options.config ? loadConfig(options.config) : defaultConfig(process.env)
  const dir = shadowDir(options.state ?? config.outbox.dir)
  const days = shadowDays(dir).slice(-options.days)
  const read = days.map(day => readDay(dir, day))
  const passedOver = read.reduce((sum, one) => sum + one.passedOver, 0)
  if (passedOver > 0) process.stderr.write(`passed over: ${passedOver} lines that cannot be read\n`)
  const { catalogueFile } = await import('../desks/kept-catalogue.js')
  const file = options.catalogue ?? catalogueFile(config)
  const priceOf = pricesOf(file === null ? null : readCatalogue(file), () => null)
  const figures = figuresOf(
    read.flatMap(({ records }) => records),
    priceOf,
  )
  if (options.html) {
    const { renderShadow } = await import('../learn/shadow/report-html.js')
    writeFileSync(options.html, renderShadow(figures, days, new Date()))
  }
  const { shadowText } = await import('../learn/shadow/report-text.js')
  console.log(options.json ? JSON.stringify({ days, ...figures }) : shadowText(figures, days))
}

const count = (value: string): number => {
  if (/^[1-9]\d*$/.test(value)) return Number(value)
  throw new InvalidArgumentError('Expected a number of days from 1 on.')
}

export const shadowCommand = (): Command =>
  new Command('shadow')
    .description('compare what a camera in mode shadow saw with what the till sold')
    .option('--config <file>', 'the configuration of the kiosk')
    .option('--state <dir>', 'its state directory (default: outbox.dir of the configuration)')
    .option('--catalogue <file>', 'with prices (default: catalogue of the configuration)')
    .option('--days <n>', 'the newest days that were recorded', count, 7)
    .option('--json', 'for programs')
    .option('--html <file>', 'a page for people')
    .action(shadow)
