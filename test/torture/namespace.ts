// A network namespace for mosquitto with two links to it: one that can be spoilt and one that stays good. Needs root, ip, iptables and tc.
import { spawnSync } from 'node:child_process'

const tools = ['ip', 'iptables', 'tc']

const run = (words: string[]): string | null => {
  const [program, ...rest] = words
  const { error, status, stderr } = spawnSync(program!, rest)
  return error || status !== 0 ? `${words.join(' ')}: ${error?.message ?? stderr}` : null
}

/** Why there can be none on this machine, or null. */
export function lossySkip(): string | null {
  if (process.getuid?.() !== 0) return 'only root can make a network namespace'
  for (const tool of tools) {
    if (spawnSync(tool, ['--version']).error && spawnSync(tool, ['-V']).error)
      return `${tool} is not installed`
  }
  const namespace = new Namespace()
  try {
    namespace.start()
    namespace.lose(0.5)
    namespace.mend()
    namespace.narrow('64kbit')
    return null
  } catch (error) {
    return `a lossy link cannot be made: ${(error as Error).message}`
  } finally {
    namespace.stop()
  }
}

export class Namespace {
  private static made = 0
  private readonly id = `${process.pid % 100_000}${Namespace.made++ % 10}`
  private readonly name = `grocerd${this.id}`
  /** Interface names have 15 letters at most; `h` is our end of each link. */
  private readonly bad = [`gb${this.id}h`, `gb${this.id}n`] as const
  private readonly good = [`gg${this.id}h`, `gg${this.id}n`] as const
  /** Of the block for benchmarks of networks, RFC 2544: nobody's real network. */
  private readonly net = `198.18.${process.pid % 200}`
  readonly badHost = `${this.net}.2`
  readonly goodHost = `${this.net}.6`

  /** Words before a program that shall run in it. */
  get runner(): string[] {
    return ['ip', 'netns', 'exec', this.name]
  }

  start(): void {
    this.must('ip', 'netns', 'add', this.name)
    for (const [[ours, theirs], first] of [
      [this.bad, 1],
      [this.good, 5],
    ] as const) {
      this.must('ip', 'link', 'add', ours, 'type', 'veth', 'peer', 'name', theirs)
      this.must('ip', 'link', 'set', theirs, 'netns', this.name)
      this.must('ip', 'addr', 'add', `${this.net}.${first}/30`, 'dev', ours)
      this.must('ip', 'link', 'set', ours, 'up')
      this.inside('ip', 'addr', 'add', `${this.net}.${first + 1}/30`, 'dev', theirs)
      this.inside('ip', 'link', 'set', theirs, 'up')
    }
  }

  /** @param share of the packets that are lost each way. */
  lose(share: number): void {
    for (const [chain, side] of [
      ['INPUT', '-i'],
      ['OUTPUT', '-o'],
    ] as const) {
      const random = ['-m', 'statistic', '--mode', 'random', '--probability', String(share)]
      this.inside('iptables', '-A', chain, side, this.bad[1], ...random, '-j', 'DROP')
    }
  }

  narrow(rate: string): void {
    const limit = ['root', 'tbf', 'rate', rate, 'burst', '2kb', 'latency', '400ms']
    this.must('tc', 'qdisc', 'add', 'dev', this.bad[0], ...limit)
    this.inside('tc', 'qdisc', 'add', 'dev', this.bad[1], ...limit)
  }

  /** Whatever was spoilt. */
  mend(): void {
    this.inside('iptables', '-F')
    run(['tc', 'qdisc', 'del', 'dev', this.bad[0], 'root'])
    run([...this.runner, 'tc', 'qdisc', 'del', 'dev', this.bad[1], 'root'])
  }

  /** The links go with it. */
  stop(): void {
    run(['ip', 'netns', 'del', this.name])
    for (const [ours] of [this.bad, this.good]) run(['ip', 'link', 'del', ours])
  }

  private must(...words: string[]): void {
    const failed = run(words)
    if (failed) throw new Error(failed)
  }

  private inside(...words: string[]): void {
    this.must(...this.runner, ...words)
  }
}
