// Cameras: sources and their words, the newest frame wins, and a lost camera comes back by itself.
import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import sharp from 'sharp'
import t from 'tap'
import { Camera } from '../src/cameras/camera.js'
import { JpegSplitter } from '../src/cameras/jpeg-splitter.js'
import { PictureHealth } from '../src/cameras/picture-health.js'
import { parseSource } from '../src/cameras/schemes.js'
import { systemClock } from '../src/clock.js'
import { hasFfmpeg, makeClip } from './helpers/clip.js'
import { HandClock } from './helpers/kiosk-parts.js'

const picture = (background: string) =>
  sharp({ create: { width: 64, height: 48, channels: 3, background } })
    .jpeg()
    .toBuffer()

const config = (source: string, fps = 50) => ({
  id: 'cam',
  source,
  fps,
  roi: [0, 0, 1, 1] as [number, number, number, number],
  rotate: 0 as const,
  mode: 'single' as const,
  mask: null,
})

t.test('a source that is wrong is told with what was expected', async t => {
  const cases: [string, string][] = [
    ['pictures', 'source "pictures": Expected a URI such as dir:FOLDER or file:CLIP'],
    ['dir:', 'source "dir:": Expected a path after dir:'],
    [
      'dirr:x',
      'source "dirr:x": Expected dir:, file:, v4l2:, rtsp:, rtsps:, http:, https: or gst: but received dirr:',
    ],
    [
      'constructor:x',
      'source "constructor:x": Expected dir:, file:, v4l2:, rtsp:, rtsps:, http:, https: or gst: but received constructor:',
    ],
    ['dir:x?hodl=2s', 'source "dir:x?hodl=2s": Unknown option "hodl"; did you mean "hold"?'],
    [
      'dir:x?hold=2',
      'source "dir:x?hold=2": Expected a duration such as 2s for hold but received "2"',
    ],
    [
      'dir:x?hold=0s',
      'source "dir:x?hold=0s": Expected a duration above 0 for hold but received "0s"',
    ],
    ['dir:x?loop=yes', 'source "dir:x?loop=yes": Expected 0 or 1 for loop but received "yes"'],
  ]
  for (const [uri, message] of cases) {
    t.throws(() => parseSource(uri, 10), { code: 'CAMERA_SOURCE_INVALID', message }, uri)
  }
})

t.test(
  'dir: shows each picture for hold at the rate, then an empty frame for gap, in name order',
  async t => {
    const [red, blue] = [await picture('#f00'), await picture('#00f')]
    const dir = t.testdir({ 'b.jpg': blue, 'a.jpg': red, 'c.60ms.jpg': red, 'notes.txt': 'x' })
    const source = parseSource(`dir:${dir}?hold=100ms&gap=40ms&loop=0`, 50)
    const seen: string[] = []
    for await (const bytes of source(new AbortController().signal)) {
      seen.push(red.equals(bytes) ? 'red' : blue.equals(bytes) ? 'blue' : 'empty')
    }
    const empty = ['empty', 'empty']
    const times = (count: number, what: string) => Array<string>(count).fill(what)
    t.equal(
      seen.join(' '),
      [times(5, 'red'), empty, times(5, 'blue'), empty, times(3, 'red'), empty].flat().join(' '),
      'a name may say how long',
    )
  },
)

t.test('dir: shows each picture once where a period of the rate is longer than hold', async t => {
  const dir = t.testdir({ 'a.jpg': 'a', 'b.jpg': 'b', 'c.jpg': 'c' })
  for (const hold of ['1ms', '0.00000000000001ms']) {
    const seen: string[] = []
    const source = parseSource(`dir:${dir}?hold=${hold}&loop=0`, 20)
    for await (const bytes of source(new AbortController().signal)) seen.push(String(bytes))
    t.same(seen, ['a', 'b', 'c'], hold)
  }
})

