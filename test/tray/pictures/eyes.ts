// Vision for clips of pictures, in this process: all of a tray camera's, and a gallery into which the clip's own goods were enrolled.
import { configSchema } from '../../../src/config/schema.js'
import { MemoryBudget } from '../../../src/inference/memory-budget.js'
import { GalleryClassifier } from '../../../src/recognition/gallery-classifier.js'
import { queueFor, TrayDetector } from '../../../src/recognition/tray-detector.js'
import { TrayRecogniser } from '../../../src/recognition/tray-recogniser.js'
import type { Box } from '../../../src/recognition/types.js'
import type { TruthFrame } from '../stage.js'
import { type Cutouts, goodsOf, painterOf } from './render.js'

const config = configSchema.parse({
  kiosk: { id: 'clips' },
  cameras: [{ id: 'tray', source: 'dir:.', mode: 'tray' }],
})
const { cameras, models, runtime, counter } = config
/** Counters that no clip has. */
const enrolmentSeed = 900_000

export interface Eyes {
  /** A camera that was just switched on: gives each frame of a clip what vision sees in its picture. */
  watch(): (one: TruthFrame, jpeg: Uint8Array) => Promise<void>
  stop(): Promise<void>
}

/** Each product from pictures of it alone, on so many counters. */
async function enrolmentPictures(cutouts: Cutouts, counters: number) {
  const goods = goodsOf(cutouts)
  const pictures: { sku: string; jpeg: Buffer; box: Box }[] = []
  for (let counter = 0; counter < counters; counter++) {
    const paint = painterOf(enrolmentSeed + counter, cutouts)
    for (const sku of goods.skus) {
      const [high, wide] = [0.32, 0.32 * goods.shape!(sku)]
      const box: Box = [0.5 - wide / 2, 0.5 - high / 2, 0.5 + wide / 2, 0.5 + high / 2]
      const things = [{ id: pictures.length, sku, box, rests: true, visible: 1 }]
      const scene = { hand: null, handRests: false, sun: null, gain: 1 }
      pictures.push({ sku, box, jpeg: await paint({ things, scene, at: pictures.length }) })
    }
  }
  return pictures
}

/** @param counters on which each product is enrolled, a picture each */
export async function openEyes(cutouts: Cutouts, counters = 3): Promise<Eyes> {
  const detector = new TrayDetector(
    { cameras, models, runtime, cacheDir: null, attempt: 0 },
    new MemoryBudget(),
  )
  const classifier = new GalleryClassifier({
    model: 'grocery-embedder',
    runtime,
    maxQueue: queueFor(cameras),
    gallery: async (_, embedder) => {
      const pictures = await enrolmentPictures(cutouts, counters)
      const vectors: number[] = []
      for (const { jpeg, box } of pictures)
        vectors.push(...(await embedder.embed({ jpeg, box })).embedding)
      const products = [...cutouts.keys()].map(sku => ({ sku, name: sku, plu: null, gtin: null }))
      const entries = pictures.map(({ sku }, index) => ({ sku, picture: `${index}` }))
      return { content: { products, entries }, vectors: Float32Array.from(vectors) }
    },
  })
  await detector.start()
  await classifier.start()
  return {
    watch() {
      // The script's time: how busy the machine is changes nothing.
      let at = 0
      const clock = { mono: () => at, wall: () => at }
      const recogniser = new TrayRecogniser(cameras[0]!, detector, classifier, counter, clock)
      return async (one, bytes) => {
        at = one.at
        const { frame: number, capturedAt } = one.frame
        one.frame = await recogniser.recognise({ bytes, number, capturedAt, capturedMono: at })
      }
    },
    async stop() {
      await classifier.stop()
      await detector.stop()
    },
  }
}
