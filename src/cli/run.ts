// grocerd run: the daemon, until SIGTERM or SIGINT; SIGHUP reads the configuration anew.
import { Command } from 'commander'

export async function runUntilSignal(daemon: {
  start(): Promise<void>
  stop(): Promise<void>
  reload?(): Promise<void>
}): Promise<void> {
  let wake = () => {}
  let fail = (_: unknown) => {}
  const asked = new Promise<void>((resolve, reject) => {
    wake = resolve
    fail = reject
  })
  // It may fail before anybody waits for it.
  asked.catch(() => {})
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, wake)
  if (daemon.reload) process.on('SIGHUP', () => void daemon.reload!().catch(fail))
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
  const { Service } = await import('../service.js')
  const { sdNotify } = await import('../inference/addon.js')
  const load = () => loadChecked(options.config)
  const config = load()
  const service = new Service({
    config,
    load,
    create: (config, notify) =>
      new Daemon(config, { log: createLog('grocerd', config.log.level), notify }),
    notify: sdNotify,
    log: createLog('grocerd', config.log.level),
  })
  await runUntilSignal(service)
}

export const runCommand = (): Command =>
  new Command('run')
    .description('run the daemon')
    .requiredOption('--config <file>', 'the configuration; deploy/grocerd.yaml is a sample')
    .action(run)
