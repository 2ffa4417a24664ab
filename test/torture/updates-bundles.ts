// Bundles that somebody tampered with, and installations that are cut off: nothing wrong is taken, and what is there is whole.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { codeOf } from '../helpers/failure.js'
import {
  archiveOf,
  archiveWith,
  type Files,
  lineOf,
  makeArchive,
  makeFiles,
  makeShop,
  resigned,
} from '../helpers/bundles.js'
import { describeError } from '../../src/errors.js'
import { installBundle, type InstallOptions } from '../../src/updates/install.js'
import { generateKey } from '../../src/updates/minisign.js'
import { readActivation, readRatchet, writeActivation } from '../../src/updates/records.js'
import { startChain } from '../../src/updates/start-chain.js'
import { listInstalled, openInstalled } from '../../src/updates/store.js'
import type { Outcome, Row } from './row.js'

/** The same numbers in every run, so that what is found can be found again. */
function random(seed: number): (below: number) => number {
  return below => {
    seed = (seed * 48_271) % 2_147_483_647
    return Math.floor((seed / 2_147_483_647) * below)
  }
}

/** Nobody signs minisign's untrusted comment, and nobody reads it: the first line of the first file. */
const untrusted = { from: 512, to: 512 + 'untrusted comment: signature from grocerd\n'.length }

async function tamper(times: number): Promise<Outcome> {
  const dir = mkdtempSync(join(tmpdir(), 'grocerd-tamper-'))
  const shop = makeShop(dir)
  const { key, options, stateDir } = shop
  const [stranger, revoked] = [generateKey(), generateKey()]
  const trust = { keys: [key.public, revoked.public], revoked: [revoked.public.id] }
  const trusting = { ...options, trust }
  installBundle(await makeArchive(dir, key, 5), trusting)
  const make = async (version = 6, wishes = {}) =>
    (await makeFiles(dir, key, version, wishes)).files as Files
  const good = await make()
  const whole = archiveOf(good)
  const next = random(20_261_125)
  const place = (change: object): InstallOptions => ({
    ...trusting,
    place: { ...options.place, ...change },
  })
  const swapped = (a: number, b: number) =>
    good.map((one, index) => ({
      path: one.path,
      bytes: good[index === a ? b : index === b ? a : index]!.bytes,
    }))
  const needs = async (requires: object) => archiveOf(await make(6, { requires }))
  const arm = await needs({ arch: ['arm64'] })
  const cuda = await needs({ devices: ['CUDA'] })
  const newer = await needs({ grocerd: '99.0.0' })
  const same = await needs({ labels: 'same' })
  const labels = archiveOf(await make(6, { skus: ['tomato', 'lime', 'pear'] }))
  const low = archiveOf(await make(4))
  const again = archiveOf(await make(5, { weights: [1, 2, 3] }))
  const kinds: [string, () => Buffer, InstallOptions?][] = [
    [
      'a flipped bit',
      () => {
        const bytes = Buffer.from(whole)
        let at = next(bytes.length)
        while (at >= untrusted.from && at < untrusted.to) at = next(bytes.length)
        bytes[at]! ^= 1 << next(8)
        return bytes
      },
    ],
    ['cut off', () => whole.subarray(0, next(whole.length))],
    ['files exchanged', () => archiveOf(swapped(2 + next(2), 4 + next(good.length - 4)))],
    [
      'a file left out',
      () =>
        archiveOf(
          good.filter((_, index) => index !== next(good.length - 1)).slice(0, good.length - 1),
        ),
    ],
    ['the key of a stranger', () => archiveOf(resigned(good, stranger, () => {}))],
    ['a revoked key', () => archiveOf(resigned(good, revoked, () => {}))],
    [
      'a signature of something else',
      () => archiveOf([resigned(good, key, m => (m.version = 7))[0]!, ...good.slice(1)]),
    ],
    ['a lower version', () => low],
    ['the same version, other bytes', () => again],
    ['version 2^53', () => archiveOf(resigned(good, key, m => (m.version = 2 ** 53)))],
    [
      'expired',
      () => whole,
      { ...trusting, clock: { now: Date.parse('2028-01-01'), synced: true } },
    ],
    ['another processor', () => arm],
    ['another device', () => cuda],
    ['a newer grocerd', () => newer],
    ['classes left out', () => labels],
    ['classes added', () => same, place({ skus: ['tomato', 'lime'] })],
    ['../', () => archiveWith(good, { path: `${'../'.repeat(1 + next(5))}etc/passwd` })],
    ['an absolute name', () => archiveWith(good, { path: '/etc/cron.d/x' })],
    ['a symbolic link', () => archiveWith(good, { path: 'x', kind: '2', link: '/etc' })],
    ['a hard link', () => archiveWith(good, { path: 'x', kind: '1', link: 'm.onnx' })],
    ['a FIFO', () => archiveWith(good, { path: 'x', kind: '6' })],
    ['a device', () => archiveWith(good, { path: 'x', kind: String(3 + next(2)) })],
    ['a bomb', () => archiveWith(good, { path: 'x', bytes: 1024 ** 3 * (1 + next(7)) })],
    ['a file more', () => archiveWith(good, { path: `x${next(1000)}` })],
    [
      'weights of another model',
      () => {
        const files = good.map(one =>
          one.path === 'm.onnx' ? { ...one, bytes: Buffer.from('no model') } : one,
        )
        return archiveOf(resigned(files, key, m => (m.files = files.slice(2).map(lineOf))))
      },
    ],
  ]
  const wrong: string[] = []
  const codes = new Map<string, number>()
  const path = join(dir, 'tampered.bundle')
  for (let n = 0; n < times; n++) {
    // Half of them are bits and cuts, since there are so many of them.
    const [what, bytes, how = trusting] =
      kinds[n % 2 === 0 ? (n / 2) % 2 : (n >> 1) % kinds.length]!
    writeFileSync(path, bytes())
    const [code] = codeOf(() => installBundle(path, how))
    codes.set(code, (codes.get(code) ?? 0) + 1)
    if (code === 'none') wrong.push(`${what} (number ${n}) was taken`)
  }
  if (listInstalled(stateDir).some(one => one.version !== 5))
    wrong.push('something of them is there')
  writeFileSync(path, whole)
  if (codeOf(() => installBundle(path, trusting))[0] !== 'none')
    wrong.push('what nobody touched is refused, too')
  rmSync(dir, { recursive: true })
  const note = [...codes].map(([code, count]) => `${count} ${code}`).join(', ')
  return { times, lost: 0, duplicated: 0, recoverMs: null, note: `none was taken: ${note}`, wrong }
}

