// probe
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
t.test('probe', async t => {
  t.comment(JSON.stringify(process.execArgv))
  const preload = `data:text/javascript,import { Classifier } from ${JSON.stringify(new URL('../src/recognition/classifier.js', import.meta.url).href)}; Classifier.prototype.start = async () => ({ model: null, runtime: null, labels: [], loadMs: 0 });console.error('PRELOADED')`
  const began = performance.now()
  const child = fork(fileURLToPath(new URL('../src/vision.ts', import.meta.url)), [], {
    serialization: 'advanced', execArgv: [...process.execArgv, '--import', preload],
  })
  child.send({ type: 'configure', cameras: [], models: { classifier: 'x' }, catalogue: null, runtime: {}, memory: {}, recognition: {}, counter: {}, logLevel: 'info' })
  const first = await new Promise(r => child.once('message', r))
  t.comment(JSON.stringify(first), performance.now() - began)
  child.kill('SIGKILL')
})
