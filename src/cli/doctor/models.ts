// Checks of the models that a configuration names: their hashes, whether they load, and what memory they take.
import type { Config } from '../../config/schema.js'
import type { MemoryUse, Use } from '../../inference/memory-budget.js'
import type { ClassifierInfo } from '../../recognition/classifier.js'
import { type Finding, failure, ok, warn } from './finding.js'
import type { Machine } from './machine.js'
import type { LoadedModel, Tried } from './try-models.js'

/** The same model takes a little more or less each time. */
const fullShare = 0.9

const megabytes = (bytes: number) => `${Math.round(bytes / 1024 ** 2)} MiB`

function* ofClassifier(info: ClassifierInfo): Generator<Finding> {
  const { model, runtime, loadMs, members = [] } = info
  const words = `${model.name} version ${model.version}, ${model.classes} classes, hashes right`
  const place = `loaded by ${runtime.name} on ${runtime.device} in ${Math.round(loadMs)} ms`
  yield ok('model', `${words}, ${place}`)
  for (const { model: member, weight } of members) {
    yield ok('member', `${member.name} version ${member.version}, weight ${weight}`)
  }
}

const ofOther = (part: string, { name, version, runtime, device, loadMs }: LoadedModel): Finding =>
  ok(
    part,
    `${name} version ${version}, hashes right, loaded by ${runtime} on ${device} in ${Math.round(loadMs)} ms`,
  )

function ofBudget(what: string, key: string, title: string, use: Use, total: number): Finding {
  const { peakBytes, budgetBytes } = use
  const words = `${title}the models took ${megabytes(peakBytes)} at the peak`
  if (budgetBytes === null) return ok(what, `${words}; no limit (${key})`)
  const found = `${words} of ${megabytes(budgetBytes)} (${key})`
  if (peakBytes > fullShare * budgetBytes) {
    const remedy = `Raise ${key}, or take a smaller model: a little more ends vision.`
    return warn(what, found, remedy)
  }
  if (total > 0 && budgetBytes > total) {
    const remedy = `Lower ${key} below the ${megabytes(total)} of this machine: the kernel would end vision before the budget does.`
    return warn(what, found, remedy)
  }
  return ok(what, found)
}

/** What the load took, here in doctor's own process, and the budget that vision will have for it. */
function* ofMemory({ host, gpu }: MemoryUse, machine: Machine): Generator<Finding> {
  const { totalBytes } = machine.memory()
  yield ofBudget('memory budget', 'memory.hostBytes', '', host, totalBytes)
  if (!gpu) return
  const key = 'memory.gpuBytes, gpuFraction'
  yield ofBudget('gpu budget', key, `${gpu.device}: `, gpu, 0)
}

/** Without embedder or text reader the daemon goes on with the classifier. */
function ofError({ part, error }: Extract<Tried, { error: unknown }>): Finding {
  const finding = failure(part, error)
  return part === 'embedder' || part === 'text' ? { ...finding, status: 'warn' } : finding
}

/** Last of all checks: it takes longest, and a runtime that crashes here has let the others be read. */
export async function* checkModels(machine: Machine, config: Config): AsyncGenerator<Finding> {
  for await (const tried of machine.tryModels(config)) {
    if ('error' in tried) yield ofError(tried)
    else if (tried.part === 'model') yield* ofClassifier(tried.info)
    else if (tried.part === 'memory') yield* ofMemory(tried.memory, machine)
    else if (tried.part === 'text') {
      const loaded = `loaded in ${Math.round(tried.loadMs)} ms`
      yield ok('text', `${tried.names.join(', ')}, hashes right, ${loaded}`)
    } else yield ofOther(tried.part, tried.loaded)
  }
}
