// Drift guards: what the project says of itself in several places must be the same everywhere.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import t from 'tap'
import { errorTable } from '../src/errors.js'

const skipped = new Set([
  'node_modules',
  'dist',
  'build',
  'runtime',
  '.git',
  '.tap',
  'state',
  '__pycache__',
])

function* filesBelow(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (skipped.has(entry.name) || path.startsWith(join('.tap'))) continue
    if (entry.isDirectory()) yield* filesBelow(path)
    else if (entry.isFile()) yield path
  }
}

const all = [...filesBelow('.')]
const sources = all.filter(
  path => /^(src|test|bench|scripts)\/.*\.(ts|mjs)$/.test(path) && !path.includes('fixtures/tap-'),
)
const text = (path: string) => readFileSync(path, 'utf8')
const importsOf = (path: string) =>
  [
    ...text(path).matchAll(
      /(?:^|\n)\s*(import|export)\b([^'";]*?)from '([^']+)'|\bimport\('([^']+)'\)|\bimport '([^']+)'/g,
    ),
  ].map(match => ({
    typeOnly: /^\s*type\b/.test(match[2] ?? ''),
    specifier: (match[3] ?? match[4] ?? match[5])!,
  }))

t.test('imports and package.json name the same packages', async t => {
  const manifest = JSON.parse(text('package.json'))
  const builtin = new Set(builtinModules)
  const imported = new Map<string, string>()
  for (const path of sources) {
    for (const { specifier } of importsOf(path)) {
      if (specifier.startsWith('.') || specifier.startsWith('node:') || builtin.has(specifier))
        continue
      const name = specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/')
      imported.set(name, path)
    }
  }
  const runtime = { ...manifest.dependencies, ...manifest.optionalDependencies }
  for (const [name, path] of imported) {
    if (path.startsWith('src/')) t.ok(name in runtime, `${path} imports ${name}: a dependency`)
    else
      t.ok(
        name in { ...runtime, ...manifest.devDependencies },
        `${path} imports ${name}: in package.json`,
      )
  }
  // Used by the build, by name or as the carrier of a library, and imported nowhere.
  const otherwise = [
    '@grafana/schema',
    '@types/node',
    'eslint',
    'node-addon-api',
    'node-gyp',
    'onnxruntime-node',
    'prettier',
    'tsx',
    'typescript',
    'typescript-eslint',
  ]
  for (const name of Object.keys({ ...runtime, ...manifest.devDependencies })) {
    t.ok(imported.has(name) || otherwise.includes(name), `${name} is used`)
    t.ok(
      text('CONTRIBUTING.md').includes(`\`${name}\``),
      `CONTRIBUTING.md gives the reason for ${name}`,
    )
  }
})

t.test('a stage imports only types of earlier stages, and only the roots wire them', async t => {
  const free = [
    'boxes',
    'box-lock',
    'errors',
    'log',
    'clock',
    'protocol',
    'json-file',
    'sharp',
    'stand-back',
    'vectors',
    'version',
    'whole-file',
  ]
  const stages = [
    'config',
    'cameras',
    'inference',
    'recognition',
    'counter',
    'publish',
    'observe',
    'updates',
    'learn',
    'gallery',
  ]
  // What runs inside the vision process is one chain of work: recognition drives cameras' frames and the engine.
  const mayUse: Record<string, string[]> = {
    cameras: ['config'],
    inference: ['config'],
    recognition: ['config', 'inference'],
    counter: ['config'],
    publish: ['config'],
    observe: ['config'],
    // Its throw-away process loads a model as vision does.
    updates: ['config', 'inference', 'recognition'],
    learn: ['config', 'inference', 'recognition'],
    gallery: ['config', 'inference', 'recognition'],
    config: [],
  }
  // Roots as well: what a command of the till meets, and what a person types. No stage imports them.
  const wiring = /^src\/(cli|desks)\//
  for (const path of sources.filter(one => /^src\/\w+\//.test(one) && !wiring.test(one))) {
    const stage = path.split('/')[1]!
    t.ok(stages.includes(stage), `${path} is in a known stage`)
    for (const { specifier, typeOnly } of importsOf(path)) {
      if (!specifier.startsWith('.')) continue
      const target = relative('src', resolve(dirname(path), specifier)).replace(/\.js$/, '')
      const [to] = target.split('/') as [string]
      if (to === stage || free.includes(target)) continue
      const earlier = stages.indexOf(to) >= 0 && stages.indexOf(to) < stages.indexOf(stage)
      t.ok(
        earlier && (typeOnly || mayUse[stage]!.includes(to)),
        `${path} imports ${specifier}${typeOnly ? ' (types)' : ''}`,
      )
    }
  }
})

t.test('only src/sharp.ts opens sharp: what it blocks is blocked everywhere', async t => {
  for (const path of sources.filter(one => one.startsWith('src/') && one !== 'src/sharp.ts')) {
    t.notOk(
      importsOf(path).some(({ specifier }) => specifier === 'sharp'),
      path,
    )
  }
})

t.test('every error code is used, and every code that is used exists', async t => {
  const used = new Map<string, string>()
  for (const path of all.filter(
    one => /^(src|native)\/.*\.(ts|cc|h)$/.test(one) && one !== 'src/errors.ts',
  )) {
    for (const [, code] of text(path).matchAll(
      /['"]([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|USAGE|INTERNAL)['"]/g,
    ))
      used.set(code!, path)
  }
  for (const code of Object.keys(errorTable)) t.ok(used.has(code), `${code} is used`)
  for (const path of all.filter(one => /^src\/.*\.ts$/.test(one))) {
    for (const [, code] of text(path).matchAll(/new GroceryError\(\s*'([A-Z_0-9]+)'/g)) {
      t.ok(code! in errorTable, `${path}: ${code} stands in the table`)
    }
  }
  t.same(
    Object.keys(errorTable),
    Object.keys(errorTable).sort(),
    'the table is in alphabetical order',
  )
})

t.test('files are small, say what they are, and leave nothing for later', async t => {
  const code = all.filter(path =>
    /^(src|native|scripts|test|bench)\/.*\.(ts|mjs|cc|h|js)$/.test(path),
  )
  for (const path of code) {
    const lines = text(path).split('\n')
    const first = lines[0]!.startsWith('#!') ? lines[1]! : lines[0]!
    t.match(first, /^(\/\/|\/\*)/, `${path} begins with a sentence on what it is`)
    // The one table of errors is as long as it has rows.
    if (!path.startsWith('test/') && path !== 'src/errors.ts')
      t.ok(lines.length <= 450, `${path}: ${lines.length} lines`)
    t.notMatch(text(path), new RegExp(`\\b(${'TO'}DO|FIX${'ME'}|X${'XX'})\\b`), path)
  }
  const lengths = code
    .filter(path => /^(src|native)\//.test(path))
    .map(path => text(path).split('\n').length)
    .sort((a, b) => a - b)
  const median = lengths[Math.floor(lengths.length / 2)]!
  t.ok(median <= 110, `median ${median} lines`)
})

t.test('nothing names this machine or the hosts of a registry', async t => {
  const hosts = new RegExp(
    [
      '/root' + '/',
      '/work' + '/main',
      'registry\\.npm' + 'js\\.org',
      'py' + 'pi\\.org/simple',
      'index-' + 'url',
    ].join('|'),
  )
  for (const path of all.filter(
    one => statSync(one).size < 400_000 && !/\.(jpg|png|bin|onnx|xml)$/.test(one),
  )) {
    t.notMatch(text(path), hosts, path)
  }
})

t.test('every relative link in the documents leads somewhere', async t => {
  for (const path of all.filter(one => one.endsWith('.md'))) {
    for (const [, target] of text(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)) {
      t.ok(existsSync(join(dirname(path), target!)), `${path}: ${target}`)
    }
  }
})

t.test('each command of the contract has a page in the README, and --help', async t => {
  for (const command of [
    'run',
    'check',
    'doctor',
    'watch',
    'classify',
    'evaluate',
    'train',
    'bench',
  ]) {
    t.match(text('README.md'), new RegExp(`grocerd ${command}\\b`), command)
  }
})
