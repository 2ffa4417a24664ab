// What memory this process has, as the kernel counts it. Read from /proc; nothing is forked.
import { readFileSync } from 'node:fs'

export interface ProcessMemory {
  /**
   * Memory that is this process's own and in use, bytes (RssAnon): what the machine would get back
   * from its end. Files mapped read-only, such as libraries, are shared and can be dropped any time.
   */
  privateBytes: number
  /** Private memory that is mapped, used or not, bytes (VmData): what RLIMIT_DATA counts. */
  mappedBytes: number
}

/** The bytes of one line of a /proc file such as "MemTotal:  8046 kB"; 0 where it has none. */
export const kernelBytes = (text: string, key: string): number =>
  1024 * Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0)

export function processMemory(): ProcessMemory {
  const status = readFileSync('/proc/self/status', 'utf8')
  return {
    privateBytes: kernelBytes(status, 'RssAnon') + kernelBytes(status, 'RssShmem'),
    mappedBytes: kernelBytes(status, 'VmData'),
  }
}
