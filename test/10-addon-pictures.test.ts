// Pictures through the addon: decoding, rotation, crop and resize against plain code and against
// sharp, and a code for everything that is wrong with a picture.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp, { type JpegOptions } from 'sharp'
import t, { type Test } from 'tap'
import {
  decodeJpeg,
  hasTurboJpeg,
  preprocess,
  probeTurboJpeg,
  readJpegHeader,
} from '../src/inference/addon.js'
import { decodeWithSharp } from '../src/inference/sharp-decode.js'
import { spec } from './helpers/input-spec.js'

const child = fileURLToPath(new URL('./helpers/addon-child.ts', import.meta.url))
const noTurboJpeg = probeTurboJpeg().found ? false : 'libturbojpeg is not on this machine'

/** A picture whose every pixel differs, so that a wrong turn or order shows. */
async function photograph(
  width: number,
  height: number,
  options: JpegOptions = {},
): Promise<Buffer> {
  const rgb = Buffer.alloc(width * height * 3)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      rgb.set(
        [(255 * x) / width, (255 * y) / height, 128 + 100 * Math.sin(x / 40 + y / 30)],
        (y * width + x) * 3,
      )
  return sharp(rgb, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 95, ...options })
    .toBuffer()
}

t.test(
  'keeps a golden tensor: crop, area, turn, order and scale as written down in plain code',
  async t => {
    const [width, height] = [90, 60]
    const rgb = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7919) % 251)
    const box = [0.1, 0.2, 0.9, 0.8] as const
    const wanted = spec(16, 9, {
      channels: 'bgr',
      layout: 'nhwc',
      mean: [104, 117, 123],
      scale: [2, 3, 4],
    })
    const { tensor } = await preprocess({ rgb, width, height, box: [...box] }, wanted)
    const [x0, y0] = [9, 12]
    for (let y = 0; y < 9; y++)
      for (let x = 0; x < 16; x++)
        for (let c = 0; c < 3; c++) {
          // 72 x 36 source pixels into 16 x 9: blocks of 4.5 x 4.
          const [left, right] = [x0 + x * 4.5, x0 + (x + 1) * 4.5]
          let sum = 0
          for (let sy = y0 + y * 4; sy < y0 + y * 4 + 4; sy++)
            for (let sx = Math.floor(left); sx < Math.ceil(right); sx++)
              sum +=
                rgb[(sy * width + sx) * 3 + 2 - c]! * (Math.min(sx + 1, right) - Math.max(sx, left))
          const expected = (Math.round(sum / 18) - wanted.mean[c]!) / wanted.scale[c]!
          const half = Math.abs((sum / 18) % 1) === 0.5 // to even there, up in Math.round
          if (!half && Math.abs(tensor[(y * 16 + x) * 3 + c]! - expected) > 1e-4)
            t.fail(`pixel ${x},${y},${c}`)
        }
    t.equal(tensor.length, 16 * 9 * 3)
  },
)

t.test('reads pictures as a viewer shows them', async t => {
  const plain = await photograph(64, 40)
  t.same(readJpegHeader(plain), {
    width: 64,
    height: 40,
    orientation: 1,
    components: 3,
    progressive: false,
  })
  const upright = await decodeJpeg(plain)
  t.match(upright, { width: 64, height: 40 })
  for (let orientation = 1; orientation <= 8; orientation++) {
    const turned = await sharp(plain).withMetadata({ orientation }).jpeg({ quality: 95 }).toBuffer()
    t.equal(readJpegHeader(turned).orientation, orientation)
    const { data, info } = await sharp(turned)
      .autoOrient()
      .raw()
      .toBuffer({ resolveWithObject: true })
    const ours = await decodeJpeg(turned)
    t.match(ours, { width: info.width, height: info.height })
    t.ok(difference(ours.rgb, data) < 1, `orientation ${orientation}`)
  }
  const grey = await sharp(plain).toColourspace('b-w').jpeg().toBuffer()
  t.equal(readJpegHeader(grey).components, 1)
  t.equal((await decodeJpeg(grey)).rgb.length, 64 * 40 * 3)
  const progressive = await photograph(64, 40, { progressive: true })
  t.equal(readJpegHeader(progressive).progressive, true)
  t.ok(difference((await decodeJpeg(progressive)).rgb, upright.rgb) < 1)
  t.match(await decodeJpeg(await photograph(640, 400), { maxSide: 150 }), {
    width: 160,
    height: 100,
  })
  t.match(await decodeJpeg(await photograph(641, 400), { maxSide: 400 }), {
    width: 641,
    height: 400,
  })
  await t.rejects(decodeJpeg(plain, { rotate: 45 as 90 }), {
    message: /Expected 0, 90, 180 or 270/,
  })
})

