// Vision for clips of pictures, in this process: the detector, and a gallery into which the clip's own goods were enrolled.
import { decodeJpeg } from '../../../src/inference/addon.js'
import { Detector } from '../../../src/recognition/detector.js'
import { GalleryClassifier } from '../../../src/recognition/gallery-classifier.js'
import { lumaGrid, SceneWatcher } from '../../../src/recognition/scene.js'
import type { Box, Observation } from '../../../src/recognition/types.js'
import type { TruthFrame } from '../stage.js'
import { type Cutouts, goodsOf, painterOf } from './render.js'

const runtime = { name: 'auto', device: 'CPU', threads: 1, streams: 1, cacheDir: null } as const
const whole: Box = [0, 0, 1, 1]
/** calibration.unknown of the shipped detector: below it a box is nothing. */
const minScore = 0.4339
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
  const detector = new Detector({ model: 'grocery-detector', runtime, minScore })
  const classifier = new GalleryClassifier({
    model: 'grocery-embedder',
    runtime,
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
      const watcher = new SceneWatcher({ motion: 0.02, emptyContrast: 0.03, dark: 0.03 })
      return async (one, jpeg) => {
        const picture = await decodeJpeg(jpeg)
        const grid = lumaGrid(picture.rgb, picture.width, picture.height, whole)
        const scene = watcher.look(grid)
        const observations: Observation[] = []
        if (scene.view !== 'moving') {
          const { detections } = await detector.detect(picture)
          for (const { box } of detections) {
            const { observation } = await classifier.classify({ ...picture, box })
            observations.push({ ...observation, box })
          }
        }
        const look = Uint8Array.from(grid, luma => Math.round(luma * 255))
        one.frame = { ...one.frame, scene, look, observations }
      }
    },
    async stop() {
      await classifier.stop()
      await detector.stop()
    },
  }
}
