// A video clip made by ffmpeg, for the tests of file: cameras; they skip where ffmpeg is not.
import { spawnSync } from 'node:child_process'

export const hasFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0

/** Ten moving pictures a second. @param size such as 160x120 */
export function makeClip(path: string, seconds: number, size: string): void {
  const source = `testsrc=duration=${seconds}:size=${size}:rate=10`
  spawnSync('ffmpeg', ['-loglevel', 'error', '-f', 'lavfi', '-i', source, path])
}
