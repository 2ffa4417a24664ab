// grocerd watch: what a till would see, one readable line a message, until Ctrl-C.
import { Command, InvalidArgumentError } from 'commander'
import { runUntilSignal } from './run.js'

interface WatchOptions {
  config?: string
  url?: string
  topic?: string
  json?: boolean
}

async function watch(options: WatchOptions): Promise<void> {
  const { defaultConfig, loadConfig } = await import('../config/load.js')
  const { TillView } = await import('../publish/till-view.js')
  const config = options.config ? loadConfig(options.config) : defaultConfig(process.env)
  // Without a configuration nobody knows which kiosk is meant: all of them.
  const topic = options.topic ?? (options.config ? config.mqtt.topic : 'grocerd/+')
  const mqtt = { ...config.mqtt, topic, url: options.url ?? config.mqtt.url }
  let last = ''
  const till = new TillView({
    config: { ...config, mqtt },
    json: options.json ?? false,
    print: line => process.stdout.write(`${line}\n`),
    onConnection: words => {
      if (words !== last) process.stderr.write(`${words}\n`)
      last = words
    },
  })
  await runUntilSignal(till)
}

const brokerUrl = (value: string): string => {
  if (/^(mqtts?|wss?|tcp|ssl):\/\/\S+$/.test(value)) return value
  throw new InvalidArgumentError('Expected mqtt://host:port or mqtts://host:port.')
}

export const watchCommand = (): Command =>
  new Command('watch')
    .description('print what the till would see')
    .option('--config <file>', 'the configuration of the kiosk')
    .option('--url <url>', 'the broker (default: mqtt.url of the configuration)', brokerUrl)
    .option(
      '--topic <topic>',
      'the topics before /status, /items… (default: grocerd/+, every kiosk)',
    )
    .option('--json', 'one JSON object a message')
    .action(watch)
