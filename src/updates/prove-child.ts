// The throw-away process of a self-test: loads one model under the memory budget, shows it the golden pictures, and ends.
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, setPriority } from 'node:os'
import { join } from 'node:path'
import { describeError, GroceryError } from '../errors.js'
import { type Exceeded, MemoryBudget } from '../inference/memory-budget.js'
import { assortmentFiles } from '../recognition/classifier.js'
import { readAssortment } from '../recognition/assortment.js'
import { Network } from '../recognition/network.js'
import { readPicture } from '../recognition/picture.js'
import type { ProofAnswer, ProofRequest } from './prove.js'

/** Of Node, libuv and libvips, beside those of the runtime. */
const otherThreads = 16

const median = (values: number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

/** The till goes on while this runs: it may take what others leave, and goes first when memory runs out. */
function standBack(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '900')
    setPriority(process.pid, 10)
  } catch {
    // Not allowed in some containers; nothing depends on it.
  }
}

async function prove(request: ProofRequest): Promise<ProofAnswer & { ok: true }> {
  const { folder, golden, shop, runtime, memory, cacheDir, attempt } = request
  const budget = new MemoryBudget(memory)
  budget.capProcess(2 * availableParallelism() + runtime.streams + otherThreads)
  const empty = budget.use().host.usedBytes
  const network = new Network({ model: folder, runtime, budget, cacheDir, attempt })
  const info = await network.start()
  // What is sold here must fit its classes, or the shop would have nothing to sell.
  readAssortment(info.labels, assortmentFiles(shop))
  const wrong: string[] = []
  const times: number[] = []
  for (const { path, sku } of golden.pictures) {
    const bytes = readFileSync(join(folder, path))
    const began = performance.now()
    const { scores } = await network.infer(await readPicture(bytes, path))
    times.push(performance.now() - began)
    const best = info.labels[scores.indexOf(Math.max(...scores))]!.sku
    if (best !== sku) wrong.push(`${path} is ${sku} and was answered ${best}`)
  }
  const use = budget.use()
  await network.stop()
  return {
    ok: true,
    pictures: times.length,
    wrong,
    latencyMs: median(times),
    hostBytes: use.host.peakBytes,
    modelBytes: use.host.peakBytes - empty,
    gpuBytes: use.gpu?.usedBytes ?? 0,
    runtime: info.runtime,
  }
}

process.once('message', (request: ProofRequest) => {
  prove(request)
    .catch((error): ProofAnswer => {
      const { fallbacks = 0 } = ((error as GroceryError).details ?? {}) as Partial<Exceeded>
      return { ok: false, ...describeError(error), fallbacks }
    })
    .then(answer => process.send!(answer, () => process.exit(0)))
})
process.on('disconnect', () => process.exit(1))
standBack()
