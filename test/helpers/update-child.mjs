// A process that installs or activates a model and ends itself, as kill -9 would, before a step of it: node update-child.mjs JSON.
import { installBundle } from '../../dist/updates/install.js'
import { writeActivation } from '../../dist/updates/records.js'

const { bundle, options, record, killAt } = JSON.parse(process.argv[2])
let steps = 0
const step = () => {
  if (++steps === killAt) process.kill(process.pid, 'SIGKILL')
}
// A key's bytes do not survive JSON.
for (const key of options.trust.keys) key.bytes = Buffer.from(key.text, 'base64').subarray(10)
installBundle(bundle, { ...options, step })
writeActivation(options.stateDir, record, step)
console.log(steps)
