// The broker of the demo, inside the daemon: MQTT 5 and 3.1.1 on mqtt.listen. Not for a shop: it keeps nothing on disk.
import { createServer, type Server, type Socket } from 'node:net'
import { Aedes } from 'aedes'
import { GroceryError } from '../errors.js'
import type { Logger } from '../log.js'

export class DemoBroker {
  private aedes: Aedes | null = null
  private server: Server | null = null
  private readonly sockets = new Set<Socket>()

  /** @param options.listen host:port as in mqtt.listen; port 0 takes a free one. */
  constructor(private readonly options: { listen: string; log: Logger }) {}

  /** @throws ADDRESS_IN_USE, CONFIG_INVALID (an address that this machine does not have). */
  async start(): Promise<{ url: string; port: number }> {
    const { listen, log } = this.options
    const colon = listen.lastIndexOf(':')
    const host = listen.slice(0, colon).replace(/^\[|\]$/g, '')
    const aedes = await Aedes.createBroker()
    aedes.on('clientError', (client, error) =>
      log.debug({ err: error, client: client.id }, 'broker: client'),
    )
    aedes.on('connectionError', (_client, error) => log.debug({ err: error }, 'broker: connection'))
    const server = createServer(socket => {
      this.sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('close', () => this.sockets.delete(socket))
      aedes.handle(socket)
    })
    this.aedes = aedes
    this.server = server
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        this.server = null
        this.stop().finally(() => reject(this.coded(error)))
      })
      server.listen(Number(listen.slice(colon + 1)), host, resolve)
    })
    const { port } = server.address() as { port: number }
    return { url: `mqtt://${host.includes(':') ? `[${host}]` : host}:${port}`, port }
  }

  async stop(): Promise<void> {
    const { aedes, server } = this
    this.aedes = null
    this.server = null
    const closed = server && new Promise(resolve => server.close(resolve))
    if (aedes) await new Promise<void>(resolve => aedes.close(() => resolve()))
    for (const socket of this.sockets) socket.destroy()
    await closed
  }

  private coded(error: NodeJS.ErrnoException): Error {
    const { listen } = this.options
    if (error.code === 'EADDRINUSE') {
      return new GroceryError(
        'ADDRESS_IN_USE',
        `Expected mqtt.listen ${listen} to be free but another program listens there`,
        { cause: error },
      )
    }
    return new GroceryError(
      'CONFIG_INVALID',
      `Expected mqtt.listen ${listen} to be an address of this machine but received ${error.code}`,
      { cause: error },
    )
  }
}
