// What only one grocerd on this box may have at a time: the kernel holds its name, and frees it with the process.
import { createHash } from 'node:crypto'
import { createServer } from 'node:net'

/**
 * Takes a name until the returned function gives it back. It is an abstract socket: no file that stays behind, and seen by every user
 * of this network namespace, so not from another container.
 *
 * @returns null where somebody has it, be it another part of this process.
 */
export async function holdOnBox(name: string): Promise<(() => Promise<void>) | null> {
  const server = createServer(socket => socket.destroy()).unref()
  // A socket's name has 107 bytes at most.
  const path = `\0grocerd/${createHash('sha256').update(name).digest('hex')}`
  const error = await new Promise<NodeJS.ErrnoException | null>(resolve => {
    server.once('error', resolve)
    server.listen({ path, exclusive: true }, () => resolve(null))
  })
  if (error?.code === 'EADDRINUSE') return null
  if (error) throw error
  return () => new Promise(resolve => server.close(() => resolve()))
}
