// Walks through the steps, each as often as the technician wants it, and says what came of it.
import { setTimeout as sleep } from 'node:timers/promises'
import { describeError, GroceryError } from '../../errors.js'
import { figureWords, type StepId, stepTitles } from './limits.js'
import { focus, glare, light } from './pictures.js'
import { items } from './items.js'
import { reference } from './reference.js'
import { scale } from './scale.js'
import {
  type Context,
  notDone,
  type Outcome,
  type Step,
  type StepResult,
  type Verdict,
} from './step.js'
import { region } from './region-step.js'
import { calmMs } from './watching.js'

const steps: Record<StepId, Step> = { focus, light, glare, region, scale, items, reference }

export const verdictWords: Record<Verdict, string> = {
  pass: 'pass',
  fail: 'FAIL',
  notDone: 'not done',
  notConfigured: 'not configured',
}

/** Only what was done and is well passes; what is not here cannot be done. */
export const passes = (results: readonly StepResult[]): boolean =>
  results.every(({ verdict }) => verdict === 'pass' || verdict === 'notConfigured')

/** What does not work is a verdict; what ends the whole is not. */
async function measured(step: Step, context: Context): Promise<Outcome> {
  try {
    await sleep(calmMs)
    return await step.run(context)
  } catch (error) {
    const { code, message } = describeError(error)
    if (code === 'COMMISSION_STOPPED' || !(error instanceof GroceryError)) throw error
    const notes = [`${code}: ${message}`]
    return { verdict: 'fail', figures: [], remedies: [error.remedy], notes }
  }
}

function tell({ dialogue }: Context, { verdict, figures, notes = [], remedies }: Outcome): void {
  for (const figure of figures)
    dialogue.say(
      `  ${figure.ok ? 'ok  ' : 'FAIL'}  ${figureWords(figure)}`,
      figure.ok ? 'good' : 'bad',
    )
  for (const note of notes) dialogue.say(`  ${note}`, 'soft')
  dialogue.say(`  => ${verdictWords[verdict]}`, verdict === 'pass' ? 'good' : 'bad')
  for (const remedy of remedies) dialogue.say(`     ${remedy}`)
}

async function take(id: StepId, context: Context): Promise<StepResult> {
  const { dialogue } = context
  const step = steps[id]
  let result: StepResult = { id, tries: 0, ...notDone() }
  for (;;) {
    const keys =
      result.tries === 0 ? 'Enter: measure, s: skip' : 'Enter: measure again, s: leave it so'
    const live = step.live && (() => step.live!(context))
    const answer = await dialogue.ask(`  ${step.wish}\n  ${keys}`, live)
    if (answer === null || /^s$/i.test(answer)) return result
    result = { id, tries: result.tries + 1, ...(await measured(step, context)) }
    tell(context, result)
    if (result.verdict === 'pass' || result.verdict === 'notConfigured' || dialogue.isAlone)
      return result
  }
}

/** Throws COMMISSION_STOPPED. */
export async function walk(ids: readonly StepId[], context: Context): Promise<StepResult[]> {
  const results: StepResult[] = []
  for (const [index, id] of ids.entries()) {
    context.dialogue.say(`\n${index + 1} of ${ids.length}  ${stepTitles[id]}`)
    results.push(await take(id, context))
  }
  context.dialogue.check()
  return results
}
