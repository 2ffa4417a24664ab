// A machine for doctor whose every answer a test may change, and a configuration with one camera to look at with it.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import type { Test } from 'tap'
import { type Finding, findingLine } from '../../src/cli/doctor/finding.js'
import type { Machine } from '../../src/cli/doctor/machine.js'
import type { Tried } from '../../src/cli/doctor/try-models.js'
import { examine } from '../../src/cli/doctor.js'
import { GroceryError } from '../../src/errors.js'
import type { RuntimeName } from '../../src/inference/addon.js'
import type { ClassifierInfo } from '../../src/recognition/classifier.js'

export const info: ClassifierInfo = {
  model: { name: 'shop', version: 2, sha256: 'a'.repeat(64), kind: 'classifier', classes: 81 },
  runtime: { name: 'openvino', version: '2026.4.1', device: 'CPU' },
  labels: [],
  thresholds: { sure: 0.9, auto: null, unknown: 0.3, margin: 0, autoAdd: false, top: 4 },
  loadMs: 123.4,
}

export const found = (runtime: RuntimeName, devices = ['CPU']) => ({
  runtime,
  found: true,
  path: `/lib/${runtime}.so`,
  version: '1.2.3',
  devices,
  tried: [],
})
export const missing = (runtime: RuntimeName) => ({
  runtime,
  found: false,
  devices: [],
  tried: [{ path: '/opt/x', reason: 'no such folder' }],
})

/** What tryModels would yield, and the memory last. */
export const tries = (...all: Tried[]) =>
  async function* () {
    yield* all
  }
const use = { budgetBytes: null, usedBytes: 9e7, peakBytes: 1e8 }
export const memory: Tried = { part: 'memory', memory: { host: use, gpu: null } }
export const model: Tried = { part: 'model', info }

export const healthy: Machine = {
  nodeVersion: '20.20.2',
  arch: 'x64',
  glibcVersion: '2.36',
  cpu: () => ({ model: 'Test CPU', cores: 2, flags: new Set(['avx2', 'avx512_vnni']) }),
  memory: () => ({ totalBytes: 4096 * 1024 ** 2, availableBytes: 2048 * 1024 ** 2 }),
  accelerators: () => [],
  system: async () => ({ os: 'Debian 12', board: 'Advantech X', graphics: [] }),
  clockSynced: async () => true,
  loadAddon: async () => {},
  probeRuntime: async name => found(name),
  probeTurboJpeg: async () => ({ found: true, path: '/lib/libturbojpeg.so.0', tried: [] }),
  acceleratorFiles: () => [],
  deviceFile: () => null,
  stableNames: () => [],
  user: () => ({ name: 'till', isRoot: false, groups: ['video', 'render'] }),
  disk: () => ({ freeBytes: 50e9, totalBytes: 100e9, isMemory: false }),
  v4l2: async () => null,
  tryModels: tries(model, memory),
  program: async () => 'ffmpeg version 5.1.6 Copyright (c) 2000-2024',
  tryListen: async () => {},
  health: async () => null,
  tryBroker: async () => ({ tls: null }),
}

export async function findings(
  machine: Partial<Machine>,
  file: string | null = null,
): Promise<Finding[]> {
  const all: Finding[] = []
  for await (const finding of examine({ ...healthy, ...machine }, file)) all.push(finding)
  return all
}

export const lineOf = (all: Finding[], what: string): string => {
  const finding = all.find(one => one.what === what)
  return finding ? findingLine(finding) : `no finding ${what}`
}

export const throws =
  (code: ConstructorParameters<typeof GroceryError>[0], words: string) => async () => {
    throw new GroceryError(code, words)
  }

export const systemError = (code: string) => async () => {
  throw Object.assign(new Error(`listen ${code}`), { code })
}

/** A configuration with one camera of one picture, all of it in a test folder. */
export async function kiosk(t: Test, extra = ''): Promise<{ root: string; file: string }> {
  const root = t.testdir({ frames: {}, state: {} })
  const picture = sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
  await picture.jpeg().toFile(join(root, 'frames/a.jpg'))
  const file = join(root, 'kiosk.yaml')
  const text = `cameras: [{id: top, source: "dir:frames"}]\noutbox: {dir: state}\n${extra}`
  writeFileSync(file, text)
  return { root, file }
}
