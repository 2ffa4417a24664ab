// A camera for tests: writes noisy JPEG pictures into a FIFO that a daemon reads as file:…?live=1; it can be pulled, stopped or covered.
import { spawnSync } from 'node:child_process'
import { closeSync, constants, openSync, readdirSync, rmSync, writeSync } from 'node:fs'
import { join, resolve } from 'node:path'
import sharp from 'sharp'

const demo = resolve('deploy/demo/pictures')
const grey = { r: 138, g: 138, b: 134 }

export interface View {
  /** A photograph of the demo, such as banana; null: the empty counter. */
  of?: string | null
  width?: number
  height?: number
  /** What the light is multiplied by. */
  light?: number
  /** How far the noise of the sensor goes, of 255. */
  noise?: number
  progressive?: boolean
}

/** A few pictures of the same scene that differ by their noise, as a live sensor gives them. */
export async function pictures(view: View = {}, count = 6): Promise<Buffer[]> {
  const { of = null, width = 320, height = 240, light = 1, noise = 4, progressive = false } = view
  const size = { width, height, fit: 'fill' as const }
  const file = of && readdirSync(demo).find(name => name.endsWith(`-${of}.jpg`))
  if (of && !file) throw new Error(`the demo has no picture of ${of}`)
  const scene = file
    ? sharp(join(demo, file)).resize(size)
    : sharp({ create: { ...size, channels: 3, background: grey } })
  const clean = await scene.removeAlpha().raw().toBuffer()
  return Promise.all(
    Array.from({ length: count }, () => {
      const seen = Buffer.from(
        clean.map(value =>
          Math.max(0, Math.min(255, value * light + (Math.random() - 0.5) * 2 * noise)),
        ),
      )
      return sharp(seen, { raw: { width, height, channels: 3 } })
        .jpeg({ progressive, quality: 85 })
        .toBuffer()
    }),
  )
}

export class FakeCamera {
  readonly path: string
  readonly #periodMs: number
  #pictures: Uint8Array[] = []
  #next = 0
  /** What of a picture the pipe has not taken yet. */
  #rest: Uint8Array | null = null
  #fd: number | null = null
  #plugged = false
  #timer: NodeJS.Timeout | null = null

  /** @param path where the FIFO will be */
  constructor(path: string, fps = 20) {
    this.path = path
    this.#periodMs = 1000 / fps
  }

  get source(): string {
    return `file:${this.path}?live=1`
  }

  /** Makes the FIFO, and writes as soon as somebody reads. */
  start(): void {
    this.appear()
    this.plug()
    this.#timer = setInterval(() => this.#write(), this.#periodMs)
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer)
    this.unplug()
  }

  /** These in turn; none: it stays open and gives nothing; one alone: frozen. */
  show(pictures: Uint8Array[]): void {
    this.#pictures = pictures
  }

  plug(): void {
    this.#plugged = true
  }

  /** The reader sees the end of the pictures. */
  unplug(): void {
    this.#plugged = false
    this.#rest = null
    if (this.#fd !== null) closeSync(this.#fd)
    this.#fd = null
  }

  /** Unplugged, and not even its device file is there. */
  vanish(): void {
    this.unplug()
    rmSync(this.path, { force: true })
  }

  appear(): void {
    rmSync(this.path, { force: true })
    spawnSync('mkfifo', [this.path])
    this.plug()
  }

  #write(): void {
    if (!this.#plugged) return
    try {
      this.#fd ??= openSync(this.path, constants.O_WRONLY | constants.O_NONBLOCK)
      const picture = this.#rest ?? this.#pictures[this.#next++ % this.#pictures.length]
      if (!picture) return
      this.#rest = picture
      const written = writeSync(this.#fd, picture)
      this.#rest = written < picture.length ? picture.subarray(written) : null
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      // Nobody reads yet, the pipe is full, or its file is not there: the next time.
      if (code === 'ENXIO' || code === 'EAGAIN' || code === 'ENOENT') return
      if (code !== 'EPIPE') throw error
      closeSync(this.#fd!)
      this.#fd = null
      this.#rest = null
    }
  }
}
