// What a camera sees while it is commissioned: the empty counter, a printed page, a lamp's reflection; and a technician at the keyboard.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import sharp from 'sharp'

export const size = { width: 640, height: 480 }
const { width, height } = size

type Rectangle = [x: number, y: number, width: number, height: number, grey: number]

/** Grey pixels: src/sharp.ts lets no SVG in. */
function painted(ground: number, rectangles: readonly Rectangle[]): Buffer {
  const pixels = Buffer.alloc(width * height * 3, ground)
  for (const [left, top, wide, high, grey] of rectangles)
    for (let y = top; y < top + high; y++)
      pixels.fill(grey, (y * width + left) * 3, (y * width + left + wide) * 3)
  return pixels
}

/** Small labels on an even counter: enough to be known again, too little to be a thing. */
const labels = [
  [24, 20],
  [300, 14],
  [590, 24],
  [18, 240],
  [602, 236],
  [28, 440],
  [310, 446],
  [588, 438],
].map(([x, y]): Rectangle => [x!, y!, 14, 9, 232])

/** Lines of bars, as large print has them. */
const print = Array.from({ length: 9 * 12 }, (_, n): Rectangle => {
  const [line, place] = [Math.floor(n / 12), n % 12]
  return [170 + place * 25 + ((n * 7) % 9), 100 + line * 32, 5 + ((n * 5) % 8), 20, 24]
})
const page: Rectangle[] = [[150, 80, 340, 320, 242], ...print]
const lamp: Rectangle[] = [[420, 60, 150, 110, 255]]

/** RGB24 of size. */
export const scenes = {
  empty: painted(138, labels),
  page: painted(138, [...labels, ...page]),
  glary: painted(138, [...labels, ...lamp]),
  dim: painted(30, labels),
  plain: painted(138, []),
}

/** A few pictures of a scene that differ by their noise. @param blur thousandths of the width; light what it is multiplied by */
export async function live(
  scene: Buffer | string,
  { blur = 0, light = [1] as number[] } = {},
): Promise<Buffer[]> {
  const sigma = (blur / 1000) * width
  const input =
    typeof scene === 'string' ? sharp(scene) : sharp(scene, { raw: { width, height, channels: 3 } })
  const whole = input.resize({ width, height, fit: 'fill' }).removeAlpha()
  const clean = await (sigma >= 0.3 ? whole.blur(sigma) : whole)
    .toColourspace('srgb')
    .raw()
    .toBuffer()
  return Promise.all(
    Array.from({ length: 6 }, (_, index) => {
      const factor = light[index % light.length]!
      const seen = Buffer.from(
        clean.map(value =>
          Math.max(
            0,
            Math.min(255, value * factor + (value < 255 ? (Math.random() - 0.5) * 6 : 0)),
          ),
        ),
      )
      return sharp(seen, { raw: { width, height, channels: 3 } })
        .jpeg({ quality: 88 })
        .toBuffer()
    }),
  )
}

const demo = 'deploy/demo/pictures'

export const photograph = (name: string): string =>
  `${demo}/${readdirSync(demo).find(file => file.endsWith(`-${name}.jpg`))}`

export class Technician {
  readonly process: ChildProcess
  readonly ended: Promise<number | string>
  out = ''
  error = ''
  #from: 'out' | 'error' = 'out'
  #read = 0
  #wake = () => {}

  constructor(words: string[]) {
    this.process = spawn(process.execPath, ['dist/main.js', 'commission', ...words])
    this.process.stdout!.on('data', chunk => {
      this.out += chunk
      this.#wake()
    })
    this.process.stderr!.on('data', chunk => {
      this.error += chunk
      this.#wake()
    })
    this.process.stdin!.on('error', () => {})
    this.ended = once(this.process, 'close').then(([code, signal]) => {
      this.#wake()
      return (code ?? signal) as number | string
    })
  }

  /** What it asks comes from there. */
  follows(stream: 'stdout' | 'stderr'): void {
    this.#from = stream === 'stdout' ? 'out' : 'error'
  }

  /** Waits until this is said after what was waited for before, and gives all that was said between. */
  async hears(words: string, ms = 60_000): Promise<string> {
    const until = performance.now() + ms
    for (;;) {
      const said = this[this.#from]
      const at = said.indexOf(words, this.#read)
      if (at >= 0) {
        const between = said.slice(this.#read, at)
        this.#read = at + words.length
        return between
      }
      if (this.process.exitCode !== null || performance.now() > until)
        throw new Error(`not said: ${words}\n${this.out}\n${this.error}`)
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, 500)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  types(line: string): void {
    this.process.stdin!.write(`${line}\n`)
  }
}
