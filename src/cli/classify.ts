// grocerd classify: what the model says of picture files, for people or, with --json, one line a picture.
import { readFile } from 'node:fs/promises'
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

async function read(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file)
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code
    throw new GroceryError(
      'IMAGE_NOT_FOUND',
      `${file}: Expected a picture but reading it failed: ${reason}`,
      { cause },
    )
  }
}

async function classify(files: string[], options: Options): Promise<void> {
  if (!Number.isInteger(options.top) || options.top < 1) {
    throw new GroceryError('USAGE', 'Expected a positive whole number for --top')
  }
  const { named, readPicture } = await import('../recognition/picture.js')
  const classifier = await makeClassifier(options, { recognition: { top: options.top } })
  await classifier.start()
  try {
    for (const file of files) {
      try {
        const began = performance.now()
        const input = await readPicture(await read(file), file)
        const { observation } = await classifier.classify(input)
        const latencyMs = performance.now() - began
        if (!options.json) {
          console.log(readable(file, observation, latencyMs))
          continue
        }
        const candidates = observation.candidates.map(({ sku, name, score }) => ({
          sku,
          name,
          score,
        }))
        const { decision } = observation
        console.log(
          JSON.stringify({ file, decision, candidates, latencyMs: Number(latencyMs.toFixed(3)) }),
        )
      } catch (error) {
        // One bad picture is told, and the others are still answered.
        const { code, message, remedy } = named(error, file) as GroceryError
        if (!(error instanceof GroceryError)) throw error
        if (options.json) console.log(JSON.stringify({ file, error: { code, message } }))
        process.stderr.write(`${code}: ${message}\n  ${remedy}\n`)
        process.exitCode = 1
      }
    }
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
