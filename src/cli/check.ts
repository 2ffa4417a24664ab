// grocerd check: whether a configuration is right, before a daemon is started with it.
import { Command } from 'commander'
import type { Config } from '../config/schema.js'

/** What run would find of the models and of what is sold here, without a runtime. Throws their codes. */
async function checkModels(config: Config): Promise<void> {
  const { kiosk, models, recognition } = config
  const { catalogueFile } = await import('../desks/kept-catalogue.js')
  const { openModel } = await import('../inference/manifest.js')
  const { readAssortment } = await import('../recognition/assortment.js')
  const { orderOf } = await import('../recognition/vote.js')
  const names = models.ensemble?.members.map(({ model }) => model) ?? [models.classifier]
  const [first, ...others] = names.map(name => ({ name, labels: openModel(name).labels }))
  for (const other of others) orderOf(first!, other)
  if (models.embedder) openModel(models.embedder)
  readAssortment(first!.labels, {
    catalogue: catalogueFile(config),
    site: kiosk.site,
    ...recognition,
  })
}

async function check(options: { config: string; json?: boolean }): Promise<void> {
  const { loadChecked } = await import('./preflight.js')
  const { modelName } = await import('../config/schema.js')
  const config = loadChecked(options.config)
  await checkModels(config)
  if (options.json) {
    console.log(JSON.stringify(config))
    return
  }
  const cameras = config.cameras.map(camera => camera.id).join(', ') || 'none'
  console.log(`${options.config}: right; cameras: ${cameras}; model: ${modelName(config.models)}`)
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
