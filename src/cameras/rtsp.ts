// rtsp: and rtsps: a network camera, read and decoded by ffmpeg over TCP, or UDP where it is asked for.
import { decodedBy, decoders, encodedAt, ffmpegPictures } from './ffmpeg.js'
import { type Login, readLogin } from './login.js'
import type { Source, SourceOptions } from './source.js'

/** An address leads to no other protocol and to no file. */
const onlyRtsp = 'rtsp,rtsps,rtp,srtp,udp,tcp,tls,crypto'
/** To connect, and to wait for the first key picture of a camera that sends few. */
const firstPictureMs = 15_000

/**
 * Arguments are read by every user of the machine, so an address with a password goes through a pipe: as the
 * only entry of a list, the form in which ffmpeg reads an address from a pipe. Its `option` is of ffmpeg 5.
 */
function listOf(url: string, { user, password }: Login, transport: string): string {
  const login = `${encodeURIComponent(user)}:${encodeURIComponent(password)}@`
  // A quote in the list ends the address: RFC 3986 lets it be written as a code.
  const address = url.replace('//', `//${login}`).replaceAll("'", '%27')
  return `ffconcat version 1.0\nfile '${address}'\noption rtsp_transport ${transport}\n`
}

/** @param path the address without its scheme, from // on, with the camera's own query */
export function rtspSource(
  path: string,
  options: SourceOptions,
  fps: number,
  name: string,
): Source {
  const transport = options.choice('transport', ['tcp', 'udp'], 'tcp')
  const decoder = options.choice('decode', decoders, 'none')
  const credentials = options.text('credentials')
  const url = `${name}:${path}`
  const soon = [...decodedBy[decoder], '-fflags', 'nobuffer', '-flags', 'low_delay']
  const plain = [...soon, '-protocol_whitelist', onlyRtsp, '-rtsp_transport', transport, '-i', url]
  const list = [...soon, '-f', 'concat', '-safe', '0']
  const piped = [...list, '-protocol_whitelist', `pipe,${onlyRtsp}`, '-i', 'pipe:0']
  const open = async function* (signal: AbortSignal) {
    const login = readLogin(credentials)
    const output = encodedAt(fps)
    yield* login
      ? ffmpegPictures(piped, output, url, signal, listOf(url, login, transport))
      : ffmpegPictures(plain, output, url, signal)
  }
  return Object.assign(open, { isLive: true, firstPictureMs })
}
