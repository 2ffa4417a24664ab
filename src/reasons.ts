// Reasons of the state that the daemon words itself, from what vision reports in figures.
import { type Config, modelName } from './config/schema.js'
import type { MemoryUse } from './inference/memory-budget.js'
import type { Building, RuntimeState } from './protocol.js'
import type { Reason } from './observe/health.js'

export const insteadOf = (why: string, runsOn: string): string =>
  `${why}; it runs in ${runsOn} instead`

export const isBuilt = (model: string, { device, seconds, runsOn }: Building): Reason => ({
  code: 'MODEL_LOADING',
  message: `${device} builds its engine of ${model}, ${seconds} s so far; it runs in ${runsOn} meanwhile`,
})

export const connecting = (camera: string) => ({
  code: 'CAMERA_CONNECTING',
  message: `camera ${camera} has not given a frame yet`,
})

export const isWithin = ({ host, gpu }: MemoryUse): boolean =>
  [host, gpu].every(one => !one || one.budgetBytes === null || one.usedBytes <= one.budgetBytes)

/** What runs instead of the model as it was wanted is said for as long as it runs. @param tooLarge why; '' where nobody said */
export function standIn(
  fellBack: boolean,
  tooLarge: string,
  { name, device }: RuntimeState,
): Reason | null {
  if (!fellBack) return null
  const message = insteadOf(tooLarge || 'It does not fit as it was wanted', `${name} on ${device}`)
  return { code: 'MEMORY_BUDGET_EXCEEDED', message }
}

/** What is not there yet when the daemon starts, by what it is of. */
export const atStart = ({
  models,
  cameras,
}: Pick<Config, 'models' | 'cameras'>): [string, Reason][] => [
  ['vision', { code: 'MODEL_LOADING', message: `model ${modelName(models)} is being loaded` }],
  ...(cameras.length === 0
    ? [
        [
          'cameras',
          { code: 'NO_CAMERA', message: 'Expected a camera in the configuration but it has none' },
        ] as [string, Reason],
      ]
    : []),
  ...cameras.map(({ id }): [string, Reason] => [`camera:${id}`, connecting(id)]),
]
