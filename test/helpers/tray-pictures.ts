// A tray for a fake camera: studio pictures on a drawn counter, under an arm or without, as a live sensor shows them.
import type { Box } from '../../src/recognition/types.js'
import { goodsOf, painterOf, readCutouts } from '../tray/pictures/render.js'

export interface Lying {
  sku: string
  /** Of the picture's height. */
  high: number
}

/** Where the middle of all things is: what comes later lies on what lies there. */
const [x, y] = [0.4, 0.5]
const counterSeed = 5

export async function trayPainter() {
  const cutouts = await readCutouts('test/tray/pictures/studio')
  const { shape } = goodsOf(cutouts)
  const paint = painterOf(counterSeed, cutouts)
  let ids = 0
  let at = 0
  const boxOf = ({ sku, high }: Lying): Box => {
    const wide = high * shape!(sku)
    return [x - wide / 2, y - high / 2, x + wide / 2, y + high / 2]
  }
  /** The same scene a few times, with other noise. */
  return async (lying: readonly Lying[], arm = false, count = 4): Promise<Buffer[]> => {
    const things = lying.map(one => ({
      ...{ id: ++ids, sku: one.sku, box: boxOf(one), rests: true, visible: 1 },
    }))
    const pictures: Buffer[] = []
    for (let n = 0; n < count; n++) {
      // An arm never keeps still.
      const [left, top] = [x - 0.1 + 0.04 * (n % 3), y + 0.05 * n]
      const hand: Box | null = arm ? [left, top, left + 0.2, 1] : null
      const scene = { hand, handRests: false, sun: null, gain: 1 }
      pictures.push(await paint({ things, scene, at: (at += 100) }))
    }
    return pictures
  }
}
