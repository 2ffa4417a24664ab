// Builds the addon for another machine than this one, into build/<name>/: for arm64 with Debian's cross compiler, and for
// JetPack 4, whose glibc is older than any compiler here links against, with zig's, from its Python wheel.

import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { unpackWheel } from './wheel.mjs'

const zig = {
  name: 'ziglang',
  version: '0.15.2',
  platform: 'manylinux_2_12_x86_64',
  sha256: '806316453d1ede7174ed3fefb8e5348154629089c3bb5fe812dfd0e172fac130',
}

const debian = prefix => ({
  CC: `${prefix}gcc`,
  CXX: `${prefix}g++`,
  AR: `${prefix}ar`,
  STRIP: `${prefix}strip`,
})

/** zig takes its target as an argument, and make wants one word: scripts that say both. Its C++ library comes into the addon. */
function zigCompiler(root, target) {
  const folder = join(root, 'build', `zig-${zig.version}`)
  const program = join(folder, 'ziglang', 'zig')
  if (!existsSync(program)) {
    const work = join(root, 'build', 'zig-download')
    const wrong = unpackWheel(zig, '^(ziglang/.+)$', folder, work)
    rmSync(work, { recursive: true, force: true })
    if (wrong) throw new Error(`zig ${wrong}`)
  }
  chmodSync(program, 0o755)
  const script = (name, args) => {
    const path = join(folder, name)
    writeFileSync(path, `#!/bin/sh\nexec '${program}' ${args} "$@"\n`, { mode: 0o755 })
    return path
  }
  return {
    CC: script('cc', `cc -target ${target}`),
    CXX: script('c++', `c++ -target ${target} -Wl,--strip-all`),
    AR: script('ar', 'ar'),
    STRIP: 'true',
  }
}

const compilers = {
  arm64: () => debian('aarch64-linux-gnu-'),
  jetpack4: root => zigCompiler(root, 'aarch64-linux-gnu.2.27'),
}

/**
 * @param {string} root the project's folder
 * @param {'arm64' | 'jetpack4'} name for what
 * @returns {string} the path of grocerd.node, stripped
 */
export function crossBuild(root, name) {
  const place = join(root, 'build', name)
  rmSync(place, { recursive: true, force: true })
  mkdirSync(place, { recursive: true })
  // node-gyp builds beside its binding.gyp.
  copyFileSync(join(root, 'binding.gyp'), join(place, 'binding.gyp'))
  symlinkSync(join(root, 'native'), join(place, 'native'))
  const { STRIP, ...compiler } = compilers[name](root)
  const gyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js')
  const headers = dirname(dirname(process.execPath))
  const options = { cwd: place, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' }
  const env = { ...process.env, ...compiler, npm_config_nodedir: headers }
  const built = join(place, 'build', 'Release', 'grocerd.node')
  const args = [gyp, 'rebuild', '--arch', 'arm64', '--jobs', '2', '--silent']
  execFileSync(process.execPath, args, { ...options, env })
  execFileSync(STRIP, ['--strip-unneeded', built])
  return built
}
