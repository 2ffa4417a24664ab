#!/usr/bin/env node
// The command line: finds the command, prints errors with their remedy, and turns them into exit codes.
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { describeError, exitCodes, GroceryError } from './errors.js'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

/** One row a command, in the order in which help lists them; only the one that is called is loaded. */
const commands: Record<string, () => Promise<Command>> = {
  run: async () => (await import('./cli/run.js')).runCommand(),
  check: async () => (await import('./cli/check.js')).checkCommand(),
  doctor: async () => (await import('./cli/doctor.js')).doctorCommand(),
  commission: async () => (await import('./cli/commission.js')).commissionCommand(),
  watch: async () => (await import('./cli/watch.js')).watchCommand(),
  'till-sim': async () => (await import('./cli/till-sim.js')).tillSimCommand(),
  classify: async () => (await import('./cli/classify.js')).classifyCommand(),
  detect: async () => (await import('./cli/detect.js')).detectCommand(),
  enrol: async () => (await import('./cli/enrol.js')).enrolCommand(),
  gallery: async () => (await import('./cli/gallery.js')).galleryCommand(),
  evaluate: async () => (await import('./cli/evaluate.js')).evaluateCommand(),
  shadow: async () => (await import('./cli/shadow.js')).shadowCommand(),
  train: async () => (await import('./cli/train.js')).trainCommand(),
  models: async () => (await import('./cli/models.js')).modelsCommand(),
  bench: async () => (await import('./cli/bench.js')).benchCommand(),
  demo: async () => (await import('./cli/demo.js')).demoCommand(),
  docs: async () => (await import('./cli/docs.js')).docsCommand(),
}

function report(error: unknown): number {
  if (error instanceof CommanderError) {
    // Help and version end this way too; commander has printed what is to be said.
    return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
  }
  const { code, message } = describeError(error)
  process.stderr.write(`${code}: ${message}\n`)
  if (!(error instanceof GroceryError)) return exitCodes.failed
  process.stderr.write(`  ${error.remedy}\n`)
  return error.exitCode
}

async function main(): Promise<number | undefined> {
  const program = new Command('grocerd')
    .description(
      'Recognises groceries beside the camera of a checkout and tells the till over MQTT.',
    )
    .version(version)
    .exitOverride()
    .showHelpAfterError('(see --help)')
  const wanted = process.argv[2]
  const names = wanted && Object.hasOwn(commands, wanted) ? [wanted] : Object.keys(commands)
  for (const name of names)
    program.addCommand((await commands[name]!()).copyInheritedSettings(program))
  try {
    await program.parseAsync()
    return undefined
  } catch (error) {
    return report(error)
  }
}

const code = await main()
// Without a code the command has said by itself how it ends, or goes on running.
if (code !== undefined) process.exitCode = code
if (code) process.exit(code)
