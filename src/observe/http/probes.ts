// The routes that machines ask: alive, ready (also by KServe's names), metrics.
import type { Readiness } from '../health.js'
import { withRemedies } from './remedies.js'
import { json, type Route } from './route.js'

const readyStatus = (readiness: Readiness): number => (readiness.status === 'ready' ? 200 : 503)

export const probeRoutes: Route[] = [
  {
    method: 'GET',
    path: '/healthz',
    // Answering at all is the proof; it says nothing else, because anybody may ask.
    handle: () => ({ status: 200, type: 'text/plain; charset=utf-8', body: 'ok' }),
  },
  {
    method: 'GET',
    path: '/readyz',
    handle: ({ services }) => {
      const readiness = services.view.readiness()
      return json(readyStatus(readiness), withRemedies(readiness))
    },
  },
  {
    method: 'GET',
    path: '/metrics',
    handle: async ({ services: { metrics } }) => ({
      status: 200,
      type: metrics.contentType,
      body: await metrics.text(),
    }),
  },
  { method: 'GET', path: '/v2/health/live', handle: () => json(200, { live: true }) },
  {
    method: 'GET',
    path: '/v2/health/ready',
    handle: ({ services }) => {
      const status = readyStatus(services.view.readiness())
      return json(status, { ready: status === 200 })
    },
  },
]
