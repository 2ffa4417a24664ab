// From the URI of a camera to its source: one row a variant.
import { didYouMean, nearest } from '../config/nearest.js'
import { GroceryError } from '../errors.js'
import { dirSource } from './dir.js'
import { fileSource } from './file.js'
import { gstSource } from './gst.js'
import { httpSource } from './http.js'
import { rtspSource } from './rtsp.js'
import type { Source, SourceOptions } from './source.js'
import { sourceOptions } from './source-options.js'
import { readWishes, type V4l2Wishes, v4l2Options, v4l2Source } from './v4l2.js'

interface Scheme {
  options: string[]
  /** camera: what of the query is none of these options is the camera's own; none: a ? is part of the path. */
  query?: 'camera' | 'none'
  /** What is wrong with a path, or null. */
  wrong?(path: string): string | null
  make(path: string, options: SourceOptions, fps: number, name: string): Source
}

const wrongAddress = (path: string): string | null =>
  /^\/\/[^/?#\s]+([/?][^#\s]*)?$/.test(path) && URL.canParse(`http:${path}`)
    ? null
    : 'Expected an address such as //192.168.1.20/stream after the scheme'

const wrongDevice = (path: string): string | null =>
  path.startsWith('/') ? null : 'Expected a device such as v4l2:/dev/v4l/by-id/usb-…-video-index0'

const wrongPipeline = (path: string): string | null => {
  if (!/jpeg/i.test(path))
    return 'Expected a pipeline that ends in JPEG pictures, such as … ! videoconvert ! jpegenc'
  return /!\s*$/.test(path) ? 'Expected a pipeline that ends without ! and sink' : null
}

const rtsp: Scheme = {
  options: ['transport', 'credentials', 'decode'],
  query: 'camera',
  wrong: wrongAddress,
  make: rtspSource,
}
const http: Scheme = {
  options: ['credentials'],
  query: 'camera',
  wrong: wrongAddress,
  make: httpSource,
}

/** One row a variant. */
const schemes: Record<string, Scheme> = {
  dir: { options: ['hold', 'gap', 'loop'], make: dirSource },
  file: { options: ['loop', 'live', 'decode'], make: fileSource },
  v4l2: { options: v4l2Options, wrong: wrongDevice, make: v4l2Source },
  rtsp,
  rtsps: rtsp,
  http,
  https: http,
  gst: { options: [], query: 'none', wrong: wrongPipeline, make: gstSource },
}

const invalid = (uri: string, what: string) =>
  new GroceryError('CAMERA_SOURCE_INVALID', `source ${JSON.stringify(uri)}: ${what}`)

/** Splits a query into our options and what is the camera's own, which stays as it was written. */
function divide(uri: string, query: string, { options, query: whose }: Scheme) {
  const own: string[] = []
  const foreign: string[] = []
  for (const part of query === '' ? [] : query.split('&')) {
    const key = part.split('=')[0]!
    const isOurs = options.includes(key)
    const isMeant = whose !== 'camera' || nearest(key, options) !== null
    if (!isOurs && isMeant) throw invalid(uri, `Unknown option "${key}"${didYouMean(key, options)}`)
    ;(isOurs ? own : foreign).push(part)
  }
  return { own: own.join('&'), foreign: foreign.join('&') }
}

/**
 * The source of a URI such as `dir:frames/?hold=2s&gap=1s`. Opens nothing yet.
 * @param fps pictures a second that are wanted. Throws CAMERA_SOURCE_INVALID.
 */
export function parseSource(uri: string, fps: number): Source {
  const login = /^([a-z0-9]+:\/\/)[^/?#]*@(.*)$/s.exec(uri)
  if (login) {
    const words =
      'Expected an address without user and password; write them to a file and name it: ?credentials=FILE'
    throw invalid(`${login[1]}…@${login[2]}`, words)
  }
  const match = /^([a-z0-9]+):(.*)$/s.exec(uri)
  if (!match) throw invalid(uri, 'Expected a URI such as dir:FOLDER or file:CLIP')
  const [, name, rest] = match as unknown as [string, string, string]
  const scheme = Object.hasOwn(schemes, name) ? schemes[name] : undefined
  if (!scheme) {
    const names = Object.keys(schemes).map(one => `${one}:`)
    const list = `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
    throw invalid(uri, `Expected ${list} but received ${name}:`)
  }
  const cut = scheme.query === 'none' ? -1 : rest.indexOf('?')
  const path = cut < 0 ? rest : rest.slice(0, cut)
  if (path === '') throw invalid(uri, `Expected a path after ${name}:`)
  const { own, foreign } = divide(uri, cut < 0 ? '' : rest.slice(cut + 1), scheme)
  const whole = foreign === '' ? path : `${path}?${foreign}`
  const wrong = scheme.wrong?.(whole) ?? null
  if (wrong !== null) throw invalid(uri, wrong)
  return scheme.make(
    whole,
    sourceOptions(own, words => invalid(uri, words)),
    fps,
    name,
  )
}

/** What a v4l2: source wishes of its camera, with its device; null for every other source. For doctor. */
export function deviceOf(uri: string): ({ path: string } & V4l2Wishes) | null {
  const match = /^v4l2:([^?]*)(?:\?(.*))?$/s.exec(uri)
  if (!match) return null
  const options = sourceOptions(match[2] ?? '', words => invalid(uri, words))
  return { path: match[1]!, ...readWishes(options) }
}
