// grocerd models activate and rollback: through the running daemon where one runs, else in the record of the next start.
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { Command } from 'commander'
import { fromHere } from '../../config/listen.js'
import type { Config } from '../../config/schema.js'
import { coded, GroceryError } from '../../errors.js'
import type { Reply } from '../../publish/command-messages.js'

interface Options {
  config: string
  url?: string
  json?: boolean
}

interface Result {
  name: string
  version: number | null
  status: 'active' | 'waiting' | 'atStart'
}

type Action = 'activate' | 'rollback'

/** The daemon's own HTTP, as http.listen has it. */
function urlOf({ http }: Config, given: string | undefined): string {
  return new URL('/api/v1/cmd/model', given ?? `http://${fromHere(http.listen)}`).href
}

/** Asks the running daemon; a self-test takes some seconds. @throws what it answers */
async function askDaemon(
  config: Config,
  action: Action,
  name: string,
  version: number | undefined,
  given: string | undefined,
): Promise<Result> {
  const { readSecret } = await import('../../config/secret.js')
  const { tokenFile } = config.http
  if (!tokenFile)
    throw new GroceryError(
      'HTTP_COMMANDS_OFF',
      'Expected http.tokenFile, since a daemon runs and must be asked',
    )
  const url = urlOf(config, given)
  let reply: Reply & { code?: string; message?: string }
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${readSecret(tokenFile, 'http.tokenFile')}`,
        'Content-Type': 'application/json',
      },
      body: JSON.stringify({ requestId: randomUUID(), action, name, ...(version && { version }) }),
    })
    reply = (await answer.json()) as typeof reply
  } catch (cause) {
    const why = (cause as Error & { cause?: Error }).cause?.message ?? (cause as Error).message
    throw new GroceryError('TIMED_OUT', `Expected an answer of the daemon at ${url} but ${why}`, {
      cause,
    })
  }
  if (reply.ok) return reply.result as Result
  const { code = 'INTERNAL', message = 'no words' } = reply.error ?? reply
  throw coded({ code, message })
}

/** No daemon runs: what it would do before it lets a model answer, and the record that it reads at its start. */
async function activateHere(
  config: Config,
  name: string,
  version: number | undefined,
): Promise<Result> {
  const { wallClock } = await import('./shared.js')
  const { answering } = await import('./answering.js')
  const { trustOf } = await import('../../updates/bundle.js')
  const { openCandidate } = await import('../../updates/candidate.js')
  const { prove } = await import('../../updates/prove.js')
  const { writeActivation } = await import('../../updates/records.js')
  const { catalogueFile } = await import('../../desks/kept-catalogue.js')
  const { kiosk, recognition, runtime, memory, outbox } = config
  const trust = trustOf(config.models)
  const { chain, place } = answering(config, trust)
  const installed = openCandidate({
    stateDir: outbox.dir,
    name,
    version,
    trust,
    place,
    clock: wallClock(),
  })
  await prove(
    installed,
    {
      shop: { catalogue: catalogueFile(config), site: kiosk.site, recognition },
      runtime,
      memory,
      cacheDir: runtime.cache ? join(outbox.dir, 'cache') : null,
    },
    new AbortController().signal,
  )
  const current = installed.manifest.version
  const before = chain.choices.find(one => one.version !== current)?.version ?? null
  writeActivation(outbox.dir, {
    name,
    current,
    previous: before,
    at: new Date().toISOString(),
    trial: { starts: 0 },
    watch: null,
    rolledBack: null,
  })
  return { name, version: current, status: 'atStart' }
}

async function rollBackHere(
  config: Config,
  name: string,
  version: number | undefined,
): Promise<Result> {
  const { answering } = await import('./answering.js')
  const { trustOf } = await import('../../updates/bundle.js')
  const { openInstalled } = await import('../../updates/store.js')
  const { writeActivation } = await import('../../updates/records.js')
  const trust = trustOf(config.models)
  const { record } = answering(config, trust)
  if (!record || record.current === null) {
    throw new GroceryError(
      'MODEL_NOT_ACTIVE',
      `Expected an activated model to go back from but ${name} is that of the configuration`,
    )
  }
  const target = version ?? record.previous
  if (target !== null) openInstalled(config.outbox.dir, name, target, trust)
  const at = new Date().toISOString()
  const { format: _, ...rest } = record
  writeActivation(config.outbox.dir, {
    ...rest,
    ...{ current: target, previous: null, at, trial: null, watch: null, rolledBack: null },
  })
  return { name, version: target, status: 'atStart' }
}

const readVersion = (text: string | undefined): number | undefined => {
  if (text === undefined) return undefined
  const version = Number(text)
  if (Number.isInteger(version) && version > 0) return version
  throw new GroceryError('USAGE', `Expected a version such as 3 but received "${text}"`)
}

async function change(
  action: Action,
  name: string,
  text: string | undefined,
  options: Options,
): Promise<void> {
  const { readConfig, unlessRunning } = await import('./shared.js')
  const { readConfigured } = await import('../../updates/store.js')
  const config = readConfig(options.config)
  const version = readVersion(text)
  const { classifier, ensemble } = config.models
  const own = ensemble ? 'an ensemble' : readConfigured(classifier).name
  if (name !== own) {
    throw new GroceryError(
      'MODEL_NOT_INSTALLED',
      `Expected the model of the configuration (${own}) but received ${name}`,
    )
  }
  const here = action === 'activate' ? activateHere : rollBackHere
  const result =
    (await unlessRunning(config, () => here(config, name, version))) ??
    (await askDaemon(config, action, name, version, options.url))
  if (options.json) {
    console.log(JSON.stringify(result))
    return
  }
  const shown =
    result.version === null ? `${name} of the configuration` : `${name} ${result.version}`
  const words = {
    active: 'answers',
    waiting: 'is proven and answers as soon as no session is open and nothing lies on the counter',
    atStart: 'answers from the next start on; no daemon runs',
  }
  console.log(`${shown} ${words[result.status]}`)
}

const command = (action: Action, description: string): Command =>
  new Command(action)
    .description(description)
    .argument('<name>', 'the model that the configuration names, as its model.json calls it')
    .argument(
      '[version]',
      action === 'activate' ? 'default: the newest that is installed' : 'default: the one before',
    )
    .requiredOption('--config <file>', 'the configuration')
    .option('--url <url>', 'where the daemon answers, if not on http.listen')
    .option('--json', 'print {name, version, status}')
    .action((name, version, options) => change(action, name, version, options))

export const activateCommand = (): Command =>
  command('activate', 'test an installed model, then let it answer')

export const rollbackCommand = (): Command =>
  command('rollback', 'let the model before, or an older version, answer again')
