// The live page's files, read from the folder beside the code; no other file can be asked for.
import { readFile } from 'node:fs/promises'
import type { Route } from './route.js'

const file = (path: string, name: string, type: string): Route => ({
  method: 'GET',
  path,
  handle: async () => ({
    status: 200,
    type: `${type}; charset=utf-8`,
    body: await readFile(new URL(`../page/${name}`, import.meta.url)),
  }),
})

export const pageRoutes: Route[] = [
  file('/', 'index.html', 'text/html'),
  file('/page.css', 'page.css', 'text/css'),
  file('/page.js', 'page.js', 'text/javascript'),
  file('/camera.js', 'camera.js', 'text/javascript'),
  file('/dom.js', 'dom.js', 'text/javascript'),
  file('/things.js', 'things.js', 'text/javascript'),
  file('/words.js', 'words.js', 'text/javascript'),
]
