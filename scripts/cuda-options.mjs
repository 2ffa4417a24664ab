// Asks the real CUDA and TensorRT providers of ONNX Runtime whether they take our options, on a machine
// without a GPU: they answer "CUDA failure" for right ones and "Unknown provider option" for a wrong one.
// It downloads 0.8 GB into FOLDER (the argument; default: a folder in the system's temporary one), so CI does not run it.

import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const folder = process.argv[2] ?? join(tmpdir(), 'grocerd-cuda-options')
const wheels = join(folder, 'wheels')
const site = join(folder, 'site')

// These versions belong together: this ONNX Runtime is built for CUDA 13.
const packages = [
  'onnxruntime-gpu==1.31.1',
  'nvidia-cublas==13.10.0.20',
  'nvidia-curand==10.4.5.25',
  'nvidia-cuda-runtime==13.5.37',
]

function run(program, args, options = {}) {
  const done = spawnSync(program, args, { encoding: 'utf8', cwd: root, ...options })
  if (done.status === 0) return done.stdout
  console.error(
    `${program} ${args.join(' ')}\n${done.error ?? done.stdout + done.stderr}\n${done.signal ?? `exit code ${done.status}`}`,
  )
  process.exit(1)
}

mkdirSync(wheels, { recursive: true })
const python = [
  '--python-version',
  '3.11',
  '--abi',
  'cp311',
  '--abi',
  'none',
  '--only-binary=:all:',
]
console.log(`downloading into ${folder} what is not there yet`)
run('python3', [
  '-m',
  'pip',
  'download',
  '--quiet',
  '--no-deps',
  ...python,
  '-d',
  wheels,
  ...packages,
])
if (!existsSync(site)) {
  for (const wheel of readdirSync(wheels))
    run('python3', ['-m', 'zipfile', '-e', join(wheels, wheel), site])
}

// The driver, cuDNN and TensorRT are not in these wheels; one stand-in has all their names.
run('make', ['-C', 'native/test', 'cuda-stand-ins'])
const built = join(root, 'native/test/build/standins')
const capi = join(site, 'onnxruntime/capi')
const standIns = join(folder, 'stand-ins')
const misspelling = join(folder, 'misspelling')
mkdirSync(standIns, { recursive: true })
mkdirSync(misspelling, { recursive: true })
for (const name of ['libcuda.so.1', 'libcudnn.so.9', 'libnvinfer.so.10', 'libnvonnxparser.so.10'])
  copyFileSync(join(built, 'libnvidia.so'), join(standIns, name))
copyFileSync(join(built, 'libmisspelling.so'), join(misspelling, 'libonnxruntime.so'))
for (const name of readdirSync(capi).filter(one => /^libonnxruntime_providers_/.test(one))) {
  if (!existsSync(join(misspelling, name))) symlinkSync(join(capi, name), join(misspelling, name))
}
const nvidia = readdirSync(join(site, 'nvidia'), { recursive: true })
  .filter(path => /\.so\.\d+$/.test(path))
  .map(path => join(site, 'nvidia', dirname(path)))
const real = join(
  capi,
  readdirSync(capi).find(name => /^libonnxruntime\.so/.test(name)),
)

// One engine in a process of its own, as the classifier starts it.
const start = `
  import { readFileSync } from 'node:fs'
  import { Engine } from ${JSON.stringify(join(root, 'dist/inference/addon.js'))}
  import { openModel } from ${JSON.stringify(join(root, 'dist/inference/manifest.js'))}
  const { folder, manifest } = openModel('grocery81')
  const { file } = manifest.weights.find(one => one.format === 'onnx')
  const engine = new Engine({
    runtime: 'onnxruntime', model: readFileSync(folder + '/' + file), input: manifest.input,
    device: process.argv[1], gpuMemoryBytes: 400e6, gpuWorkspaceBytes: 300e6, cacheDir: process.argv[2],
  })
  try {
    await engine.start()
    console.log('it runs')
  } catch ({ code, message }) {
    console.log(code + ': ' + message)
  }
  process.exit(0)`

const answers = {
  right: /CUDA failure \d+/,
  misspelt: /Unknown provider option/,
}
let failed = false
for (const device of ['CUDA', 'TensorRT']) {
  for (const [spelling, dir] of Object.entries({ right: capi, misspelt: misspelling })) {
    const env = {
      ...process.env,
      GROCERD_ONNXRUNTIME_DIR: dir,
      STANDIN_REAL: real,
      LD_LIBRARY_PATH: [standIns, ...new Set(nvidia)].join(':'),
    }
    const args = ['--input-type=module', '-e', start, '--', device, join(folder, 'cache')]
    const answer = run(process.execPath, args, { env }).trim()
    const isAsExpected = answers[spelling].test(answer)
    failed ||= !isAsExpected
    console.log(
      `\n${device}, options ${spelling}: ${isAsExpected ? 'as expected' : 'NOT AS EXPECTED'}\n  ${answer}`,
    )
  }
}
process.exit(failed ? 1 : 0)
