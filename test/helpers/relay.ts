// A TCP line between the kiosk and a broker; what it does with the bytes is its heir's.
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

export abstract class Relay {
  #server: Server | null = null
  readonly #sockets = new Set<Socket>()

  constructor(private readonly port: number) {}

  /** Joins the kiosk's end and the broker's. */
  protected abstract wire(near: Socket, far: Socket): void

  /** @returns the address to give to the kiosk. */
  async start(): Promise<string> {
    const server = createServer(near => {
      const far = connect(this.port, '127.0.0.1')
      this.wire(near, far)
      for (const socket of [near, far]) {
        this.#sockets.add(socket)
        // As a cable does: it holds nothing back.
        socket.setNoDelay(true)
        socket.on('error', () => {})
        socket.on('close', () => {
          this.#sockets.delete(socket)
          near.destroy()
          far.destroy()
        })
      }
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    this.#server = server
    return `mqtt://127.0.0.1:${(server.address() as { port: number }).port}`
  }

  /** As when a cable is pulled and both sides notice at once. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  async stop(): Promise<void> {
    this.cut()
    this.#server?.close()
  }
}
