// Keeps the number of connections bounded: for a newcomer the one that has been silent longest goes, never a busy one.
import type { Socket } from 'node:net'

/** Requests of one socket that may wait for their answers: browsers and probes send one at a time. */
const mostWaiting = 8

export class Connections {
  readonly #limit: number
  /** Sockets without a request under way, the longest silent first. */
  readonly #idle = new Set<Socket>()
  /** The others, with how many requests of each have no answer yet. */
  readonly #busy = new Map<Socket, number>()

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

  /**
   * A whole request header has arrived; false where it must not be served. Who sends and sends without waiting for an
   * answer would have all of them made at once, and keeps them in our memory where it does not read them either.
   */
  busy(socket: Socket): boolean {
    if (socket.destroyed) return false
    const waiting = (this.#busy.get(socket) ?? 0) + 1
    this.#idle.delete(socket)
    this.#busy.set(socket, waiting)
    if (waiting <= mostWaiting) return true
    socket.destroy()
    return false
  }

  /** Its answer is out. */
  idle(socket: Socket): void {
    const waiting = (this.#busy.get(socket) ?? 0) - 1
    if (waiting > 0) this.#busy.set(socket, waiting)
    else if (this.#busy.delete(socket) && !socket.destroyed) this.#idle.add(socket)
  }
}
