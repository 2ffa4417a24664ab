// How far a training is: a bar that is drawn over on a terminal, a few plain lines elsewhere.
import type { Stage } from '../../learn/train/train.js'

export interface Progress {
  /** share is 0..1 of the stage. */
  show(stage: Stage, share: number): void
  end(): void
}

const words: Record<Stage, string> = {
  reading: 'reading pictures',
  embedding: 'looking at pictures',
  fitting: 'fitting and cross-validating',
  writing: 'writing and testing the model',
}
const barLength = 30
/** Without a terminal a line at each of these shares, so that a log stays short. */
const plainSteps = [0, 0.5, 1]

interface Output {
  isTTY?: boolean
  write(text: string): unknown
}

function bar(stage: Stage, share: number): string {
  const full = Math.round(share * barLength)
  const percent = `${Math.floor(share * 100)}`.padStart(3)
  return `${words[stage].padEnd(30)}[${'#'.repeat(full)}${' '.repeat(barLength - full)}] ${percent} %`
}

export function makeProgress(output: Output, images: string): Progress {
  let current: Stage | null = null
  let shown = ''
  let step = 0
  const onTerminal = (stage: Stage, share: number) => {
    const line = bar(stage, share)
    if (line === shown) return
    output.write(`${stage === current || current === null ? '' : '\n'}\r${line}`)
    shown = line
  }
  const plain = (stage: Stage, share: number) => {
    if (stage !== current) step = 0
    let due = false
    while (step < plainSteps.length && share >= plainSteps[step]!) {
      step++
      due = true
    }
    if (due) output.write(`${images}: ${words[stage]}, ${Math.floor(share * 100)} %\n`)
  }
  return {
    show(stage, share) {
      if (output.isTTY) onTerminal(stage, share)
      else plain(stage, share)
      current = stage
    },
    end() {
      if (output.isTTY && current !== null) output.write('\n')
    },
  }
}
