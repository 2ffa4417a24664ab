// Loaded into a daemon and its vision process by tests (--import): on SIGUSR2 it collects garbage and writes down what is held.
import { renameSync, writeFileSync } from 'node:fs'

const totalListeners = emitter =>
  emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0)

process.on('SIGUSR2', () => {
  globalThis.gc()
  globalThis.gc()
  const { heapUsed, external, arrayBuffers } = process.memoryUsage()
  const emitters = [process, ...process._getActiveHandles()].filter(one => one.eventNames)
  const handles = {}
  for (const one of process._getActiveHandles()) {
    const name = one.constructor.name
    handles[name] = (handles[name] ?? 0) + 1
  }
  const file = `${process.env.PROBE_DIR}/${process.pid}.json`
  const found = {
    heapUsed,
    external,
    arrayBuffers,
    handles,
    listeners: emitters.reduce((sum, one) => sum + totalListeners(one), 0),
  }
  writeFileSync(`${file}.part`, JSON.stringify(found))
  renameSync(`${file}.part`, file)
})
