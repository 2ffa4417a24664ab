// Which camera announces, how long it may be silent, and which one a command names.
import type { CameraConfig } from './config/schema.js'
import { GroceryError } from './errors.js'

/** Several cameras are views of one surface: the first that counts items announces, the others vote. */
export const leaderOf = (cameras: readonly CameraConfig[]): CameraConfig | null =>
  cameras.find(({ mode }) => mode !== 'stream' && mode !== 'shadow') ?? null

/** Three frames' time, and a second at least: a shorter silence is jitter. */
export const blindMs = (camera: Pick<CameraConfig, 'fps'> | null): number =>
  Math.max(1000, 3000 / (camera?.fps ?? 10))

/** The camera of this id. Throws CAMERA_UNKNOWN. */
export function expectCamera<T extends { id: string }>(cameras: Iterable<T>, id: string): T {
  const all = [...cameras]
  const found = all.find(one => one.id === id)
  if (found) return found
  const ids = all.map(one => one.id).join(', ') || 'none'
  throw new GroceryError('CAMERA_UNKNOWN', `Expected one of the cameras ${ids} but received ${id}`)
}
