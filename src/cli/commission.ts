// grocerd commission: a technician and a running kiosk, step by step, to a sheet that says pass or fail.
import { Command, InvalidArgumentError } from 'commander'
import type { Config } from '../config/schema.js'
import { describeError, exitCodes, GroceryError } from '../errors.js'
import { type StepId, stepIds } from './commission/limits.js'
import type { Kiosk } from './commission/kiosk.js'

interface Options {
  config: string
  camera?: string
  technician?: string
  items?: string[]
  steps?: StepId[]
  out?: string
  yes?: boolean
  json?: boolean
}

/** Throws CAMERA_UNKNOWN. */
function cameraOf({ cameras }: Config, leader: string | undefined, wanted: string | undefined) {
  const id = wanted ?? leader ?? cameras[0]?.id
  const camera = cameras.find(one => one.id === id)
  if (camera) return camera
  const ids = cameras.map(one => one.id).join(', ') || 'none'
  throw new GroceryError('CAMERA_UNKNOWN', `Expected one of the cameras ${ids} but received ${id}`)
}

/** What was measured must be what this file says. Throws DAEMON_OTHER_CONFIG, DAEMON_UNREACHABLE. */
async function checkSame(
  kiosk: Kiosk,
  { kiosk: { id } }: Config,
  camera: Config['cameras'][number],
): Promise<void> {
  const state = await kiosk.state()
  const running = await kiosk.camera()
  const differs = (what: string, expected: unknown, received: unknown) => {
    const words = `Expected the running daemon to have ${what} ${JSON.stringify(expected)} but received ${JSON.stringify(received)}`
    return new GroceryError('DAEMON_OTHER_CONFIG', words)
  }
  if (state.kiosk !== id) throw differs('the kiosk', id, state.kiosk)
  if (!running) throw differs('the camera', camera.id, state.cameras.map(one => one.id).join(', '))
  for (const key of ['roi', 'mode'] as const)
    if (JSON.stringify(running[key]) !== JSON.stringify(camera[key]))
      throw differs(`for camera ${camera.id} the ${key}`, camera[key], running[key])
}

async function commission(options: Options): Promise<void> {
  const { join } = await import('node:path')
  const { accessSync, constants, mkdirSync } = await import('node:fs')
  const { loadConfig } = await import('../config/load.js')
  const { leaderOf } = await import('../leading-camera.js')
  const { Dialogue } = await import('./commission/dialogue.js')
  const { productNamed } = await import('./commission/items.js')
  const { Kiosk, urlOf } = await import('./commission/kiosk.js')
  const { writeSheet } = await import('./commission/sheet-file.js')
  const { passes, walk } = await import('./commission/walk.js')

  const config = loadConfig(options.config, process.env)
  const camera = cameraOf(config, leaderOf(config.cameras)?.id, options.camera)
  const kiosk = new Kiosk(urlOf(config.http.listen), camera.id)
  await checkSame(kiosk, config, camera)
  const products = await kiosk.products()
  const items = (options.items ?? []).map(text => productNamed(text, products))
  const dir = options.out ?? join(config.outbox.dir, 'commission')
  try {
    // One that is not there is another one than the daemon's.
    accessSync(config.outbox.dir, constants.W_OK)
    mkdirSync(dir, { recursive: true })
    accessSync(dir, constants.W_OK)
  } catch (cause) {
    const { code, message } = describeError(cause)
    throw new GroceryError(
      'STATE_UNWRITABLE',
      `Expected to write ${dir} and ${config.outbox.dir} but received ${code}: ${message}`,
      { cause },
    )
  }
  const { unlessRunning } = await import('./models/shared.js')
  if ((await unlessRunning(config, async () => 'free')) !== null)
    throw new GroceryError(
      'DAEMON_OTHER_CONFIG',
      `Expected the running daemon to hold ${config.outbox.dir} but nobody does`,
    )

  const output = options.json ? process.stderr : process.stdout
  const dialogue = new Dialogue({ input: process.stdin, output, yes: options.yes ?? false })
  dialogue.start()
  try {
    const startedAt = new Date()
    dialogue.say(`Commissioning camera ${camera.id} of kiosk ${config.kiosk.id}. Ctrl-C ends it.`)
    const technician =
      options.technician ?? ((await dialogue.ask('Your name, for the sheet:')) || '')
    const context = { config, camera, kiosk, dialogue, dir, items, products }
    const steps = await walk(options.steps ?? stepIds, context)
    const state = await kiosk.state()
    const passed = passes(steps)
    const sheet = { passed, kiosk: config.kiosk, camera, technician, startedAt, state, steps }
    // A folder of the technician's own stays theirs.
    const owner = options.out === undefined ? config.outbox.dir : null
    const files = await writeSheet(dir, { ...sheet, endedAt: new Date() }, owner)
    dialogue.say(`\n${passed ? 'PASS' : 'FAIL'}: ${files.html}`, passed ? 'good' : 'bad')
    if (options.json) process.stdout.write(files.text)
    if (!passed) process.exitCode = exitCodes.failed
  } finally {
    dialogue.stop()
  }
}

const list = (text: string): string[] =>
  text
    .split(',')
    .map(one => one.trim())
    .filter(one => one !== '')

function readSteps(text: string): StepId[] {
  const wanted = list(text)
  const unknown = wanted.find(one => !stepIds.includes(one as StepId))
  if (wanted.length > 0 && unknown === undefined) return stepIds.filter(one => wanted.includes(one))
  throw new InvalidArgumentError(`Expected some of ${stepIds.join(',')}.`)
}

export const commissionCommand = (): Command =>
  new Command('commission')
    .description('walk through focus, light, region, scale and ten items of a running kiosk')
    .requiredOption('--config <file>', 'the configuration that the daemon runs with')
    .option('--camera <id>', 'which one (default: the one that announces)')
    .option('--technician <name>', 'for the sheet (default: it is asked for)')
    .option('--items <list>', 'sku, PLU or name of what is laid down, with commas', list)
    .option('--steps <list>', `only some of ${stepIds.join(',')}`, readSteps)
    .option('--out <dir>', 'where the sheet goes (default: commission in the state directory)')
    .option('--yes', 'nobody is there: every answer is Enter, and what needs hands is not done')
    .option('--json', 'print the sheet as JSON; what is asked goes to standard error')
    .action(commission)
