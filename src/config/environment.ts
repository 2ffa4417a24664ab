// Environment overrides: GROCERD_MEMORY_GPU_FRACTION=0.2 sets memory.gpuFraction, before validation.
import { parse as parseYaml } from 'yaml'
import type { z } from 'zod'
import { nearest } from './nearest.js'
import { configSchema } from './schema.js'

/** Variables of this prefix that are not configuration keys; docs/1-configuration.md lists them. */
export const otherVariables = new Set([
  'GROCERD_CONFIG',
  'GROCERD_NVML_DIR',
  'GROCERD_OPENVINO_DIR',
  'GROCERD_ONNXRUNTIME_DIR',
  'GROCERD_REFERENCE_PYTHON',
  'GROCERD_HOME_ASSISTANT_PYTHON',
  'GROCERD_SHARED',
  'GROCERD_SKIP_OPENVINO',
  'GROCERD_SOAK',
  'GROCERD_TORTURE',
  'GROCERD_TURBOJPEG_DIR',
  'GROCERD_WERROR',
])

const prefix = 'GROCERD_'

type Schema = z.core.$ZodType
export type Path = (string | number)[]
export interface Override {
  variable: string
  path: Path
  value: unknown
}

/** The schema inside default, nullable and transform wrappers. */
function unwrap(schema: Schema): Schema {
  const def = schema._zod.def as { type: string; innerType?: Schema; in?: Schema }
  if (def.innerType) return unwrap(def.innerType)
  if (def.type === 'pipe' && def.in) return unwrap(def.in)
  return schema
}

const variableName = (key: string): string => key.replace(/[A-Z]/g, c => `_${c}`).toUpperCase()

/** The keys of an object schema, or null where it is something else. */
export function keysOf(schema: Schema): Record<string, Schema> | null {
  const def = unwrap(schema)._zod.def as { type: string; shape?: Record<string, Schema> }
  return def.type === 'object' ? (def.shape ?? null) : null
}

/** The schema below one step of a path, or null. */
export function below(schema: Schema, step: string | number): Schema | null {
  const def = unwrap(schema)._zod.def as { type: string; element?: Schema }
  if (def.type === 'array' && typeof step === 'number') return def.element ?? null
  return keysOf(schema)?.[step] ?? null
}

function locate(schema: Schema, rest: string): { path: Path; leaf: Schema } | null {
  const keys = keysOf(schema)
  if (keys) {
    for (const [key, inner] of Object.entries(keys)) {
      const name = variableName(key)
      if (rest === name) return { path: [key], leaf: inner }
      if (!rest.startsWith(`${name}_`)) continue
      const found = locate(inner, rest.slice(name.length + 1))
      if (found) return { path: [key, ...found.path], leaf: found.leaf }
    }
    return null
  }
  const index = /^(\d{1,3})(?:_|$)/.exec(rest)
  const element = index ? below(schema, Number(index[1])) : null
  if (!index || !element) return null
  const after = rest.slice(index[0].length)
  if (after === '') return { path: [Number(index[1])], leaf: element }
  const found = locate(element, after)
  return found && { path: [Number(index[1]), ...found.path], leaf: found.leaf }
}

/** Every variable name that exists, for "did you mean"; list indexes stand as 0. */
function* names(schema: Schema, before: string): Generator<string> {
  for (const [key, inner] of Object.entries(keysOf(schema) ?? {})) {
    const name = before + variableName(key)
    yield name
    yield* names(inner, `${name}_`)
    const element = below(inner, 0)
    if (element) yield* names(element, `${name}_0_`)
  }
}

/** A text as the leaf wants it: YAML where that fits (numbers, lists, null), else the text itself. */
function read(text: string, leaf: Schema): unknown {
  let parsed: unknown = text
  try {
    parsed = parseYaml(text)
  } catch {
    return text
  }
  const fits = (value: unknown) => (leaf as z.ZodType).safeParse(value).success
  return !fits(parsed) && fits(text) ? text : parsed
}

/** @returns what the environment sets, and a line for each variable that names no key. */
export function readEnvironment(env: NodeJS.ProcessEnv): {
  overrides: Override[]
  problems: string[]
} {
  const overrides: Override[] = []
  const problems: string[] = []
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith(prefix) || otherVariables.has(variable) || text === undefined) continue
    const found = locate(configSchema, variable.slice(prefix.length))
    if (found) {
      overrides.push({ variable, path: found.path, value: read(text, found.leaf) })
    } else {
      const like = nearest(variable, [...names(configSchema, prefix), ...otherVariables])
      problems.push(
        `environment ${variable}: Unknown variable${like ? `; did you mean "${like}"?` : ''}`,
      )
    }
  }
  return { overrides, problems }
}
