// The table of all routes, and finding one; docs/api/openapi.yaml lists the same (a test holds them together).
import { GroceryError } from '../../errors.js'
import { apiRoutes } from './api.js'
import { commandRoutes } from './commands.js'
import { pageRoutes } from './page.js'
import { probeRoutes } from './probes.js'
import type { Route } from './route.js'

export const routes: Route[] = [...probeRoutes, ...pageRoutes, ...apiRoutes, ...commandRoutes]

const compiled = routes.map(route => ({
  route,
  // Names are matched raw: what would need decoding is no name of ours.
  pattern: new RegExp(
    `^${route.path.replaceAll('.', '\\.').replace(/\{(\w+)\}/g, '(?<$1>[A-Za-z0-9_-]{1,64})')}$`,
  ),
}))

export type Found =
  { route: Route; params: Record<string, string> } | { error: GroceryError; allow?: string }

/** HEAD finds the route of GET. Paths are compared as sent: no decoding, no dots to follow. */
export function findRoute(method: string, path: string): Found {
  const matching = compiled.filter(({ pattern }) => pattern.test(path))
  const wanted = method === 'HEAD' ? 'GET' : method
  for (const { route, pattern } of matching) {
    if (route.method === wanted) return { route, params: { ...pattern.exec(path)?.groups } }
  }
  const shown = JSON.stringify(path.slice(0, 100))
  if (matching.length === 0) {
    return { error: new GroceryError('HTTP_NOT_FOUND', `There is nothing at ${shown}`) }
  }
  const allow = matching.map(({ route: { method } }) => (method === 'GET' ? 'GET, HEAD' : method))
  return {
    error: new GroceryError(
      'HTTP_METHOD_WRONG',
      `Expected ${allow.join(', ')} for ${shown} but received ${method}`,
    ),
    allow: allow.join(', '),
  }
}
