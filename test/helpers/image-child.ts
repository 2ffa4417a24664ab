// A process of its own that decodes mutated pictures as vision does, and says what came of it in one message.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { describeError } from '../../src/errors.js'
import { hasTurboJpeg, type InputSpec, jpegLuma, preprocess } from '../../src/inference/addon.js'
import { readPicture } from '../../src/recognition/picture.js'
import { previewOf } from '../../src/recognition/preview.js'
import { gridSize } from '../../src/recognition/scene.js'
import { mutate, withPngChecksums } from './mutate.js'

export interface ImageReport {
  /** How many gave which code; `decoded` for those that are still pictures. */
  codes: Record<string, number>
  /** Of all threads, ms a picture: what the wall clock says is the machine's load too. */
  slowestCpuMs: number
  slowest: string
  /** Resident bytes after a tenth and at the end. */
  rssEarly: number
  rssLate: number
}

const pictures = 'deploy/demo/pictures'
const spec: InputSpec = {
  ...{ width: 224, height: 224, mean: [127], scale: [128] },
  ...{ channels: 'rgb', layout: 'nchw', fit: 'crop', filter: 'area' },
}

/** Photographs in every coding that cameras and people send. */
async function makeBases(): Promise<[string, Buffer][]> {
  const names = readdirSync(pictures).filter(name => name.endsWith('.jpg'))
  const [one, two] = names.map(name => readFileSync(join(pictures, name)))
  const small = () => sharp(two).resize(160, 120)
  return [
    ['jpeg', one!],
    [
      'jpeg 4:4:4, turned',
      await small()
        .withMetadata({ orientation: 6 })
        .jpeg({ chromaSubsampling: '4:4:4' })
        .toBuffer(),
    ],
    ['jpeg progressive', await small().jpeg({ progressive: true }).toBuffer()],
    ['jpeg grey', await small().greyscale().jpeg().toBuffer()],
    ['png', await small().png().toBuffer()],
    ['png interlaced, alpha', await small().ensureAlpha(0.5).png({ progressive: true }).toBuffer()],
    ['png palette', await small().png({ palette: true }).toBuffer()],
  ]
}

/** All that vision does with the bytes of a frame before a model sees them, and a preview. */
async function look(bytes: Uint8Array): Promise<void> {
  const input = await readPicture(bytes, 'mutated')
  if ('jpeg' in input && hasTurboJpeg()) await jpegLuma(input, gridSize)
  await preprocess(input, spec)
  await previewOf(input, { mask: null, roi: [0.1, 0, 1, 1] })
}

async function run(times: number): Promise<ImageReport> {
  const bases = await makeBases()
  for (const [, bytes] of bases) await look(bytes)
  const report: ImageReport = { codes: {}, slowestCpuMs: 0, slowest: '', rssEarly: 0, rssLate: 0 }
  for (let index = 0; index < times; index++) {
    const [name, base] = bases[index % bases.length]!
    const mutated = mutate(base, `image ${index}`)
    const bytes = name.startsWith('png') && index % 2 ? withPngChecksums(mutated) : mutated
    const before = process.cpuUsage()
    let code = 'decoded'
    try {
      await look(bytes)
    } catch (error) {
      code = describeError(error).code
    }
    const { user, system } = process.cpuUsage(before)
    const cpuMs = (user + system) / 1000
    report.codes[code] = (report.codes[code] ?? 0) + 1
    if (cpuMs > report.slowestCpuMs) {
      Object.assign(report, { slowestCpuMs: cpuMs, slowest: `${name}, number ${index}: ${code}` })
    }
    if (index === Math.floor(times / 10)) report.rssEarly = process.memoryUsage.rss()
  }
  report.rssLate = process.memoryUsage.rss()
  return report
}

const report = await run(Number(process.argv[2]))
process.send!(report, () => process.disconnect())
