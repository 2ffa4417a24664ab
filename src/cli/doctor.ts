// grocerd doctor: what is here, what is missing, and how to mend it; one line a finding.
import { Command } from 'commander'
import type { Config } from '../config/schema.js'
import { exitCodes } from '../errors.js'
import { type Finding, failure, findingLine, ok } from './doctor/finding.js'
import type { Machine } from './doctor/machine.js'

interface Options {
  config?: string
  json?: boolean
}

const noConfig: Finding = {
  ...ok('configuration', 'none given: cameras, broker, ports and disk are not looked at'),
  remedy: 'Give one with --config FILE.',
}

/** Every finding as soon as it is known, the model last. Throws nothing: a fault is a finding. */
export async function* examine(machine: Machine, file: string | null): AsyncGenerator<Finding> {
  const { defaultConfig, loadConfig } = await import('../config/load.js')
  const { checkPlatform } = await import('./doctor/platform.js')
  const { checkInference } = await import('./doctor/inference.js')
  const { checkModels } = await import('./doctor/models.js')
  const { checkCameras } = await import('./doctor/cameras.js')
  const { checkServices, daemonAt } = await import('./doctor/services.js')
  const { loadChecked } = await import('./preflight.js')

  yield* checkPlatform(machine)
  yield* checkInference(machine)
  let config: Config | null = null
  if (file === null) {
    yield noConfig
  } else {
    try {
      config = loadConfig(file)
      // What run refuses beyond the keys: sources, secrets, catalogue, priors. The rest is looked at all the same.
      loadChecked(file)
      yield ok('configuration', `${file} is right`)
    } catch (error) {
      yield failure('configuration', error)
    }
  }
  const daemonRuns = config !== null && (await daemonAt(machine, config))
  yield* checkCameras(machine, config, daemonRuns)
  if (config) yield* checkServices(machine, config, daemonRuns)
  yield* checkModels(machine, config ?? defaultConfig())
}

async function doctor(options: Options): Promise<void> {
  const { thisMachine } = await import('./doctor/machine.js')
  const file = options.config ?? process.env.GROCERD_CONFIG ?? null
  const findings: Finding[] = []
  for await (const finding of examine(thisMachine(), file)) {
    findings.push(finding)
    if (!options.json) console.log(findingLine(finding))
  }
  const count = (status: Finding['status']) =>
    findings.filter(finding => finding.status === status).length
  const [ok, warnings, failures] = [count('ok'), count('warn'), count('fail')]
  if (options.json) console.log(JSON.stringify({ ok, warnings, failures, findings }, null, 1))
  else console.log(`\n${ok} ok, ${warnings} to look at, ${failures} to mend`)
  if (failures > 0) process.exitCode = exitCodes.failed
}

export const doctorCommand = (): Command =>
  new Command('doctor')
    .description('say what is here, what is missing, and how to mend it')
    .option('--config <file>', 'also look at the cameras, broker, ports and disk that it names')
    .option('--json', 'print the findings as JSON')
    .action(doctor)
