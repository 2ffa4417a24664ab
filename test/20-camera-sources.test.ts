// Sources of live cameras: a real RTSP server, a real GStreamer, HTTP on loopback; V4L2 with programs that stand in, for no camera is here.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import sharp from 'sharp'
import t, { type Test } from 'tap'
import { Camera } from '../src/cameras/camera.js'
import { pipelineWords } from '../src/cameras/gst.js'
import { HttpLogin } from '../src/cameras/http-login.js'
import { readLogin } from '../src/cameras/login.js'
import { parseSource } from '../src/cameras/schemes.js'
import { thinned } from '../src/cameras/thin.js'
import { controlsIn, formatsIn, settingsFor } from '../src/cameras/v4l2-controls.js'
import { systemClock } from '../src/clock.js'
import { parseConfig, resolvePaths } from '../src/config/load.js'
import { Listener, startDaemon } from './helpers/daemon.js'
import { noRtspServer, rtspServer } from './helpers/rtsp-server.js'

t.setTimeout(120_000)

const noGst =
  spawnSync('gst-launch-1.0', [
    '-q',
    'videotestsrc',
    'num-buffers=1',
    '!',
    'jpegenc',
    '!',
    'fakesink',
  ]).status === 0
    ? false
    : 'gst-launch-1.0 with gstreamer1.0-plugins-good is wanted'

/** The first pictures of a source, and what it throws. */
async function take(uri: string, count: number, fps = 25): Promise<Uint8Array[]> {
  const stop = new AbortController()
  const pictures: Uint8Array[] = []
  for await (const bytes of parseSource(uri, fps)(stop.signal)) {
    pictures.push(bytes)
    if (pictures.length === count) break
  }
  stop.abort()
  return pictures
}

/** A folder of its own at each call. */
function folder(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'grocerd-cameras-'))
  t.teardown(() => rmSync(dir, { recursive: true }))
  return dir
}

function secret(t: Test, text: string, mode = 0o600): string {
  const file = join(folder(t), 'login')
  writeFileSync(file, text)
  chmodSync(file, mode)
  return file
}

const sizeOf = async (bytes: Uint8Array) => {
  const { width, height } = await sharp(bytes).metadata()
  return `${width}x${height}`
}

/** Every child of this process by its arguments, as any user of the machine can read them. */
const argumentsOf = (program: string): string =>
  spawnSync('pgrep', ['-P', String(process.pid), '-a', program]).stdout.toString()

