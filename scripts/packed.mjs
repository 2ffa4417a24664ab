// Brings files of a pinned npm package, checked by its hash, without installing it.

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/**
 * @param {{ name: string, version: string, integrity: string }} pinned
 * @param {string[]} files inside of it
 * @param {string} work a folder of its own; the files are below `package/` there
 */
export function unpackPackage({ name, version, integrity }, files, work) {
  rmSync(work, { recursive: true, force: true })
  mkdirSync(work, { recursive: true })
  const run = (command, args) => execFileSync(command, args, { cwd: work, encoding: 'utf8' })
  const answer = run('npm', ['pack', `${name}@${version}`, '--json', '--prefer-offline'])
  const archive = join(work, JSON.parse(answer)[0].filename)
  const hash = createHash('sha512').update(readFileSync(archive)).digest('base64')
  if (`sha512-${hash}` !== integrity)
    throw new Error(`${name}@${version}: Expected ${integrity} but received sha512-${hash}`)
  run('tar', ['-xzf', archive, ...files.map(file => `package/${file}`)])
}
