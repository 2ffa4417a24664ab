// http: and https: a camera's MJPEG stream, or a picture that is asked for again and again at the wanted rate.
import { setTimeout as sleep } from 'node:timers/promises'
import { type ErrorCode, GroceryError } from '../errors.js'
import { HttpLogin } from './http-login.js'
import { JpegSplitter } from './jpeg-splitter.js'
import { readLogin } from './login.js'
import type { Source, SourceOptions } from './source.js'
import { thinned } from './thin.js'

const notThere = (code: ErrorCode, url: string, words: string, cause?: unknown) =>
  new GroceryError(code, `Expected pictures at ${url} but ${words}`, { cause })

/** One answer, after a login where the camera asks for one. Throws CAMERA_LOGIN_REFUSED, CAMERA_NOT_FOUND. */
async function ask(url: string, login: HttpLogin | null, signal: AbortSignal): Promise<Response> {
  const { pathname, search } = new URL(url)
  const get = async () => {
    const authorization = login?.authorization(pathname + search)
    const headers: Record<string, string> = authorization ? { authorization } : {}
    try {
      return await fetch(url, { signal, headers, redirect: 'error' })
    } catch (cause) {
      if (signal.aborted) throw cause
      const inner = (cause as { cause?: { code?: string; message?: string } }).cause
      const words = inner?.code ?? inner?.message ?? (cause as Error).message
      throw notThere('CAMERA_NOT_FOUND', url, `the request failed: ${words}`, cause)
    }
  }
  let response = await get()
  // A second time, for a camera gives each of its nonces an end.
  if (
    response.status === 401 &&
    login?.challenged(response.headers.get('www-authenticate') ?? '')
  ) {
    await response.body?.cancel()
    response = await get()
  }
  if (response.ok) return response
  await response.body?.cancel()
  const { status } = response
  const refused = status === 401 || status === 403
  const code = refused ? 'CAMERA_LOGIN_REFUSED' : 'CAMERA_NOT_FOUND'
  throw notThere(code, url, `the camera answers ${status}`)
}

/** The pictures of one answer; what stands between them is skipped, so the boundary need not be known. */
async function* picturesOf(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const splitter = new JpegSplitter()
  for await (const chunk of body) yield* splitter.push(chunk)
}

/** @param path the address without its scheme, from // on, with the camera's own query */
export function httpSource(
  path: string,
  options: SourceOptions,
  fps: number,
  name: string,
): Source {
  const credentials = options.text('credentials')
  const url = `${name}:${path}`
  const open = async function* (signal: AbortSignal): AsyncIterable<Uint8Array> {
    const read = readLogin(credentials)
    const login = read && new HttpLogin(read)
    let due = performance.now()
    for (;;) {
      const response = await ask(url, login, signal)
      const type = response.headers.get('content-type') ?? 'nothing'
      const isStream = /^multipart\//i.test(type)
      if (!isStream && !/^image\/jpe?g\b/i.test(type)) {
        await response.body?.cancel()
        const words = `it is ${type}, not multipart/x-mixed-replace or image/jpeg`
        throw notThere('CAMERA_NOT_FOUND', url, words)
      }
      const pictures = picturesOf(response.body!)
      // The end of a stream is the loss of its camera.
      if (isStream) return yield* thinned(pictures, fps)
      yield* pictures
      due = Math.max(due + 1000 / fps, performance.now())
      await sleep(due - performance.now(), undefined, { signal })
    }
  }
  return Object.assign(open, { isLive: true })
}