t.test('an address that is wrong is told, and never its password', t => {
  const cases: [string, string][] = [
    [
      'rtsp://admin:geheim@10.0.0.2/1',
      'source "rtsp://…@10.0.0.2/1": Expected an address without user and password; write them to a file and name it: ?credentials=FILE',
    ],
    [
      'rtsp:10.0.0.2',
      'source "rtsp:10.0.0.2": Expected an address such as //192.168.1.20/stream after the scheme',
    ],
    [
      'rtsp://h/1?transprt=udp',
      'source "rtsp://h/1?transprt=udp": Unknown option "transprt"; did you mean "transport"?',
    ],
    [
      'rtsp://h/1?transport=sctp',
      'source "rtsp://h/1?transport=sctp": Expected one of tcp, udp for transport but received "sctp"',
    ],
    [
      'v4l2:video0',
      'source "v4l2:video0": Expected a device such as v4l2:/dev/v4l/by-id/usb-…-video-index0',
    ],
    [
      'v4l2:/dev/video0?size=big',
      'source "v4l2:/dev/video0?size=big": Expected a size such as 1280x720 for size but received "big"',
    ],
    [
      'v4l2:/dev/video0?focus=near',
      'source "v4l2:/dev/video0?focus=near": Expected a whole number from 0 to 100000, lock or auto for focus but received "near"',
    ],
    [
      'gst:videotestsrc ! fakesink',
      'source "gst:videotestsrc ! fakesink": Expected a pipeline that ends in JPEG pictures, such as … ! videoconvert ! jpegenc',
    ],
    [
      'gst:videotestsrc ! jpegenc !',
      'source "gst:videotestsrc ! jpegenc !": Expected a pipeline that ends without ! and sink',
    ],
  ]
  for (const [uri, message] of cases)
    t.throws(() => parseSource(uri, 10), { code: 'CAMERA_SOURCE_INVALID', message }, uri)
  t.ok(parseSource('rtsp://h/cam?channel=1&subtype=0&transport=udp', 10).isLive)
  const wrong = 'cameras: [{id: a, source: "http://me:geheim@h/x"}]'
  const source = (uri: string) => {
    try {
      parseSource(uri, 1)
      return null
    } catch (error) {
      return (error as Error).message
    }
  }
  try {
    parseConfig(wrong, 'f.yaml', {}, { source })
    t.fail('is refused')
  } catch (error) {
    t.match((error as Error).message, 'f.yaml:1:27 cameras.0.source: ')
    t.notMatch((error as Error).message, /geheim/)
  }
  const config = parseConfig(
    'cameras: [{id: a, source: "rtsp://h/x?a=1&credentials=secret/cam"}, {id: b, source: "http://h/x?credentials=/etc/c"}]',
    'f.yaml',
  )
  t.same(
    resolvePaths(config, '/etc/grocerd').cameras.map(camera => camera.source),
    ['rtsp://h/x?a=1&credentials=/etc/grocerd/secret/cam', 'http://h/x?credentials=/etc/c'],
    'the file of a login is relative to the configuration',
  )
  t.end()
})

t.test('a login comes from a file of its owner', t => {
  t.same(readLogin(secret(t, 'admin:pass:word\nmore')), { user: 'admin', password: 'pass:word' })
  t.equal(readLogin(null), null)
  const loose = secret(t, 'a:b', 0o644)
  t.throws(() => readLogin(loose), {
    code: 'CONFIG_INVALID',
    message: `credentials: Expected ${loose} to be readable by its owner only but its mode is 0644; run chmod 600 on it`,
  })
  const none = secret(t, 'geheim')
  t.throws(() => readLogin(none), {
    message: `credentials: Expected a line user:password in ${none} but it has no user and colon`,
  })
  t.end()
})

t.test('rtsp: gives pictures over TCP and UDP', { skip: noRtspServer }, async t => {
  const server = await rtspServer()
  t.teardown(() => server.process.kill('SIGKILL'))
  for (const transport of ['tcp', 'udp']) {
    const pictures = await take(`${server.url}?transport=${transport}`, 5, 10)
    t.equal(await sizeOf(pictures[4]!), '320x240', transport)
    t.notOk(Buffer.from(pictures[0]!).equals(pictures[4]!), 'the ball moves')
  }
  await t.rejects(take(`${server.url}/none`, 1), {
    code: 'CAMERA_NOT_FOUND',
    message: new RegExp(`^Expected a video at ${server.url}/none but ffmpeg says: .*404 Not Found`),
  })
  const gone = server.url
  server.process.kill('SIGKILL')
  await once(server.process, 'exit')
  await t.rejects(take(gone, 1), {
    code: 'CAMERA_NOT_FOUND',
    message: `Expected a video at ${gone} but ffmpeg says: ${gone}: Connection refused`,
  })
})

