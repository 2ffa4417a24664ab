// Tiny models that see the mean of each colour: a red picture gives the logits (weights[0], 0, 0). ONNX, made in the test.
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { onnxModel } from './onnx-writer.js'

export interface ColourModel {
  /** The skus of the logits of red, green and blue, or rows of a labels.csv after its index. */
  skus: string[]
  /** What the mean of each colour, 0 to 1, is multiplied by. */
  weights: [number, number, number]
  size?: number
  version?: number
  calibration?: object
  kind?: 'classifier' | 'embedder'
}

/** Writes a model directory and returns its path. */
export function colourModel(folder: string, name: string, model: ColourModel): string {
  const { skus, weights, size = 8, version = 1, calibration = {}, kind = 'classifier' } = model
  const dir = join(folder, name)
  const onnx = onnxModel({
    inputs: [{ name: 'x', shape: [1, 3, size, size] }],
    outputs: [{ name: 'y', shape: [1, 3, 1, 1] }],
    weights: [{ name: 'W', shape: [1, 3, 1, 1], data: Float32Array.from(weights) }],
    nodes: [
      { type: 'GlobalAveragePool', from: ['x'], to: ['h'] },
      { type: 'Mul', from: ['h', 'W'], to: ['y'] },
    ],
  })
  const sha256 = createHash('sha256').update(onnx).digest('hex')
  mkdirSync(dir, { recursive: true })
  writeFileSync(join(dir, 'm.onnx'), onnx)
  writeFileSync(join(dir, 'labels.csv'), skus.map(sku => `${sku}\n`).join(''))
  const manifest = {
    schema: 1,
    name,
    version,
    kind,
    weights: [{ format: 'onnx', file: 'm.onnx', precision: 'fp32', sha256 }],
    input: { width: size, height: size, scale: 255 },
    ...(kind === 'embedder'
      ? { output: { embedding: 'y', dimension: 3 } }
      : { output: { activation: 'softmax' }, labels: 'labels.csv' }),
    calibration,
    licence: 'MIT',
    source: 'test',
  }
  writeFileSync(join(dir, 'model.json'), JSON.stringify(manifest))
  return dir
}

/** A PNG of one colour. */
export const plainPicture = (background: string, side = 32): Promise<Buffer> =>
  sharp({ create: { width: side, height: side, channels: 3, background } })
    .png()
    .toBuffer()

/** A colour with black squares, so that there is something to see. */
export async function chequered(file: string, background: string): Promise<void> {
  const input = await plainPicture('#101010', 10)
  const squares = Array.from({ length: 24 }, (_, index) => ({
    input,
    left: 10 + (index % 6) * 25,
    top: 10 + Math.floor(index / 6) * 25,
  }))
  await sharp({ create: { width: 160, height: 120, channels: 3, background } })
    .composite(squares)
    .jpeg({ quality: 95 })
    .toFile(file)
}
