// Attacks by picture: ten thousand damaged JPEG and PNG files through all that vision does with a frame.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ImageReport } from '../helpers/image-child.js'
import type { Row } from './row.js'

const child = fileURLToPath(new URL('../helpers/image-child.ts', import.meta.url))
const mostCpuMs = 200
const mostGrowth = 64 * 1024 ** 2

const mutatedPictures: Row = {
  fault: 'mutated JPEG and PNG pictures',
  short: 500,
  full: 10_000,
  async run(times) {
    const vision = fork(child, [String(times)])
    let report: ImageReport | null = null
    vision.once('message', message => {
      report = message as ImageReport
    })
    const [code, signal] = await once(vision, 'exit')
    const wrong: string[] = []
    if (!report) return outcome(times, [`the decoder ended by ${signal ?? code}`], '')
    const { codes, slowestCpuMs, slowest, rssEarly, rssLate } = report as ImageReport
    const uncoded = Object.keys(codes).filter(one => !/^(decoded|IMAGE_[A-Z_]+)$/.test(one))
    if (uncoded.length > 0) wrong.push(`Expected IMAGE codes but received ${uncoded.join(', ')}`)
    if (slowestCpuMs > mostCpuMs) wrong.push(`${slowest} took ${Math.round(slowestCpuMs)} ms`)
    const growth = rssLate - rssEarly
    if (growth > mostGrowth) wrong.push(`memory grew by ${Math.round(growth / 1024 ** 2)} MiB`)
    const counts = Object.entries(codes).map(([name, count]) => `${name} ${count}`)
    return outcome(
      times,
      wrong,
      `slowest ${Math.round(slowestCpuMs)} ms of CPU; memory ${Math.round(growth / 1024 ** 2)} MiB; ${counts.join(', ')}`,
    )
  },
}

const outcome = (times: number, wrong: string[], note: string) => ({
  ...{ times, lost: 0, duplicated: 0, recoverMs: null, wrong, note },
})

export const imageRows = [mutatedPictures]
