// A shop that sells: mosquitto, a daemon, a fake camera, and a scripted till of its own process; each of them can be killed at a message.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Line } from '../../src/cli/till-sim/book.js'
import type { Step } from '../../src/cli/till-sim/scripts.js'
import { freePort, startMosquitto, type TestBroker } from './brokers.js'
import { Listener, type RunningDaemon, startDaemon } from './daemon.js'
import { FakeCamera } from './fake-camera.js'
import { sleep, until, visionOf } from './lane.js'
import { type Lying, trayPainter } from './tray-pictures.js'

export const victims = ['daemon', 'vision', 'broker', 'till'] as const
export type Victim = (typeof victims)[number]

export interface Passed {
  message: number | null
  way: 'sent' | 'heard'
  topic: string
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a test looks into whatever came
  payload: any
}

export interface Sold {
  passed: Passed[]
  /** The steps of the script, each with how many messages had passed when it began. */
  steps: { step: Step; from: number }[]
  receipt: Line[]
  lines: Line[]
  touches: number
  messages: number
  /** The victim was killed. */
  killed: boolean
}

/** What the pictures lag behind the shopper's hand, and how long that is over the tray, ms. */
const laggingMs = 700
const handMs = 400

/** How high each thing is, of the picture's height: a pack hides what it is put on. */
const highOf = (sku: string): number => (sku === 'bravo-orange-juice' ? 0.6 : 0.34)

export class SaleShop {
  readonly camera: FakeCamera
  readonly wrong: string[] = []
  broker!: TestBroker
  daemon!: RunningDaemon
  till!: Listener
  #mending: Promise<unknown> = Promise.resolve()
  #next = 0
  /** On the tray, each on the one before. */
  #lies: Lying[] = []
  #paint!: Awaited<ReturnType<typeof trayPainter>>

  constructor(readonly dir: string) {
    this.camera = new FakeCamera(join(dir, 'camera'))
  }

  async start(): Promise<void> {
    this.#paint = await trayPainter()
    this.camera.start()
    this.camera.show(await this.#paint([]))
    this.broker = await startMosquitto(this.dir, undefined, await freePort())
    this.till = new Listener(this.broker.url)
    await this.#startDaemon()
    await this.#ready()
  }

  async stop(): Promise<void> {
    await this.#mending
    this.daemon?.process.kill('SIGKILL')
    await this.daemon?.ended
    await this.till?.stop()
    await this.broker?.stop()
    this.camera.stop()
  }

  /** Plays a sale to its end; the victim is killed at the message of that number, and comes back by itself. */
  async sell(
    script: string,
    kill: { victim: Victim; at: number } | null = null,
    more: string[] = [],
  ): Promise<Sold> {
    const session = `s${++this.#next}`
    const dir = join(this.dir, 'till')
    mkdirSync(dir, { recursive: true })
    const sold: Sold = {
      ...{ passed: [], steps: [], receipt: [], lines: [], touches: 0, messages: 0, killed: false },
    }
    const words = [
      ...[
        'dist/main.js',
        'till-sim',
        '--json',
        '--url',
        this.broker.url,
        '--topic',
        'grocerd/test',
      ],
      ...['--dir', dir, '--session', session, '--script', script, ...more],
    ]
    const crash = kill?.victim === 'till' ? ['--crash-at', String(kill.at)] : []
    let code = await this.#run([...words, ...crash], sold, kill)
    if (code === 'SIGKILL') {
      sold.killed = true
      code = await this.#run(words, sold, null)
    }
    await this.#mending
    if (code !== 0) this.wrong.push(`${session}: the till ended with ${code}`)
    await this.#isOver(session)
    return sold
  }

  async #run(words: string[], sold: Sold, kill: { victim: Victim; at: number } | null) {
    const child = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] })
    child.stdin.on('error', () => {})
    const ended = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string)
    const lines = createInterface({ input: child.stdout })
    lines.on('line', line => {
      const said = JSON.parse(line)
      if (said.shopper) void this.#do(said.shopper, child)
      else if (said.step) sold.steps.push({ step: said.step, from: sold.passed.length })
      else if (said.receipt) Object.assign(sold, said)
      else {
        sold.passed.push(said)
        if (said.message === null) return
        sold.messages = said.message
        if (kill && kill.victim !== 'till' && said.message === kill.at && !sold.killed) {
          sold.killed = true
          this.#mending = this.#kill(kill.victim)
        }
      }
    })
    const closed = once(lines, 'close')
    const code = await ended
    await closed
    return code
  }

  /** A hand comes, does it, and goes. */
  async #do(step: Step, till: ChildProcess): Promise<void> {
    this.camera.show(await this.#paint(this.#lies, true))
    await sleep(handMs)
    // Said again after a crash, it is done already.
    const below = this.#lies.slice(0, 1)
    const on = 'what' in step ? [{ sku: step.what, high: highOf(step.what) }] : []
    if (step.do === 'lay') this.#lies = on
    else if (step.do === 'cover') this.#lies = [...below, ...on]
    else this.#lies = step.do === 'uncover' ? below : []
    this.camera.show(await this.#paint(this.#lies))
    await sleep(laggingMs)
    till.stdin?.write('\n')
  }

  /** kill -9, and what a supervisor does after it. */
  async #kill(victim: Exclude<Victim, 'till'>): Promise<void> {
    if (victim === 'vision') {
      const pid = visionOf(this.daemon)
      if (pid) process.kill(pid, 'SIGKILL')
    } else if (victim === 'daemon') {
      this.daemon.process.kill('SIGKILL')
      await this.daemon.ended
      await this.#startDaemon()
    } else {
      await this.broker.stop()
      this.broker = await startMosquitto(this.dir, undefined, this.broker.port)
    }
  }

  async #startDaemon(): Promise<void> {
    this.daemon = await startDaemon(this.dir, {
      cameras: [{ id: 'counter', source: this.camera.source, fps: 10, mode: 'tray' }],
      mqtt: {
        url: this.broker.url,
        commands: ['recognise', 'confirm', 'session', 'resend', 'verify'],
      },
    })
  }

  #newest = (topic: string) => this.till.heard.findLast(one => one.topic === topic)?.message

  async #ready(): Promise<void> {
    await until(() => this.#newest('state')?.readiness === 'ready', 'ready', 60_000)
  }

  /** The kiosk knows that the session is over, and sold no thing by two lines. */
  async #isOver(session: string): Promise<void> {
    const isOver = () => this.#newest('basket')?.session === null
    await until(isOver, 'end of the session', 20_000).catch(error => {
      this.wrong.push(`${session}: ${error.message}`)
    })
    await this.#ready().catch(error => this.wrong.push(`${session}: ${error.message}`))
    const lineOf = new Map<string, string>()
    for (const { session: of, item } of this.till.events()) {
      if (of !== session || item.lineId === null) continue
      const known = lineOf.get(item.itemId)
      if (known !== undefined && known !== item.lineId)
        this.wrong.push(`${session}: ${item.itemId} is sold by ${known} and ${item.lineId}`)
      lineOf.set(item.itemId, item.lineId)
    }
  }
}
