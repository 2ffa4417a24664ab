// What recognition says of a picture: candidates, observations and the look of the scene. Types only.

/** Left, top, right, bottom as fractions 0..1 of the upright picture. */
export type Box = [x0: number, y0: number, x1: number, y1: number]

/** A product that the shop sells, as the catalogue and the labels know it. */
export interface Product {
  sku: string
  name: string
  plu: string | null
  gtin: string | null
  unit: 'each' | 'g'
  meanGrams: number | null
  group: 'loose' | 'packed' | null
  coarse: string | null
  variantOf: string | null
}

/** One possible answer; score is a calibrated probability 0..1. */
export interface Candidate {
  sku: string
  name: string
  plu: string | null
  gtin: string | null
  score: number
}

/** sure: preselect; ask: show the alternatives; unknown: show them, none preselected, above the till's own menu. */
export type Decision = 'sure' | 'ask' | 'unknown'

export const askReasons = [
  'confidence',
  'variant',
  'conflict',
  'quality',
  'restricted',
  'presentAtOpen',
] as const
export type AskReason = (typeof askReasons)[number]

/** One thing seen in one picture. */
export interface Observation {
  box: Box
  decision: Decision
  /** true only beside `sure`, with recognition.autoAdd on and the stricter threshold held. */
  auto: boolean
  askReason: AskReason | null
  /** Twins of the best first, then by score; at most recognition.top. */
  candidates: Candidate[]
  /** Skus that this picture cannot tell from its best, first among the candidates; absent where there are none. */
  twins?: string[]
  /** Of a barcode that was read in the picture, 13 or 14 digits; its product may be unknown here. */
  gtin?: string
  /** What was read on it, as a hint to staff; absent where nothing was. */
  text?: string
  /** Unit vector of an embedder, to know a thing again; absent without one, and never leaves the two processes. */
  embedding?: Float32Array
}

/** How the picture looks before anybody asks what is in it. */
export type SceneView = 'object' | 'empty' | 'moving' | 'dark'

export interface Scene {
  view: SceneView
  /** Mean absolute change against the frame before, 0..1 of full scale. */
  motion: number
  /** Standard deviation of luma, 0..1: how much there is to see. */
  contrast: number
  /** Mean luma, 0..1. */
  brightness: number
}

/** Milliseconds spent in each stage of one frame. */
export interface StagesMs {
  queue: number
  decode: number
  resize: number
  infer: number
}

/** All that one frame of one camera gave. */
export interface FrameObservations {
  camera: string
  /** Counts the frames of this camera since vision started. */
  frame: number
  /** Wall clock at capture, ms since 1970. */
  capturedAt: number
  /** From capture to now, ms, by the monotonic clock of the vision process. */
  ageMs: number
  scene: Scene
  /** Brightness on a coarse grid, to know an untouched scene again; never leaves the two processes. */
  look?: Uint8Array
  observations: Observation[]
  /** The observations are those of an earlier frame: nothing in the scene has changed since. */
  repeated?: boolean
  stagesMs: StagesMs
}
