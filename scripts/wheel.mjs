// Brings a pinned Python wheel, checked by its hash, and unpacks files of it. It installs nothing and runs nothing of it.

import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const unpack = `
import glob, re, shutil, sys, zipfile
from pathlib import Path
folder, pattern, target = sys.argv[1], re.compile(sys.argv[2]), Path(sys.argv[3])
with zipfile.ZipFile(glob.glob(folder + '/*.whl')[0]) as archive:
    for entry in archive.infolist():
        match = pattern.search(entry.filename)
        if not match or entry.is_dir():
            continue
        path = target / match.group(1)
        path.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(entry) as source, open(path, 'wb') as copy:
            shutil.copyfileobj(source, copy)
        path.chmod(entry.external_attr >> 16 & 0o777 or 0o644)
`

/**
 * @param {{ name: string, version: string, platform: string, sha256: string }} wheel
 * @param {string} pattern a Python pattern for names inside; its first group is the name below `target`
 * @param {string} target the folder that the files come into
 * @param {string} work an empty folder to load into
 * @returns {string | undefined} why it did not work
 */
export function unpackWheel({ name, version, platform, sha256 }, pattern, target, work) {
  mkdirSync(work, { recursive: true })
  const requirements = join(work, 'requirements.txt')
  writeFileSync(requirements, `${name}==${version} --hash=sha256:${sha256}\n`)
  const quiet = ['--quiet', '--no-cache-dir', '--no-input', '--retries', '2', '--timeout', '30']
  const what = ['--no-deps', '--only-binary=:all:', '--require-hashes']
  const python = ['--implementation', 'cp', '--python-version', '3.11', '--abi', 'cp311']
  const where = ['--platform', platform, '--dest', work, '--requirement', requirements]
  const broughtNot = run(work, [
    ...['-m', 'pip', 'download', ...quiet, ...what, ...python, '--abi', 'none'],
    ...where,
  ])
  if (broughtNot) return `was not brought: ${broughtNot}`
  const unpackedNot = run(work, ['-c', unpack, work, pattern, target])
  return unpackedNot && `was not unpacked: ${unpackedNot}`
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
  if (done.error) return `python3 does not start (${done.error.code})`
  if (done.status === 0) return undefined
  const lines = done.stderr.trim().split('\n')
  return lines.filter(line => !/^WARNING|^$/.test(line)).pop() ?? `exit code ${done.status}`
}
