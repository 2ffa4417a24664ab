// grocerd models install and verify: a bundle into the state directory, or only a look whether it would be believed.
import { Command } from 'commander'
import { GroceryError } from '../../errors.js'

interface InstallOptions {
  config: string
  json?: boolean
}

async function install(path: string, options: InstallOptions): Promise<void> {
  const { readConfig, wallClock, withLock } = await import('./shared.js')
  const { trustOf } = await import('../../updates/bundle.js')
  const { installBundle } = await import('../../updates/install.js')
  const { modelsFolder } = await import('../../updates/records.js')
  const { answering } = await import('./answering.js')
  const config = readConfig(options.config)
  const trust = trustOf(config.models)
  const { place } = answering(config, trust)
  const stateDir = config.outbox.dir
  const result = await withLock(modelsFolder(stateDir), () =>
    installBundle(path, { stateDir, trust, place, clock: wallClock() }),
  )
  if (options.json) {
    console.log(JSON.stringify(result))
    return
  }
  const { name, version, keyId, already, folder } = result
  console.log(`${name} ${version}, signed by ${keyId}: ${already ? 'was installed already' : 'installed'} at ${folder}
grocerd models activate --config ${options.config} ${name} ${version}`)
}

async function verify(
  path: string,
  options: { config?: string; key?: string; json?: boolean },
): Promise<void> {
  const { config, key } = options
  if ((config === undefined) === (key === undefined))
    throw new GroceryError('USAGE', 'Expected either --config or --key')
  const { readConfig, trustIn } = await import('./shared.js')
  const { trustOf, verifyBundle } = await import('../../updates/bundle.js')
  const trust = key !== undefined ? trustIn(key) : trustOf(readConfig(config!).models)
  const { manifest, keyId, sha256 } = verifyBundle(path, trust)
  if (options.json) {
    console.log(JSON.stringify({ keyId, sha256, manifest }))
    return
  }
  const { name, version, created, expires, files, golden } = manifest
  console.log(`${path}: whole, ${name} ${version}, signed by ${keyId}
  made ${created}, to be installed until ${expires}
  ${files.length} files, ${golden.pictures.length} golden pictures`)
}

export const installCommand = (): Command =>
  new Command('install')
    .description(
      'check a bundle and put it into the state directory; it answers once it is activated',
    )
    .argument('<bundle>', 'an archive of `grocerd models sign`, or its files in a folder')
    .requiredOption('--config <file>', 'the configuration: models.keys, outbox.dir')
    .option('--json', 'print {name, version, keyId, folder, already}')
    .action(install)

export const verifyCommand = (): Command =>
  new Command('verify')
    .description('check the signature and every hash of a bundle, or of an installed folder')
    .argument('<bundle>', 'an archive or a folder')
    .option('--config <file>', 'whose models.keys are trusted')
    .option('--key <key>', 'a .pub file or the key itself, instead of a configuration')
    .option('--json', 'print {keyId, sha256, manifest}')
    .action(verify)
