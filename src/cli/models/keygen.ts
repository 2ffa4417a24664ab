// grocerd models keygen: a new pair of keys, in minisign's format.
import { writeFileSync } from 'node:fs'
import { Command } from 'commander'
import { GroceryError } from '../../errors.js'
import { generateKey, publicKeyText, secretKeyText } from '../../updates/minisign.js'

/** Never over an old one: who has lost a key can sign nothing for the kiosks that trust it. */
function write(path: string, text: string, mode: number): void {
  try {
    writeFileSync(path, text, { mode, flag: 'wx' })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const why = code === 'EEXIST' ? 'it is there already' : `writing it failed: ${code}`
    throw new GroceryError('KEY_INVALID', `${path}: Expected to write a new key but ${why}`, {
      cause,
    })
  }
}

function keygen(name: string, { json }: { json?: boolean }): void {
  const key = generateKey()
  write(`${name}.key`, secretKeyText(key), 0o600)
  write(`${name}.pub`, publicKeyText(key.public), 0o644)
  const { id, text } = key.public
  if (json) {
    console.log(
      JSON.stringify({ id, publicKey: text, secretFile: `${name}.key`, publicFile: `${name}.pub` }),
    )
    return
  }
  console.log(`key ${id}
  ${name}.key  signs: it has no password, so keep it off the kiosks and off this machine
  ${name}.pub  for the kiosks, in their configuration:
models:
  keys: [${text}]`)
}

export const keygenCommand = (): Command =>
  new Command('keygen')
    .description('make NAME.key, which signs, and NAME.pub, which kiosks trust (minisign format)')
    .argument('<name>', 'path without the ending')
    .option('--json', 'print {id, publicKey, secretFile, publicFile}')
    .action(keygen)
