// Loads the shipped model under a limit as vision does, from dist/: a plain process, whose memory
// differs little from run to run. Arguments: runtime, hostBytes (0: no limit). It answers by message.
import { availableParallelism } from 'node:os'
import { describeError } from '../../dist/errors.js'
import { MemoryBudget } from '../../dist/inference/memory-budget.js'
import { processMemory } from '../../dist/inference/process-memory.js'
import { Network } from '../../dist/recognition/network.js'

const [prefer, hostBytes] = process.argv.slice(2)
const budget = new MemoryBudget({ hostBytes: Number(hostBytes) || null })
const answer = { code: 'ran', message: '', startBytes: processMemory().privateBytes }
try {
  budget.capProcess(2 * availableParallelism() + 17)
  const network = new Network({ runtime: { prefer }, budget })
  const { width, height } = (await network.start()).input
  const rgb = new Uint8Array(3 * width * height)
  for (let i = 0; i < 5; i++) await network.infer({ rgb, width, height })
  budget.check()
} catch (error) {
  Object.assign(answer, describeError(error), { details: error.details })
}
process.send({ ...answer, use: budget.use() }, () => process.exit(0))
