// `npm run sbom`: what a kiosk runs, as CycloneDX JSON: npm's own list from the lockfile, and the native libraries that npm
// does not know. It asks nobody: the lockfile and the pins are the truth.
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { openVinoWheels } from './openvino.mjs'

const json = path => JSON.parse(readFileSync(path, 'utf8'))

/** What is used beside npm packages: where it comes from, and why it has a version here or none. */
function nativeComponents() {
  const runtime = json('package.json').optionalDependencies['onnxruntime-node']
  const wheels = openVinoWheels()
  return [
    ...wheels.map(({ arch, version, sha256 }) => ({
      type: 'library',
      'bom-ref': `openvino@${version}-${arch}`,
      name: 'openvino',
      version,
      scope: 'required',
      description: `OpenVINO runtime for ${arch}, from the Python wheel that scripts/openvino.mjs pins`,
      purl: `pkg:pypi/openvino@${version}`,
      hashes: [{ alg: 'SHA-256', content: sha256 }],
      licenses: [{ license: { id: 'Apache-2.0' } }],
    })),
    {
      type: 'library',
      'bom-ref': `libonnxruntime@${runtime}`,
      name: 'libonnxruntime',
      version: runtime,
      scope: 'optional',
      description: 'ONNX Runtime, from the package onnxruntime-node; its JavaScript is not loaded',
      purl: `pkg:generic/onnxruntime@${runtime}`,
      licenses: [{ license: { id: 'MIT' } }],
    },
    {
      type: 'library',
      'bom-ref': 'libturbojpeg',
      name: 'libturbojpeg',
      scope: 'optional',
      description: "libjpeg-turbo of the operating system, whose updates are the system's",
      purl: 'pkg:generic/libjpeg-turbo',
      licenses: [{ license: { id: 'IJG' } }, { license: { id: 'BSD-3-Clause' } }],
    },
  ]
}

export function makeSbom() {
  const words = ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application']
  const run = spawnSync('npm', [...words, '--package-lock-only', '--omit', 'dev'], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  if (run.status !== 0) {
    throw new Error(
      `Expected npm 10 or newer, which has \`npm sbom\`, but it failed:\n${run.stderr}`,
    )
  }
  const sbom = JSON.parse(run.stdout)
  // npm takes the name of the folder.
  sbom.metadata.component.name = json('package.json').name
  const native = nativeComponents()
  sbom.components.push(...native)
  const root = sbom.metadata.component['bom-ref']
  const own = sbom.dependencies.find(one => one.ref === root)
  own.dependsOn.push(...native.map(one => one['bom-ref']))
  sbom.dependencies.push(...native.map(one => ({ ref: one['bom-ref'], dependsOn: [] })))
  return sbom
}

if (process.argv[1]?.endsWith('sbom.mjs')) {
  const file = process.argv[2] ?? 'grocerd.cdx.json'
  const sbom = makeSbom()
  writeFileSync(file, `${JSON.stringify(sbom, null, 2)}\n`)
  console.log(`${file}: ${sbom.components.length} components, CycloneDX ${sbom.specVersion}`)
}