t.test('dir: ends at once when it is stopped, and is lost when its pictures vanish', async t => {
  const dir = t.testdir({ 'a.jpg': 'a', 'b.jpg': 'b' })
  const stop = new AbortController()
  const frames = parseSource(`dir:${dir}?hold=1h`, 10)(stop.signal)[Symbol.asyncIterator]()
  await frames.next()
  stop.abort()
  await t.rejects(frames.next(), { name: 'AbortError' })

  const never = new AbortController().signal
  const looping = parseSource(`dir:${dir}?hold=1ms`, 20)(never)[Symbol.asyncIterator]()
  t.equal(String((await looping.next()).value), 'a')
  rmSync(`${dir}/b.jpg`)
  await t.rejects(looping.next(), {
    code: 'CAMERA_NOT_FOUND',
    message: `Expected a picture at ${dir}/b.jpg: ENOENT`,
  })
  rmSync(`${dir}/a.jpg`)
  await t.rejects(parseSource(`dir:${dir}`, 20)(never)[Symbol.asyncIterator]().next(), {
    code: 'CAMERA_NOT_FOUND',
  })
})

t.test('failures in a row make a camera stalled, and no reopening hides them', t => {
  const said: string[] = []
  const failures = new PictureHealth({ id: 'cam', isLive: true }, new HandClock(), (...word) =>
    said.push([word[0], word[1]?.message].filter(Boolean).join(' ')),
  )
  const recognised = () => failures.seen({ dark: false, unchanged: false, view: null })
  const fail = (times: number) => {
    for (let n = 1; n <= times; n++) failures.failed({ code: 'IMAGE_EMPTY', message: `bad ${n}` })
  }
  const saysNext = (expected: string[], words: string) => t.same(said.splice(0), expected, words)
  failures.source('connecting', null)
  failures.source('live', null)
  saysNext(['connecting', 'live'], 'what the source says is passed on')
  fail(9)
  recognised()
  fail(9)
  saysNext([], 'a good picture between them starts the row again')
  failures.failed({ code: 'IMAGE_EMPTY', message: 'the tenth' })
  fail(5)
  saysNext(['stalled the tenth'], 'ten in a row, said once')
  failures.source('lost', { code: 'CAMERA_NOT_FOUND', message: 'gone' })
  failures.source('connecting', null)
  failures.source('live', null)
  saysNext(['lost gone', 'connecting', 'stalled the tenth'], 'open again, and not well yet')
  recognised()
  recognised()
  saysNext(['live'], 'a good picture')
  fail(10)
  failures.source('lost', { code: 'CAMERA_NOT_FOUND', message: 'gone' })
  recognised()
  saysNext(['stalled bad 10', 'lost gone'], 'the last picture of a lost camera is no life')
  failures.source('live', null)
  saysNext(['live'], 'nothing is held against it')

  const told = Array.from({ length: 2500 }, (_, index) => (failures.tells() ? index + 1 : 0))
  t.same(told.filter(Boolean), [1, 1000, 2000], 'told: the first and every thousandth')
  t.end()
})

t.test('dark for three seconds, the same for ten: said once, and taken back at once', t => {
  for (const isLive of [true, false]) {
    const clock = new HandClock()
    const said: string[] = []
    const pictures = new PictureHealth({ id: 'cam', isLive }, clock, (status, reason) =>
      said.push([status, reason?.code, reason?.message].filter(Boolean).join(' ')),
    )
    const frozen =
      'frozen CAMERA_FROZEN camera cam: Expected the noise of a sensor but its picture has not changed for 10 s'
    const dark =
      'dark CAMERA_DARK camera cam: Expected to see something but its pictures are dark: the light is off or something covers it'
    /** Ten pictures a second for so long. */
    const show = (seconds: number, look: object) => {
      for (let n = 0; n < seconds * 10; n++) {
        clock.advance(100)
        pictures.seen({ dark: false, unchanged: false, view: null, ...look })
      }
    }
    const saysNext = (expected: string[], words: string) => t.same(said.splice(0), expected, words)
    const same = { unchanged: true }
    pictures.source('live', null)
    show(60, {})
    show(9.9, same)
    saysNext(['live'], 'not quite ten seconds')
    t.notOk(pictures.isFrozen)
    show(20, same)
    saysNext(isLive ? [frozen] : [], 'ten seconds the same')
    t.equal(pictures.isFrozen, isLive, 'a recording may repeat itself')
    show(0.1, {})
    saysNext(isLive ? ['live'] : [], 'one other picture')
    show(3, { dark: true })
    show(0.1, {})
    saysNext([], 'a hand before the lens')
    // A covered lens may be black without any noise.
    show(30, { dark: true, unchanged: true })
    saysNext([dark], 'covered')
    pictures.source('lost', { code: 'CAMERA_LOST', message: 'gone' })
    clock.advance(60_000)
    pictures.source('live', null)
    show(0.1, { dark: true })
    saysNext(['lost CAMERA_LOST gone', dark], 'open again, and still dark')
    show(0.1, {})
    saysNext(['live'], 'uncovered')
    show(5, same)
    pictures.source('lost', { code: 'CAMERA_LOST', message: 'gone' })
    clock.advance(60_000)
    pictures.source('live', null)
    show(9, same)
    saysNext(['lost CAMERA_LOST gone', 'live'], 'the time without pictures does not count')
  }
  t.end()
})

