// The route that changes state: one command, as a till would send it over MQTT. guard.ts has let it pass before.
import { json, type Route } from './route.js'

/** All others: it cannot be done now. */
const statusOf: Record<string, number> = {
  ALREADY_CONFIRMED: 409,
  BUNDLE_EXPIRED: 409,
  BUNDLE_INCOMPATIBLE: 409,
  BUNDLE_INVALID: 409,
  BUNDLE_UNTRUSTED: 409,
  CAMERA_PAUSED: 409,
  CAMERA_UNKNOWN: 404,
  CATALOGUE_INVALID: 400,
  CATALOGUE_NOT_FETCHED: 502,
  CATALOGUE_OLD: 409,
  CATALOGUE_URL_REFUSED: 403,
  COMMAND_DISABLED: 403,
  COMMAND_EXPIRED: 410,
  COMMAND_INVALID: 400,
  GALLERY_OFF: 409,
  GALLERY_PRODUCT_INVALID: 400,
  GALLERY_SKU_UNKNOWN: 404,
  IMAGE_EMPTY: 400,
  IMAGE_TOO_LARGE: 400,
  IMAGE_TRUNCATED: 400,
  IMAGE_UNREADABLE: 400,
  IMAGE_UNSUPPORTED: 400,
  INTERNAL: 500,
  ITEM_GONE: 409,
  MODEL_NOT_ACTIVE: 409,
  MODEL_NOT_INSTALLED: 404,
  OUTBOX_FULL: 507,
  RATE_LIMITED: 429,
  SELF_TEST_FAILED: 409,
  SESSION_CLOSED: 409,
  TIMED_OUT: 504,
  UPDATE_BUSY: 409,
}

export const commandRoutes: Route[] = [
  {
    method: 'POST',
    path: '/api/v1/cmd/{verb}',
    handle: async ({ services, params, body }) => {
      const reply = await services.view.dispatch(params.verb!, body)
      const status = reply.ok ? 200 : (statusOf[reply.error?.code ?? ''] ?? 503)
      return json(status, reply)
    },
  },
]
