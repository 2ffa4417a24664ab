// What a route is: its place in the table, what it is given and what it gives back. Types only.
import type { Logger } from '../../log.js'
import type { KioskView } from '../view.js'
import type { EventStream } from './stream.js'

/** What HTTP needs of the metrics. */
export interface MetricsText {
  readonly contentType: string
  text(): Promise<string>
  http(route: string, status: number): void
}

export interface Services {
  view: KioskView
  metrics: MetricsText
  stream: EventStream
  log: Logger
}

export interface Call {
  services: Services
  /** The {names} of the path, as the client wrote them; a name matches [A-Za-z0-9_-]{1,64}. */
  params: Record<string, string>
  /** The JSON object of a POST, else empty. */
  body: Record<string, unknown>
}

export interface Answer {
  status: number
  type: string
  body: string | Uint8Array
  headers?: Record<string, string>
}

/** A route answers, or it takes the response over for as long as it lives. */
export type Route = {
  /** As in docs/api/openapi.yaml: /api/v1/cameras/{id}/frame.jpg */
  path: string
} & (
  | { method: 'GET' | 'POST'; handle(call: Call): Answer | Promise<Answer> }
  | { method: 'GET'; stream: true }
)

export const json = (status: number, value: unknown): Answer => ({
  status,
  type: 'application/json; charset=utf-8',
  body: JSON.stringify(value),
})