t.test('names every bad picture by its code, with and without libturbojpeg', async t => {
  const good = await photograph(320, 240)
  const huge = Buffer.from(await photograph(8, 8))
  const frame = huge.indexOf(Buffer.from([0xff, 0xc0]))
  huge.writeUInt16BE(16000, frame + 5)
  huge.writeUInt16BE(16000, frame + 7)
  const deep = Buffer.from(good)
  deep[deep.indexOf(Buffer.from([0xff, 0xc0])) + 4] = 12
  const cases: [string, Uint8Array, string, RegExp][] = [
    ['no bytes', Buffer.alloc(0), 'IMAGE_EMPTY', /^Expected a JPEG but received 0 bytes$/],
    [
      'text',
      Buffer.from('hello, world'),
      'IMAGE_UNREADABLE',
      /^Expected a JPEG but its first bytes are not FF D8$/,
    ],
    ['a PNG', await sharp(good).png().toBuffer(), 'IMAGE_UNREADABLE', /first bytes are not FF D8$/],
    [
      'a header only',
      good.subarray(0, 100),
      'IMAGE_TRUNCATED',
      /^Expected a whole JPEG but it ends after 100 bytes/,
    ],
    [
      'half a picture',
      good.subarray(0, good.length >> 1),
      'IMAGE_TRUNCATED',
      /^Expected a whole JPEG but part of it is missing: /,
    ],
    [
      'CMYK',
      await sharp(good).toColourspace('cmyk').jpeg().toBuffer(),
      'IMAGE_UNSUPPORTED',
      /^Expected a grey or RGB JPEG but it has 4 components \(CMYK\)$/,
    ],
    ['12 bits', deep, 'IMAGE_UNSUPPORTED', /^Expected a JPEG of 8 bits a channel but received 12$/],
    [
      '256 megapixels',
      huge,
      'IMAGE_TOO_LARGE',
      /^Expected at most 12582912 pixels but the picture has 16000x16000$/,
    ],
  ]
  for (const [name, jpeg, code, message] of cases) {
    await t.rejects(decodeJpeg(jpeg), { code, message }, name)
    await t.rejects(preprocess({ jpeg }, spec(8, 8)), { code, message }, `${name}, to a tensor`)
    await t.rejects(
      async () => decodeWithSharp(jpeg, readJpegHeader(jpeg), {}),
      { code, message },
      `${name}, by sharp`,
    )
  }
})

t.test('gives the same pixels without libturbojpeg', { skip: noTurboJpeg }, async t => {
  t.equal(hasTurboJpeg(), true)
  const jpeg = await sharp(await photograph(300, 200))
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer()
  for (const options of [{}, { rotate: 90 }, { rotate: 180, maxSide: 120 }] as const) {
    const turbo = await decodeJpeg(jpeg, options)
    const bySharp = await decodeWithSharp(jpeg, readJpegHeader(jpeg), options)
    t.match(bySharp, { width: turbo.width, height: turbo.height })
    t.ok(
      difference(turbo.rgb, bySharp.rgb) < 2,
      `${difference(turbo.rgb, bySharp.rgb)} grey levels`,
    )
  }
  const file = join(t.testdir(), 'picture.jpg')
  writeFileSync(file, jpeg)
  const answer = await ask(t, ['decode without libturbojpeg', file], {
    GROCERD_TURBOJPEG_DIR: '/nowhere',
  })
  t.match(answer, { turbo: false, width: 300, height: 200 })
  const turbo = await decodeJpeg(jpeg, { rotate: 90 })
  t.ok(difference(turbo.rgb, Buffer.from((answer as { rgb: string }).rgb, 'base64')) < 2)
})

t.test(
  'crops the same box from a JPEG at any scale as from its pixels',
  { skip: noTurboJpeg },
  async t => {
    const jpeg = await sharp(await photograph(1203, 801))
      .withMetadata({ orientation: 8 })
      .jpeg({ quality: 95 })
      .toBuffer()
    const { rgb, width, height } = await decodeJpeg(jpeg)
    for (const box of [
      [0, 0, 1, 1],
      [0.2, 0.1, 0.9, 0.95],
      [0.4, 0.4, 0.6, 0.5],
    ] as const)
      for (const fit of ['fill', 'crop', 'letterbox'] as const) {
        const wanted = spec(96, 64, { fit })
        const scaled = await preprocess({ jpeg, box: [...box] }, wanted)
        const full = await preprocess({ rgb, width, height, box: [...box] }, wanted)
        t.ok(
          difference(scaled.tensor, full.tensor) < 1.5,
          `${box} ${fit}: ${difference(scaled.tensor, full.tensor)}`,
        )
      }
  },
)

function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]! - b[i]!)
  return sum / a.length
}

/** Runs a task of helpers/addon-child.ts and returns the first message it sends. */
async function ask(t: Test, args: string[], env: NodeJS.ProcessEnv = {}): Promise<unknown> {
  const answering = fork(child, args, { env: { ...process.env, ...env } })
  t.teardown(() => answering.kill())
  const [message] = await Promise.race([
    once(answering, 'message'),
    once(answering, 'exit').then(([code]) => [`ended with ${code} and no message`]),
  ])
  return message
}
