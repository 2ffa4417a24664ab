// Loads every model that a configuration names, in vision's order and under its budget, all of them at once as vision has them.
import type { Config } from '../../config/schema.js'
import type { MemoryUse } from '../../inference/memory-budget.js'
import type { ClassifierInfo } from '../../recognition/classifier.js'

export interface LoadedModel {
  name: string
  version: number
  /** 0 where it has none. */
  classes: number
  runtime: string
  device: string
  loadMs: number
}

/** What came of one model of the configuration; the memory that all of them took, last. */
export type Tried =
  | { part: 'model'; info: ClassifierInfo }
  | { part: 'detector' | 'embedder'; loaded: LoadedModel }
  | { part: 'text'; names: string[]; loadMs: number }
  | { part: 'model' | 'detector' | 'embedder' | 'text'; error: unknown }
  | { part: 'memory'; memory: MemoryUse }

interface Stoppable {
  stop(): Promise<void>
}

type Info = {
  model: { name: string; version: number; classes: number }
  runtime: { name: string; device: string }
  loadMs: number
}
const loadedOf = ({ model, runtime, loadMs }: Info): LoadedModel => ({
  name: model.name,
  version: model.version,
  classes: model.classes,
  runtime: runtime.name,
  device: runtime.device,
  loadMs,
})

/** Never throws: what a load throws is yielded. Lets all go at its end. */
export async function* tryModels(config: Config): AsyncGenerator<Tried> {
  const { MemoryBudget } = await import('../../inference/memory-budget.js')
  const { openModel } = await import('../../inference/manifest.js')
  const { classifierFor } = await import('../../recognition/choose.js')
  const { Detector } = await import('../../recognition/detector.js')
  const { Embedder } = await import('../../recognition/embedder.js')
  const { catalogueFile } = await import('../../desks/kept-catalogue.js')
  const { TextReader } = await import('../../recognition/text/reader.js')
  const { kiosk, cameras, models, runtime, memory, recognition } = config
  const budget = new MemoryBudget(memory)
  const held: Stoppable[] = []
  const hold = <T extends Stoppable>(one: T): T => {
    held.push(one)
    return one
  }
  const attempt = async (
    part: 'model' | 'detector' | 'embedder' | 'text',
    load: () => Promise<Tried>,
  ): Promise<Tried> => {
    try {
      return await load()
    } catch (error) {
      return { part, error }
    }
  }
  try {
    yield await attempt('model', async () => {
      const { classifier: model, ensemble } = models
      const shop = { catalogue: catalogueFile(config), site: kiosk.site, recognition }
      const classifier = hold(classifierFor({ model, ensemble, runtime, budget, ...shop }))
      return { part: 'model', info: await classifier.start() }
    })
    if (cameras.some(({ mode }) => mode === 'tray')) {
      yield await attempt('detector', async () => {
        const detector = hold(new Detector({ model: models.detector, runtime, budget }))
        return { part: 'detector', loaded: loadedOf(await detector.start()) }
      })
    }
    const { embedder: named, text } = models
    if (named !== null) {
      yield await attempt('embedder', async () => {
        const embedder = hold(new Embedder({ model: named, runtime, budget }))
        return { part: 'embedder', loaded: loadedOf(await embedder.start()) }
      })
    }
    if (text !== null) {
      yield await attempt('text', async () => {
        const began = performance.now()
        const reader = hold(
          new TextReader({ ...text, runtime: { ...runtime, threads: 1 }, budget }),
        )
        await reader.start()
        const names = [text.detector, text.recogniser].map(one => {
          const { name, version } = openModel(one).manifest
          return `${name} version ${version}`
        })
        return { part: 'text', names, loadMs: performance.now() - began }
      })
    }
    yield { part: 'memory', memory: budget.use() }
  } finally {
    for (const one of held) await one.stop()
  }
}
