// grocerd models list: which versions are here, which answers, and which would come next.
import { Command } from 'commander'

interface Row {
  name: string
  /** null: the model of the configuration. */
  version: number | null
  state: 'active' | 'previous' | 'installed' | 'broken'
  keyId: string | null
  folder: string
  /** Why it is broken. */
  error: string | null
}

async function list(options: { config: string; json?: boolean }): Promise<void> {
  const { readConfig } = await import('./shared.js')
  const { describeError } = await import('../../errors.js')
  const { trustOf } = await import('../../updates/bundle.js')
  const { listInstalled, openInstalled } = await import('../../updates/store.js')
  const { answering } = await import('./answering.js')
  const config = readConfig(options.config)
  const trust = trustOf(config.models)
  const stateDir = config.outbox.dir
  const { configured, record, chain } = answering(config, trust)
  const active = chain.choices[0]!.version
  const stateOf = (name: string, version: number | null): Row['state'] => {
    if (name !== configured.name) return 'installed'
    if (version === active) return 'active'
    return version === (record?.previous ?? null) && record ? 'previous' : 'installed'
  }
  const rows: Row[] = listInstalled(stateDir).map(({ name, version, folder }) => {
    try {
      const { keyId } = openInstalled(stateDir, name, version, trust)
      return { name, version, state: stateOf(name, version), keyId, folder, error: null }
    } catch (error) {
      const { code, message } = describeError(error)
      return { name, version, state: 'broken', keyId: null, folder, error: `${code}: ${message}` }
    }
  })
  const own = configured.name ?? config.models.classifier
  const { classifier } = config.models
  rows.push({
    name: own,
    version: null,
    state: stateOf(own, null),
    keyId: null,
    folder: classifier,
    error: null,
  })
  if (options.json) {
    console.log(JSON.stringify({ models: rows, rolledBack: record?.rolledBack ?? null }))
    return
  }
  for (const { name, version, state, keyId, error } of rows) {
    const shown =
      version === null
        ? `${configured.version ?? '?'} of the configuration`
        : `${version}, key ${keyId ?? '?'}`
    console.log(
      `${state.padEnd(10)} ${name} ${shown}${error === null ? '' : `\n           ${error}`}`,
    )
  }
  if (record?.rolledBack) console.log(`MODEL_ROLLED_BACK: ${record.rolledBack}`)
}

export const listCommand = (): Command =>
  new Command('list')
    .description('list the models of this kiosk: which answers, which would come next')
    .requiredOption('--config <file>', 'the configuration')
    .option('--json', 'print {models: [{name, version, state, keyId, folder, error}], rolledBack}')
    .action(list)
