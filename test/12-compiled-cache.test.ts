// What a runtime compiled is kept in a folder of its own for each model, runtime, device and shape, and a start finds it again.
import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { probeRuntime } from '../src/inference/addon.js'
import { compiledFolder, compiledName } from '../src/inference/compiled-cache.js'
import { Classifier } from '../src/recognition/classifier.js'

const key = {
  sha256: '0123456789abcdef0123',
  runtime: 'openvino',
  runtimeVersion: '2026.4.1-1/x',
  device: 'GPU.0',
  width: 256,
  height: 192,
}

t.test('everything that makes another compiled model makes another folder', async t => {
  t.equal(compiledName(key), '0123456789abcdef_openvino_2026.4.1-1-x_GPU.0_256x192')
  const names = [
    { sha256: 'f'.repeat(64) },
    { runtime: 'onnxruntime' },
    { runtimeVersion: '2026.4.2' },
    { device: 'CPU' },
    { width: 224 },
    { height: 224 },
  ].map(change => compiledName({ ...key, ...change }))
  t.equal(new Set([...names, compiledName(key)]).size, 7)
})

t.test(
  'the folders used longest ago go, and a disk that cannot be written is no fault',
  async t => {
    const root = t.testdir({ file: '' })
    for (let width = 11; width <= 30; width++) {
      const folder = compiledFolder(join(root, 'cache'), { ...key, width })!
      t.ok(existsSync(folder))
      utimesSync(folder, width, width)
    }
    const left = readdirSync(join(root, 'cache')).map(name => name.replace(/.*_/, ''))
    const expected = Array.from({ length: 16 }, (_, at) => `${at + 15}x192`)
    t.same(left.sort(), expected)
    t.equal(compiledFolder(join(root, 'file'), key), null)
  },
)

const skip = probeRuntime('openvino', { devices: false }).found ? false : 'OpenVINO is not here'

t.test('the second start finds what the first compiled', { skip }, async t => {
  const root = t.testdir({})
  const grey = { rgb: new Uint8Array(64 * 64 * 3).fill(90), width: 64, height: 64 }
  const start = async () => {
    const classifier = new Classifier({ runtime: { prefer: 'openvino' }, cacheDir: root })
    // In processor time, since a busy machine must not fail it.
    const before = process.cpuUsage()
    await classifier.start()
    const { scores } = await classifier.classify(grey)
    const { user, system } = process.cpuUsage(before)
    const ms = (user + system) / 1000
    await classifier.stop()
    return { ms, best: scores.indexOf(Math.max(...scores)) }
  }
  const cold = await start()
  const [folder] = readdirSync(root)
  const blobs = readdirSync(join(root, folder!)).filter(name => name.endsWith('.blob'))
  t.equal(blobs.length, 1, 'one compiled model')
  const warm = await start()
  t.equal(warm.best, cold.best, 'the same answer')
  t.equal(readdirSync(join(root, folder!)).filter(name => name.endsWith('.blob')).length, 1)
  t.comment(`cold ${Math.round(cold.ms)} ms, again ${Math.round(warm.ms)} ms`)
  t.ok(warm.ms < 5000, 'in time')

  mkdirSync(join(root, folder!), { recursive: true })
  for (const name of blobs) writeFileSync(join(root, folder!, name), 'damaged')
  t.equal((await start()).best, cold.best, 'a damaged one is made anew')
})