t.test('rtsp: logs in from a file, and no argument shows it', { skip: noRtspServer }, async t => {
  for (const kind of ['basic', 'digest'] as const) {
    const server = await rtspServer({ kind, user: 'viewer', password: "pass 'wörd@/:%" })
    t.teardown(() => server.process.kill('SIGKILL'))
    const right = secret(t, "viewer:pass 'wörd@/:%\n")
    const stop = new AbortController()
    const uri = `${server.url}?credentials=${right}`
    for await (const bytes of parseSource(uri, 10)(stop.signal)) {
      t.equal(await sizeOf(bytes), '320x240', kind)
      const seen = argumentsOf('ffmpeg')
      t.match(seen, /pipe:0/)
      t.notMatch(seen, /viewer|pass/, 'no secret among the arguments')
      break
    }
    const wrong = secret(t, 'viewer:wrong')
    await t.rejects(take(`${server.url}?credentials=${wrong}`, 1), {
      code: 'CAMERA_LOGIN_REFUSED',
      message: `Expected a video at ${server.url} but ffmpeg says: Server returned 401 Unauthorized (authorization failed)`,
    })
    await t.rejects(take(server.url, 1), { code: 'CAMERA_LOGIN_REFUSED' }, 'without a login')
    server.process.kill('SIGKILL')
  }
})

t.test('rtsp: that stops is a stall, and comes back', { skip: noRtspServer }, async t => {
  const server = await rtspServer()
  t.teardown(() => server.process.kill('SIGKILL'))
  const said: { status: string; at: number; message?: string | undefined }[] = []
  const camera = new Camera(
    {
      id: 'net',
      source: server.url,
      fps: 10,
      roi: [0, 0, 1, 1],
      rotate: 0,
      mode: 'single',
      mask: null,
    },
    systemClock,
    (status, reason) => said.push({ status, at: performance.now(), message: reason?.message }),
  )
  const until = async (status: string, from = 0) => {
    for (let n = 0; n < 1000; n++) {
      const found = said.slice(from).find(one => one.status === status)
      if (found) return found
      await sleep(20)
    }
    throw new Error(`never ${status}: ${JSON.stringify(said)}`)
  }
  camera.start()
  await until('live')
  server.process.kill('SIGSTOP')
  const at = performance.now()
  const stalled = await until('stalled')
  t.ok(stalled.at - at < 5000, `stalled after ${Math.round(stalled.at - at)} ms`)
  t.equal(stalled.message, 'camera net: Expected a frame within 3 s but none came')
  const from = said.length
  server.process.kill('SIGCONT')
  await until('live', from)
  await camera.stop()
  t.equal(argumentsOf('ffmpeg'), '', 'no ffmpeg is left')
})

