// A classifier that reads barcodes as well: a code of a product that is sold here decides, and a picture that disagrees asks.
import { decodeJpeg, type EngineInput } from '../inference/addon.js'
import { gtin14 } from './barcode/gtin.js'
import { BarcodeReader } from './barcode/reader.js'
import { boxOf, type Classification, type ClassifierInfo } from './classifier.js'
import type { Namer } from './crops.js'
import type { Candidate, Observation, Product } from './types.js'

/** Pixels along the longer side of the box: a bar of an EAN-13 that fills a sixth of it is still 1.4 wide. */
export const readPixels = 960
/** How long a read holds for the frames after it, and how long a picture that is sure anyway waits for the next. */
const holdsMs = 1000

/** What a code may decide for: a product of the model, the catalogue or the gallery. */
type Sold = Pick<Product, 'sku' | 'name' | 'plu' | 'gtin'>

interface Reading {
  at: number
  best: string | undefined
  gtins: string[]
}

/** What the codes make of an observation. Codes of several products at once decide nothing. */
export function withCodes(
  seen: Observation,
  gtins: readonly string[],
  products: ReadonlyMap<string, Sold>,
  { autoAdd, top }: { autoAdd: boolean; top: number },
): Observation {
  const known = [...new Set(gtins.map(gtin => products.get(gtin14(gtin)!)).filter(one => !!one))]
  if (known.length !== 1) return gtins.length === 1 ? { ...seen, gtin: gtins[0]! } : seen
  const { sku, name, plu, gtin } = known[0]!
  const others = seen.candidates.filter(one => one.sku !== sku)
  const conflict = seen.decision === 'sure' && seen.candidates[0]?.sku !== sku
  const first: Candidate = { sku, name, plu, gtin, score: 1 }
  // What was read leaves the others nothing; where the picture disagrees, its own score stays to be seen.
  const rest = conflict ? others : others.map(one => ({ ...one, score: 0 }))
  const { twins: _, ...plain } = seen
  return {
    ...plain,
    decision: conflict ? 'ask' : 'sure',
    auto: !conflict && autoAdd,
    askReason: conflict ? 'conflict' : null,
    candidates: [first, ...rest].slice(0, Math.max(top, conflict ? 2 : 1)),
    gtin: gtins.find(one => products.has(gtin14(one)!))!,
  }
}

export class WithBarcode implements Namer {
  readonly #inner: Namer
  readonly #reader: Pick<BarcodeReader, 'start' | 'read' | 'stop'>
  readonly #now: () => number
  /** By GTIN-14. Empty where no product has one: then nothing is read, and nothing loaded. */
  #products: ReadonlyMap<string, Sold> = new Map()
  #trained: readonly Sold[] = []
  #taught: readonly Sold[] = []
  #rules = { autoAdd: false, top: 4 }
  #isReading = false
  /** By the box, which is an object of each camera's own. */
  #last = new WeakMap<object, Reading>()

  constructor(
    inner: Namer,
    reader: Pick<BarcodeReader, 'start' | 'read' | 'stop'> = new BarcodeReader(),
    now = () => performance.now(),
  ) {
    this.#inner = inner
    this.#reader = reader
    this.#now = now
  }

  /** The model that answers from now on; the reader starts with the first product that has a code. */
  async know({
    labels,
    twins = [],
    thresholds,
  }: Pick<ClassifierInfo, 'labels' | 'twins' | 'thresholds'>): Promise<void> {
    this.#rules = thresholds
    this.#trained = [...labels, ...twins]
    await this.#find()
  }

  /** What the gallery holds now: a code of it decides as any other. */
  async teach(products: readonly Sold[]): Promise<void> {
    this.#taught = products
    await this.#find()
  }

  /** @param wanted as the inner one has it */
  async classify(input: EngineInput, wanted = { embedding: false }): Promise<Classification> {
    const answer = await this.#inner.classify(input, wanted)
    if (this.#products.size === 0 || 'tensor' in input) return answer
    const gtins = await this.#codes(input, answer.observation)
    if (gtins.length === 0) return answer
    const observation = withCodes(answer.observation, gtins, this.#products, this.#rules)
    return { ...answer, observation }
  }

  /** Ends the reader; the inner one is its owner's. */
  stop = (): Promise<void> => this.#reader.stop()

  async #find(): Promise<void> {
    // A GTIN that two products have decides between them no better than the picture: null.
    const byGtin = new Map<string, Sold | null>()
    for (const product of [...this.#trained, ...this.#taught]) {
      const gtin = product.gtin === null ? null : gtin14(product.gtin)
      if (gtin === null) continue
      const known = byGtin.get(gtin)
      byGtin.set(gtin, known === undefined || known?.sku === product.sku ? product : null)
    }
    const single = [...byGtin].filter((one): one is [string, Sold] => one[1] !== null)
    if (single.length > 0 && !this.#isReading) {
      this.#isReading = true
      await this.#reader.start()
    }
    this.#products = new Map(single)
  }

  /** Of this picture, or of one shortly before that showed the same: not every frame of a hand-held pack is sharp. */
  async #codes(
    input: Exclude<EngineInput, { tensor: Float32Array }>,
    { decision, candidates }: Observation,
  ): Promise<string[]> {
    const camera = input.box ?? input
    const best = candidates[0]?.sku
    const last = this.#last.get(camera)
    const holds = last && last.best === best && this.#now() - last.at < holdsMs
    if (holds && (last.gtins.length > 0 || decision === 'sure')) return last.gtins
    const gtins = await this.#read(input)
    if (gtins === null) return []
    this.#last.set(camera, { at: this.#now(), best, gtins })
    return gtins
  }

  async #read(input: Exclude<EngineInput, { tensor: Float32Array }>): Promise<string[] | null> {
    const box = boxOf(input)
    if (!('jpeg' in input)) return this.#reader.read(input, box)
    const share = Math.max(box[2] - box[0], box[3] - box[1])
    const maxSide = Math.ceil(readPixels / Math.max(share, 0.1))
    return this.#reader.read(
      await decodeJpeg(input.jpeg, { maxSide, rotate: input.rotate ?? 0 }),
      box,
    )
  }
}
