// GStreamer's RTSP server as a process, for the tests of rtsp: cameras; they skip where it or ffmpeg is not.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

// The distribution's own Python has the bindings of GStreamer.
const python = '/usr/bin/python3'
const script = 'test/helpers/rtsp-server.py'

export const noRtspServer: string | false =
  spawnSync('ffmpeg', ['-version']).status === 0 &&
  spawnSync(python, [script, '--probe']).status === 0
    ? false
    : 'ffmpeg, python3-gi, gir1.2-gst-rtsp-server-1.0 and gstreamer1.0-plugins-good are wanted'

export async function rtspServer(
  login: { kind: 'none' | 'basic' | 'digest'; user?: string; password?: string } = { kind: 'none' },
): Promise<{ process: ChildProcess; url: string }> {
  const { kind, user = '', password = '' } = login
  const server = spawn(python, [script, kind, user, password], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [port] = await once(createInterface({ input: server.stdout! }), 'line')
  return { process: server, url: `rtsp://127.0.0.1:${port}/cam` }
}
