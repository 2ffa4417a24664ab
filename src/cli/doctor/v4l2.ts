// Checks of USB cameras: a name that stays, and whether the camera has the format, the size and the locks that are wished for.
import { deviceOf } from '../../cameras/schemes.js'
import {
  controlsIn,
  formatLetters,
  formatsIn,
  settingsFor,
  sizesIn,
} from '../../cameras/v4l2-controls.js'
import type { CameraConfig } from '../../config/schema.js'
import { type Finding, ok, warn } from './finding.js'
import type { Machine } from './machine.js'

type Device = NonNullable<ReturnType<typeof deviceOf>>

/** null where the name is one that stays. */
function checkName(machine: Machine, what: string, { path }: Device): Finding | null {
  if (!/^\/dev\/video\d+$/.test(path)) return null
  const stable = machine.stableNames().find(({ device }) => device === path)
  const remedy = stable
    ? `Write v4l2:${stable.name} instead.`
    : 'Write the name of the camera below /dev/v4l/by-id or by-path instead, where it has one.'
  return warn(what, `${path} may be another camera after a restart`, remedy)
}

function checkFormat(what: string, device: Device, listed: string): Finding {
  const offered = formatsIn(listed)
  const all = offered.join(', ') || 'none'
  const wished = device.format === null ? null : formatLetters[device.format]
  if (wished !== null && offered.length > 0 && !offered.includes(wished)) {
    const remedy = 'Leave format= out of its source, or choose one of these.'
    return warn(what, `has no format ${wished}; it has ${all}`, remedy)
  }
  if (wished === null && offered.length > 0 && !offered.some(one => /^(MJPG|YUYV)$/.test(one))) {
    const remedy = 'Take a camera with MJPEG, or read this one by a gst: pipeline.'
    return warn(what, `has neither MJPG nor YUYV; it has ${all}`, remedy)
  }
  const chosen = wished ?? (offered.includes('MJPG') ? 'MJPG' : 'YUYV')
  const sizes = sizesIn(listed, chosen)
  if (sizes.length > 0 && !sizes.includes(device.size)) {
    const remedy = 'Choose one of these with size= in its source: the driver takes the nearest.'
    return warn(what, `has no ${device.size} in ${chosen}; it has ${sizes.join(', ')}`, remedy)
  }
  return ok(what, `formats ${all}; ${device.size} in ${chosen} is taken`)
}

function checkLocks(what: string, device: Device, listed: string): Finding {
  const { settings, missing } = settingsFor(device.locks, controlsIn(listed))
  if (missing.length === 0) return ok(what, `locks it offers: ${settings.join(', ')}`)
  const keys = missing.map(key => `${key}=`).join(' and ')
  const remedy = `Leave ${keys} out of its source, or set it at the lens or the light.`
  return warn(what, `does not offer ${missing.join(' and ')}: it stays as it is`, remedy)
}

/** Nothing for other sources. Only asks the camera: nothing of it is set. */
export async function* checkV4l2(
  machine: Machine,
  { id, source }: CameraConfig,
): AsyncGenerator<Finding> {
  let device: Device | null
  try {
    device = deviceOf(source)
  } catch {
    // A source that cannot be read is told where it is opened.
    return
  }
  if (!device) return
  const what = `camera ${id}`
  const named = checkName(machine, what, device)
  if (named) yield named
  const file = machine.deviceFile(device.path)
  if (!file) return
  if (!file.mayUse) {
    const { name } = machine.user()
    const remedy = `sudo usermod -aG ${file.group} ${name}, then log in anew; for the service: SupplementaryGroups=${file.group}.`
    yield warn(what, `${device.path} is of the group ${file.group}: ${name} may not use it`, remedy)
    return
  }
  const wantsLock = device.locks.exposure !== null || device.locks.focus !== null
  if ((await machine.program('v4l2-ctl', '--version')) === null) {
    const lost = wantsLock ? 'its exposure and focus are not locked' : 'its formats are not known'
    const remedy = 'apt install v4l-utils.'
    const words = `v4l2-ctl is not found: ${lost}`
    yield wantsLock ? warn(what, words, remedy) : { ...ok(what, words), remedy }
    return
  }
  const formats = await machine.v4l2(['-d', device.path, '--list-formats-ext'])
  if (formats === null) {
    const remedy = 'Look with `v4l2-ctl --list-devices` which of its devices gives pictures.'
    yield warn(what, `${device.path} tells v4l2-ctl nothing: it may be no camera`, remedy)
    return
  }
  yield checkFormat(what, device, formats)
  if (!wantsLock) return
  const controls = await machine.v4l2(['-d', device.path, '--list-ctrls'])
  yield checkLocks(what, device, controls ?? '')
}
