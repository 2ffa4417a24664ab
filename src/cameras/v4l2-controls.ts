// What v4l2-ctl says of a camera, and the settings that hold its exposure and focus. Reading is pure; `v4l2Ctl` runs it.
import { execFile } from 'node:child_process'

const patienceMs = 3000

/** What v4l2-ctl prints, or null where it is not there or does not like the device. */
export function v4l2Ctl(args: string[]): Promise<string | null> {
  return new Promise(resolve => {
    execFile('v4l2-ctl', args, { timeout: patienceMs, killSignal: 'SIGKILL' }, (error, stdout) =>
      resolve(error ? null : stdout),
    )
  })
}

/** Four letters of the device by what ffmpeg calls it. */
export const formatLetters = { mjpeg: 'MJPG', yuyv422: 'YUYV' } as const

/** Four letters of each pixel format in the output of --list-formats-ext, such as MJPG. */
export const formatsIn = (text: string): string[] =>
  [...text.matchAll(/^\s*\[\d+\]: '(.{4})'/gm)].map(([, name]) => name!.trim())

/** Sizes of one format in the output of --list-formats-ext, each once; none where the camera names only a range. */
export function sizesIn(text: string, format: string): string[] {
  const part = text.split(/^\s*\[\d+\]: /m).find(one => one.startsWith(`'${format.padEnd(4)}'`))
  const sizes = [...(part ?? '').matchAll(/Size: Discrete (\d+x\d+)/g)].map(([, size]) => size!)
  return [...new Set(sizes)]
}

/** Names of controls in the output of --list-ctrls. */
export const controlsIn = (text: string): Set<string> =>
  new Set([...text.matchAll(/^\s*(\w+) 0x[0-9a-f]+ \(/gm)].map(([, name]) => name!))

/** A number: this value; lock: as it is now, and no more by itself. */
export type Lock = number | 'lock' | null

export interface Locks {
  exposure: Lock
  focus: Lock
}

/** [control that ends the automatic, its value], [control of the value], by the names of new and older kernels. */
const names = {
  exposure: {
    manual: ['auto_exposure', 'exposure_auto'],
    off: 1,
    value: ['exposure_time_absolute', 'exposure_absolute'],
  },
  focus: {
    manual: ['focus_automatic_continuous', 'focus_auto'],
    off: 0,
    value: ['focus_absolute'],
  },
} as const

/** The settings for the locks, those that end the automatic first, and what was asked for and is not offered. */
export function settingsFor(
  locks: Locks,
  offered: ReadonlySet<string>,
): { settings: string[]; missing: string[] } {
  const settings: string[] = []
  const missing: string[] = []
  for (const [what, { manual, off, value }] of Object.entries(names)) {
    const lock = locks[what as keyof Locks]
    if (lock === null) continue
    const isOffered = (name: string) => offered.has(name)
    const automatic = manual.find(isOffered)
    const control = value.find(isOffered)
    if (automatic) settings.push(`${automatic}=${off}`)
    if (typeof lock === 'number' && control) settings.push(`${control}=${lock}`)
    // A lens without an automatic is fixed as it is.
    if (typeof lock === 'number' && !control) missing.push(what)
  }
  return { settings, missing }
}
