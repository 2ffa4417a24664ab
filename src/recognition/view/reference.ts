// The reference picture of a camera's view as a file in the state directory: who replaces it while the camera runs is heard at the next look.
import { mkdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { CameraConfig } from '../../config/schema.js'
import { writeJson } from '../../json-file.js'
import { viewSize } from './compare.js'

/** What a reference is of; with another one it counts for nothing. */
export type View = Pick<CameraConfig, 'roi' | 'rotate' | 'mask'>

const viewOf = ({ roi, rotate, mask }: View) => ({ roi, rotate, mask })

export const referenceFile = (stateDir: string, camera: string): string =>
  join(stateDir, 'cameras', `${camera}.json`)

/** @param luma 0..1 of viewSize, of the roi, without the mask; at wall ms. Throws as the file system does. */
export function writeReference(file: string, view: View, luma: Float32Array, at: number): void {
  const bytes = Uint8Array.from(luma, value => Math.round(value * 255))
  const content = { format: 1, takenAt: new Date(at).toISOString(), view: viewOf(view) }
  mkdirSync(dirname(file), { recursive: true })
  writeJson(file, { ...content, ...viewSize, luma: Buffer.from(bytes).toString('base64') })
}

/** null: there is none, it is of another view, or it cannot be read; the next still picture takes its place. */
export function readReference(file: string, of: View): Float32Array | null {
  try {
    const { format, view, luma } = JSON.parse(readFileSync(file, 'utf8'))
    const bytes = Buffer.from(luma, 'base64')
    const isOurs = format === 1 && JSON.stringify(view) === JSON.stringify(viewOf(of))
    if (!isOurs || bytes.length !== viewSize.columns * viewSize.rows) return null
    return Float32Array.from(bytes, value => value / 255)
  } catch {
    return null
  }
}

/** Another word for each file that was ever there; null: there is none that can be seen. */
export function stampOf(file: string): string | null {
  try {
    const { ino, mtimeMs } = statSync(file)
    return `${ino} ${mtimeMs}`
  } catch {
    return null
  }
}
