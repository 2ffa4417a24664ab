// The options of grocerd evaluate, and which of them go together.
import { accessSync, constants, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { GroceryError } from '../../errors.js'
import type { ModelOptions } from '../model-options.js'

export interface EvaluateOptions extends ModelOptions {
  images?: string
  outOfFold?: string
  /** Where the pictures of --out-of-fold lie, for the report. */
  pictures?: string
  against?: string
  prices?: string
  robustness?: boolean
  json?: string
  html?: string
  minTop1?: number
  precision: 'f32' | 'auto'
}

export const toStdout = '-'

const usage = (words: string, cause?: unknown) => new GroceryError('USAGE', words, { cause })

function checkWritable(file: string): void {
  const folder = dirname(resolve(file))
  try {
    accessSync(folder, constants.W_OK)
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code
    throw usage(
      `Expected a folder that can be written for ${file} but ${folder} gives ${reason}`,
      cause,
    )
  }
}

/** Better now than after the minutes that an evaluation takes. Throws USAGE. */
export function checkOptions(options: EvaluateOptions): void {
  const { images, outOfFold, pictures, against, robustness, json, html, minTop1 } = options
  if (minTop1 !== undefined && !(minTop1 >= 0 && minTop1 <= 1)) {
    throw usage('Expected a number from 0 to 1 for --min-top1')
  }
  if (outOfFold === undefined) {
    if (images === undefined) throw usage('Expected --images or --out-of-fold')
    if (pictures !== undefined) throw usage('Expected --pictures only beside --out-of-fold')
  } else {
    const given = { '--images': images, '--against': against, '--robustness': robustness }
    const wrong = Object.entries(given).filter(([, value]) => value !== undefined)
    if (wrong.length > 0) {
      const names = wrong.map(([name]) => name).join(', ')
      throw usage(`Expected --out-of-fold without ${names}, since no model is run with it`)
    }
  }
  if (pictures !== undefined && !statSync(pictures, { throwIfNoEntry: false })?.isDirectory()) {
    throw usage(`Expected a folder for --pictures but received ${pictures}`)
  }
  for (const file of [json, html]) if (file !== undefined && file !== toStdout) checkWritable(file)
}

const isBare = (model: string | undefined) => /\.(xml|onnx)$/.test(model ?? '')

/**
 * What --model and --against are loaded with. Flags for bare files describe both if both are bare or
 * both are not (where a folder refuses them), else only the one that is bare.
 */
export function optionsOfBoth(
  options: EvaluateOptions,
): [first: ModelOptions, second: ModelOptions] {
  const { ensemble, ...rest } = options
  const { model, against, device, runtime, threads, streams, catalogue, priors, site } = rest
  const second = { ...rest, model: against! }
  if (ensemble || isBare(model) === isBare(against)) return [options, second]
  const both = { device, runtime, threads, streams, catalogue, priors, site }
  return isBare(model)
    ? [options, { model: against!, ...both }]
    : [{ model: model!, ...both }, second]
}
