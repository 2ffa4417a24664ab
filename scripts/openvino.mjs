// Brings OpenVINO's runtime into runtime/openvino: the pinned Python wheel, checked by its hash,
// unpacked as far as it is needed to run models. It installs nothing outside the project's folder.

import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

const version = '2026.4.1'

// Any interpreter's wheel holds the same libraries; one is pinned so that one hash does.
const wheels = {
  x64: {
    platform: 'manylinux_2_28_x86_64',
    sha256: '2d22b1da03f7caf74df30e9f6417d0ab2f637e4a38e08e1dcd294d2c37407aaf',
  },
  arm64: {
    platform: 'manylinux_2_35_aarch64',
    sha256: 'bea1eb3733c34ef331adc945da0ccda5937865031139073663be84c517ffda22',
  },
}

/** What is pinned, for scripts/sbom.mjs. */
export const openVinoWheels = () =>
  Object.entries(wheels).map(([arch, { sha256 }]) => ({ arch, version, sha256 }))

// From the wheel: the C and core libraries, the readers of IR and ONNX, the device plugins, TBB and
// the GPU's tuning table; not the other readers, headers or Python code. The licences stay with
// them.
const unpack = `
import re, shutil, sys, zipfile
from pathlib import Path
wheel, target = sys.argv[1], Path(sys.argv[2])
wanted = re.compile(
    r'openvino/libs/(cache\\.json|plugins\\.xml|libhwloc\\.so.*|libtbb\\w*\\.so.*|libopenvino(_c)?\\.so.*'
    r'|libopenvino_(ir|onnx)_frontend\\.so.*|libopenvino_\\w+_plugin\\.so)$')
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        base = name.rsplit('/', 1)[-1]
        if wanted.match(name):
            path = target / base
        elif '.dist-info/licenses/' in name and base:
            path = target / 'licenses' / base
        else:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(name) as source, open(path, 'wb') as copy:
            shutil.copyfileobj(source, copy)
`

/**
 * Brings the runtime unless this version is there already.
 * @param {string} root the project's folder
 * @returns {{ ok: boolean, text: string }} one line for a person
 */
export function bringOpenVino(root) {
  const wheel = wheels[process.arch]
  if (!wheel) return { ok: false, text: `no OpenVINO wheel for ${process.arch}` }
  const target = join(root, 'runtime', 'openvino')
  const stamp = join(target, 'VERSION')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wheel.sha256) {
    return { ok: true, text: `OpenVINO ${version} is in runtime/openvino` }
  }
  mkdirSync(join(root, 'runtime'), { recursive: true })
  const work = mkdtempSync(join(root, 'runtime', 'download-'))
  try {
    return fetchAndUnpack(wheel, work, target)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function fetchAndUnpack(wheel, work, target) {
  const requirements = join(work, 'requirements.txt')
  writeFileSync(requirements, `openvino==${version} --hash=sha256:${wheel.sha256}\n`)
  const pip = run(work, [
    '-m',
    'pip',
    'download',
    '--quiet',
    '--no-cache-dir',
    '--no-input',
    '--retries',
    '2',
    '--timeout',
    '30',
    '--no-deps',
    '--only-binary=:all:',
    '--require-hashes',
    '--implementation',
    'cp',
    '--python-version',
    '3.11',
    '--abi',
    'cp311',
    '--platform',
    wheel.platform,
    '--dest',
    work,
    '--requirement',
    requirements,
  ])
  if (!pip.ok) return { ok: false, text: `OpenVINO was not brought: ${pip.reason}` }
  const file = run(work, ['-c', 'import glob,sys; print(glob.glob(sys.argv[1]+"/*.whl")[0])', work])
  const fresh = join(work, 'openvino')
  const unpacked = file.ok ? run(work, ['-c', unpack, file.output.trim(), fresh]) : file
  if (!unpacked.ok) return { ok: false, text: `OpenVINO was not unpacked: ${unpacked.reason}` }
  // The stamp goes in before the rename: the folder is there whole or not at all.
  writeFileSync(join(fresh, 'VERSION'), wheel.sha256)
  rmSync(target, { recursive: true, force: true })
  renameSync(fresh, target)
  return { ok: true, text: `OpenVINO ${version} unpacked into runtime/openvino` }
}

function run(work, args) {
  // HOME may be empty or not writable; pip must find a place of its own all the same.
  const env = {
    ...process.env,
    HOME: work,
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    PYTHONNOUSERSITE: '1',
  }
  const done = spawnSync('python3', args, { env, encoding: 'utf8', timeout: 600_000 })
  if (done.error)
    return { ok: false, reason: `python3 does not start (${done.error.code})`, output: '' }
  const reason = done.stderr
    .trim()
    .split('\n')
    .filter(line => !/^WARNING|^$/.test(line))
    .pop()
  return {
    ok: done.status === 0,
    reason: reason ?? `exit code ${done.status}`,
    output: done.stdout,
  }
}
