// Brings OpenVINO's runtime into runtime/: the pinned Python wheel, checked by its hash, unpacked as far as it is needed
// to run models. It installs nothing outside the project's folder.

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
import { unpackWheel } from './wheel.mjs'

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

// The C and core libraries, the readers of IR and ONNX, the device plugins, TBB and the GPU's tuning table; not the other
// readers, headers or Python code. The licences stay with them.
const wanted =
  '(?:^openvino/libs/|[.]dist-info/(?=licenses/))' +
  '((?:licenses/(?:.*/)?[^/]+|cache[.]json|plugins[.]xml|libhwloc[.]so.*|libtbb\\w*[.]so.*' +
  '|libopenvino(?:_c)?[.]so.*|libopenvino_(?:ir|onnx)_frontend[.]so.*|libopenvino_\\w+_plugin[.]so))$'

/** Where the runtime of an architecture lies: this machine's own where the program looks for it. */
export const openVinoFolder = (root, arch = process.arch) =>
  join(root, 'runtime', arch === process.arch ? 'openvino' : `openvino-${arch}`)

/**
 * Brings the runtime unless this version is there already.
 * @param {string} root the project's folder
 * @param {string} arch as Node names it
 * @returns {{ ok: boolean, text: string }} one line for a person
 */
export function bringOpenVino(root, arch = process.arch) {
  const wheel = wheels[arch]
  if (!wheel) return { ok: false, text: `no OpenVINO wheel for ${arch}` }
  const target = openVinoFolder(root, arch)
  const stamp = join(target, 'VERSION')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wheel.sha256) {
    return { ok: true, text: `OpenVINO ${version} is there for ${arch}` }
  }
  mkdirSync(join(root, 'runtime'), { recursive: true })
  const work = mkdtempSync(join(root, 'runtime', 'download-'))
  try {
    const fresh = join(work, 'openvino')
    const wrong = unpackWheel({ name: 'openvino', version, ...wheel }, wanted, fresh, work)
    if (wrong) return { ok: false, text: `OpenVINO ${wrong}` }
    // The stamp goes in before the rename: the folder is there whole or not at all.
    writeFileSync(join(fresh, 'VERSION'), wheel.sha256)
    rmSync(target, { recursive: true, force: true })
    renameSync(fresh, target)
    return { ok: true, text: `OpenVINO ${version} unpacked for ${arch}` }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
