// grocerd check: whether a configuration is right, before a daemon is started with it.
import { Command } from 'commander'

async function check(options: { config: string; json?: boolean }): Promise<void> {
  const { loadChecked } = await import('./preflight.js')
  const { openModel } = await import('../inference/manifest.js')
  const config = loadChecked(options.config)
  openModel(config.models.classifier)
  if (options.json) {
    console.log(JSON.stringify(config))
    return
  }
  const cameras = config.cameras.map(camera => camera.id).join(', ') || 'none'
  console.log(`${options.config}: right; cameras: ${cameras}; model: ${config.models.classifier}`)
  if (config.cameras.length === 0) {
    process.stderr.write('NO_CAMERA: without a camera the daemon runs and recognises nothing\n')
  }
}

export const checkCommand = (): Command =>
  new Command('check')
    .description('say whether a configuration is right')
    .requiredOption('--config <file>', 'the configuration')
    .option('--json', 'print the configuration with every default filled in')
    .action(check)
