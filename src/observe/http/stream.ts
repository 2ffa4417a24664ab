// The live stream (server-sent events): one subscription to the view, formatted once, for a few bounded clients.
import type { ServerResponse } from 'node:http'
import { GroceryError } from '../../errors.js'
import type { FrameView, KioskView } from '../view.js'
import { withRemedies } from './remedies.js'

const maxClients = 16
/** What a client may leave unread before it is dropped, bytes. */
const maxUnread = 256 * 1024
/** Frames come at camera rate; people and pages need no more than this. */
const frameEveryMs = 200
const keepAliveEveryMs = 15_000

const format = (kind: string, payload: unknown): string =>
  `event: ${kind}\ndata: ${JSON.stringify(payload)}\n\n`

/** Readiness with remedies, cameras and broker: what the page needs beside the MQTT messages. */
const kiosk = (view: KioskView): string =>
  format('kiosk', {
    readiness: withRemedies(view.readiness()),
    cameras: view.cameras(),
    broker: view.broker(),
  })

export class EventStream {
  readonly #view: KioskView
  readonly #clients = new Set<ServerResponse>()
  /** The newest frame of each camera that no client has seen yet. */
  readonly #frames = new Map<string, FrameView>()
  #unsubscribe: (() => void) | null = null
  #timers: NodeJS.Timeout[] = []

  constructor(view: KioskView) {
    this.#view = view
  }

  get clients(): number {
    return this.#clients.size
  }

  /**
   * Takes the response over: first everything as it is now, then what changes.
   * @throws HTTP_STREAMS_FULL before anything is written
   */
  add(response: ServerResponse): void {
    if (this.#clients.size >= maxClients) {
      throw new GroceryError(
        'HTTP_STREAMS_FULL',
        `Expected at most ${maxClients} live streams at a time but received one more`,
      )
    }
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' })
    // 'close' comes once for every end: the client's, ours, and the drop of a slow one.
    response.once('close', () => this.#remove(response))
    this.#clients.add(response)
    if (this.#clients.size === 1) this.#begin()
    response.write(`retry: 2000\n\n${this.#present()}`)
  }

  stop(): void {
    for (const client of this.#clients) client.end()
  }

  #present(): string {
    const view = this.#view
    return [
      kiosk(view),
      format('state', view.state()),
      format('basket', view.basket()),
      ...view.frames().map(frame => format('frame', frame)),
      ...view.events().map(event => format('event', event)),
    ].join('')
  }

  #begin(): void {
    this.#unsubscribe = this.#view.subscribe((kind, payload) => {
      if (kind === 'frame') this.#frames.set((payload as FrameView).camera, payload as FrameView)
      else this.#send((kind === 'state' ? kiosk(this.#view) : '') + format(kind, payload))
    })
    this.#timers = [
      setInterval(() => this.#flushFrames(), frameEveryMs),
      setInterval(() => this.#send(': alive\n\n'), keepAliveEveryMs),
    ]
  }

  #remove(response: ServerResponse): void {
    this.#clients.delete(response)
    if (this.#clients.size > 0) return
    this.#unsubscribe?.()
    this.#unsubscribe = null
    for (const timer of this.#timers) clearInterval(timer)
    this.#timers = []
    this.#frames.clear()
  }

  #flushFrames(): void {
    for (const frame of this.#frames.values()) this.#send(format('frame', frame))
    this.#frames.clear()
  }

  #send(text: string): void {
    for (const client of this.#clients) {
      // A client that does not read must not fill the memory: it is cut, and may come again.
      if (client.writableLength > maxUnread) client.destroy()
      else client.write(text)
    }
  }
}
