// Reads the configuration file and the environment; reports every error at once with file:line:column.
import { readFileSync, statSync } from 'node:fs'
import { dirname, isAbsolute, relative, resolve } from 'node:path'
import { type Alias, type Document, LineCounter, parseDocument, visit } from 'yaml'
import type { z } from 'zod'
import { GroceryError } from '../errors.js'
import { below, keysOf, type Override, type Path, readEnvironment } from './environment.js'
import { didYouMean } from './nearest.js'
import { type Config, configSchema } from './schema.js'

const maxFileBytes = 1024 * 1024

const isMap = (value: unknown): value is Record<string | number, unknown> =>
  typeof value === 'object' && value !== null

function setAt(root: Record<string, unknown>, path: Path, value: unknown): void {
  let node: Record<string | number, unknown> = root
  path.slice(0, -1).forEach((step, index) => {
    const empty = typeof path[index + 1] === 'number' ? [] : {}
    if (!isMap(node[step])) node[step] = empty
    node = node[step] as Record<string | number, unknown>
  })
  node[path.at(-1)!] = value
}

const valueAt = (root: unknown, path: PropertyKey[]): unknown =>
  path.reduce<unknown>((node, step) => (isMap(node) ? node[step as string] : undefined), root)

function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

/** The words for one issue: expected, received, and the nearest name. */
function words(issue: z.core.$ZodIssue, received: unknown): string[] {
  const entries = 'origin' in issue && issue.origin === 'array' ? ' entries' : ''
  switch (issue.code) {
    case 'unrecognized_keys': {
      const schema = issue.path.reduce<z.core.$ZodType | null>(
        (node, step) => node && below(node, step as string | number),
        configSchema,
      )
      const names = schema ? Object.keys(keysOf(schema) ?? {}) : []
      return issue.keys.map(key => `Unknown key "${key}"${didYouMean(key, names)}`)
    }
    case 'invalid_type':
      return issue.message.startsWith('Invalid input')
        ? [`Expected ${issue.expected} but received ${show(received)}`]
        : [`${issue.message} (received ${show(received)})`]
    case 'too_big':
      return [`Expected at most ${issue.maximum}${entries} but received ${show(received)}`]
    case 'too_small':
      return issue.origin === 'string'
        ? [`Expected at least ${issue.minimum} character but received ${show(received)}`]
        : [
            `Expected ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}${entries} but received ${show(received)}`,
          ]
    case 'invalid_value':
      return issue.message.startsWith('Invalid')
        ? [`Expected one of ${issue.values.join(', ')} but received ${show(received)}`]
        : [`${issue.message} (received ${show(received)})`]
    default:
      return [
        issue.message.includes('but received')
          ? issue.message
          : `${issue.message} but received ${show(received)}`,
      ]
  }
}

/** "file:line:column" of a path in the YAML, or the variable that set it. */
function place(
  path: PropertyKey[],
  file: string,
  doc: Document,
  lines: LineCounter,
  overrides: Override[],
): string {
  const setBy = overrides.find(one => path.join('.').startsWith(one.path.join('.')))
  if (setBy) return `environment ${setBy.variable}`
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? doc.contents : doc.getIn(path.slice(0, length), true)
    const range = (node as { range?: [number, number, number] } | undefined)?.range
    if (!range) continue
    const { line, col } = lines.linePos(range[0])
    return `${file}:${line}:${col}`
  }
  return file
}

/** Where an unknown key itself stands, not the map that holds it. */
function keyPlace(
  path: PropertyKey[],
  key: string,
  file: string,
  doc: Document,
  lines: LineCounter,
): string | null {
  const map = (path.length === 0 ? doc.contents : doc.getIn(path, true)) as
    { items?: { key: { value?: unknown; range?: [number, number, number] } }[] } | undefined
  const range = map?.items?.find(pair => pair.key.value === key)?.key.range
  if (!range) return null
  const { line, col } = lines.linePos(range[0])
  return `${file}:${line}:${col}`
}

/** Only aliases make a parsed document unreadable: the first that names nothing, or else the first of too many. */
function aliasPlace(file: string, doc: Document, lines: LineCounter): string {
  const aliases: Alias[] = []
  visit(doc, { Alias: (_, node) => void aliases.push(node) })
  const at = aliases.find(alias => !alias.resolve(doc)) ?? aliases[0]
  const { line, col } = lines.linePos(at?.range?.[0] ?? 0)
  return `${file}:${line}:${col}`
}

/** In the order of the file; what the environment set comes first. */
function inOrder(problems: string[]): string[] {
  const at = (problem: string) => {
    const [, line, column] = /:(\d+):(\d+) /.exec(problem) ?? [null, 0, 0]
    return Number(line) * 1e6 + Number(column)
  }
  return [...problems].sort((a, b) => at(a) - at(b))
}

function invalid(file: string, unordered: string[]): GroceryError {
  const problems = inOrder(unordered)
  const count = problems.length === 1 ? '1 error' : `${problems.length} errors`
  return new GroceryError('CONFIG_INVALID', `${count} in ${file}\n${problems.join('\n')}`, {
    details: problems,
  })
}

/** What later stages know of values: the words for what is wrong with one, or null. */
export interface Checks {
  source?(uri: string): string | null
}

/**
 * Validates a configuration text.
 * @param file its name in messages. Throws CONFIG_INVALID with one line for each error.
 */
