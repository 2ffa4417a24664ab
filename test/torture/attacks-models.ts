// Attacks by model: damaged weights with a wrong sum, which no runtime may see, and with a right one, which may end vision only.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { noRuntime } from '../helpers/runtimes.js'
import type { ModelAnswer } from '../helpers/model-child.js'
import type { Outcome, Row } from './row.js'

const child = fileURLToPath(new URL('../helpers/model-child.ts', import.meta.url))
const patienceMs = 10_000

/** Starts processes until every model has been tried; one that ends or hangs on a model gives way to the next. */
async function loadAll(times: number, rehash: boolean): Promise<ModelAnswer[]> {
  const folder = mkdtempSync(join(tmpdir(), 'grocerd-models-'))
  const answers: ModelAnswer[] = []
  try {
    while (answers.length < times) {
      const args = [folder, String(answers.length), String(times), rehash ? 'rehash' : 'keep']
      const vision = fork(child, args, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
      answers.push(...(await answersOf(vision, answers.length)))
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return answers
}

async function answersOf(vision: ChildProcess, first: number): Promise<ModelAnswer[]> {
  const answers: ModelAnswer[] = []
  let begun = first
  // Until the first word it is Node that starts.
  let timer = setTimeout(() => vision.kill('SIGKILL'), 60_000)
  vision.on('message', message => {
    const answer = message as ModelAnswer
    clearTimeout(timer)
    timer = setTimeout(() => vision.kill('SIGKILL'), patienceMs)
    begun = answer.index
    if (answer.code !== 'begun') answers.push(answer)
  })
  const [code, signal] = (await once(vision, 'exit')) as [number | null, string | null]
  clearTimeout(timer)
  const last = answers.at(-1)?.index ?? first - 1
  // One that ends before its first word would be started for ever.
  if (last < begun) answers.push({ index: begun, code: signal ?? `exit ${code}`, ms: 0 })
  else if (code !== 0) answers.push({ index: last + 1, code: signal ?? `exit ${code}`, ms: 0 })
  return answers
}

function outcomeOf(answers: ModelAnswer[], wrong: string[]): Outcome {
  const codes = new Map<string, number>()
  for (const { code } of answers) codes.set(code, (codes.get(code) ?? 0) + 1)
  const slowest = Math.round(Math.max(...answers.map(one => one.ms)))
  const counts = [...codes].sort((a, b) => b[1] - a[1]).map(([code, count]) => `${code} ${count}`)
  const note = `slowest ${slowest} ms; ${counts.join(', ')}`
  return { times: answers.length, lost: 0, duplicated: 0, recoverMs: null, note, wrong }
}

const wrongSum: Row = {
  fault: 'mutated models whose sum is wrong',
  short: 200,
  full: 10_000,
  skip: () => noRuntime || null,
  async run(times) {
    const answers = await loadAll(times, false)
    const passed = answers.filter(one => one.code !== 'MODEL_HASH_MISMATCH')
    return outcomeOf(
      answers,
      passed.slice(0, 5).map(({ index, code }) => `model ${index}: ${code}`),
    )
  },
}

const rightSum: Row = {
  fault: 'mutated models whose sum is right: what signs them is to blame, the daemon lives',
  short: 200,
  full: 10_000,
  skip: () => noRuntime || null,
  async run(times) {
    const answers = await loadAll(times, true)
    // A runtime that ends the process is what the process of its own is for; a hang would be ours to end.
    const bad = answers.filter(one => /^(SIGKILL|INTERNAL|exit .*)$/.test(one.code))
    return outcomeOf(
      answers,
      bad.slice(0, 5).map(({ index, code }) => `model ${index}: ${code}`),
    )
  },
}

export const modelRows = [wrongSum, rightSum]
