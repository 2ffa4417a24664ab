// The first picture through a loaded model: what is lazy is compiled, and its outputs are known by name.
import { GroceryError } from '../errors.js'
import type { Engine, EngineResult } from './addon.js'

type Outputs = EngineResult['outputs']

/** A grey picture of the model's own size. Throws what infer throws. */
export async function firstRun(
  engine: Engine,
  { width, height }: { width: number; height: number },
): Promise<Outputs> {
  const rgb = new Uint8Array(width * height * 3).fill(128)
  return (await engine.infer({ rgb, width, height })).outputs
}

/** Where the output stands. @param folder of the model, for the message. Throws MODEL_SHAPE_MISMATCH. */
export function placeOf(outputs: Outputs, name: string, folder: string): number {
  const index = outputs.findIndex(output => output.name === name)
  if (index >= 0) return index
  const names = outputs.map(output => output.name).join(', ')
  throw new GroceryError(
    'MODEL_SHAPE_MISMATCH',
    `${folder}: Expected an output "${name}" but the model has ${names}`,
  )
}
