// Which camera announces, and how long it may be silent.
import type { CameraConfig } from './config/schema.js'

/** Several cameras are views of one surface: the first that counts items announces, the others vote. */
export const leaderOf = (cameras: readonly CameraConfig[]): CameraConfig | null =>
  cameras.find(({ mode }) => mode !== 'stream' && mode !== 'shadow') ?? null

/** Three frames' time, and a second at least: a shorter silence is jitter. */
export const blindMs = (camera: Pick<CameraConfig, 'fps'> | null): number =>
  Math.max(1000, 3000 / (camera?.fps ?? 10))
