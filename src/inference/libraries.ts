// Where shared libraries are looked for, in order. Lists paths only; the addon opens them.

import { readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A place that was looked at in vain, and why. */
export interface Attempt {
  path: string
  reason: string
}

/** What to open, best first, and the folders that hold nothing of the kind. */
export interface Candidates {
  paths: string[]
  absent: Attempt[]
}

/** The checkout or installed package; this file lies two levels below it, in src/ as in dist/. */
export const projectRoot = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

const arch = process.arch
const triplet = arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu'
const intelArch = arch === 'arm64' ? 'aarch64' : 'intel64'
const systemFolders = [
  `/usr/lib/${triplet}`,
  '/usr/local/lib',
  `/usr/local/lib/${triplet}`,
  '/usr/lib64',
  '/usr/lib',
]

/**
 * Candidates for OpenVINO's C library. `GROCERD_OPENVINO_DIR` names the only place when it is set:
 * a wrong path there must be said, not be papered over by another install.
 */
export function openVinoCandidates(env: NodeJS.ProcessEnv = process.env): Candidates {
  const configured = env.GROCERD_OPENVINO_DIR
  const folders = configured
    ? ['', `runtime/lib/${intelArch}`, 'libs', 'openvino/libs'].map(part => join(configured, part))
    : [
        join(projectRoot, 'runtime', 'openvino'),
        ...systemFolders,
        ...expand('/opt/intel', /^openvino/, `runtime/lib/${intelArch}`),
        ...nodeModules('openvino-node/bin'),
        ...pythonPackages(env).map(path => join(path, 'openvino', 'libs')),
      ]
  return candidatesIn(folders, 'libopenvino_c.so', configured === undefined)
}

/** Candidates for ONNX Runtime; `GROCERD_ONNXRUNTIME_DIR` names the only place when it is set. */
export function onnxRuntimeCandidates(env: NodeJS.ProcessEnv = process.env): Candidates {
  const configured = env.GROCERD_ONNXRUNTIME_DIR
  const folders = configured
    ? [configured, join(configured, 'lib')]
    : [...nodeModules(`onnxruntime-node/bin/napi-v6/linux/${arch}`), ...systemFolders]
  return candidatesIn(folders, 'libonnxruntime.so', configured === undefined)
}

/** Candidates for libturbojpeg; `GROCERD_TURBOJPEG_DIR` names the only place when it is set. */
export function turboJpegCandidates(env: NodeJS.ProcessEnv = process.env): Candidates {
  const configured = env.GROCERD_TURBOJPEG_DIR
  const folders = configured ? [configured] : [...systemFolders, '/opt/libjpeg-turbo/lib64']
  return candidatesIn(folders, 'libturbojpeg.so', configured === undefined)
}

/** Candidates for NVIDIA's NVML, which comes with the driver; `GROCERD_NVML_DIR` as above. */
export function nvmlCandidates(env: NodeJS.ProcessEnv = process.env): Candidates {
  const configured = env.GROCERD_NVML_DIR
  if (configured) return candidatesIn([configured], 'libnvidia-ml.so', false)
  return { paths: ['libnvidia-ml.so.1'], absent: [] }
}

function candidatesIn(folders: string[], library: string, alsoByName: boolean): Candidates {
  const paths: string[] = []
  const absent: Attempt[] = []
  for (const folder of folders) {
    const found = list(folder).filter(name => name === library || name.startsWith(`${library}.`))
    // The longest name is the file itself; the shorter ones are links to it.
    found.sort((a, b) => b.length - a.length || b.localeCompare(a))
    if (found[0] === undefined) absent.push({ path: folder, reason: `no ${library}* there` })
    else paths.push(join(folder, found[0]))
  }
  // Last the loader's own search: LD_LIBRARY_PATH and /etc/ld.so.conf.
  if (alsoByName) paths.push(library)
  return { paths, absent }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** The folders below `parent` whose name matches, each with `rest` appended; newest name first. */
function expand(parent: string, name: RegExp, rest: string): string[] {
  const names = list(parent).filter(entry => name.test(entry))
  return names
    .sort()
    .reverse()
    .map(entry => join(parent, entry, rest))
}

/** A package may lie beside us (a checkout) or above us (grocerd installed as a dependency). */
function nodeModules(path: string): string[] {
  return [join(projectRoot, 'node_modules', path), join(projectRoot, '..', path)]
}

/** A user that systemd made for the service alone has none, and asking for it throws. */
function homeFolder(): string | null {
  try {
    return homedir()
  } catch {
    return null
  }
}

function pythonPackages(env: NodeJS.ProcessEnv): string[] {
  const version = /^python3\.\d+$/
  const home = env.HOME || homeFolder()
  return [
    ...(env.VIRTUAL_ENV ? expand(join(env.VIRTUAL_ENV, 'lib'), version, 'site-packages') : []),
    ...(home ? expand(join(home, '.local', 'lib'), version, 'site-packages') : []),
    ...expand('/usr/local/lib', version, 'dist-packages'),
    ...expand('/usr/local/lib', version, 'site-packages'),
    '/usr/lib/python3/dist-packages',
  ]
}
