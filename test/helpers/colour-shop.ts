// Writes a shop of three colours into a folder: a model that even an emulated processor runs in milliseconds, and pictures for a `dir:` camera.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { chequered, colourModel } from './colour-models.js'

const folder = process.argv[2]!
const skus = ['red', 'green', 'blue']
colourModel(folder, 'colours', {
  skus,
  weights: [20, 20, 20],
  calibration: { sure: 0.9, unknown: 0.5 },
})
mkdirSync(join(folder, 'pictures'))
for (const sku of skus) await chequered(join(folder, 'pictures', `${sku}.jpg`), sku)
