// Which glibc and libstdc++ binaries want, read from the names of the symbol versions inside them.

import { readFileSync } from 'node:fs'

/** The gcc whose libstdc++ first had GLIBCXX_3.4.<number>. */
const gccOf = {
  21: '5',
  22: '6',
  23: '7',
  24: '7',
  25: '8',
  26: '9',
  27: '9',
  28: '9',
  29: '11',
  30: '12',
  31: '13',
  32: '13',
  33: '14',
}

function newest(text, pattern) {
  return Math.max(0, ...[...text.matchAll(pattern)].map(match => Number(match[1])))
}

/**
 * @param {string[]} files ELF files
 * @returns {{ glibc: string, libstdcxx: string }} versions as Debian's packages have them
 */
export function neededVersions(files) {
  let glibc = 17
  let glibcxx = 21
  for (const file of files) {
    const text = readFileSync(file, 'latin1')
    glibc = Math.max(glibc, newest(text, /\0GLIBC_2\.(\d+)(?=[.\d]*\0)/g))
    glibcxx = Math.max(glibcxx, newest(text, /\0GLIBCXX_3\.4\.(\d+)(?=\0)/g))
  }
  const gcc = gccOf[glibcxx]
  if (!gcc) throw new Error(`GLIBCXX_3.4.${glibcxx} is not known here: add its gcc`)
  return { glibc: `2.${glibc}`, libstdcxx: gcc }
}
