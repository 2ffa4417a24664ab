// Reads the text on a pack: where the lines are, then each of them. It knows no products.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { GroceryError } from '../../errors.js'
import { decodeJpeg, type EngineInput } from '../../inference/addon.js'
import type { Manifest, ModelDirectory } from '../../inference/manifest.js'
import { toPicture } from '../detect/place.js'
import { mismatch } from '../detect/types.js'
import { ModelRunner, type Outputs, type RunnerOptions } from '../runner.js'
import type { Box } from '../types.js'
import { alphabetOf, decodeText } from './ctc.js'
import { cropLine, type RgbPicture } from './line-crop.js'
import { linesIn, type Region } from './regions.js'
import type { Rectangle, TextLine } from './types.js'

/** Pixels along the longer side of the box: letters are as high as the recogniser wants them, on packs that fill it. */
const readPixels = 960
/** A line that is less sure may lie upside down: it is read that way, too. */
const sureLine = 0.8
/** Worse ones are no text. */
const leastLine = 0.5

export interface ReaderOptions extends Omit<RunnerOptions, 'model' | 'labels' | 'flags'> {
  detector: string
  recogniser: string
}

type Size = Pick<Manifest['input'], 'fit' | 'width' | 'height'>

export class TextReader {
  readonly #detector: ModelRunner
  readonly #recogniser: ModelRunner
  #ready: { detector: Size; recogniser: Size; alphabet: string[] } | null = null

  constructor({ detector, recogniser, ...options }: ReaderOptions) {
    this.#detector = new ModelRunner({ ...options, model: detector }, 'text-detector')
    this.#recogniser = new ModelRunner({ ...options, model: recogniser }, 'text-recogniser')
  }

  /** Throws as ModelRunner.start does; MODEL_SHAPE_MISMATCH where the outputs are not those of the kinds. */
  async start(): Promise<void> {
    try {
      const detector = await this.#detector.start((outputs, { manifest }) => {
        mapOf(outputs, manifest.input)
      })
      let alphabet: string[] = []
      const recogniser = await this.#recogniser.start((outputs, found) => {
        alphabet = readAlphabet(found)
        stepsOf(outputs, alphabet.length)
      })
      this.#ready = {
        detector: detector.directory.manifest.input,
        recogniser: recogniser.directory.manifest.input,
        alphabet,
      }
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  /** From top to bottom. Throws the IMAGE_* and ENGINE_* codes, INFERENCE_FAILED. */
  async read(input: Exclude<EngineInput, { tensor: Float32Array }>): Promise<TextLine[]> {
    const picture = await pixelsOf(input)
    const lines: TextLine[] = []
    for (const region of await this.find(picture, input.box)) {
      const line = await this.#readLine(picture, region)
      if (line.score >= leastLine && line.text.trim() !== '') lines.push(line)
    }
    return lines
  }

  /** Where lines are, in pixels of the picture, from top to bottom. */
  async find(picture: RgbPicture, box: Box = [0, 0, 1, 1]): Promise<Region[]> {
    const { outputs } = await this.#detector.infer({ ...picture, box })
    const { width, height } = this.#ready!.detector
    const back = toPicture(this.#ready!.detector, picture, box)
    // How many pixels of the picture one of the map is; the same both ways but for `fill`.
    const [x0, y0, x1, y1] = back([0.25, 0.25, 0.75, 0.75])
    const [wide, high] = [x1 - x0, y1 - y0]
    const scale = Math.max((2 * wide * picture.width) / width, (2 * high * picture.height) / height)
    return linesIn(mapOf(outputs, { width, height }))
      .map(region => {
        const [fx, fy] = [region.x / width, region.y / height]
        const [x, y] = back([fx, fy, fx, fy])
        return {
          ...region,
          x: x * picture.width,
          y: y * picture.height,
          length: region.length * scale,
          height: region.height * scale,
        }
      })
      .sort((a, b) => a.y - b.y)
  }

  async stop(): Promise<void> {
    await Promise.all([this.#detector.stop(), this.#recogniser.stop()])
  }

  async #readLine(picture: RgbPicture, line: Rectangle): Promise<TextLine> {
    const first = await this.#readStrip(picture, line)
    if (first.score >= sureLine) return first
    const [x, y] = line.along
    const turned = await this.#readStrip(picture, { ...line, along: [-x, -y] })
    return turned.score > first.score ? turned : first
  }

  async #readStrip(picture: RgbPicture, line: Rectangle): Promise<TextLine> {
    const { recogniser, alphabet } = this.#ready!
    const { width, height } = recogniser
    const { outputs } = await this.#recogniser.infer(cropLine(picture, line, { width, height }))
    return decodeText(stepsOf(outputs, alphabet.length), alphabet)
  }
}

async function pixelsOf(
  input: Exclude<EngineInput, { tensor: Float32Array }>,
): Promise<RgbPicture> {
  if (!('jpeg' in input)) return input
  const [x0, y0, x1, y1] = input.box ?? [0, 0, 1, 1]
  const maxSide = Math.ceil(readPixels / Math.max(x1 - x0, y1 - y0, 0.1))
  return decodeJpeg(input.jpeg, { maxSide, rotate: input.rotate ?? 0 })
}

function mapOf(outputs: Outputs, { width, height }: { width: number; height: number }) {
  const [only] = outputs
  if (only?.data.length !== width * height)
    throw mismatch(`one probability a pixel (1x1x${height}x${width})`, outputs)
  return { data: only.data, width, height }
}

function stepsOf(outputs: Outputs, symbols: number): Float32Array {
  const [only] = outputs
  if (only?.shape.at(-1) !== symbols)
    throw mismatch(`${symbols} symbols a step, as output.alphabet has`, outputs)
  return only.data
}

function readAlphabet({ folder, manifest }: ModelDirectory): string[] {
  const { alphabet } = manifest.output
  if (alphabet === undefined) {
    const words = `${folder}: Expected output.alphabet (a file, one symbol a line) in model.json but it is missing`
    throw new GroceryError('MANIFEST_INVALID', words)
  }
  const path = join(folder, alphabet)
  return alphabetOf(readFileSync(path, 'utf8'), path)
}
