// The routes that read the kiosk: state, basket, events, cameras, frames, products, the newest picture, the live stream.
import { json, type Route } from './route.js'

export const apiRoutes: Route[] = [
  {
    method: 'GET',
    path: '/api/v1/state',
    handle: ({ services }) => json(200, services.view.state()),
  },
  {
    method: 'GET',
    path: '/api/v1/basket',
    handle: ({ services }) => json(200, services.view.basket()),
  },
  {
    method: 'GET',
    path: '/api/v1/events',
    handle: ({ services }) => json(200, { events: services.view.events() }),
  },
  {
    method: 'GET',
    path: '/api/v1/cameras',
    handle: ({ services }) => json(200, { cameras: services.view.cameras() }),
  },
  {
    method: 'GET',
    path: '/api/v1/frames',
    handle: ({ services }) => json(200, { frames: services.view.frames() }),
  },
  {
    method: 'GET',
    path: '/api/v1/products',
    handle: ({ services }) => json(200, { products: services.view.products() }),
  },
  {
    method: 'GET',
    path: '/api/v1/cameras/{id}/frame.jpg',
    handle: async ({ services, params }) => {
      const { jpeg, capturedAt } = await services.view.preview(params.id!)
      const headers = { 'X-Captured-At': new Date(capturedAt).toISOString() }
      return { status: 200, type: 'image/jpeg', body: jpeg, headers }
    },
  },
  { method: 'GET', path: '/api/v1/stream', stream: true },
]
