// The contract of all cameras: a source yields encoded pictures until it ends, or throws a coded error. Types only.

/**
 * One opening of a camera: encoded pictures (JPEG; dir: also PNG) at the wanted rate, newest last.
 * Returning means the end of a finite source; throwing means lost, and it will be opened again.
 * The source frees all it holds when `signal` aborts.
 */
export interface Source {
  (signal: AbortSignal): AsyncIterable<Uint8Array>
  /** A sensor is behind it: it never ends by itself and never gives the same picture twice. Else it is a recording. */
  isLive?: boolean
  /** How long the first picture may take, where it takes longer than those after it. */
  firstPictureMs?: number
}

/** What a source may be asked for in its URI: ?key=value. All throw CAMERA_SOURCE_INVALID. */
export interface SourceOptions {
  /** In milliseconds. */
  duration(key: string, fallbackMs: number, zero: 'allowed' | 'refused'): number
  flag(key: string, fallback: boolean): boolean
  choice<T extends string>(key: string, allowed: readonly T[], fallback: T): T
  /** A whole number; the key must be there. */
  number(key: string, range: { least: number; most: number }): number
  /** Width x height, such as 1280x720. */
  size(key: string, fallback: string): string
  /** null where it is not there, or empty. */
  text(key: string): string | null
}
