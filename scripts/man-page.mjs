// The man page, made of what `grocerd --help` and each command's --help say: one text, never two.

import { execFileSync } from 'node:child_process'

/** Text as roff has it: a backslash, a hyphen and a leading dot mean something there. */
const escaped = text =>
  text
    .replace(/\\/g, '\\e')
    .replace(/-/g, '\\-')
    .replace(/^([.'])/gm, '\\&$1')

/** As it stands, line by line: help is laid out already. */
const verbatim = text => `.nf\n${escaped(text.trimEnd())}\n.fi\n`

/**
 * @param {(...args: string[]) => string} help what the command line prints for these arguments
 * @param {string} version
 * @param {Date} date
 */
export function manPage(help, version, date) {
  const whole = help('--help')
  const commands = [...whole.matchAll(/^ {2}([a-z][a-z-]*)(?: .*)?$/gm)]
    .map(match => match[1])
    .filter(name => name !== 'help')
  const day = date.toISOString().slice(0, 10)
  const parts = commands.map(name => `.SS ${escaped(name)}\n${verbatim(help(name, '--help'))}`)
  return `.TH GROCERD 1 ${day} "grocerd ${version}" "User Commands"
.SH NAME
grocerd \\- recognises groceries beside the camera of a checkout and tells the till over MQTT
.SH SYNOPSIS
.B grocerd
.I command
.RI [ options ]
.SH DESCRIPTION
${verbatim(whole)}.SH COMMANDS
${parts.join('')}.SH FILES
.TP
.I /etc/grocerd/grocerd.yaml
the configuration; it explains every key
.TP
.I /etc/grocerd/credentials/mqtt\\-password
the password of the broker, readable by root only
.TP
.I /var/lib/grocerd
events that wait, the gallery, installed models
.SH EXIT STATUS
0 done, 1 failed, 2 usage, 75 another daemon holds the state directory, 78 configuration.
.SH SEE ALSO
.BR systemctl (1),
.I /usr/share/doc/grocerd
`
}

/** Runs the built command line under the Node that runs this. */
export const helpOf =
  main =>
  (...args) =>
    execFileSync(process.execPath, [main, ...args], {
      encoding: 'utf8',
      env: { ...process.env, COLUMNS: '76', NO_COLOR: '1' },
    })
