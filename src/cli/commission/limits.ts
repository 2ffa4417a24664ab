// What commissioning measures, and the limit of each figure with where it comes from; docs/17-commissioning.md explains them. Pure.
import { noiseGrams, weighsWithin } from '../../counter/sale/scale.js'
import { fewestTelling } from '../../recognition/view/compare.js'

export const stepIds = ['focus', 'light', 'glare', 'region', 'scale', 'items', 'reference'] as const
export type StepId = (typeof stepIds)[number]

export const stepTitles: Record<StepId, string> = {
  focus: 'Focus',
  light: 'Light',
  glare: 'Glare',
  region: 'Region',
  scale: 'Scale',
  items: 'Ten items in three places',
  reference: 'Reference picture',
}

export interface Limit {
  min?: number
  max?: number
}

/** One number that was measured. */
export interface Figure {
  name: string
  /** null: it could not be measured. */
  value: number | null
  unit: string
  /** Empty: it is only told. */
  limit: Limit
  ok: boolean
}

interface Measure {
  name: string
  unit: string
  limit: Limit
  /** What to do where it is beyond its limit. */
  remedy: string
}

/** What counts as overexposed, and as without any light, of 255. */
export const clippedFrom = 250
export const blackUpTo = 4
/** Ten items, in turn at each of these places as the picture shows them. */
export const places = ['left', 'middle', 'right'] as const
export const itemCount = 10

export const measures = {
  edges: {
    name: 'places with an edge',
    unit: '',
    limit: { min: 12 },
    remedy:
      'Lay a page with large print flat on the counter, so that it takes a good part of the picture.',
  },
  edgeWidth: {
    name: 'width of an edge',
    unit: '‰ of the region',
    limit: { max: 7 },
    remedy:
      'Clean the lens and its window, turn the focus until the figure is lowest, then lock it (docs/12-cameras.md).',
  },
  brightness: {
    name: 'mean brightness',
    unit: '%',
    limit: { min: 20, max: 80 },
    remedy:
      'Change the light or the exposure of the camera (exposure=, docs/12-cameras.md), then lock it.',
  },
  black: {
    name: 'without any light',
    unit: '% of the region',
    limit: { max: 10 },
    remedy: 'Light the dark part, or leave it out of roi.',
  },
  flicker: {
    name: 'flicker',
    unit: 'of 255',
    limit: { max: 6 },
    remedy:
      'Set the camera to the mains (50 or 60 Hz), a longer exposure, or change the lamp; lock an automatic that hunts.',
  },
  glare: {
    name: 'overexposed',
    unit: '% of the region',
    limit: { max: 1 },
    remedy: 'Turn or shade the lamp, or tilt the camera, until the reflection leaves the counter.',
  },
  glareSpot: {
    name: 'overexposed in the worst of nine fields',
    unit: '% of the field',
    limit: { max: 5 },
    remedy: 'Turn or shade the lamp, or tilt the camera, until the reflection leaves the counter.',
  },
  shortSide: {
    name: 'shorter side of the region',
    unit: 'pixels',
    limit: { min: 224 },
    remedy: 'Put the camera nearer, choose a larger size=, or widen roi.',
  },
  moving: {
    name: 'pictures in which something moved',
    unit: '%',
    limit: { max: 0 },
    remedy: 'What moves beside the counter is seen: narrow roi, or cover it with mask.',
  },
  things: {
    name: 'pictures with something on the empty counter',
    unit: '%',
    limit: { max: 0 },
    remedy:
      'Clear the counter; if it is clear, raise counter.emptyContrast, mask what is always there, or use mode tray.',
  },
  weight: {
    name: 'scale away from the weight',
    unit: 'g',
    // As a share of the weight where that is more: see toleranceOf.
    limit: { max: 10 },
    remedy: 'Calibrate the scale, and check the units of what is sent to <topic>/scale.',
  },
  weightDelay: {
    name: 'between weight and picture',
    unit: 's',
    limit: { max: weighsWithin / 1000 },
    remedy:
      'Camera and scale must see the same thing at the same time: check which scale sends, and the clock of its program.',
  },
  zero: {
    name: 'scale away from empty afterwards',
    unit: 'g',
    limit: { max: noiseGrams },
    remedy: 'Set the scale to zero with nothing on it.',
  },
  first: {
    name: 'named first',
    unit: `of ${itemCount}`,
    limit: { min: 7 },
    remedy:
      'Teach what it does not know (docs/10-gallery.md), and look at light and focus at the place that fails.',
  },
  listed: {
    name: 'named among four',
    unit: `of ${itemCount}`,
    limit: { min: 9 },
    remedy:
      'Teach what it does not know (docs/10-gallery.md), and look at light and focus at the place that fails.',
  },
  fewest: {
    name: 'fewest at one of the places',
    unit: '',
    limit: { min: 2 },
    remedy: 'Lay each thing at the place that is asked for, left, middle or right in the picture.',
  },
  latency: {
    name: 'capture to answer, median',
    unit: 'ms',
    limit: { max: 500 },
    remedy:
      'Run `grocerd bench` and `grocerd doctor`: the device may not be the one that is meant.',
  },
  telling: {
    name: 'places that can be known again',
    unit: 'of 48',
    limit: { min: fewestTelling },
    remedy:
      'The counter is too plain for "camera moved": stick a small label near each corner of the region and at its sides.',
  },
} as const satisfies Record<string, Measure>

export type MeasureId = keyof typeof measures

const isWithin = (value: number, { min = -Infinity, max = Infinity }: Limit) =>
  value >= min && value <= max

/** @param limit in place of the usual one */
export function figure(id: MeasureId, value: number | null, limit?: Limit): Figure {
  const { name, unit, limit: usual } = measures[id]
  const held = limit ?? usual
  const rounded = value === null ? null : Math.round(value * 10) / 10
  return {
    name,
    value: rounded,
    unit,
    limit: held,
    ok: rounded !== null && isWithin(rounded, held),
  }
}

/** What to do about those that are beyond their limits, each once. */
export const remediesOf = (ids: readonly MeasureId[], figures: readonly Figure[]): string[] => [
  ...new Set(ids.filter((_, index) => !figures[index]!.ok).map(id => measures[id].remedy)),
]

/** A legal scale of class III with 5 g steps may be two steps off; above a kilogram one in a hundred. @param grams the weight */
export const toleranceOf = (grams: number): number =>
  Math.max(measures.weight.limit.max, Math.round(grams / 100))

/** `at most 10`, `20 to 80`, `7 or more`; empty where there is none. */
export function limitWords({ min, max }: Limit): string {
  if (min !== undefined && max !== undefined) return `${min} to ${max}`
  if (max !== undefined) return `at most ${max}`
  return min === undefined ? '' : `${min} or more`
}

/** `width of an edge 4.1 ‰ of the region (at most 10)` */
export function figureWords({ name, value, unit, limit }: Figure): string {
  const words = limitWords(limit)
  const number = value === null ? 'not measured' : `${value}${unit && ` ${unit}`}`
  return `${name} ${number}${words && ` (${words})`}`
}