export function parseConfig(
  text: string,
  file: string,
  env: NodeJS.ProcessEnv = {},
  checks: Checks = {},
): Config {
  const lines = new LineCounter()
  const doc = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  // A tag or directive that nobody knows is a warning to YAML, and to us a mistake like an unknown key.
  const unreadable = [...doc.errors, ...doc.warnings]
  if (unreadable.length > 0) {
    const problems = unreadable.map(error => {
      const { line, col } = lines.linePos(error.pos[0])
      return `${file}:${line}:${col} ${error.message}`
    })
    throw invalid(file, problems)
  }
  const { overrides, problems } = readEnvironment(env)
  let plain: unknown
  try {
    plain = doc.toJS({ maxAliasCount: 50 })
  } catch (error) {
    throw invalid(file, [`${aliasPlace(file, doc, lines)} ${(error as Error).message}`])
  }
  if (!isMap(plain) || Array.isArray(plain)) {
    throw invalid(file, [
      `${file}:1:1 Expected a map of keys such as kiosk: and cameras: but received ${show(plain ?? undefined)}`,
    ])
  }
  for (const { path, value } of overrides) setAt(plain, path, value)
  const result = configSchema.safeParse(plain, { reportInput: false })
  if (!result.success) {
    for (const issue of result.error.issues) {
      const at = place(issue.path, file, doc, lines, overrides)
      const name = issue.path.join('.')
      words(issue, valueAt(plain, issue.path)).forEach((text, index) => {
        const key = issue.code === 'unrecognized_keys' ? issue.keys[index]! : null
        const where = key === null ? at : (keyPlace(issue.path, key, file, doc, lines) ?? at)
        problems.push(`${where} ${name ? `${name}: ` : ''}${text}`)
      })
    }
  }
  const cameras = isMap(plain.cameras) ? Object.values(plain.cameras) : []
  cameras.forEach((camera, index) => {
    const uri = isMap(camera) ? camera.source : undefined
    const wrong = typeof uri === 'string' && uri !== '' ? (checks.source?.(uri) ?? null) : null
    const path = ['cameras', index, 'source']
    if (wrong)
      problems.push(`${place(path, file, doc, lines, overrides)} ${path.join('.')}: ${wrong}`)
  })
  if (problems.length > 0 || !result.success) throw invalid(file, problems)
  return result.data
}

/** Paths in a configuration are relative to its file, wherever the daemon is started. */
export function resolvePaths(config: Config, folder: string): Config {
  const from = <T extends string | null>(path: T): T =>
    (path === null || isAbsolute(path) ? path : resolve(folder, path)) as T
  const model = (name: string) => (/[/\\]|\.(xml|onnx)$/.test(name) ? from(name) : name)
  const { classifier, embedder, ensemble } = config.models
  const source = (uri: string) =>
    uri
      .replace(
        /^(dir|file):(?!\/)([^?]*)/,
        (_, scheme, path) => `${scheme}:${resolve(folder, path)}`,
      )
      .replace(
        /^((?:rtsp|http)s?:[^?]*\?(?:.*&)?credentials=)(?!\/|%2F)([^&]+)/i,
        (_, before, path) => `${before}${resolve(folder, path)}`,
      )
  return {
    ...config,
    cameras: config.cameras.map(camera => ({ ...camera, source: source(camera.source) })),
    models: {
      ...config.models,
      classifier: model(classifier),
      embedder: embedder && model(embedder),
      ensemble: ensemble && {
        ...ensemble,
        members: ensemble.members.map(one => ({ ...one, model: model(one.model) })),
      },
    },
    catalogue: from(config.catalogue),
    recognition: { ...config.recognition, priors: from(config.recognition.priors) },
    mqtt: {
      ...config.mqtt,
      passwordFile: from(config.mqtt.passwordFile),
      tls: {
        ca: from(config.mqtt.tls.ca),
        cert: from(config.mqtt.tls.cert),
        key: from(config.mqtt.tls.key),
      },
    },
    http: { ...config.http, tokenFile: from(config.http.tokenFile) },
    outbox: { ...config.outbox, dir: from(config.outbox.dir) },
  }
}

/**
 * Reads a configuration file.
 * Throws CONFIG_NOT_FOUND where it cannot be read, CONFIG_INVALID where it is wrong.
 */
export function loadConfig(
  path: string,
  env: NodeJS.ProcessEnv = process.env,
  checks: Checks = {},
): Config {
  let text: string
  try {
    if (statSync(path).size > maxFileBytes) {
      throw invalid(path, [`${path}: Expected a file of at most 1 MiB`])
    }
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    if (cause instanceof GroceryError) throw cause
    const code = (cause as NodeJS.ErrnoException).code
    throw new GroceryError(
      'CONFIG_NOT_FOUND',
      `Expected a configuration file at ${path} but reading it failed: ${code}`,
      { cause },
    )
  }
  // A service starts in /, where the short form of a path only looks like a wrong one.
  const shown = process.cwd() === '/' ? path : relative(process.cwd(), path)
  const file = shown.startsWith('..') ? path : shown || path
  return resolvePaths(parseConfig(text, file, env, checks), dirname(resolve(path)))
}

/** The built-in defaults, with what the environment sets: for commands that need no file. */
export const defaultConfig = (env: NodeJS.ProcessEnv = {}): Config =>
  resolvePaths(parseConfig('{}', 'defaults', env), process.cwd())
