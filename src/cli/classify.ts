// grocerd classify: what the model says of picture files, for people or, with --json, one line a picture.
import { Command } from 'commander'
import { GroceryError } from '../errors.js'
import type { Observation } from '../recognition/types.js'
import { addModelOptions, makeClassifier, type ModelOptions } from './model-options.js'

interface Options extends ModelOptions {
  top: number
  json?: boolean
}

const percent = (score: number) => `${(100 * score).toFixed(1)} %`

function readable(file: string, { decision, candidates }: Observation, latencyMs: number): string {
  const rows = candidates.map(
    one => `  ${percent(one.score).padStart(7)}  ${one.name}${one.plu ? `  (PLU ${one.plu})` : ''}`,
  )
  return [`${file}: ${decision}, ${latencyMs.toFixed(1)} ms`, ...rows].join('\n')
}

async function classify(files: string[], options: Options): Promise<void> {
  if (!Number.isInteger(options.top) || options.top < 1) {
    throw new GroceryError('USAGE', 'Expected a positive whole number for --top')
  }
  const classifier = await makeClassifier(options, { recognition: { top: options.top } })
  await classifier.start()
  try {
    const { eachPicture } = await import('./each-picture.js')
    await eachPicture(files, options.json ?? false, async (input, file, latency) => {
      const { observation } = await classifier.classify(input)
      const latencyMs = latency()
      if (!options.json) return readable(file, observation, latencyMs)
      const candidates = observation.candidates.map(({ sku, name, score }) => ({
        sku,
        name,
        score,
      }))
      const { decision } = observation
      return JSON.stringify({ file, decision, candidates, latencyMs: Number(latencyMs.toFixed(3)) })
    })
  } finally {
    await classifier.stop()
  }
}

export const classifyCommand = (): Command =>
  addModelOptions(
    new Command('classify')
      .description('say what is on pictures')
      .argument('<image...>', 'JPEG or PNG files')
      .option('--top <k>', 'candidates a picture', Number, 4)
      .option('--json', 'one line a picture: {file, decision, candidates, latencyMs}'),
  ).action(classify)
