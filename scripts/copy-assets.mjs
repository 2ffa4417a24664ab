// Copies what the compiler leaves behind (the live page's HTML, CSS and browser JavaScript) into
// dist/.

import { cpSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
cpSync(join(root, 'src'), join(root, 'dist'), {
  recursive: true,
  filter: path => !/\.(ts|mts|cts|map)$/.test(path),
})