async function httpCamera(t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const jpeg = (background: string) =>
  sharp({ create: { width: 64, height: 48, channels: 3, background } })
    .jpeg()
    .toBuffer()

t.test('http: reads MJPEG, however it is cut, and snapshots at the rate', async t => {
  const [red, blue] = [await jpeg('#f00'), await jpeg('#00f')]
  let asked = 0
  const url = await httpCamera(t, (request, response) => {
    if (request.url === '/snap?channel=1') {
      response.setHeader('content-type', 'image/jpeg')
      response.end(asked++ % 2 ? blue : red)
      return
    }
    if (request.url === '/page') {
      response.setHeader('content-type', 'text/html')
      response.end('<p>')
      return
    }
    if (request.url === '/gone') {
      response.statusCode = 404
      response.end()
      return
    }
    response.setHeader('content-type', 'multipart/x-mixed-replace; boundary=--any')
    const part = (bytes: Buffer) =>
      Buffer.concat([
        Buffer.from('--any\r\nContent-Type: image/jpeg\r\n\r\n'),
        bytes,
        Buffer.from('\r\n'),
      ])
    const all = Buffer.concat([part(red), part(blue), part(red)])
    // In pieces that end anywhere, also within a marker.
    const pieces = [
      all.subarray(0, 3),
      all.subarray(3, 60),
      all.subarray(60, 700),
      all.subarray(700),
    ]
    const send = async () => {
      for (const piece of pieces) {
        response.write(piece)
        await sleep(5)
      }
      if (request.url === '/ends') response.end()
    }
    void send()
  })
  const stream = await take(`${url}/stream`, 3, 100_000)
  t.ok(red.equals(stream[0]!) && blue.equals(stream[1]!) && red.equals(stream[2]!))
  t.equal((await take(`${url}/ends`, 99, 100_000)).length, 3, 'it ends with its stream')
  const began = performance.now()
  const snaps = await take(`${url}/snap?channel=1`, 4, 20)
  t.ok(red.equals(snaps[0]!) && blue.equals(snaps[1]!))
  t.ok(performance.now() - began > 120, 'at the rate, not as fast as it can')
  await t.rejects(take(`${url}/page`, 1), {
    code: 'CAMERA_NOT_FOUND',
    message: `Expected pictures at ${url}/page but it is text/html, not multipart/x-mixed-replace or image/jpeg`,
  })
  await t.rejects(take(`${url}/gone`, 1), {
    message: `Expected pictures at ${url}/gone but the camera answers 404`,
  })
  await t.rejects(take('http://127.0.0.1:1/x', 1), {
    code: 'CAMERA_NOT_FOUND',
    message: 'Expected pictures at http://127.0.0.1:1/x but the request failed: bad port',
  })
  const stop = new AbortController()
  const pictures = parseSource(`${url}/stream`, 100_000)(stop.signal)[Symbol.asyncIterator]()
  for (let n = 0; n < 3; n++) await pictures.next()
  const silent = pictures.next()
  stop.abort()
  await t.rejects(silent, { name: 'AbortError' }, 'a stream that is silent ends when it is stopped')
})

t.test('http: logs in by Digest and Basic, and says when it may not', async t => {
  // The example of RFC 7616, 3.9.1.
  const login = new HttpLogin({ user: 'Mufasa', password: 'Circle of Life' })
  const nonce = '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v'
  const challenge = (algorithm: string) =>
    `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, nonce="${nonce}", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`
  const cnonce = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ'
  t.equal(login.authorization('/dir/index.html'), null)
  t.ok(login.challenged(challenge('MD5')))
  t.match(
    login.authorization('/dir/index.html', cnonce),
    'response="8ca523f5e9506fed4657c9700eebdbec"',
  )
  t.ok(login.challenged(challenge('SHA-256')))
  t.match(
    login.authorization('/dir/index.html', cnonce),
    'response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"',
  )
  t.notOk(new HttpLogin({ user: 'a', password: 'b' }).challenged('Negotiate'))

  const picture = await jpeg('#0f0')
  const md5 = (text: string) => createHash('md5').update(text).digest('hex')
  const heard: string[] = []
  const url = await httpCamera(t, (request, response) => {
    const { authorization = '' } = request.headers
    heard.push(authorization.split(' ')[0]!)
    const right = request.url!.startsWith('/digest')
      ? authorization.includes(
          `response="${md5(`${md5('cam:gate:geheim')}:n1:${md5(`GET:${request.url}`)}`)}"`,
        )
      : authorization === `Basic ${Buffer.from('cam:geheim').toString('base64')}`
    response.statusCode = right ? 200 : 401
    if (right) response.setHeader('content-type', 'image/jpeg')
    else
      response.setHeader(
        'www-authenticate',
        request.url!.startsWith('/digest')
          ? 'Digest realm="gate", nonce="n1"'
          : 'Basic realm="gate"',
      )
    response.end(right ? picture : '')
  })
  const file = secret(t, 'cam:geheim')
  for (const kind of ['digest', 'basic']) {
    const pictures = await take(`${url}/${kind}?x=1&credentials=${file}`, 2)
    t.ok(picture.equals(pictures[1]!), kind)
  }
  t.same(heard, ['', 'Digest', 'Digest', '', 'Basic', 'Basic'], 'it is asked once')
  await t.rejects(take(`${url}/basic?credentials=${secret(t, 'cam:geheim2')}`, 1), {
    code: 'CAMERA_LOGIN_REFUSED',
    message: `Expected pictures at ${url}/basic but the camera answers 401`,
  })
})

t.test('gst: runs a pipeline, and says what is wrong with it', { skip: noGst }, async t => {
  const caps = 'video/x-raw,format=I420,width=160,height=120,framerate=30/1'
  const pictures = await take(`gst:videotestsrc is-live=true pattern=ball ! ${caps} ! jpegenc`, 3)
  t.equal(await sizeOf(pictures[2]!), '160x120')
  t.same(pipelineWords('a name="b c" !  "x/y, z=(string)q" ! jpegenc'), [
    'a',
    'name="b c"',
    '!',
    '"x/y, z=(string)q"',
    '!',
    'jpegenc',
  ])
  await t.rejects(take('gst:nosuchsrc ! jpegenc', 1), {
    code: 'CAMERA_NOT_FOUND',
    message:
      'Expected a video at gst:nosuchsrc ! jpegenc but gst-launch-1.0 says: WARNING: erroneous pipeline: no element "nosuchsrc"',
  })
  await t.rejects(take('gst:v4l2src device=/dev/none ! jpegdec ! jpegenc', 1), {
    code: 'CAMERA_NOT_FOUND',
    message: /gst-launch-1.0 says: ERROR: from element .*Cannot identify device '\/dev\/none'/,
  })
})

/** Programs that stand in for ffmpeg and v4l2-ctl: they write down how they were called. */
function standIns(t: Test, programs: Record<string, string>): { log: () => string[] } {
  const dir = folder(t)
  for (const [name, script] of Object.entries(programs)) {
    const file = join(dir, name)
    writeFileSync(file, `#!/bin/sh\necho "${name} $*" >> ${dir}/log\n${script}\n`)
    chmodSync(file, 0o755)
  }
  const before = process.env.PATH
  process.env.PATH = `${dir}${delimiter}/usr/bin${delimiter}/bin`
  t.teardown(() => (process.env.PATH = before))
  return {
    log: () => readFileSync(join(dir, 'log'), 'utf8').trim().split('\n'),
  }
}

/** As v4l2-ctl 1.22 prints them. */
const formatList = (...names: string[]) =>
  `ioctl: VIDIOC_ENUM_FMT\n\tType: Video Capture\n\n${names.map((name, n) => `\t[${n}]: '${name}' (a format)`).join('\n')}`
const controlList = `
User Controls

                     brightness 0x00980900 (int)    : min=0 max=255 step=1 default=128 value=128

Camera Controls

                  auto_exposure 0x009a0901 (menu)   : min=0 max=3 default=3 value=3 (Aperture Priority Mode)
         exposure_time_absolute 0x009a0902 (int)    : min=3 max=2047 step=1 default=250 value=250 flags=inactive
     focus_automatic_continuous 0x009a090c (bool)   : default=1 value=1
`

t.test('v4l2: prefers MJPEG, and locks what the camera offers', async t => {
  t.same(formatsIn(formatList('MJPG', 'YUYV')), ['MJPG', 'YUYV'])
  const offered = controlsIn(controlList)
  t.ok(offered.has('auto_exposure') && offered.has('brightness'))
  t.same(settingsFor({ exposure: 150, focus: 30 }, offered), {
    settings: ['auto_exposure=1', 'exposure_time_absolute=150', 'focus_automatic_continuous=0'],
    missing: ['focus'],
  })
  const older = new Set(['exposure_auto', 'exposure_absolute', 'focus_auto', 'focus_absolute'])
  t.same(settingsFor({ exposure: 'lock', focus: 30 }, older), {
    settings: ['exposure_auto=1', 'focus_auto=0', 'focus_absolute=30'],
    missing: [],
  })
  t.same(settingsFor({ exposure: 'lock', focus: 9 }, new Set()), {
    settings: [],
    missing: ['focus'],
  })

  const dir = t.testdir({ 'p.jpg': await jpeg('#0ff'), 'by-id': { 'usb-cam': '' } })
  const picture = join(dir, 'p.jpg')
  const device = join(dir, 'by-id', 'usb-cam')
  const ctl = (formats: string) =>
    `case "$*" in *list-formats*) cat <<'X'\n${formats}\nX\n;; *list-ctrls*) cat <<'X'\n${controlList}\nX\n;; esac`
  const cat = `cat ${picture}`
  const quiet = '-nostdin -hide_banner -loglevel error -f v4l2'
  const both = standIns(t, { ffmpeg: cat, 'v4l2-ctl': ctl(formatList('YUYV', 'MJPG')) })
  t.equal((await take(`v4l2:${device}?exposure=150&focus=lock&size=640x480`, 9, 10)).length, 1)
  t.same(both.log(), [
    `v4l2-ctl -d ${device} --list-formats-ext`,
    `v4l2-ctl -d ${device} --list-ctrls`,
    `v4l2-ctl -d ${device} --set-ctrl auto_exposure=1`,
    `v4l2-ctl -d ${device} --set-ctrl exposure_time_absolute=150`,
    `v4l2-ctl -d ${device} --set-ctrl focus_automatic_continuous=0`,
    `ffmpeg ${quiet} -input_format mjpeg -video_size 640x480 -framerate 10 -i ${device} -an -c:v copy -f image2pipe pipe:1`,
  ])
  const raw = standIns(t, { ffmpeg: cat, 'v4l2-ctl': ctl(formatList('YUYV')) })
  await take(`v4l2:${device}`, 9, 5)
  t.equal(
    raw.log().at(-1),
    `ffmpeg ${quiet} -input_format yuyv422 -video_size 1280x720 -framerate 5 -i ${device} -an -vf fps=5 -c:v mjpeg -q:v 3 -f image2pipe pipe:1`,
  )
  const silent = standIns(t, { ffmpeg: cat, 'v4l2-ctl': 'exit 1' })
  await take(`v4l2:${device}`, 9, 5)
  t.match(silent.log().at(-1), '-input_format mjpeg', 'where nobody can say, it has MJPEG')

  const other = parseSource(
    `v4l2:${device}`,
    9,
  )(new AbortController().signal)[Symbol.asyncIterator]()
  await other.next()
  const alias = join(dir, 'alias')
  symlinkSync(device, alias)
  const before = silent.log().length
  await t.rejects(take(`v4l2:${alias}?exposure=1`, 1), {
    code: 'CAMERA_BUSY',
    message: `Expected ${alias} to be free but another camera of a grocerd on this box has it`,
  })
  t.equal(silent.log().length, before, 'whose camera it is, its controls are not touched')
  await other.return!()
  t.equal((await take(`v4l2:${alias}`, 1)).length, 1, 'given back')

  const says = (words: string) =>
    standIns(t, { ffmpeg: `echo "${words}" >&2; exit 1`, 'v4l2-ctl': '' })
  says(`${device}: Device or resource busy`)
  await t.rejects(take(`v4l2:${device}`, 1), {
    code: 'CAMERA_BUSY',
    message: `Expected a video at ${device} but ffmpeg says: ${device}: Device or resource busy`,
  })
  says(`${device}: Permission denied`)
  await t.rejects(take(`v4l2:${device}`, 1), { code: 'CAMERA_DENIED' })
  await t.rejects(take(`v4l2:${device}0`, 1), {
    code: 'CAMERA_NOT_FOUND',
    message: `Expected a camera at ${device}0 but received ENOENT; ${device.slice(0, -8)} holds usb-cam`,
  })
  await t.rejects(take('v4l2:/dev/video977', 1), {
    message:
      /^Expected a camera at \/dev\/video977 but received ENOENT; \/dev holds (video\d+|no video device)/,
  })
  process.env.PATH = folder(t)
  await t.rejects(take(`v4l2:${device}`, 1), {
    code: 'FFMPEG_NOT_FOUND',
    message: `Expected ffmpeg on the PATH to read ${device} but there is none`,
  })
  await t.rejects(take('gst:videotestsrc ! jpegenc', 1), {
    code: 'GSTREAMER_NOT_FOUND',
    message:
      'Expected gst-launch-1.0 on the PATH to read gst:videotestsrc ! jpegenc but there is none',
  })
})

t.test('the GPU decodes where it is asked to', async t => {
  const calls = standIns(t, { ffmpeg: 'exit 0' })
  await take('rtsp://h/1?decode=vaapi', 1, 10)
  await take('rtsp://h/1?decode=jetson&channel=2&transport=udp', 1, 10)
  await take('file:/clip.mp4?decode=vaapi', 1, 10)
  const [vaapi, jetson, clip] = calls.log()
  const list = 'rtsp,rtsps,rtp,srtp,udp,tcp,tls,crypto'
  const output = '-an -vf fps=10 -c:v mjpeg -q:v 3 -f image2pipe pipe:1'
  const quiet = 'ffmpeg -nostdin -hide_banner -loglevel error'
  const soon = '-fflags nobuffer -flags low_delay'
  const gpu = '-hwaccel vaapi -hwaccel_device /dev/dri/renderD128'
  t.equal(
    vaapi,
    `${quiet} ${gpu} ${soon} -protocol_whitelist ${list} -rtsp_transport tcp -i rtsp://h/1 ${output}`,
  )
  t.equal(
    jetson,
    `${quiet} -c:v h264_nvv4l2dec ${soon} -protocol_whitelist ${list} -rtsp_transport udp -i rtsp://h/1?channel=2 ${output}`,
  )
  t.equal(clip, `${quiet} -protocol_whitelist file ${gpu} -re -i file:/clip.mp4 ${output}`)
})

t.test('what comes before its time is left out', async t => {
  async function* fast() {
    for (let n = 0; n < 20; n++) {
      yield Uint8Array.of(n)
      await sleep(10)
    }
  }
  let kept = 0
  for await (const _ of thinned(fast(), 20)) kept++
  t.ok(kept >= 3 && kept <= 8, `${kept} of 20 pictures in about 0.2 s at 20 a second`)
})

t.test(
  'kill -9 on vision leaves no program on a camera',
  { skip: noGst || noRtspServer },
  async t => {
    const server = await rtspServer()
    t.teardown(() => server.process.kill('SIGKILL'))
    const more = { fps: 5, mode: 'stream' }
    const daemon = await startDaemon(t.testdir(), {
      cameras: [
        { id: 'csi', source: 'gst:videotestsrc is-live=true ! jpegenc', ...more },
        { id: 'net', source: server.url, ...more },
      ],
    })
    t.teardown(() => daemon.process.kill('SIGKILL'))
    const till = new Listener(daemon.mqttUrl)
    t.teardown(() => till.stop())
    const both = async (from = 0) => {
      for (const id of ['csi', 'net'])
        await till.until(one => one.topic === `frames/${id}`, `frame of ${id}`, {
          from,
          ms: 30_000,
        })
    }
    await both()
    const pgrep = (...args: string[]) =>
      spawnSync('pgrep', args).stdout.toString().trim().split('\n').filter(Boolean).map(Number)
    const [vision] = pgrep('-P', String(daemon.process.pid), '-f', 'vision.js') as [number]
    const children = pgrep('-P', String(vision), 'ffmpeg|gst-launch')
    t.equal(children.length, 2)
    const isThere = (pid: number) => spawnSync('kill', ['-0', String(pid)]).status === 0
    process.kill(vision, 'SIGKILL')
    for (let n = 0; n < 150 && children.some(isThere); n++) await sleep(20)
    t.same(children.filter(isThere), [], 'both are gone within 3 s')
    await till.until(
      one => one.topic === 'state' && one.message.readiness === 'degraded',
      'degraded',
    )
    await both(till.heard.length)
    daemon.process.kill('SIGTERM')
    t.equal(await daemon.ended, 0)
  },
)
