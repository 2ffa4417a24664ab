// Pictures decoded in planes at a DCT scale against the same pictures decoded whole into RGB, through every fit, turn, box and odd size.
import sharp, { type Sharp } from 'sharp'
import t from 'tap'
import {
  type Box,
  decodeJpeg,
  hasTurboJpeg,
  jpegLuma,
  preprocess,
  type Rotation,
} from '../src/inference/addon.js'
import { lumaGrid } from '../src/recognition/scene.js'
import { spec } from './helpers/input-spec.js'

/** Slopes and waves in all colours, so that a wrong turn, plane or order shows. */
function scene(width: number, height: number): Sharp {
  const rgb = Buffer.alloc(width * height * 3)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      rgb.set(
        [
          (255 * x) / width,
          128 + 100 * Math.sin(x / 60 + y / 45),
          (200 * y) / height + (x % 7) + (y % 5),
        ],
        (y * width + x) * 3,
      )
  return sharp(rgb, { raw: { width, height, channels: 3 } })
}

const meanDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0
  for (let at = 0; at < a.length; at++) sum += Math.abs(a[at]! - b[at]!)
  return sum / a.length
}

const skip = hasTurboJpeg() ? false : 'libturbojpeg is not on this machine'

/** What sharp can make; native/test has 4:2:2. */
const samplings = ['4:2:0', '4:4:4', '4:2:0'] as const

t.test(
  'planes at a DCT scale are the picture within 2 grey levels on average',
  { skip },
  async t => {
    let most = 0
    for (const [width, height] of [
      [640, 480],
      [1279, 719],
      [331, 1001],
    ] as const) {
      for (const [index, chromaSubsampling] of samplings.entries()) {
        for (const fit of ['fill', 'crop', 'letterbox'] as const) {
          const orientation = 1 + ((index * 3 + width + fit.length) % 8)
          const rotate = (((index + height) % 4) * 90) as Rotation
          const box: Box = index === 1 ? [0.11, 0.2, 0.83, 0.97] : [0, 0, 1, 1]
          const jpeg = await scene(width, height)
            .withMetadata({ orientation })
            .jpeg({ quality: 92, chromaSubsampling })
            .toBuffer()
          const wanted = spec(64, 40 + 8 * index, {
            fit,
            filter: index === 2 ? 'bilinear' : 'area',
            layout: index === 0 ? 'nhwc' : 'nchw',
            channels: index === 1 ? 'bgr' : 'rgb',
          })
          const { tensor } = await preprocess({ jpeg, box, rotate }, wanted)
          const whole = await decodeJpeg(jpeg, { rotate })
          const { tensor: reference } = await preprocess({ ...whole, box }, wanted)
          const difference = meanDifference(tensor, reference)
          most = Math.max(most, difference)
          if (difference > 2)
            t.fail(`${width}x${height} ${chromaSubsampling} ${fit}: ${difference.toFixed(2)}`)
        }
      }
    }
    t.ok(most > 0, 'a scaled decode is not the whole one')
    t.comment(`the largest mean difference is ${most.toFixed(2)} grey levels`)
  },
)

t.test('grey, progressive and whole-size pictures give what they gave', async t => {
  const wanted = spec(32, 32)
  const grey = await scene(640, 480).toColourspace('b-w').jpeg().toBuffer()
  const progressive = await scene(640, 480).jpeg({ progressive: true }).toBuffer()
  const small = await scene(40, 40).jpeg({ chromaSubsampling: '4:2:0' }).toBuffer()
  for (const [jpeg, least] of [
    [grey, 2],
    [progressive, 2],
    [small, 1e-6],
  ] as const) {
    const { tensor } = await preprocess({ jpeg }, wanted)
    const { tensor: reference } = await preprocess(await decodeJpeg(jpeg), wanted)
    t.ok(meanDifference(tensor, reference) <= least)
  }
})

t.test('the grid is the brightness of its cells', { skip }, async t => {
  for (const [orientation, rotate, box] of [
    [1, 0, [0, 0, 1, 1]],
    [6, 0, [0.1, 0.2, 0.7, 0.9]],
    [3, 90, [0.25, 0, 1, 0.5]],
  ] as [number, Rotation, Box][]) {
    const jpeg = await scene(1280, 720).withMetadata({ orientation }).jpeg().toBuffer()
    const whole = await decodeJpeg(jpeg, { rotate })
    const expected = lumaGrid(whole.rgb, whole.width, whole.height, box)
    const grid = await jpegLuma({ jpeg, rotate, box }, { columns: 32, rows: 24 })
    t.equal(grid.length, expected.length)
    const difference = meanDifference(grid, expected) * 255
    t.ok(difference < 2, `orientation ${orientation}, turned by ${rotate}: ${difference}`)
  }
  const jpeg = await scene(640, 480).jpeg().toBuffer()
  const size = { columns: 32, rows: 24 }
  await t.rejects(jpegLuma({ jpeg: jpeg.subarray(0, jpeg.length / 2) }, size), {
    code: 'IMAGE_TRUNCATED',
  })
  await t.rejects(jpegLuma({ jpeg }, { columns: 0, rows: 24 }), {
    message: 'Expected 1 to 512 columns and rows',
  })
})
