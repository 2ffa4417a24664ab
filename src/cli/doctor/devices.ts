// The device files of this machine, whose they are, and the stable names of its cameras. Reads /dev, /sys and /etc/group only.
import { accessSync, constants, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { userInfo } from 'node:os'
import { basename, join } from 'node:path'

export interface DeviceFile {
  path: string
  /** The kernel's driver, such as i915; null where nobody can say. */
  driver: string | null
  group: string
  /** Whether this process may read and write it. */
  mayUse: boolean
}

/** A camera by the name that stays, and the device file that it is now. */
export interface StableName {
  name: string
  device: string
}

const orNull = <T>(read: () => T): T | null => {
  try {
    return read()
  } catch {
    return null
  }
}

const list = (folder: string): string[] => orNull(() => readdirSync(folder)) ?? []

/** Name of a group by its number, from the text of /etc/group. */
export const groupIn = (text: string, gid: number): string =>
  new RegExp(`^([^:\\n]+):[^:\\n]*:${gid}:`, 'm').exec(text)?.[1] ?? `${gid}`

const groupName = (gid: number): string =>
  groupIn(orNull(() => readFileSync('/etc/group', 'utf8')) ?? '', gid)

/** null where there is no such file. */
export function deviceFile(path: string, driver: string | null = null): DeviceFile | null {
  const stat = orNull(() => statSync(path))
  if (!stat) return null
  const access = () => accessSync(path, constants.R_OK | constants.W_OK)
  const mayUse = orNull(() => (access(), true)) ?? false
  return { path, driver, group: groupName(stat.gid), mayUse }
}

const driverOf = (sysClass: string, name: string): string | null =>
  orNull(() => basename(readlinkSync(join('/sys/class', sysClass, name, 'device/driver'))))

/** Of GPUs and NPUs; on a Jetson the ones without which nothing of the board works. */
export function acceleratorFiles(): DeviceFile[] {
  const files = [
    ...list('/dev/dri')
      .filter(name => name.startsWith('renderD'))
      .map(name => deviceFile(join('/dev/dri', name), driverOf('drm', name))),
    ...list('/dev/accel').map(name =>
      deviceFile(join('/dev/accel', name), driverOf('accel', name)),
    ),
    ...['/dev/nvidia0', '/dev/nvmap', '/dev/nvhost-gpu'].map(path => deviceFile(path)),
  ]
  return files.filter(file => file !== null)
}

/** Those below /dev/v4l/by-id, else those of /dev/v4l/by-path, which stay with the socket. */
export function stableNames(): StableName[] {
  const below = (folder: string): StableName[] =>
    list(folder).flatMap(name => {
      const target = orNull(() => readlinkSync(join(folder, name)))
      return target === null
        ? []
        : [{ name: join(folder, name), device: `/dev/${basename(target)}` }]
    })
  return [...below('/dev/v4l/by-id'), ...below('/dev/v4l/by-path')]
}

/** Who runs this, and in which groups. A user without an entry in /etc/passwd has its number. */
export function thisUser(): { name: string; isRoot: boolean; groups: string[] } {
  const uid = process.getuid?.() ?? -1
  const name = orNull(() => userInfo().username) ?? `${uid}`
  const groups = (process.getgroups?.() ?? []).map(groupName)
  return { name, isRoot: uid === 0, groups }
}
