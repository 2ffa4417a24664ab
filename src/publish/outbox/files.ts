// The few file operations that the log needs, behind an interface so that tests can make each of them fail.
import { existsSync } from 'node:fs'
import { mkdir, open, readdir, statfs, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'

export interface LogFile {
  write(data: Uint8Array, position: number): Promise<void>
  /** Up to `length` bytes; fewer where the file ends. */
  read(position: number, length: number): Promise<Buffer>
  size(): Promise<number>
  /** fdatasync: after it the bytes survive a power failure. */
  sync(): Promise<void>
  close(): Promise<void>
}

export interface Files {
  makeDir(dir: string): Promise<void>
  list(dir: string): Promise<string[]>
  /** A new file; fails where the name is taken. */
  create(path: string): Promise<LogFile>
  open(path: string): Promise<LogFile>
  remove(path: string): Promise<void>
  /** Makes names in the folder survive a power failure. */
  syncDir(dir: string): Promise<void>
  /** Bytes of the disk that holds the folder; `free` is what we may take of it. */
  space(dir: string): Promise<{ free: number; total: number }>
}

async function wrap(path: string, flags: string): Promise<LogFile> {
  const handle = await open(path, flags, 0o600)
  return {
    async write(data, position) {
      for (let done = 0; done < data.length;) {
        const { bytesWritten } = await handle.write(data, done, data.length - done, position + done)
        done += bytesWritten
      }
    },
    async read(position, length) {
      const data = Buffer.allocUnsafe(length)
      let done = 0
      while (done < length) {
        const { bytesRead } = await handle.read(data, done, length - done, position + done)
        if (bytesRead === 0) break
        done += bytesRead
      }
      return data.subarray(0, done)
    },
    size: async () => (await handle.stat()).size,
    sync: () => handle.datasync(),
    close: () => handle.close(),
  }
}

/** Level by level: Node's recursive mkdir never comes back where a parent cannot be made, as below /proc. */
export async function makeDir(dir: string): Promise<void> {
  try {
    await mkdir(dir, { mode: 0o700 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    if (code !== 'ENOENT' || existsSync(dirname(dir))) throw error
    await makeDir(dirname(dir))
    await mkdir(dir, { mode: 0o700 })
  }
}

export const nodeFiles: Files = {
  makeDir,
  list: dir => readdir(dir),
  create: path => wrap(path, 'wx+'),
  open: path => wrap(path, 'r'),
  remove: path => unlink(path),
  async syncDir(dir) {
    const handle = await open(dir, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  },
  async space(dir) {
    const { bavail, blocks, bsize } = await statfs(dir)
    return { free: bavail * bsize, total: blocks * bsize }
  },
}
