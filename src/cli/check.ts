// grocerd check: whether a configuration is right, before a daemon is started with it.
import { Command } from 'commander'

async function check(options: { config: string; json?: boolean }): Promise<void> {
  const { loadConfig } = await import('../config/load.js')
  const { parseSource } = await import('../cameras/schemes.js')
  const { openModel } = await import('../inference/manifest.js')
  const { readCatalogue } = await import('../recognition/catalogue.js')
  const config = loadConfig(options.config)
  for (const camera of config.cameras) parseSource(camera.source, camera.fps)
  openModel(config.models.classifier)
  if (config.catalogue) readCatalogue(config.catalogue)
  if (options.json) console.log(JSON.stringify(config))
  else {
    const cameras = config.cameras.map(camera => camera.id).join(', ') || 'none'
    console.log(`${options.config}: right; cameras: ${cameras}; model: ${config.models.classifier}`)
  }
}

export const checkCommand = (): Command =>
  new Command('check')
    .description('say whether a configuration is right')
    .requiredOption('--config <file>', 'the configuration')
    .option('--json', 'print the configuration with every default filled in')
    .action(check)
