// grocerd detect: where things lie on picture files, for people or, with --json, one line a picture.
import { Command } from 'commander'
import type { Detection } from '../recognition/detector.js'
import { eachPicture } from './each-picture.js'
import { addRuntimeOptions, type ModelOptions } from './model-options.js'

interface Options extends Pick<ModelOptions, 'device' | 'runtime' | 'threads' | 'streams'> {
  model: string
  json?: boolean
}

const rounded = (value: number, digits: number) => Number(value.toFixed(digits))

function readable(file: string, detections: readonly Detection[], latencyMs: number): string {
  const rows = detections
    .filter(({ score }) => score >= 0.3)
    .map(({ box, score }) => {
      const corners = box.map(one => `${(100 * one).toFixed(1)} %`).join(', ')
      return `  ${score.toFixed(2)}  ${corners}`
    })
  return [`${file}: ${rows.length} found, ${latencyMs.toFixed(1)} ms`, ...rows].join('\n')
}

async function detect(files: string[], options: Options): Promise<void> {
  const { Detector } = await import('../recognition/detector.js')
  const { classifierOptions } = await import('./model-options.js')
  const { model, runtime } = classifierOptions(options)
  const detector = new Detector({ model, runtime })
  await detector.start()
  try {
    await eachPicture(files, options.json ?? false, async (input, file, latency) => {
      const { detections } = await detector.detect(input)
      const latencyMs = latency()
      if (!options.json) return readable(file, detections, latencyMs)
      const boxes = detections.map(({ box, score }) => ({
        box: box.map(one => rounded(one, 5)),
        score: rounded(score, 5),
      }))
      return JSON.stringify({ file, boxes, latencyMs: rounded(latencyMs, 3) })
    })
  } finally {
    await detector.stop()
  }
}

export const detectCommand = (): Command =>
  addRuntimeOptions(
    new Command('detect')
      .description('say where things lie on pictures, best first')
      .argument('<image...>', 'JPEG or PNG files')
      .option(
        '--model <dir>',
        'a name under models/ or a folder with model.json',
        'grocery-detector',
      )
      .option('--json', 'one line a picture: {file, boxes: [{box, score}], latencyMs}'),
  ).action(detect)