t.test('a camera that is not there is lost, tried again, and live when it comes', async t => {
  const dir = t.testdir({})
  rmSync(dir, { recursive: true })
  const said: string[] = []
  let lost = () => {}
  const wasLost = new Promise<void>(resolve => {
    lost = resolve
  })
  const camera = new Camera(config(`dir:${dir}`), systemClock, (status, reason) => {
    said.push(reason ? `${status} ${reason.code}: ${reason.message}` : status)
    if (status === 'lost') lost()
  })
  camera.start()
  t.teardown(() => camera.stop())
  await wasLost
  t.testdir({ 'a.jpg': await picture('#f00') })
  for await (const frame of camera.newest()) {
    t.equal(frame.number, 0)
    break
  }
  t.same(said, [
    'connecting',
    `lost CAMERA_NOT_FOUND: Expected a folder at ${dir} but opening it failed: ENOENT`,
    'connecting',
    'live',
  ])
  writeFileSync(`${dir}/b.jpg`, 'x')
})

t.test('a dead camera never slows another', async t => {
  const dir = t.testdir({ 'a.jpg': await picture('#f00') })
  const dead = new Camera(config(`dir:${dir}/nowhere`), systemClock, () => {})
  const live = new Camera(config(`dir:${dir}`, 50), systemClock, () => {})
  for (const camera of [dead, live]) {
    camera.start()
    t.teardown(() => camera.stop())
  }
  const began = performance.now()
  for await (const frame of live.newest()) if (frame.number >= 20) break
  t.ok(performance.now() - began < 1500, '20 frames at 50 a second')
  t.equal(dead.frames, 0)
})

t.test('a folder without pictures is told as such', async t => {
  const dir = t.testdir({ 'a.txt': '' })
  const frames = parseSource(`dir:${dir}`, 10)(new AbortController().signal)
  await t.rejects(frames[Symbol.asyncIterator]().next(), {
    code: 'CAMERA_NOT_FOUND',
    message: `Expected .jpg or .png pictures in ${dir} but it holds none`,
  })
})

t.test('the newest frame wins: a slow reader skips frames, and they are counted', async t => {
  const dir = t.testdir({ 'a.jpg': await picture('#0f0') })
  const camera = new Camera(config(`dir:${dir}`, 100), systemClock, () => {})
  camera.start()
  const numbers: number[] = []
  for await (const frame of camera.newest()) {
    numbers.push(frame.number)
    if (numbers.length === 3) break
    await sleep(100)
  }
  await camera.stop()
  t.ok(numbers[1]! - numbers[0]! >= 4, `frames ${numbers} were skipped to`)
  t.equal(
    camera.dropped,
    camera.frames - numbers.length - (camera.frames - 1 - numbers.at(-1)! > 0 ? 1 : 0),
  )
})

