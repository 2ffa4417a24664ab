// grocerd demo (npm start): a tray in pictures as the camera, a broker inside, and what a till would receive, printed.
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { runUntilSignal } from './run.js'

const demoConfig = fileURLToPath(new URL('../../deploy/demo/grocerd.yaml', import.meta.url))

async function demo(): Promise<void> {
  const { topicPrefix } = await import('../config/schema.js')
  const { loadChecked } = await import('./preflight.js')
  const { createLog } = await import('../log.js')
  const { Daemon } = await import('../daemon.js')
  const { TillView } = await import('../publish/till-view.js')
  const config = loadChecked(demoConfig)
  const log = createLog('grocerd', config.log.level)
  const daemon = new Daemon(config, { log })
  let till: InstanceType<typeof TillView> | null = null
  await runUntilSignal({
    async start() {
      await daemon.start()
      const { hostname, port } = new URL(daemon.mqttUrl)
      console.log(`The page:       http://127.0.0.1:${daemon.httpPort}/`)
      console.log(
        `With other eyes: mosquitto_sub -h ${hostname} -p ${port} -V 5 -t '${topicPrefix(config)}/#' -v`,
      )
      console.log('What a till receives (Ctrl-C ends it):\n')
      till = new TillView({
        config: { ...config, mqtt: { ...config.mqtt, url: daemon.mqttUrl } },
        // The basket says the same as the events; `grocerd watch` shows it too.
        print: line => /^(basket|frame)/.test(line) || console.log(line),
      })
      await till.start()
    },
    async stop() {
      await till?.stop()
      await daemon.stop()
    },
  })
}

export const demoCommand = (): Command =>
  new Command('demo')
    .description('run the demo: a tray in pictures as the camera, a broker inside')
    .action(demo)
