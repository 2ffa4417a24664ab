// grocerd run: the daemon, until SIGTERM or SIGINT.
import { Command } from 'commander'

export async function runUntilSignal(daemon: {
  start(): Promise<void>
  stop(): Promise<void>
}): Promise<void> {
  let wake = () => {}
  const asked = new Promise<void>(resolve => {
    wake = resolve
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, wake)
  try {
    await daemon.start()
    await asked
  } finally {
    await daemon.stop()
  }
}

async function run(options: { config: string }): Promise<void> {
  const { loadChecked } = await import('./preflight.js')
  const { createLog } = await import('../log.js')
  const { Daemon } = await import('../daemon.js')
  const config = loadChecked(options.config)
  await runUntilSignal(new Daemon(config, { log: createLog('grocerd', config.log.level) }))
}

export const runCommand = (): Command =>
  new Command('run')
    .description('run the daemon')
    .requiredOption('--config <file>', 'the configuration; deploy/grocerd.yaml is a sample')
    .action(run)
