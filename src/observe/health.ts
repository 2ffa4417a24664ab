// Health: collects the reasons why the kiosk is not well and says one status. Pure; it measures nothing itself.
import type { Clock } from '../clock.js'

export type ReadinessStatus = 'starting' | 'ready' | 'degraded' | 'stopping'

export interface Reason {
  code: string
  message: string
}

export interface ReadinessReason extends Reason {
  /** When this source first gave this code, UTC. */
  since: string
}

export interface Readiness {
  status: ReadinessStatus
  /** Oldest first; empty exactly while nothing is wrong. */
  reasons: ReadinessReason[]
}

type Listener = (readiness: Readiness) => void

export class Health {
  readonly #clock: Clock
  readonly #reasons = new Map<string, ReadinessReason>()
  readonly #listeners = new Set<Listener>()
  #phase: 'starting' | 'running' | 'stopping' = 'starting'

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * What one source (`vision`, `mqtt`, `camera:lane`) has to complain about now; null: nothing.
   * The same code again keeps its `since`, so a flickering message does not hide how old the fault is.
   */
  set(source: string, reason: Reason | null): void {
    const before = this.#reasons.get(source)
    if (reason === null) {
      if (this.#reasons.delete(source)) this.#tell()
      return
    }
    if (before?.code === reason.code && before.message === reason.message) return
    const since =
      before?.code === reason.code ? before.since : new Date(this.#clock.wall()).toISOString()
    // A new fault of a source goes to the end of the list: oldest first must stay true.
    if (before?.code !== reason.code) this.#reasons.delete(source)
    this.#reasons.set(source, { code: reason.code, message: reason.message, since })
    this.#tell()
  }

  /** Everything that must be there once has been there: from now on only the reasons count. */
  started(): void {
    this.#enter('running', 'starting')
  }

  /** The daemon is going down; nothing makes it ready again. */
  stopping(): void {
    this.#enter('stopping', 'starting', 'running')
  }

  readiness(): Readiness {
    const reasons = [...this.#reasons.values()].map(reason => ({ ...reason }))
    if (this.#phase !== 'running') return { status: this.#phase, reasons }
    return { status: reasons.length === 0 ? 'ready' : 'degraded', reasons }
  }

  /** Calls the listener after every change; returns the function that ends it. */
  onChange(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #enter(phase: 'running' | 'stopping', ...from: string[]): void {
    if (!from.includes(this.#phase)) return
    this.#phase = phase
    this.#tell()
  }

  #tell(): void {
    for (const listener of this.#listeners) listener(this.readiness())
  }
}
