// A disk in memory for the outbox: it can fail at the n-th call, and lose what was never synced.
import { basename, dirname, join } from 'node:path'
import type { Files, LogFile } from '../../src/publish/outbox/files.js'

export type Operation = 'write' | 'sync' | 'create' | 'syncDir' | 'remove' | 'read'

export class MemoryFiles implements Files {
  readonly contents = new Map<string, { data: Buffer; synced: Buffer }>()
  readonly calls: Record<Operation, number> = {
    write: 0,
    sync: 0,
    create: 0,
    syncDir: 0,
    remove: 0,
    read: 0,
  }
  /** Files of which a sync or write failed: nobody may write to them again. */
  readonly distrusted = new Set<string>()
  readonly writtenAfterFailure: string[] = []
  fail: (operation: Operation, call: number) => string | null = () => null
  /** Of which writes the disk says that they worked although they did not. */
  lie: (call: number) => boolean = () => false

  #check(operation: Operation, path: string): void {
    if (operation === 'write' && this.distrusted.has(path)) this.writtenAfterFailure.push(path)
    const code = this.fail(operation, ++this.calls[operation])
    if (!code) return
    if (operation === 'write' || operation === 'sync') this.distrusted.add(path)
    throw Object.assign(new Error(`${operation} failed on purpose`), { code })
  }

  /** What a power failure leaves. */
  crash(): void {
    for (const content of this.contents.values()) content.data = content.synced
    this.distrusted.clear()
  }

  /** The log as one would find it on a disk. */
  segments(): string[] {
    return [...this.contents.keys()].sort()
  }

  async makeDir(): Promise<void> {}

  async list(dir: string): Promise<string[]> {
    return [...this.contents.keys()]
      .filter(path => dirname(path) === dir)
      .map(path => basename(path))
  }

  async create(path: string): Promise<LogFile> {
    this.#check('create', path)
    if (this.contents.has(path)) throw Object.assign(new Error('exists'), { code: 'EEXIST' })
    this.contents.set(path, { data: Buffer.alloc(0), synced: Buffer.alloc(0) })
    return this.open(path)
  }

  async open(path: string): Promise<LogFile> {
    const content = this.contents.get(path)
    if (!content) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
    return {
      write: async (bytes, position) => {
        // Half of it arrives, as on a real disk that fills up.
        const put = (part: Uint8Array): void => {
          const end = Math.max(content.data.length, position + part.length)
          const grown = Buffer.alloc(end)
          content.data.copy(grown)
          grown.set(part, position)
          content.data = grown
        }
        try {
          this.#check('write', path)
        } catch (error) {
          put(bytes.subarray(0, bytes.length >> 1))
          throw error
        }
        put(this.lie(this.calls.write) ? Buffer.alloc(bytes.length) : bytes)
      },
      read: async (position, length) => {
        this.#check('read', path)
        return Buffer.from(content.data.subarray(position, position + length))
      },
      size: async () => content.data.length,
      sync: async () => {
        this.#check('sync', path)
        content.synced = content.data
      },
      close: async () => {},
    }
  }

  async remove(path: string): Promise<void> {
    this.#check('remove', path)
    this.contents.delete(path)
  }

  /** What is said of the disk. */
  disk = { free: 1e12, total: 1e12 }

  async space(): Promise<{ free: number; total: number }> {
    return this.disk
  }

  async syncDir(dir: string): Promise<void> {
    this.#check('syncDir', join(dir, '.'))
  }
}
