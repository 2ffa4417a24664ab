// The texts of a trained model's folder: model.json and labels.csv. Pure.
import type { Label } from '../../inference/labels.js'
import type { Manifest, Weights } from '../../inference/manifest.js'
import type { Metrics } from '../metrics.js'

export interface TrainedManifest {
  base: Manifest
  name: string
  version: number
  weights: Weights[]
  /** Names of the graph's outputs. */
  logits: string
  calibration: Omit<Manifest['calibration'], 'distance' | 'sureDistance'>
  split: string
  metrics: Metrics
  source: string
}

const rounded = (value: number | null) => (value === null ? null : Number(value.toFixed(4)))

/** A model's name of any folder's: accents go, what is left over becomes a dash. */
export function modelName(folder: string): string {
  const plain = folder.normalize('NFKD').replace(/\p{M}/gu, '')
  const name = plain.replace(/[^A-Za-z0-9_.-]+/g, '-').slice(0, 64)
  return /[A-Za-z0-9]/.test(name) ? name : 'trained'
}

export function manifestText(trained: TrainedManifest): string {
  const { base, metrics } = trained
  const { sure } = metrics
  const manifest = {
    schema: 1,
    name: trained.name,
    version: trained.version,
    kind: 'classifier',
    weights: trained.weights,
    input: base.input,
    output: { activation: 'softmax', logits: trained.logits, embedding: base.output.embedding },
    labels: 'labels.csv',
    calibration: trained.calibration,
    metrics: {
      split: trained.split,
      heldOut: {
        images: metrics.images,
        top1: rounded(metrics.top1),
        top1Interval: metrics.intervals.top1.map(rounded),
        top4: rounded(metrics.top4),
        macroF1: rounded(metrics.macroF1),
        loss: rounded(metrics.loss),
        sure: {
          coverage: rounded(sure.coverage),
          precision: rounded(sure.precision),
          lowerBound: rounded(sure.lowerBound),
        },
      },
    },
    licence: `backbone of ${base.name} version ${base.version}: ${base.licence}; head: of whoever owns the photographs`,
    source: trained.source,
  }
  return `${JSON.stringify(manifest, null, 2)}\n`
}

const cell = (value: string | null): string =>
  value === null ? '' : /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value

/** A class of the shop: its folder's name is all that is known of it. */
export const labelOf = (name: string, index: number): Label => ({
  index,
  sku: name,
  name,
  plu: null,
  gtin: null,
  coarse: null,
  variantOf: null,
  group: null,
})

export function labelsText(labels: readonly Label[]): string {
  const rows = labels.map(({ index, sku, name, plu, gtin, coarse, variantOf, group }) =>
    [String(index), sku, name, plu, gtin, coarse, variantOf, group].map(cell).join(','),
  )
  return `${['index,sku,name,plu,gtin,coarse,variantOf,group', ...rows].join('\n')}\n`
}
