// npm run bench: the plain Python program, grocerd, and the limit of the hardware, side by side on the same frames, model and broker.
// Rounds are interleaved, medians of the rounds are compared; writes results.json and the table of README.md.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { makeFrames } from './frames.mjs'
import { startBroker } from './lib/broker.mjs'
import { modelsOf } from './lib/models.mjs'
import { median, run, runJson } from './lib/programs.mjs'
import { tableOf } from './lib/table.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    python: { type: 'string', default: join(tmpdir(), 'grocerd-bench-python') },
    model: { type: 'string', default: join(root, 'models', 'grocery81') },
    write: { type: 'boolean', default: false },
  },
})
const { seconds } = options
const streams = String(availableParallelism())
const folder = mkdtempSync(join(tmpdir(), 'grocerd-compare-'))

/** The Python of the comparison; null, with the reason printed, where it cannot be had. */
async function pythonOf() {
  try {
    return (await run(join(root, 'bench', 'python', 'setup.sh'), [options.python])).trim()
  } catch (error) {
    console.log(`skipped: the Python program (${error.message.trim().split('\n').at(-1)})`)
    return null
  }
}

function buildLimit() {
  const made = spawnSync('make', ['-C', join(root, 'native', 'bench')], { encoding: 'utf8' })
  if (made.status === 0) return join(root, 'native', 'bench', 'build', 'limit')
  console.log(`skipped: the limit program (${made.stderr?.trim().split('\n').at(-1)})`)
  return null
}

/** The libraries that the addon itself would open. */
async function libraries() {
  const { probeRuntime, probeTurboJpeg } = await import('../dist/inference/addon.js')
  return {
    openvino: probeRuntime('openvino', { devices: false }).path,
    turbojpeg: probeTurboJpeg().path ?? null,
  }
}

/** benchmark_app prints text; its figures are the model's alone, without any picture. */
async function modelAlone(python, model, precision) {
  const app = join(dirname(python), 'benchmark_app')
  const flags = ['-d', 'CPU', '-t', seconds, '-nstreams', streams, '-hint', 'none']
  const text = await run(app, ['-m', model.file, ...flags, ...precision])
  const number = pattern => Number(pattern.exec(text)?.[1] ?? Number.NaN)
  return {
    fps: number(/Throughput:\s+([\d.]+)/),
    latencyMs: { p50: number(/Median:\s+([\d.]+)/), p99: number(/Max:\s+([\d.]+)/) },
  }
}

/** All programs for one model, in the order in which every round runs them. */
function programsFor(model, { python, limit, libs, frames, broker }) {
  const f32 = model.name === 'fp32'
  const plain = mode => () =>
    runJson(python, [
      ...[join(root, 'bench', 'python', 'plain.py'), '--mode', mode, '--model', model.file],
      ...['--input', JSON.stringify(model.input), '--labels', String(model.classes)],
      ...['--frames', frames.folder, '--seconds', seconds, '--broker', broker.host],
      ...(f32 ? ['--precision', 'f32'] : []),
    ])
  const bare = count => () =>
    runJson(limit, [
      ...['--openvino', libs.openvino, '--turbojpeg', libs.turbojpeg, '--model', model.file],
      ...(model.weights ? ['--weights', model.weights] : []),
      ...['--size', String(model.input.width), '--fit', 'crop'],
      ...['--mean', String(model.input.mean), '--scale', String(model.input.scale)],
      ...['--streams', count, '--seconds', seconds, ...(f32 ? ['--precision', 'f32'] : [])],
      ...frames.paths,
    ])
  const grocerd = (count, more = []) => {
    const model_ = ['--model', model.folder, '--runtime', 'openvino', '--streams', count]
    const flags = ['--frames', frames.folder, '--seconds', seconds, '--json', '-', ...more]
    const env = { GROCERD_MQTT_URL: `mqtt://${broker.host}` }
    return () =>
      runJson(
        process.execPath,
        [join(root, 'dist', 'main.js'), 'bench', ...model_, ...flags, ...(f32 ? ['--f32'] : [])],
        env,
      )
  }
  return {
    ...(python
      ? {
          'Python, sync': plain('sync'),
          'Python, AsyncInferQueue': plain('async'),
          'the model alone (benchmark_app)': () =>
            modelAlone(python, model, f32 ? ['-infer_precision', 'f32'] : []),
        }
      : {}),
    ...(limit && libs.openvino && libs.turbojpeg
      ? { 'limit, one stream': bare('1'), 'limit, all streams': bare(streams) }
      : {}),
    'grocerd, one camera': grocerd('1', ['--in-flight', '1']),
    'grocerd, all streams': grocerd(streams),
    ...(f32 ? {} : { 'grocerd --events': grocerd('1', ['--events']) }),
  }
}

async function measure(programs, rounds) {
  const all = Object.fromEntries(Object.keys(programs).map(name => [name, []]))
  for (let round = 1; round <= rounds; round++) {
    for (const [name, program] of Object.entries(programs)) {
      const figures = await program()
      all[name].push(figures)
      const fps = figures.fps ?? figures.eventsPerSecond
      console.log(`  round ${round}  ${name.padEnd(32)} ${fps.toFixed(1)} a second`)
    }
  }
  const middle = (list, pick) => Math.round(100 * median(list.map(pick))) / 100
  return Object.fromEntries(
    Object.entries(all).map(([name, list]) => [
      name,
      {
        perSecond: middle(list, one => one.fps ?? one.eventsPerSecond),
        p50: middle(list, one => one.latencyMs.p50),
        p99: middle(list, one => one.latencyMs.p99),
        stagesMs: list[0].stagesMs ?? null,
        rounds: list.map(one => Math.round((one.fps ?? one.eventsPerSecond) * 10) / 10),
      },
    ]),
  )
}

try {
  const python = await pythonOf()
  const limit = buildLimit()
  const libs = await libraries()
  const frames = { folder: join(folder, 'frames') }
  frames.paths = await makeFrames(join(root, 'deploy', 'demo', 'pictures'), frames.folder)
  const broker = await startBroker(folder)
  const result = {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores`,
    node: process.version,
    broker: broker.name,
    frames: `${readdirSync(frames.folder).length} of 1920x1080`,
    libturbojpeg: libs.turbojpeg !== null,
    rounds: Number(options.rounds),
    seconds: Number(seconds),
    loadBefore: loadavg()[0],
    models: {},
  }
  try {
    for (const model of modelsOf(options.model, folder)) {
      console.log(`${model.name}, ${model.input.width}x${model.input.height}`)
      const programs = programsFor(model, { python, limit, libs, frames, broker })
      result.models[model.name] = await measure(programs, Number(options.rounds))
    }
  } finally {
    broker.stop()
  }
  result.loadAfter = loadavg()[0]
  const table = tableOf(result)
  console.log(`\n${table}`)
  if (options.write) {
    writeFileSync(join(root, 'bench', 'results.json'), `${JSON.stringify(result, null, 1)}\n`)
    const readme = join(root, 'bench', 'README.md')
    const between = /(<!-- table -->\n)[\s\S]*(<!-- \/table -->)/
    writeFileSync(readme, readFileSync(readme, 'utf8').replace(between, `$1${table}\n$2`))
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
