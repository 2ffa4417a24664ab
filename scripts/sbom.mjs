// `npm run sbom`: what a kiosk runs, as CycloneDX JSON, from the lockfile and the pins of the native libraries. It asks nobody, and
// the same lockfile gives the same bytes. npm has a command of that name, which leaves out what development needs as well.
import { readFileSync, writeFileSync } from 'node:fs'
import { openVinoWheels } from './openvino.mjs'

const json = path => JSON.parse(readFileSync(path, 'utf8'))
const folder = 'node_modules/'
const nameOf = path => path.slice(path.lastIndexOf(folder) + folder.length)
const refOf = (name, version) => `${name}@${version}`

/** "sha512-base64" of the lockfile as CycloneDX has it. */
function hashOf(integrity) {
  const [algorithm, base64] = integrity.split('-')
  return {
    alg: algorithm.replace('sha', 'SHA-'),
    content: Buffer.from(base64, 'base64').toString('hex'),
  }
}

function packageComponent(path, { version, license, integrity, optional, devOptional }) {
  const name = nameOf(path)
  return {
    type: 'library',
    'bom-ref': refOf(name, version),
    name,
    version,
    scope: optional || devOptional ? 'optional' : 'required',
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    ...(integrity ? { hashes: [hashOf(integrity)] } : {}),
    ...(license ? { licenses: [{ expression: license }] } : {}),
  }
}

/** As Node finds it: in the folder of who asks, or in one above. */
function resolved(packages, from, name) {
  for (let base = from; ; base = base.slice(0, Math.max(0, base.lastIndexOf(folder) - 1))) {
    const path = `${base ? `${base}/` : ''}${folder}${name}`
    if (packages[path]) return path
    if (base === '') return null
  }
}

function dependenciesOf(packages, path, kept) {
  const { dependencies, optionalDependencies } = packages[path]
  return Object.keys({ ...dependencies, ...optionalDependencies })
    .map(name => resolved(packages, path, name))
    .filter(found => found !== null && kept.has(found))
    .map(found => refOf(nameOf(found), packages[found].version))
}

/** What is used beside npm packages. What the operating system brings has no version here: its updates are the system's. */
function nativeComponents(onnxRuntime) {
  const library = (name, version, from, purl, more) => ({
    type: 'library',
    'bom-ref': version ? refOf(name, version) : name,
    name,
    ...(version ? { version } : {}),
    scope: 'optional',
    description: from,
    purl,
    ...more,
  })
  return [
    ...openVinoWheels().map(({ arch, version, sha256 }) => ({
      ...library(
        'openvino',
        version,
        `the Python wheel for ${arch}, pinned in scripts/openvino.mjs`,
        `pkg:pypi/openvino@${version}`,
        {
          hashes: [{ alg: 'SHA-256', content: sha256 }],
          licenses: [{ expression: 'Apache-2.0' }],
        },
      ),
      'bom-ref': refOf(`openvino-${arch}`, version),
    })),
    library(
      'libonnxruntime',
      onnxRuntime,
      'inside the package onnxruntime-node',
      `pkg:generic/onnxruntime@${onnxRuntime}`,
      {
        licenses: [{ expression: 'MIT' }],
      },
    ),
    library(
      'libturbojpeg',
      null,
      'libjpeg-turbo of the operating system',
      'pkg:generic/libjpeg-turbo',
      {
        licenses: [{ expression: 'IJG AND BSD-3-Clause' }],
      },
    ),
  ]
}

export function makeSbom() {
  const { name, version, license, optionalDependencies } = json('package.json')
  const { packages } = json('package-lock.json')
  const kept = new Set(
    Object.keys(packages).filter(
      path => path !== '' && !packages[path].dev && !packages[path].peer,
    ),
  )
  const native = nativeComponents(optionalDependencies['onnxruntime-node'])
  // The same package in two places is one component.
  const components = new Map(
    [...kept].map(path => packageComponent(path, packages[path])).map(one => [one['bom-ref'], one]),
  )
  const dependsOn = new Map()
  for (const path of kept) {
    const ref = refOf(nameOf(path), packages[path].version)
    dependsOn.set(
      ref,
      new Set([...(dependsOn.get(ref) ?? []), ...dependenciesOf(packages, path, kept)]),
    )
  }
  const own = {
    type: 'application',
    'bom-ref': refOf(name, version),
    name,
    version,
    licenses: [{ expression: license }],
  }
  dependsOn.set(own['bom-ref'], [
    ...dependenciesOf(packages, '', kept),
    ...native.map(one => one['bom-ref']),
  ])
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: { component: own },
    components: [...components.values(), ...native],
    dependencies: [...dependsOn].map(([ref, list]) => ({ ref, dependsOn: [...list] })),
  }
}

if (process.argv[1]?.endsWith('sbom.mjs')) {
  const file = process.argv[2] ?? 'grocerd.cdx.json'
  const sbom = makeSbom()
  writeFileSync(file, `${JSON.stringify(sbom, null, 2)}\n`)
  console.log(`${file}: ${sbom.components.length} components, CycloneDX ${sbom.specVersion}`)
}
