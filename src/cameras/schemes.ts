// From the URI of a camera to its source: one row a variant.
import { didYouMean } from '../config/nearest.js'
import { parseDuration } from '../config/units.js'
import { GroceryError } from '../errors.js'
import { dirSource } from './dir.js'
import { fileSource } from './file.js'
import type { Source, SourceOptions } from './source.js'

interface Scheme {
  options: string[]
  make(path: string, options: SourceOptions, fps: number): Source
}

/** One row a variant. */
const schemes: Record<string, Scheme> = {
  dir: { options: ['hold', 'gap', 'loop'], make: dirSource },
  file: { options: ['loop', 'live'], make: fileSource },
}

/** Schemes of the contract that this version does not read yet: said as such, not as a spelling mistake. */
const later = new Set(['v4l2', 'rtsp', 'rtsps', 'http', 'https', 'gst'])

const invalid = (uri: string, what: string) =>
  new GroceryError('CAMERA_SOURCE_INVALID', `source ${JSON.stringify(uri)}: ${what}`)

function readOptions(uri: string, query: string, allowed: string[]): SourceOptions {
  const values = new URLSearchParams(query)
  for (const key of values.keys()) {
    if (!allowed.includes(key)) {
      throw invalid(uri, `Unknown option "${key}"${didYouMean(key, allowed)}`)
    }
  }
  return {
    duration(key, fallbackMs, zero) {
      const text = values.get(key)
      if (text === null) return fallbackMs
      const ms = parseDuration(text)
      if (ms === null)
        throw invalid(uri, `Expected a duration such as 2s for ${key} but received "${text}"`)
      if (ms === 0 && zero === 'refused')
        throw invalid(uri, `Expected a duration above 0 for ${key} but received "${text}"`)
      return ms
    },
    flag(key, fallback) {
      const text = values.get(key)
      if (text === null) return fallback
      if (text !== '0' && text !== '1')
        throw invalid(uri, `Expected 0 or 1 for ${key} but received "${text}"`)
      return text === '1'
    },
  }
}

/**
 * The source of a URI such as `dir:frames/?hold=2s&gap=1s`. Opens nothing yet.
 * @param fps pictures a second that are wanted. Throws CAMERA_SOURCE_INVALID.
 */
export function parseSource(uri: string, fps: number): Source {
  const match = /^([a-z0-9]+):([^?]*)(?:\?(.*))?$/s.exec(uri)
  if (!match) throw invalid(uri, 'Expected a URI such as dir:FOLDER or file:CLIP')
  const [, name, path, query] = match
  const scheme = Object.hasOwn(schemes, name!) ? schemes[name!] : undefined
  if (!scheme) {
    const names = Object.keys(schemes).map(one => `${one}:`)
    throw invalid(
      uri,
      later.has(name!)
        ? `${name}: is not in this version, which reads ${names.join(' and ')}`
        : `Expected ${names.join(' or ')} but received ${name}:`,
    )
  }
  if (path === '') throw invalid(uri, `Expected a path after ${name}:`)
  return scheme.make(path!, readOptions(uri, query ?? '', scheme.options), fps)
}
