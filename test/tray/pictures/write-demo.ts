// Writes deploy/demo/tray from a folder of studio pictures named by their skus (see the README there).
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { demoFrames, type DemoStep } from './demo-frames.js'
import { readCutouts } from './render.js'

const [studio, to] = process.argv.slice(2) as [string, string]
const steps: DemoStep[] = [
  '+bravo-orange-juice@a',
  '+banana@b',
  '+aubergine@c',
  '+arla-medium-fat-milk@e',
  'banana>f',
  '-arla-medium-fat-milk',
  '+cabbage@b',
  'clear',
]
const labels: Record<string, unknown> = {}
for (const { file, jpeg, truth } of await demoFrames(await readCutouts(studio), steps)) {
  writeFileSync(join(to, file), jpeg)
  if (truth) labels[file] = truth
}
writeFileSync(join(to, 'labels.json'), `${JSON.stringify(labels, null, 2)}\n`)
