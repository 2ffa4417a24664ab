// A process of its own that loads damaged models as vision does: one message a model, so that its end names the one that did it.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describeError } from '../../src/errors.js'
import { setDataLimit } from '../../src/inference/addon.js'
import { Network } from '../../src/recognition/network.js'
import { mutate } from './mutate.js'
import { tinyHead, writeTinyBase } from './tiny-classifier.js'

/** What one model came to: a code, or `ran`. */
export interface ModelAnswer {
  index: number
  code: string
  ms: number
}

const mostBytes = 1024 ** 3
const files = ['tiny.xml', 'tiny.bin', 'tiny.onnx'] as const

const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** The manifest of the sound model, with the sums of what lies there now where `rehash` is set. */
function writeModel(folder: string, index: number, rehash: boolean): 'openvino' | 'onnxruntime' {
  const file = files[index % files.length]!
  const sound = readFileSync(join(folder, 'sound', file))
  const damaged = mutate(sound, `model ${index}`, sound.length)
  // Damage that takes itself back is none.
  if (damaged.equals(sound)) damaged[0]! ^= 1
  for (const name of [...files, 'labels.csv'])
    writeFileSync(join(folder, name), readFileSync(join(folder, 'sound', name)))
  writeFileSync(join(folder, file), damaged)
  const manifest = JSON.parse(readFileSync(join(folder, 'sound', 'model.json'), 'utf8'))
  if (rehash) {
    for (const one of manifest.weights) {
      one.sha256 = hash(readFileSync(join(folder, one.file)))
      if (one.bin) one.bin.sha256 = hash(readFileSync(join(folder, one.bin.file)))
    }
  }
  writeFileSync(join(folder, 'model.json'), JSON.stringify(manifest))
  return file === 'tiny.onnx' ? 'onnxruntime' : 'openvino'
}

async function load(folder: string, prefer: 'openvino' | 'onnxruntime'): Promise<string> {
  const network = new Network({ model: folder, runtime: { prefer } })
  try {
    await network.start()
    return 'ran'
  } catch (error) {
    return describeError(error).code
  } finally {
    await network.stop()
  }
}

const [folder = '', from = '', to = '', rehash = ''] = process.argv.slice(2)
mkdirSync(join(folder, 'sound'), { recursive: true })
writeTinyBase(join(folder, 'sound'), tinyHead(4, 6), ['a', 'b', 'c', 'd'])
setDataLimit(mostBytes)
for (let index = Number(from); index < Number(to); index++) {
  process.send!({ index, code: 'begun', ms: 0 })
  const runtime = writeModel(folder, index, rehash === 'rehash')
  const began = performance.now()
  const code = await load(folder, runtime)
  process.send!({ index, code, ms: performance.now() - began })
}
process.disconnect()
