// The shipped model as two folders, one with its FP32 weights and one with INT8 alone, and what the other programs must be told of them.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Three values of a manifest as the one number that the other programs take. */
function oneOf(values) {
  const list = [values ?? 0].flat()
  if (list.some(value => value !== list[0])) {
    throw new Error(`Expected one mean and one scale for all channels but the model has ${list}`)
  }
  return list[0]
}

/** @returns {{name, folder, file, weights, input, classes}} for each precision that the model ships. */
export function modelsOf(source, target) {
  const manifest = JSON.parse(readFileSync(join(source, 'model.json'), 'utf8'))
  const { input, labels } = manifest
  const spec = { ...input, mean: oneOf(input.mean), scale: oneOf(input.scale ?? 1) }
  if (input.fit !== 'crop' || (input.channels ?? 'rgb') !== 'rgb') {
    throw new Error('Expected a model with fit crop and rgb, as the Python program has it')
  }
  return ['fp32', 'int8'].map(name => {
    const folder = join(target, name)
    mkdirSync(folder, { recursive: true })
    const entry = manifest.weights.find(one => (name === 'int8') === (one.precision === 'int8'))
    const files = [entry.file, labels, ...(entry.bin ? [entry.bin.file] : [])]
    for (const file of files) copyFileSync(join(source, file), join(folder, file))
    writeFileSync(join(folder, 'model.json'), JSON.stringify({ ...manifest, weights: [entry] }))
    return {
      name,
      folder,
      file: join(folder, entry.file),
      weights: entry.bin ? join(folder, entry.bin.file) : null,
      input: spec,
      classes: readFileSync(join(folder, labels), 'utf8').trim().split('\n').length - 1,
    }
  })
}
