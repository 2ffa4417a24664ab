// grocerd till-sim: a scripted till plays a sale against a kiosk and prints every message and the receipt.
import { mkdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { Command, Option } from 'commander'
import { receipt } from './till-sim/book.js'
import type { Passed } from './till-sim/link.js'
import { scripts, type Step } from './till-sim/scripts.js'

interface Options {
  url: string
  topic: string
  script: string
  mqtt: string
  dir: string
  session?: string
  json?: boolean
  crashAt?: string
}

/** Those that come when they like are shown, and are no step of the sale. */
const isCounted = ({ topic }: Passed) => !/^(status|state|basket|assist|frames)/.test(topic)

const wish = (step: Step): string => {
  if (step.do === 'lay') return `lay down: ${step.what} (${step.grams} g)`
  if (step.do === 'lift') return `take away: ${step.what}`
  if (step.do === 'cover') return `put on it: ${step.what}`
  return step.do === 'uncover' ? `take away again: ${step.what}` : step.do
}

async function tillSim(options: Options): Promise<void> {
  const { Till } = await import('./till-sim/till.js')
  const { describeMessage } = await import('../publish/describe-message.js')
  const { json, dir } = options
  mkdirSync(dir, { recursive: true })
  const print = (value: object, words: string) =>
    process.stdout.write(`${json ? JSON.stringify(value) : words}\n`)
  const lines = createInterface({ input: process.stdin })
  const answers = lines[Symbol.asyncIterator]()
  let count = 0
  const till = new Till({
    url: options.url,
    prefix: options.topic,
    version: options.mqtt === '3.1.1' ? 4 : 5,
    dir,
    session: options.session ?? `till-sim-${Date.now()}`,
    script: scripts[options.script]!,
    onMessage: passed => {
      const { way, topic, text } = passed
      if (isCounted(passed)) count++
      const heard = describeMessage(topic, text)
      const words = `${String(count).padStart(3)} ${way === 'sent' ? '>' : '<'} `
      const line = heard ?? `${topic}  ${text}`
      print(
        { message: isCounted(passed) ? count : null, way, topic, payload: parsed(text) },
        words + line,
      )
      if (isCounted(passed) && count === Number(options.crashAt))
        process.kill(process.pid, 'SIGKILL')
    },
    onStep: step => {
      if (json) print({ step }, '')
    },
    shopper: async step => {
      print({ shopper: step }, `    * ${wish(step)}, then press Enter`)
      await answers.next()
    },
  })
  till.start()
  try {
    await till.play()
  } finally {
    await till.stop()
    lines.close()
  }
  const { book } = till
  const sold = receipt(book)
  const shown = sold.map(({ sku, name, grams }) =>
    `    ${name.padEnd(28)} ${sku.padEnd(20)} ${grams === null ? '1' : `${grams} g`}`.trimEnd(),
  )
  print(
    { receipt: sold, lines: book.lines, touches: book.touches },
    ['The receipt:', ...shown].join('\n'),
  )
}

const parsed = (text: string): unknown => (/^[{[]/.test(text) ? JSON.parse(text) : text)

export const tillSimCommand = (): Command =>
  new Command('till-sim')
    .description('play a scripted sale against a kiosk, as its till')
    .option('--url <url>', 'the broker', 'mqtt://127.0.0.1:1883')
    .option('--topic <topic>', 'the topics before /status, /items…', 'grocerd/demo')
    .addOption(
      new Option('--script <name>', 'the sale').choices(Object.keys(scripts)).default('sale'),
    )
    .addOption(
      new Option('--mqtt <version>', 'of the protocol').choices(['5', '3.1.1']).default('5'),
    )
    .option('--dir <dir>', 'where its book lies, so that it goes on after a crash', 'till-sim')
    .option('--session <id>', 'the session (default: a new one)')
    .option('--json', 'one JSON object a message, and one for the receipt')
    .option('--crash-at <message>', 'ends itself with SIGKILL at the message of this number')
    .action(tillSim)
