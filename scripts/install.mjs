// npm's install script: builds the addon and the JavaScript, links the command, brings OpenVINO.
// Every step is skipped when its result is there; --force-native builds the addon and stops.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { bringOpenVino } from './openvino.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const require = createRequire(import.meta.url)

/** The Node prefix whose headers belong to the running Node: node-gyp then fetches nothing. */
function nodeHeaders() {
  const prefix = dirname(dirname(process.execPath))
  const header = join(prefix, 'include', 'node', 'node_version.h')
  if (!existsSync(header)) return undefined
  const text = readFileSync(header, 'utf8')
  const part = name => new RegExp(`#define NODE_${name}_VERSION (\\d+)`).exec(text)?.[1]
  const version = `v${part('MAJOR')}.${part('MINOR')}.${part('PATCH')}`
  return version === process.version ? prefix : undefined
}

function run(command, args, env = process.env) {
  const done = spawnSync(command, args, { cwd: root, env, encoding: 'utf8', maxBuffer: 1 << 26 })
  const output = `${done.stdout ?? ''}${done.stderr ?? ''}${done.error ? done.error.message : ''}`
  return { ok: done.status === 0, output }
}

/** Content, not times: git sets times as it likes. */
function sourcesHash() {
  const hash = createHash('sha256')
  const add = path => hash.update(path).update(readFileSync(join(root, path)))
  add('binding.gyp')
  for (const path of readdirSync(join(root, 'native'), { recursive: true }).sort()) {
    if (/\.(cc|h)$/.test(path) && !path.startsWith('test')) add(join('native', path))
  }
  return hash.update(process.arch).digest('hex')
}

function buildNative(force) {
  const stamp = join(root, 'build', 'sources.sha256')
  const built = join(root, 'build', 'Release', 'grocerd.node')
  const hash = sourcesHash()
  const fresh = existsSync(built) && existsSync(stamp) && readFileSync(stamp, 'utf8') === hash
  if (fresh && !force) return 'the addon is built'
  const headers = nodeHeaders()
  const env = headers ? { ...process.env, npm_config_nodedir: headers } : process.env
  const gyp = require.resolve('node-gyp/bin/node-gyp.js')
  // node-gyp refuses to start without a HOME, even when it has nothing to keep there.
  const headersDir = join(root, 'node_modules', '.cache', 'node-gyp')
  const place = process.env.HOME ? [] : ['--devdir', headersDir]
  const { ok, output } = run(process.execPath, [gyp, 'rebuild', '--jobs', '2', ...place], env)
  const warnings = output.split('\n').filter(line => /(warning|error):|gyp ERR!/.test(line))
  if (!ok)
    fail(
      `the addon does not build (needed: g++ 9 or newer, make, Python 3)\n${output.slice(-4000)}`,
    )
  if (warnings.length > 0) console.log(warnings.join('\n'))
  writeFileSync(stamp, hash)
  return 'the addon is built anew'
}

function buildJavaScript() {
  if (!existsSync(join(root, 'src'))) return 'the JavaScript came with the package'
  let tsc
  try {
    tsc = require.resolve('typescript/bin/tsc')
  } catch {
    if (existsSync(join(root, 'dist', 'main.js')))
      return 'the JavaScript is there (no compiler here)'
    return fail('dist/ is missing and typescript is not installed: run npm ci without --omit=dev')
  }
  const { ok, output } = run(process.execPath, [tsc, '-p', 'tsconfig.build.json'])
  if (!ok) fail(`the JavaScript does not build\n${output}`)
  const assets = run(process.execPath, [join(root, 'scripts', 'copy-assets.mjs')])
  if (!assets.ok) fail(assets.output)
  return 'the JavaScript is built'
}

/** `npx grocerd` in a checkout: npm links no command of the project itself. */
function linkCommand() {
  const main = join(root, 'dist', 'main.js')
  if (!existsSync(main)) return 'no command to link'
  const bin = join(root, 'node_modules', '.bin')
  mkdirSync(bin, { recursive: true })
  rmSync(join(bin, 'grocerd'), { force: true })
  symlinkSync(join('..', '..', 'dist', 'main.js'), join(bin, 'grocerd'))
  chmodSync(main, 0o755)
  return 'npx grocerd is linked'
}

async function openVino() {
  if (process.env.GROCERD_SKIP_OPENVINO === '1') return 'OpenVINO skipped (GROCERD_SKIP_OPENVINO=1)'
  const probe = await probeOpenVino()
  if (probe?.found) return `OpenVINO ${probe.version} found at ${probe.path}`
  const { ok, text } = bringOpenVino(root)
  return ok ? text : `${text}; going on with ONNX Runtime`
}

async function probeOpenVino() {
  const addon = join(root, 'dist', 'inference', 'addon.js')
  if (!existsSync(addon)) return undefined
  const { probeRuntime } = await import(pathToFileURL(addon).href)
  return probeRuntime('openvino')
}

function fail(text) {
  console.error(`grocerd: ${text}`)
  process.exit(1)
}

async function step(work) {
  const start = performance.now()
  const text = await work()
  console.log(`grocerd: ${text} (${((performance.now() - start) / 1000).toFixed(1)} s)`)
}

const nativeOnly = process.argv.includes('--force-native')
await step(() => buildNative(nativeOnly))
if (!nativeOnly) {
  await step(buildJavaScript)
  await step(linkCommand)
  await step(openVino)
}