t.test('a camera that ends says so, and stop ends its readers', async t => {
  const dir = t.testdir({ 'a.jpg': await picture('#0f0') })
  let ended = () => {}
  const whenEnded = new Promise<void>(resolve => {
    ended = resolve
  })
  const camera = new Camera(
    config(`dir:${dir}?hold=20ms&loop=0`),
    systemClock,
    (status, reason) => {
      if (status !== 'ended') return
      t.same(reason, { code: 'CAMERA_ENDED', message: 'camera cam has been read to its end' })
      ended()
    },
  )
  camera.start()
  await whenEnded
  const reading = (async () => {
    let frames = 0
    for await (const _ of camera.newest()) frames++
    return frames
  })()
  await camera.stop()
  t.equal(await reading, 1, 'the last frame, and then the end')
})

t.test('pictures are cut from a stream wherever its chunks end', async t => {
  const [a, b] = [
    await picture('#f00'),
    await sharp({
      create: {
        width: 120,
        height: 90,
        channels: 3,
        background: '#345',
        noise: { type: 'gaussian', mean: 128, sigma: 40 },
      },
    })
      .jpeg({ progressive: true })
      .toBuffer(),
  ]
  // A thumbnail inside APP1 has its own end marker, which must not end the picture.
  const thumbnail = Buffer.concat([Buffer.from([0xff, 0xe1]), Buffer.from([0, a.length + 2]), a])
  thumbnail.writeUInt16BE(a.length + 2, 2)
  const nested = Buffer.concat([a.subarray(0, 2), thumbnail, a.subarray(2)])
  const stream = Buffer.concat([Buffer.from('noise'), a, b, nested, Buffer.from([0, 0]), b, a])
  for (const size of [1, 7, 1000, stream.length]) {
    const splitter = new JpegSplitter()
    const found: Buffer[] = []
    for (let at = 0; at < stream.length; at += size)
      found.push(...splitter.push(stream.subarray(at, at + size)))
    t.same(
      found.map(one => one.length),
      [a, b, nested, b, a].map(one => one.length),
      `chunks of ${size}`,
    )
    t.ok(found.every((one, index) => one.equals([a, b, nested, b, a][index]!)))
  }
})

t.test(
  'file: reads a clip by ffmpeg, and says what is wrong with one',
  { skip: hasFfmpeg ? false : 'ffmpeg is not installed' },
  async t => {
    const dir = t.testdir({ 'text.mp4': 'no video' })
    makeClip(`${dir}/clip.mp4`, 1, '160x120')
    const pictures: Uint8Array[] = []
    for await (const one of parseSource(`file:${dir}/clip.mp4`, 5)(new AbortController().signal))
      pictures.push(one)
    t.ok(
      pictures.length >= 4 && pictures.length <= 6,
      `${pictures.length} pictures of one second at 5 a second`,
    )
    t.match(await sharp(pictures[0]).metadata(), { format: 'jpeg', width: 160, height: 120 })
    for (const [name, words] of [
      ['none.mp4', /^Expected a video at .*none.mp4 but ffmpeg says: .*No such file or directory/],
      ['text.mp4', /^Expected a video at .*text.mp4 but ffmpeg says: .*Invalid data/],
    ] as const) {
      const frames = parseSource(`file:${dir}/${name}`, 5)(new AbortController().signal)
      await t.rejects(frames[Symbol.asyncIterator]().next(), {
        code: 'CAMERA_NOT_FOUND',
        message: words,
      })
    }
  },
)

t.test(
  'stopping a file: camera ends its ffmpeg at once',
  { skip: hasFfmpeg ? false : 'ffmpeg is not installed' },
  async t => {
    const dir = t.testdir({})
    makeClip(`${dir}/clip.mp4`, 2, '160x120')
    const camera = new Camera(config(`file:${dir}/clip.mp4?loop=1`, 10), systemClock, () => {})
    camera.start()
    for await (const _ of camera.newest()) break
    await camera.stop()
    await sleep(50)
    const left = spawnSync('pgrep', ['-f', `${dir}/clip.mp4`]).stdout.toString()
    t.equal(left, '', 'no ffmpeg is left')
  },
)
