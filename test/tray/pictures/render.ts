// Frames of a clip as pictures: what the stage says lies there, under its hand and its light, as a camera would see it.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Box } from '../../../src/recognition/types.js'
import { randomOf } from '../random.js'
import type { Goods, Thing, TruthFrame } from '../stage.js'
import { Canvas, type Colour, sensorNoise } from './canvas.js'
import { type Cutout, cutOut } from './cutout.js'
import { counterGround } from './ground.js'
import { pictureSize } from './size.js'

/** Pictures to cut goods from, by sku. */
export type Cutouts = ReadonlyMap<string, Cutout>

/** A folder of studio pictures, each named by its sku. */
export async function readCutouts(folder: string): Promise<Cutouts> {
  const names = readdirSync(folder).filter(name => name.endsWith('.jpg'))
  const pairs = names.sort().map(async name => {
    return [name.slice(0, -4), await cutOut(join(folder, name))] as const
  })
  return new Map(await Promise.all(pairs))
}

/** What a stage must know of them: a box has the shape of its cut-out. */
export const goodsOf = (cutouts: Cutouts): Goods => ({
  skus: [...cutouts.keys()],
  shape(sku) {
    const { width, height } = cutouts.get(sku)!
    return (width / height) * (pictureSize.height / pictureSize.width)
  },
  sizes: { across: [0.14, 0.24], down: [0.26, 0.4] },
})

const skins: readonly Colour[] = [
  [224, 172, 136],
  [188, 132, 98],
  [126, 84, 60],
  [240, 200, 172],
]

/** From the lower edge: a sleeve, a forearm and five fingers that end where the box begins. */
function drawArm(canvas: Canvas, [x0, y0, x1]: Box, seed: number): void {
  const skin = skins[seed % skins.length]!
  const sleeve: Colour = [
    40 + ((seed * 53) % 90),
    50 + ((seed * 31) % 80),
    70 + ((seed * 17) % 100),
  ]
  const width = x1 - x0
  const middle = (x0 + x1) / 2
  const wide = pictureSize.width / pictureSize.height
  const palm: [number, number] = [middle, y0 + width * 0.5 * wide]
  canvas.limb([middle + 0.05, 1.3], palm, width * 0.42, skin)
  canvas.limb([middle + 0.06, 1.4], [middle + 0.02, palm[1] + 0.45], width * 0.6, sleeve)
  canvas.limb(palm, [middle, palm[1] + 0.02], width * 0.6, skin)
  for (const spread of [-1, -0.45, -0.05, 0.3, 0.7]) {
    const reach = (spread === -1 ? 0.25 : 0.48 - 0.12 * Math.abs(spread)) * wide
    canvas.limb(palm, [middle + spread * width * 0.5, palm[1] - width * reach], width * 0.13, skin)
  }
}

export interface LookOptions {
  quality?: number
  /** Deviation of the sensor's noise, of 255. */
  noise?: number
}

/** A painter of the frames of one clip, in their order; the same seed gives the same bytes. */
export function painterOf(seed: number, cutouts: Cutouts, options: LookOptions = {}) {
  const { quality = 85, noise = 2 } = options
  const ground = counterGround(seed)
  const shadow = randomOf(seed + 7).between(0.2, 0.5)
  const grain = sensorNoise(randomOf(seed + 11), noise)
  const lay = (canvas: Canvas, { sku, box }: Pick<Thing, 'sku' | 'box'>) => {
    canvas.shade(box, shadow)
    canvas.lay(cutouts.get(sku)!, box)
  }
  // What rests below all that moves is painted once.
  let below = { key: '', canvas: new Canvas(ground) }
  return ({ things, scene, at }: Pick<TruthFrame, 'things' | 'scene' | 'at'>): Promise<Buffer> => {
    const moving = things.findIndex(({ rests }) => !rests)
    const resting = moving < 0 ? things : things.slice(0, moving)
    const key = JSON.stringify(resting.map(({ id, box }) => [id, box]))
    if (key !== below.key) {
      below = { key, canvas: new Canvas(ground) }
      for (const thing of resting) lay(below.canvas, thing)
    }
    const canvas = new Canvas(below.canvas.rgb)
    for (const thing of things.slice(resting.length)) lay(canvas, thing)
    if (scene.sun) canvas.brighten(scene.sun, 1.4)
    if (scene.hand) drawArm(canvas, scene.hand, seed)
    canvas.expose(scene.gain, grain, at * 7919)
    return canvas.jpeg(quality)
  }
}
