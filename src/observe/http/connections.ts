// Keeps the number of connections bounded: for a newcomer the one that has been silent longest goes, never a busy one.
import type { Socket } from 'node:net'

export class Connections {
  readonly #limit: number
  /** Sockets without a request under way, the longest silent first. */
  readonly #idle = new Set<Socket>()
  readonly #busy = new Set<Socket>()

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Silent connections, slow headers included, must not lock a health probe out of the last place. */
  add(socket: Socket): void {
    this.#idle.add(socket)
    socket.once('close', () => {
      this.#idle.delete(socket)
      this.#busy.delete(socket)
    })
    if (this.#idle.size + this.#busy.size <= this.#limit) return
    const [longest] = this.#idle
    longest?.destroy()
    // 'close' comes later; the place is free at once.
    if (longest) this.#idle.delete(longest)
  }

  /** A whole request header has arrived. */
  busy(socket: Socket): void {
    if (this.#idle.delete(socket)) this.#busy.add(socket)
  }

  /** Its answer is out. */
  idle(socket: Socket): void {
    if (this.#busy.delete(socket) && !socket.destroyed) this.#idle.add(socket)
  }
}
