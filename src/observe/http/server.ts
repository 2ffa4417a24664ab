// The HTTP server: listens, applies the limits and guards, finds the route and sends its answer. It knows no route.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { describeError, GroceryError } from '../../errors.js'
import type { Logger } from '../../log.js'
import type { KioskView } from '../view.js'
import { errorAnswer, rawAnswer, securityHeaders, send } from './answer.js'
import { readJson } from './body.js'
import { Connections } from './connections.js'
import { checkHost, checkWriter } from './guard.js'
import type { Answer, MetricsText, Services } from './route.js'
import { findRoute } from './routes.js'
import { EventStream } from './stream.js'

const maxConnections = 64
const stopWithinMs = 1000

const limits = {
  headersTimeout: 2000,
  requestTimeout: 5000,
  keepAliveTimeout: 5000,
  maxHeaderSize: 8 * 1024,
  // Node looks every 30 s by default, which would make 2 s mean 32.
  connectionsCheckingInterval: 500,
}

export interface HttpServerOptions {
  /** host:port, as http.listen; port 0 takes a free one. */
  listen: string
  /** The content of http.tokenFile; null: state-changing calls are off. */
  token: string | null
  view: KioskView
  metrics: MetricsText
  log: Logger
}

export class HttpServer {
  readonly #options: HttpServerOptions
  readonly #services: Services
  readonly #connections = new Connections(maxConnections)
  readonly #host: string
  #server: Server | null = null

  constructor(options: HttpServerOptions) {
    const { view, metrics, log, listen } = options
    this.#options = options
    this.#services = { view, metrics, log, stream: new EventStream(view) }
    this.#host = listen.slice(0, listen.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1')
  }

  /** @throws ADDRESS_IN_USE, or CONFIG_INVALID where the address cannot be used at all */
  async start(): Promise<{ port: number }> {
    const server = createServer(limits)
    server.on('connection', (socket: Socket) => this.#connections.add(socket))
    server.on('request', (request, response) => void this.#serve(request, response))
    server.on('clientError', (error, socket) => this.#refuse(error, socket as Socket))
    const port = Number(this.#options.listen.slice(this.#options.listen.lastIndexOf(':') + 1))
    server.listen(port, this.#host)
    try {
      await once(server, 'listening')
    } catch (error) {
      throw this.#listenError(error as NodeJS.ErrnoException)
    }
    this.#server = server
    return { port: (server.address() as AddressInfo).port }
  }

  /** Answers what is under way for at most a second, then closes everything. */
  async stop(): Promise<void> {
    const server = this.#server
    if (!server) return
    this.#server = null
    const closed = once(server, 'close')
    server.close()
    this.#services.stream.stop()
    server.closeIdleConnections()
    const timer = setTimeout(() => server.closeAllConnections(), stopWithinMs)
    await closed
    clearTimeout(timer)
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.#connections.busy(request.socket)) return void response.destroy()
    response.once('close', () => this.#connections.idle(request.socket))
    for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value)
    // The body of a POST is read by its route; nobody wants the others.
    response.on('error', () => response.destroy())
    let route = 'none'
    try {
      checkHost(request.headers.host, this.#host)
      const found = findRoute(request.method ?? '', (request.url ?? '').split('?', 1)[0]!)
      if ('error' in found) {
        if (found.allow) response.setHeader('Allow', found.allow)
        throw found.error
      }
      route = found.route.path
      if ('stream' in found.route) {
        if (request.method === 'HEAD')
          send(response, { status: 200, type: 'text/event-stream', body: '' })
        else this.#services.stream.add(response)
      } else {
        const body = found.route.method === 'POST' ? await this.#body(request) : {}
        const call = { services: this.#services, params: found.params, body }
        this.#send(request, response, await found.route.handle(call))
      }
    } catch (error) {
      this.#fail(request, response, error)
    }
    this.#options.metrics.http(route, response.statusCode)
  }

  #body(request: IncomingMessage): Promise<Record<string, unknown>> {
    checkWriter(request.headers, this.#options.token)
    return readJson(request)
  }

  #send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
    if (!response.destroyed) send(response, answer, request.method !== 'HEAD')
  }

  #fail(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    const answer = errorAnswer(error)
    const { code, message } = describeError(error)
    if (answer.status === 500) this.#options.log.error({ err: error }, 'HTTP request failed')
    else this.#options.log.debug({ code, url: request.url?.slice(0, 200) }, message)
    if (response.headersSent) return void response.destroy()
    if (answer.status === 401) response.setHeader('WWW-Authenticate', 'Bearer')
    if (!request.complete) {
      // Unread bytes on a closed socket become a reset that can overtake the answer: read them away.
      response.setHeader('Connection', 'close')
      request.resume()
    }
    this.#send(request, response, answer)
  }

  /** What could not be read as a request: too slow, too large, or no HTTP at all. */
  #refuse(error: NodeJS.ErrnoException, socket: Socket): void {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
    const coded =
      error.code === 'HPE_HEADER_OVERFLOW'
        ? new GroceryError('HTTP_HEADERS_TOO_LARGE', 'Expected headers of at most 8 KiB')
        : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
          ? new GroceryError(
              'HTTP_TIMED_OUT',
              'Expected the headers within 2 s and the whole request within 5 s',
            )
          : new GroceryError('HTTP_REQUEST_INVALID', 'Expected an HTTP/1.1 request')
    socket.end(rawAnswer(errorAnswer(coded) as Answer & { body: string }), () => socket.destroy())
  }

  #listenError(error: NodeJS.ErrnoException): GroceryError {
    const { listen } = this.#options
    if (error.code === 'EADDRINUSE') {
      return new GroceryError(
        'ADDRESS_IN_USE',
        `Expected http.listen ${listen} to be free but another program listens there`,
        { cause: error },
      )
    }
    return new GroceryError(
      'CONFIG_INVALID',
      `Expected http.listen to be an address of this machine but received ${listen} (${error.code})`,
      { cause: error },
    )
  }
}
