// Attacks over HTTP on a real daemon: many sockets, requests that are none, clients that never read.
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunningDaemon, startDaemon } from '../helpers/daemon.js'
import { mutate } from '../helpers/mutate.js'
import { residentBytes } from '../helpers/process.js'
import type { Outcome, Row } from './row.js'

const maxConnections = 64
/** A probe that waits longer calls the daemon dead; long enough for a machine that runs other tests too. */
const probePatienceMs = 10_000
/** Node makes an object of every request in the 64 KiB that it has read of a socket, whoever closes it meanwhile. */
const mostGrowth = 128 * 1024 ** 2

export async function withDaemon<T>(work: (daemon: RunningDaemon) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), 'grocerd-attack-'))
  const daemon = await startDaemon(dir, { counter: { needSession: false }, log: { level: 'info' } })
  try {
    return await work(daemon)
  } finally {
    daemon.process.kill('SIGTERM')
    await daemon.ended
    rmSync(dir, { recursive: true, force: true })
  }
}

/** How long /healthz took; it is asked as a watcher would, on a connection of its own. */
export async function probe(port: number): Promise<number> {
  const began = performance.now()
  const signal = AbortSignal.timeout(probePatienceMs)
  const reply = await fetch(`http://127.0.0.1:${port}/healthz`, {
    headers: { connection: 'close' },
    signal,
  })
  if ((await reply.text()) !== 'ok') throw new Error(`/healthz said ${reply.status}`)
  return performance.now() - began
}

/** @param probes how long each took, ms, or why it was not answered */
async function probes(port: number, count: number): Promise<{ ms: number[]; wrong: string[] }> {
  const ms: number[] = []
  const wrong: string[] = []
  for (let i = 0; i < count; i++) {
    await probe(port).then(
      took => ms.push(took),
      error => wrong.push(`/healthz during the attack: ${(error as Error).message}`),
    )
  }
  return { ms, wrong: wrong.slice(0, 3) }
}

const result = (times: number, recoverMs: number[], wrong: string[], note = ''): Outcome => ({
  ...{ times, lost: 0, duplicated: 0, recoverMs, wrong, note },
})

async function open(port: number, text: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  await once(socket, 'connect')
  if (text) socket.write(text)
  return socket
}

const manySockets: Row = {
  fault: 'open HTTP sockets, silent or in the middle of a header',
  short: 500,
  full: 5000,
  run: times =>
    withDaemon(async ({ httpPort }) => {
      const sockets: Socket[] = []
      const started = 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: '
      for (let i = 0; i < times; i++) sockets.push(await open(httpPort, i % 2 ? started : ''))
      const { ms, wrong } = await probes(httpPort, 20)
      const held = sockets.filter(socket => !socket.destroyed && socket.readable).length
      if (held > maxConnections) wrong.push(`${held} sockets are still open`)
      for (const socket of sockets) socket.destroy()
      return result(times, ms, wrong, `${held} of them were still open then`)
    }),
}

const neverReads: Row = {
  fault: 'pipelined HTTP requests of clients that never read an answer',
  short: 40_000,
  full: 100_000,
  run: times =>
    withDaemon(async ({ httpPort, process }) => {
      await probe(httpPort)
      const before = residentBytes(process.pid!)
      const request = 'GET /page.css HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'
      const clients: Socket[] = []
      for (let i = 0; i < 20; i++) {
        const socket = await open(httpPort, '')
        socket.pause().write(request.repeat(times / 20))
        clients.push(socket)
      }
      const { ms, wrong } = await probes(httpPort, 20)
      const growth = residentBytes(process.pid!) - before
      if (growth > mostGrowth) wrong.push(`memory grew by ${Math.round(growth / 2 ** 20)} MiB`)
      for (const client of clients) client.destroy()
      return result(times, ms, wrong, `memory ${Math.round(growth / 2 ** 20)} MiB`)
    }),
}

const climbs = [
  '/../../../../../../etc/passwd',
  '/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd',
  '/..%2f..%2f..%2f..%2f..%2fetc/passwd',
  '/%252e%252e/%252e%252e/etc/passwd',
  '/..\\..\\..\\etc\\passwd',
  '/page.js%00/../../etc/passwd',
  '/page.css/../../../../etc/passwd',
  '//etc/passwd',
  '/%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd',
  'http://127.0.0.1/../../etc/passwd',
  'file:///etc/passwd',
  '/api/v1/cameras/..%2f..%2f..%2fetc%2fpasswd/frame.jpg',
  '/?file=/etc/passwd',
]

/** One request on a connection of its own, and all that comes back. */
async function exchange(port: number, bytes: Uint8Array): Promise<string> {
  const socket = await open(port, '')
  let text = ''
  socket.setEncoding('latin1').on('data', part => {
    text += part
  })
  socket.end(bytes)
  if (!socket.closed) await once(socket, 'close')
  return text
}

const mutatedRequests: Row = {
  fault: 'mutated HTTP requests, and paths that climb',
  short: 500,
  full: 10_000,
  run: times =>
    withDaemon(async ({ httpPort, ...daemon }) => {
      const wrong: string[] = []
      const judge = (what: string, answer: string) => {
        if (/root:.*:0:0:/.test(answer)) wrong.push(`${what}: a file from outside`)
        if (/^HTTP\/1\.1 5/.test(answer)) wrong.push(`${what}: ${answer.split('\r\n')[0]}`)
      }
      for (const path of climbs) {
        const text = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`
        const answer = await exchange(httpPort, Buffer.from(text))
        judge(path, answer)
        if (/^HTTP\/1\.1 200/.test(answer) && !path.startsWith('/?')) wrong.push(`${path}: 200`)
      }
      const body = '{"requestId": "1", "op": "open", "session": "s"}'
      const sound = [
        'GET /api/v1/state HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n',
        `POST /api/v1/cmd/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAuthorization: Bearer x\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
        'POST /api/v1/cmd/session HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
      ]
      const crowd = 16
      for (let index = 0; index < times; index += crowd) {
        const some = Array.from({ length: Math.min(crowd, times - index) }, (_, i) => index + i)
        await Promise.all(
          some.map(async i => {
            const request = mutate(Buffer.from(sound[i % sound.length]!), `request ${i}`, 120)
            judge(`request ${i}`, await exchange(httpPort, request))
          }),
        )
      }
      const { ms, wrong: silent } = await probes(httpPort, 5)
      if (daemon.process.exitCode !== null) wrong.push('the daemon ended')
      return result(times + climbs.length, ms, [...wrong.slice(0, 5), ...silent])
    }),
}

export const httpRows = [manySockets, neverReads, mutatedRequests]