/** Cut before the steps of installing version 3 and making it the active one, evenly spread over all of them. */
async function cut(times: number): Promise<Outcome> {
  const dir = mkdtempSync(join(tmpdir(), 'grocerd-cut-'))
  const { key, options, stateDir, folder } = makeShop(dir)
  const { trust } = options
  installBundle(await makeArchive(dir, key, 2), options)
  const record = {
    name: 'shop',
    previous: null,
    at: '',
    trial: null,
    watch: null,
    rolledBack: null,
  }
  writeActivation(stateDir, { ...record, current: 2 })
  const bundle = await makeArchive(dir, key, 3)
  const before = join(dir, 'before')
  cpSync(stateDir, before, { recursive: true })
  const run = (killAt: number) => {
    rmSync(stateDir, { recursive: true })
    cpSync(before, stateDir, { recursive: true })
    return spawnSync(process.execPath, [
      'test/helpers/update-child.mjs',
      JSON.stringify({
        ...{ bundle, options, killAt },
        record: { ...record, current: 3, previous: 2 },
      }),
    ])
  }
  const steps = Number(run(0).stdout)
  const wrong = steps >= 15 ? [] : [`Expected 15 steps or more but there are ${steps}`]
  let [old, fresh] = [0, 0]
  const check = () => {
    for (const { version } of listInstalled(stateDir))
      openInstalled(stateDir, 'shop', version, trust)
    const { choices, broken } = startChain(stateDir, readActivation(stateDir)!, folder, trust)
    if (choices[0]!.version === 3) fresh++
    else if (choices[0]!.version === 2) old++
    if (broken !== null) wrong.push(broken)
    installBundle(bundle, options)
    openInstalled(stateDir, 'shop', 3, trust)
    const last = readRatchet(stateDir).keys[key.public.id]?.shop?.version
    if (last !== 3) wrong.push(`Expected 3 in the ratchet but it has ${last}`)
  }
  for (let n = 0; n < times; n++) {
    const killAt = 1 + (Math.floor((n * steps) / Math.min(times, steps)) % steps)
    const { signal } = run(killAt)
    if (signal !== 'SIGKILL') wrong.push(`step ${killAt} was not cut`)
    try {
      check()
    } catch (error) {
      wrong.push(`step ${killAt}: ${describeError(error).message}`)
    }
  }
  rmSync(dir, { recursive: true })
  const note = `${steps} steps; ${old} times the whole old model, ${fresh} times the whole new one`
  return { times, lost: 0, duplicated: 0, recoverMs: null, note, wrong }
}

export const bundleRows: Row[] = [
  { fault: 'a tampered model bundle is installed', short: 100, full: 1000, run: tamper },
  {
    fault: 'kill -9 before each step of installing and activating a model',
    short: 6,
    full: 100,
    run: cut,
  },
]
